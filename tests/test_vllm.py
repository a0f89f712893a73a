"""Rollouts by vLLM: what it is sent, what is made of its answers, and what is refused.

A fake of vLLM's interface (`fake_vllm.py`) takes its place, on the tiny model.
"""

import dataclasses
import math
from pathlib import Path
from typing import Any

import fake_vllm
import numpy as np
import pytest
import torch
from films import film
from lengths_runs import GROUP, LORA, TASK, make_trainer, recipe, rollouts, samples
from PIL import Image

from vlrl import models
from vlrl.contracts import Sample, UserError
from vlrl.media import image_reference, video_reference
from vlrl.training import grpo, setup, vllm_rollouts
from vlrl.training.questions import Questions
from vlrl.training.trainer import Trainer

pytestmark = pytest.mark.slow

MODES = ("colocate", "server")
NEAR = 1e-3  # between the log-probabilities of vLLM and the trainer


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_vllm.install(monkeypatch)


def by_vllm(output: Path, mode: str, spec: str = "mixed:12", **changes: Any) -> Trainer:
    train = {"use_vllm": True, "vllm_mode": mode, **changes.pop("train", {})}
    return make_trainer(output, spec, train=train, **changes)


def behind(trainer: Trainer) -> fake_vllm.LLM:
    """The engine that the trainer's completions come from."""
    generation = trainer.vllm_generation._generation
    return generation.llm if generation.mode == "colocate" else generation.vllm_client.llm


@pytest.mark.slow
@pytest.mark.parametrize("lora", [None, LORA])
@pytest.mark.parametrize("mode", MODES)
def test_a_run_draws_from_the_weights_of_every_step(
    tmp_path: Path, mode: str, lora: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the ban of picture tokens, the log-probabilities are the trainer's own."""
    monkeypatch.setattr(fake_vllm.LLM, "logprobs_mode", "raw_logprobs")
    trainer = by_vllm(tmp_path, mode, lora=lora)
    trainer.train()
    steps = [each for each in trainer.state.log_history if "loss" in each]
    assert len(steps) == 2
    for step in steps:
        assert step["sampling/sampling_logp_difference/max"] < NEAR
        assert step["sampling/importance_sampling_ratio/mean"] == pytest.approx(1, abs=NEAR)
    llm = behind(trainer)
    assert (
        len(llm.loaded) == 2 * len(set(llm.loaded)) == 2 * len(dict(llm.model.named_parameters()))
    )
    decode = trainer.loaded.tokenizer.decode
    recorded = [row["completion"] for row in rollouts(tmp_path)]
    assert recorded == [decode(ids, skip_special_tokens=True) for ids in llm.written]
    assert len(set(recorded)) > GROUP


@pytest.mark.slow
def test_a_prompt_and_its_pictures_are_sent_once_and_short(tmp_path: Path) -> None:
    trainer = by_vllm(tmp_path, "colocate", train={"max_steps": 1})
    trainer.train()
    [prompts], [sampling] = behind(trainer).prompts, behind(trainer).sampling
    assert [each.n for each in sampling] == [GROUP, GROUP]
    groups = [rows["sample"] for rows in rollouts(tmp_path)[::GROUP]]
    known = {sample.id: sample for sample in samples("mixed:12")}
    for prompt, name in zip(prompts, groups, strict=True):
        pictures = prompt["prompt_token_ids"].count(trainer.loaded.config.image_token_id)
        assert pictures == len(known[name].media)
        assert ("multi_modal_data" in prompt) == bool(pictures)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_tokens_of_pictures_are_banned(tmp_path: Path, mode: str) -> None:
    own = {"logit_bias": {7: 1.0}}
    trainer = by_vllm(tmp_path, mode, train={"max_steps": 1, "generation_kwargs": own})
    trainer.train()
    config = trainer.loaded.config
    banned = {
        config.image_token_id, config.video_token_id,
        config.vision_start_token_id, config.vision_end_token_id,
    }  # fmt: skip
    expected = {7: 1.0, **dict.fromkeys(banned, -100.0)}
    if mode == "colocate":
        asked = [each.logit_bias for each in behind(trainer).sampling[0]]
    else:
        client = trainer.vllm_generation._generation.vllm_client
        asked = [each["generation_kwargs"]["logit_bias"] for each in client.asked]
        assert [each["n"] for each in client.asked] == [GROUP]
    assert asked == [expected] * len(asked)
    assert own == {"logit_bias": {7: 1.0}}


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_the_log_probabilities_it_drew_with_correct_the_loss(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were they all smaller by 0.7, every token would weigh e^0.7 as much."""
    monkeypatch.setattr(fake_vllm.LLM, "logprobs_mode", "raw_logprobs")
    ended = fake_vllm.LLM.ended

    def less(self: Any, *arguments: Any) -> fake_vllm.CompletionOutput:
        output = ended(self, *arguments)
        for each in output.logprobs:
            [drawn] = each.values()
            drawn.logprob -= 0.7
        return output

    monkeypatch.setattr(fake_vllm.LLM, "ended", less)
    stated = {"max_steps": 1, "vllm_importance_sampling_mode": "token_truncate"}
    trainer = by_vllm(tmp_path, mode, train=stated)
    trainer.train()
    [step] = [each for each in trainer.state.log_history if "loss" in each]
    for which in ("min", "mean", "max"):
        ratio = step[f"sampling/importance_sampling_ratio/{which}"]
        assert ratio == pytest.approx(math.exp(0.7), rel=NEAR)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_a_prompt_that_vllm_reads_otherwise_is_refused(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expanded = fake_vllm.LLM.expanded

    def smaller(self: Any, prompt: dict) -> Any:
        self.processor.image_processor.size = {
            "shortest_edge": 28 * 28,
            "longest_edge": 3 * 28 * 28,
        }
        return expanded(self, prompt)

    monkeypatch.setattr(fake_vllm.LLM, "expanded", smaller)
    trainer = by_vllm(tmp_path, mode, "pictures:12", train={"max_steps": 1})
    what = "its prompt" if mode == "colocate" else "picture 1"
    cure = "min_pixels and max_pixels of the recipe within the size limits"
    with pytest.raises(UserError, match=rf"sample pictures/\d+: vLLM reads {what} as .*{cure}"):
        trainer.train()


@pytest.mark.slow
def test_a_prompt_that_vllm_expands_twice_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What TRL 1.16 sends it (trl#6401)."""
    plain = vllm_rollouts._request

    def long(questions: Questions, index: int) -> vllm_rollouts.Request:
        request = plain(questions, index)
        return dataclasses.replace(request, short_ids=request.ids)

    def silent(self: Any, prompt: dict, sampling: Any) -> fake_vllm.RequestOutput:
        written = fake_vllm.CompletionOutput(token_ids=[], logprobs=[])
        ids, _ = self.expanded(prompt)
        return fake_vllm.RequestOutput(prompt_token_ids=ids, outputs=[written] * sampling.n)

    monkeypatch.setattr(vllm_rollouts, "_request", long)
    monkeypatch.setattr(fake_vllm.LLM, "complete", silent)
    trainer = by_vllm(tmp_path, "colocate", "pictures:12", train={"max_steps": 1})
    with pytest.raises(UserError, match=r"sample pictures/\d+: vLLM reads its prompt as "):
        trainer.train()


def test_equal_rows_are_asked_once_and_answered_in_order() -> None:
    asked: list[Any] = []

    def generate(prompts: list, *, sampling_params: list, use_tqdm: bool) -> list:
        asked.append((prompts, [each.n for each in sampling_params], use_tqdm))
        return [
            fake_vllm.RequestOutput(
                prompt_token_ids=prompt["prompt_token_ids"],
                outputs=[
                    fake_vllm.CompletionOutput(token_ids=[i, j], logprobs=[])
                    for j in range(params.n)
                ],
            )
            for i, (prompt, params) in enumerate(zip(prompts, sampling_params, strict=True))
        ]

    def row(ids: list[int], grey: int | None = None) -> dict:
        data = {"image": Image.new("L", (2, 2), grey)} if grey is not None else None
        return {"prompt_token_ids": ids, **({"multi_modal_data": data} if data else {})}

    rows = [row([1, 2], 0), row([1, 2], 0), row([1, 2], 9), row([3]), row([3]), row([1, 2], 0)]
    sampling = fake_vllm.SamplingParams(temperature=0.5)
    found = vllm_rollouts.merging_equal_rows(generate)(
        rows, sampling_params=sampling, use_tqdm=False
    )
    [(prompts, counts, use_tqdm)] = asked
    assert prompts == [rows[0], rows[2], rows[3], rows[5]]
    assert (counts, use_tqdm) == ([2, 1, 2, 1], False)
    assert [each.prompt_token_ids for each in found] == [row["prompt_token_ids"] for row in rows]
    expected = [[0, 0], [0, 1], [1, 0], [2, 0], [2, 1], [3, 0]]
    assert [[only.token_ids for only in each.outputs] for each in found] == [[e] for e in expected]
    assert sampling.n == 1


def test_pictures_of_a_request_are_those_that_the_trainer_sees() -> None:
    loaded = models.load("tiny", max_pixels=40 * 28 * 28)
    noise = np.random.default_rng(0).integers(0, 256, (500, 300, 3), dtype=np.uint8)
    pictures = [noise, noise[:31, :90]]
    media = [image_reference(Image.fromarray(each), name="a picture") for each in pictures]
    sample = samples("text:1")[0].with_(media=tuple(media))
    questions = Questions(loaded, TASK, "vanilla", [sample], frozen=False)
    [request, again] = vllm_rollouts.requests(questions, [0, 0])
    assert again is request
    engine = fake_vllm.LLM(model=models.resolve("tiny"))  # which knows nothing of max_pixels
    prompt = {"prompt_token_ids": request.short_ids, "multi_modal_data": {"image": request.images}}
    ids, vision = engine.expanded(prompt)
    assert ids == request.ids
    ours = questions[0].vision
    assert torch.equal(vision["image_grid_thw"], ours["image_grid_thw"])
    assert [each.size for each in request.images] == [(112, 224), (112, 56)]
    level = 1 / 255 / min(engine.processor.image_processor.image_std)
    difference = (vision["pixel_values"] - ours["pixel_values"]).abs()
    assert difference.max() < 1.01 * level  # of brightness, of 256


def test_without_vllm_nothing_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_rollouts, "is_vllm_available", lambda: False)
    monkeypatch.setattr(setup, "load_model", lambda *_: pytest.fail("a model is loaded"))
    with pytest.raises(UserError, match=r"vLLM is not installed; pip install 'trl\[vllm\]'"):
        grpo.run(recipe(tmp_path, {"use_vllm": True}))


def test_a_video_is_refused_before_a_model_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_video(*_: Any, **__: Any) -> list[Sample]:
        [plain] = samples("text:1")
        clip = video_reference(film(range(0, 1000, 250)), name="a film")
        return [plain.with_(id="clip", media=(clip,))]

    monkeypatch.setattr(setup, "rows", with_video)
    monkeypatch.setattr(setup, "load_model", lambda *_: pytest.fail("a model is loaded"))
    with pytest.raises(
        UserError,
        match=r"sample clip has media of kind video, and.*images only; leave use_vllm out",
    ):
        grpo.run(recipe(tmp_path, {"use_vllm": True}))
