"""A small vLLM: the part of its interface that TRL uses, over transformers on the CPU.

As the real one it takes token ids with one placeholder for each picture, expands them by its own
processor, and returns the expanded prompt with the log-probabilities of what it drew.  `install`
puts it where TRL looks for vLLM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AutoModelForImageTextToText, LogitsProcessor, LogitsProcessorList
from trl.generation import vllm_generation
from trl.import_utils import is_vllm_available

from vlrl import models
from vlrl.models import load_processor
from vlrl.training import vllm_rollouts

PROCESS_VARIABLES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # TRL's


@dataclass(kw_only=True)
class SamplingParams:
    n: int = 1
    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    max_tokens: int = 16
    logprobs: int | None = None
    logit_bias: dict[int, float] = field(default_factory=dict)


@dataclass(kw_only=True)
class Logprob:
    logprob: float
    rank: int


@dataclass(kw_only=True)
class CompletionOutput:
    token_ids: list[int]
    logprobs: list[dict[int, Logprob]]


@dataclass(kw_only=True)
class RequestOutput:
    prompt_token_ids: list[int]
    outputs: list[CompletionOutput]


class Bias(LogitsProcessor):
    def __init__(self, bias: dict[int, float]) -> None:
        self.bias = bias

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        biased = scores.clone()
        for token, value in self.bias.items():
            biased[:, token] += value
        return biased


class LLM:
    """Remembers what it was asked and answered, and the names of the weights it got.

    As of the real one, the log-probabilities are `raw_logprobs` of the model alone, or
    `processed_logprobs` after the bias, as TRL asks for.
    """

    logprobs_mode = "processed_logprobs"

    def __init__(self, *, model: str, **options: Any) -> None:
        self.options = options
        self.processor = load_processor(model)
        self.model = AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32).eval()
        self.prompts: list[list[dict]] = []
        self.sampling: list[list[SamplingParams]] = []
        self.written: list[list[int]] = []
        self.loaded: list[str] = []
        runner = SimpleNamespace(model=SimpleNamespace(load_weights=self.load_weights))
        worker = SimpleNamespace(model_runner=runner)
        self.llm_engine = SimpleNamespace(model_executor=SimpleNamespace(driver_worker=worker))

    def load_weights(self, weights: Sequence[tuple[str, torch.Tensor]]) -> None:
        known = dict(self.model.named_parameters())
        for name, value in weights:
            known[name].data.copy_(value)
            self.loaded.append(name)

    def reset_prefix_cache(self) -> None:
        pass

    def generate(
        self, prompts: list[dict], *, sampling_params: list[SamplingParams], use_tqdm: bool
    ) -> list[RequestOutput]:
        self.prompts.append(prompts)
        self.sampling.append(sampling_params)
        return [self.complete(*each) for each in zip(prompts, sampling_params, strict=True)]

    def expanded(self, prompt: dict) -> tuple[list[int], dict[str, torch.Tensor]]:
        """Token ids in which the picture tokens, one for each picture, became as many as it has.

        Those beyond the number of pictures stay as they are, as in vLLM.
        """
        pictures = prompt.get("multi_modal_data", {}).get("image", [])
        if not pictures:
            return prompt["prompt_token_ids"], {}
        vision = self.processor.image_processor(images=pictures, return_tensors="pt")
        per_token = self.processor.image_processor.merge_size**2
        numbers = iter((vision["image_grid_thw"].prod(-1) // per_token).tolist())
        picture = self.model.config.image_token_id
        ids = []
        for token in prompt["prompt_token_ids"]:
            ids += [token] * (next(numbers, 1) if token == picture else 1)
        return ids, dict(vision)

    @torch.no_grad()
    def complete(self, prompt: dict, sampling: SamplingParams) -> RequestOutput:
        ids, vision = self.expanded(prompt)
        types = [[int(token == self.model.config.image_token_id) for token in ids]]
        drawn = self.model.generate(
            input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=int),
            mm_token_type_ids=torch.tensor(types), **vision,
            num_return_sequences=sampling.n, do_sample=True, temperature=sampling.temperature,
            top_k=sampling.top_k, max_new_tokens=sampling.max_tokens,
            logits_processor=LogitsProcessorList([Bias(sampling.logit_bias)]),
            return_dict_in_generate=True, output_scores=True, output_logits=True,
        )  # fmt: skip
        raw = self.logprobs_mode == "raw_logprobs"
        logprobs_TBV = torch.stack(drawn.logits if raw else drawn.scores).log_softmax(-1)
        written_BT = drawn.sequences[:, len(ids) :]
        outputs = [self.ended(row, logprobs_TBV[:, i]) for i, row in enumerate(written_BT)]
        self.written += [output.token_ids for output in outputs]
        return RequestOutput(prompt_token_ids=ids, outputs=outputs)

    def ended(self, ids: torch.Tensor, logprobs_TV: torch.Tensor) -> CompletionOutput:
        """Up to the first token that ends a completion, with it."""
        ends = torch.tensor(self.model.generation_config.eos_token_id)
        places = torch.nonzero(torch.isin(ids, ends)).flatten().tolist()
        kept = ids[: places[0] + 1 if places else len(ids)].tolist()
        return CompletionOutput(
            token_ids=kept,
            logprobs=[
                {token: Logprob(logprob=float(row[token]), rank=1)}
                for token, row in zip(kept, logprobs_TV, strict=False)
            ],
        )


class Client:
    """TRL's client of a vLLM server, with a server behind it."""

    def __init__(self, **_: Any) -> None:
        self.llm = LLM(model=models.resolve("tiny"))
        self.asked: list[dict[str, Any]] = []

    def init_communicator(self, device: Any) -> None:
        pass

    def get_server_info(self) -> dict[str, Any]:
        return {"model_config": {"logprobs_mode": "processed_logprobs"}}

    def update_named_params(self, metadata: list, parameters: Any) -> None:
        for each in parameters:  # one at a time: adapters are unmerged after the last
            self.llm.load_weights([each])

    def reset_prefix_cache(self) -> None:
        pass

    def image_features(self, images: list[list | None]) -> list[dict | None]:
        return [self.features(each) if each else None for each in images]

    def features(self, pictures: list) -> dict[str, Any]:
        picture = self.llm.model.config.image_token_id
        lengths = [len(self.llm.expanded(_prompt([picture], [each]))[0]) for each in pictures]
        places = [{"offset": 0, "length": length} for length in lengths]
        return {"mm_placeholders": {"image": places}, "pictures": pictures}

    def generate(
        self, prompts: list[list[int]], features: list[dict | None] | None, n: int, **options: Any
    ) -> dict[str, Any]:
        self.asked.append({"prompts": prompts, "n": n, **options})
        sampling = SamplingParams(
            n=n, max_tokens=options["max_tokens"], temperature=options["temperature"],
            logit_bias=options["generation_kwargs"]["logit_bias"],
        )  # fmt: skip
        picture = self.llm.model.config.image_token_id
        outputs = []
        for ids, found in zip(prompts, features or [None] * len(prompts), strict=True):
            short = [
                token
                for token, before in zip(ids, [None, *ids], strict=False)
                if not token == before == picture
            ]
            outputs.append(
                self.llm.complete(_prompt(short, (found or {}).get("pictures")), sampling)
            )
        logprobs, token_ids = vllm_generation.extract_logprobs(outputs)
        return {
            "prompt_ids": prompts,
            "completion_ids": [each.token_ids for output in outputs for each in output.outputs],
            "logprobs": logprobs,
            "logprob_token_ids": token_ids,
        }


def _prompt(ids: list[int], pictures: list | None) -> dict[str, Any]:
    prompt: dict[str, Any] = {"prompt_token_ids": ids}
    return {**prompt, "multi_modal_data": {"image": pictures}} if pictures else prompt


def install(patch: pytest.MonkeyPatch) -> None:
    """Make TRL and vlrl believe that vLLM is installed, and a server of the tiny model running."""
    assert not is_vllm_available()
    for name in PROCESS_VARIABLES:  # TRL writes them; set here, they are undone with the patch
        patch.setenv(name, "")
        patch.delenv(name)
    patch.setattr(vllm_rollouts, "is_vllm_available", lambda: True)
    patch.setattr(vllm_generation, "is_vllm_available", lambda: True)
    patch.setattr(vllm_generation, "LLM", LLM, raising=False)
    patch.setattr(vllm_generation, "SamplingParams", SamplingParams, raising=False)
    patch.setattr(vllm_generation, "VLLMClient", Client)
