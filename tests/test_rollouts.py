"""Rollouts: greedy the tokens of `generate`, drawn the same distribution."""

from collections import Counter
from typing import Any

import pytest
import torch
from lengths_runs import TASK, make_trainer
from lengths_task import sample as lengths_sample
from transformers import GenerationConfig

from vlrl import models
from vlrl.models import Loaded
from vlrl.models.inputs import batch, encode
from vlrl.training import rollouts
from vlrl.training.questions import Questions

pytestmark = pytest.mark.slow

SAMPLES = [lengths_sample(kind, index) for kind, index in [("pictures", 1), ("text", 2)]]
COUNTS = [3, 2]


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return models.load("tiny")


def config(loaded: Loaded, **options: Any) -> GenerationConfig:
    return GenerationConfig(
        max_new_tokens=24,
        pad_token_id=loaded.tokenizer.pad_token_id,
        eos_token_id=sorted(loaded.end_token_ids),
        suppress_tokens=loaded.vision_token_ids,
        **options,
    )


def by_generate(loaded: Loaded, made: GenerationConfig) -> list[list[int]]:
    """The same rows by transformers, each prompt repeated; cut behind the end."""
    repeated = [each for each, n in zip(SAMPLES, COUNTS, strict=True) for _ in range(n)]
    asked = Questions(loaded, TASK, "think", repeated, frozen=False)
    texts = [asked[index].text for index in range(len(repeated))]
    encoded = encode(loaded, texts, repeated)
    inputs = batch(loaded, encoded.ids, encoded.vision, side="left")
    out = loaded.model.generate(**inputs, generation_config=made)
    return [cut(row, loaded.end_token_ids) for row in out[:, inputs["input_ids"].shape[1] :]]


def cut(row: torch.Tensor, ends: set[int]) -> list[int]:
    tokens = row.tolist()
    stop = next((place + 1 for place, token in enumerate(tokens) if token in ends), None)
    return tokens[:stop]


def ours(loaded: Loaded, made: GenerationConfig) -> list[list[int]]:
    prompts = Questions(loaded, TASK, "think", SAMPLES, frozen=False).prompts([0, 1])
    options = rollouts.sampling(made, loaded.end_token_ids)
    return rollouts.generate(loaded.model, prompts, COUNTS, options)


def test_greedy_tokens_are_those_of_generate(loaded: Loaded) -> None:
    made = config(loaded, do_sample=False)
    assert ours(loaded, made) == by_generate(loaded, made)


@pytest.mark.parametrize("compact_at", [0.0, 1.0])
def test_completions_end_with_their_end_token(
    compact_at: float, loaded: Loaded, monkeypatch: Any
) -> None:
    """Whether the ended leave the batch or not; the end token is made likely, so that all end."""
    monkeypatch.setattr(rollouts, "COMPACT_AT", compact_at)
    end = loaded.tokenizer.eos_token_id
    draw = rollouts._draw

    def eager(logits_BV: torch.Tensor, options: rollouts.Sampling) -> torch.Tensor:
        logits_BV[:, end] += 4
        return draw(logits_BV, options)

    monkeypatch.setattr(rollouts, "_draw", eager)
    torch.manual_seed(0)
    found = ours(loaded, config(loaded, do_sample=True))
    assert len({len(each) for each in found}) > 1
    assert all(token not in loaded.end_token_ids for each in found for token in each[:-1])
    assert all(each[-1] in loaded.end_token_ids or len(each) == 24 for each in found)
    assert not {token for each in found for token in each} & {*loaded.vision_token_ids}


@pytest.mark.parametrize(
    "options",
    [{}, {"temperature": 0.5}, {"top_k": 3}, {"top_p": 0.8}, {"min_p": 0.2, "temperature": 2.0}],
    ids=str,
)
def test_tokens_are_drawn_from_the_distribution_of_generate(
    options: dict[str, Any], loaded: Loaded
) -> None:
    """Chi-square of 20,000 draws from fixed logits, against generate's own processors."""
    num_draws = 20_000
    made = GenerationConfig(
        do_sample=True, suppress_tokens=[5], max_new_tokens=1, **{"top_k": 0, **options}
    )
    logits_V = torch.tensor([2.0, 1.0, 0.5, 0.0, -1.0, 3.0, -2.0])
    ids = torch.zeros((1, 1), dtype=torch.long)
    processors = loaded.model._get_logits_processor(made, input_ids_seq_length=1, device="cpu")
    wanted_V = processors(ids, logits_V[None].clone())[0].softmax(-1)
    torch.manual_seed(0)
    drawn = rollouts._draw(logits_V.repeat(num_draws, 1), rollouts.sampling(made, [0]))
    counts = Counter(drawn.tolist())
    allowed = [token for token in range(7) if wanted_V[token] > 0]
    assert set(counts) <= set(allowed)
    assert 5 not in counts
    surprise = sum(
        (counts[token] - num_draws * float(wanted_V[token])) ** 2
        / (num_draws * float(wanted_V[token]))
        for token in allowed
    )
    assert surprise < 22.5  # 99.9 % of chi-square with 6 degrees of freedom


def test_options_that_are_not_known_are_named(loaded: Loaded) -> None:
    assert rollouts.unsupported(config(loaded, do_sample=True, top_p=0.9, min_p=0.1)) == []
    made = config(loaded, do_sample=True, repetition_penalty=1.2, no_repeat_ngram_size=3)
    assert rollouts.unsupported(made) == ["repetition_penalty=1.2", "no_repeat_ngram_size=3"]


@pytest.mark.slow
def test_trls_generator_draws_where_an_option_is_not_known(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    train = {"repetition_penalty": 1.1, "max_steps": 1}
    with caplog.at_level("WARNING", logger="vlrl"):
        trainer = make_trainer(tmp_path, "pictures:4", train=train)
    assert "because of repetition_penalty=1.1" in caplog.text
    trainer.train()
    assert trainer.state.log_history[0]["grad_norm"] > 0
