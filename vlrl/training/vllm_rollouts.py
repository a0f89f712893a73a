"""Rollouts by vLLM, in the trainer's process or on a server, through TRL's backend.

Weight sync, sleep, tensor parallelism and the request itself stay TRL's.  What is replaced is what
goes wrong there for the Qwen-VL families:

- colocated, TRL 1.16 sends prompts whose picture tokens are expanded, and vLLM expands them again
  (trl#6401); here vLLM gets one placeholder for each picture;
- colocated, every row is a request of its own; here equal rows are one, with `n` completions;
- nothing forbids a completion to contain picture tokens; here they have a logit bias;
- nothing compares the prompt that vLLM read with the one that is trained on; here it must be equal.

The real vLLM was not run in this project: the tests drive this module with a fake of the same
interface, on the tiny model.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from accelerate.utils import gather_object
from PIL import Image
from trl.generation.vllm_generation import VLLMGeneration
from trl.import_utils import is_vllm_available

from vlrl.contracts import Media, Sample, UserError
from vlrl.media import load_image
from vlrl.models import Loaded
from vlrl.models.inputs import grid_of
from vlrl.training.questions import Questions

BAN = -100.0
"""The logit bias of a token that must not be written: the lowest that vLLM takes."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One row: a prompt of which one completion is wanted."""

    sample: str  # its id
    ids: list[int]  # as the trainer reads the prompt, pictures expanded to their tokens
    short_ids: list[int]  # with one placeholder for each picture
    images: list[Image.Image]  # in the size that the model sees


@dataclass(frozen=True, kw_only=True)
class Row:
    """What TRL reads of a vLLM `RequestOutput`, with one of its completions."""

    prompt_token_ids: list[int]
    outputs: list[Any]


def check_installed() -> None:
    """Raises UserError where there is no vLLM."""
    if not is_vllm_available():
        raise UserError(
            "train.use_vllm: vLLM is not installed; pip install 'trl[vllm]', or leave use_vllm out"
        )


def check_images(samples: Sequence[Sample]) -> None:
    """Raises UserError where a sample has media other than images.

    TRL's server takes only images, and vLLM drops the times of a Qwen2.5-VL video's frames.
    """
    for sample in samples:
        for medium in sample.media:
            if medium.kind != "image":
                raise UserError(
                    f"train.use_vllm: sample {sample.id} has media of kind {medium.kind}, and "
                    "rollouts by vLLM take images only; leave use_vllm out"
                )


def requests(questions: Questions, indices: Sequence[int]) -> list[Request]:
    """Rows that name a sample -> their requests; rows of one sample share one."""
    made = {index: _request(questions, index) for index in dict.fromkeys(indices)}
    return [made[index] for index in indices]


def _request(questions: Questions, index: int) -> Request:
    loaded, sample, question = questions.loaded, questions.samples[index], questions[index]
    return Request(
        sample=sample.id,
        ids=question.ids,
        short_ids=loaded.tokenizer(question.text)["input_ids"],
        images=[_as_seen(loaded, medium) for medium in sample.media],
    )


def _as_seen(loaded: Loaded, medium: Media) -> Image.Image:
    """In the size that the trainer's processor gives it, which vLLM's then leaves alone.

    So the picture limits of the recipe hold there too.
    """
    image = load_image(medium)
    _, rows, columns = grid_of(loaded, image.size)
    patch_px = loaded.processor.image_processor.patch_size
    return image.resize((columns * patch_px, rows * patch_px), Image.Resampling.BICUBIC)


class Backend:
    """TRL's `VLLMGeneration` over requests; the trainer calls it as it would call that one."""

    def __init__(self, generation: VLLMGeneration, banned: Sequence[int]) -> None:
        """`banned`: token ids that no completion may contain."""
        self._generation = generation
        self._samples: dict[tuple[int, ...], str] = {}  # prompt -> id, of the current batch
        options = generation.generation_kwargs
        bias = {**options.get("logit_bias", {}), **dict.fromkeys(banned, BAN)}
        generation.generation_kwargs = {**options, "logit_bias": bias}
        self._is_served = generation.mode == "server"
        if self._is_served:
            self._place_features: Callable[..., Any] = generation._place_features
            generation._place_features = self._placed
        else:
            generation.llm.generate = merging_equal_rows(generation.llm.generate)

    def sync_weights(self) -> None:
        self._generation.sync_weights()

    def generate(
        self, prompts: Sequence[Request], images: None, num_generations: int, profiler: Any = None
    ) -> tuple[list[list[int]], list[list[int]], Any, Any]:
        """One completion of each request, in order; returns what TRL's returns.

        Raises UserError where vLLM read a prompt otherwise than the trainer does.
        """
        if self._is_served:
            named = gather_object([(tuple(each.ids), each.sample) for each in prompts])
            self._samples = dict(named)
        read, *written = self._generation.generate(
            prompts=[each.ids if self._is_served else each.short_ids for each in prompts],
            images=[each.images or None for each in prompts],
            num_generations=num_generations,
            profiler=profiler,
        )
        for request, ids in zip(prompts, read, strict=True):
            if list(ids) != request.ids:
                raise _read_otherwise(request.sample, len(ids), len(request.ids), "its prompt")
        return read, *written

    def _placed(self, features: dict | None, prompt_ids: list[int]) -> dict | None:
        """The server's features of a prompt's pictures at their places among the trainer's tokens.

        TRL moves them there whatever their number.
        """
        if features is None:
            return None
        placed = self._place_features(features, prompt_ids)
        theirs, ours = _num_tokens(features), _num_tokens(placed)
        for number, (found, expected) in enumerate(zip(theirs, ours, strict=True), start=1):
            if found != expected:
                sample = self._samples[tuple(prompt_ids)]
                raise _read_otherwise(sample, found, expected, f"picture {number}")
        return placed


def _num_tokens(features: dict) -> list[int]:
    """Of each picture."""
    return [place["length"] for place in features["mm_placeholders"]["image"]]


def _read_otherwise(sample: str, found: int, expected: int, what: str) -> UserError:
    return UserError(
        f"sample {sample}: vLLM reads {what} as {found} tokens, the trainer as {expected}; "
        "keep min_pixels and max_pixels of the recipe within the size limits of the model's "
        "preprocessor_config.json, and start a server from the recipe's model with the same limits "
        "(--mm-processor-kwargs)"
    )


def merging_equal_rows(generate: Callable[..., list[Any]]) -> Callable[..., list[Row]]:
    """`LLM.generate`, asked once for rows that follow each other and are equal."""

    def merged(prompts: list[dict], sampling_params: Any, use_tqdm: bool) -> list[Row]:
        runs = [(prompt, len(list(rows))) for prompt, rows in itertools.groupby(prompts)]
        outputs = generate(
            [prompt for prompt, _ in runs],
            sampling_params=[_of(count, sampling_params) for _, count in runs],
            use_tqdm=use_tqdm,
        )
        return [
            Row(prompt_token_ids=output.prompt_token_ids, outputs=[completion])
            for output in outputs
            for completion in output.outputs
        ]

    return merged


def _of(count: int, sampling_params: Any) -> Any:
    """The same sampling, of so many completions."""
    changed = copy.copy(sampling_params)
    changed.n = count
    return changed
