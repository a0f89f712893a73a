"""The reward `contrast` in training: a second group sees the frames in another order."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lengths_runs import TASK, groups, recipe
from lengths_task import picture
from lengths_task import sample as lengths_sample

from vlrl import models, scoring
from vlrl.contracts import Sample, Scored, UserError
from vlrl.media import ClipOnDemand, ImageOnDemand, Sampling, Shuffled, load_clip, plan_clip
from vlrl.training import contrast, grpo
from vlrl.training.trainer import Trainer

pytestmark = pytest.mark.slow

GROUP = 4
REWARDS = {"accuracy": 1.0, "order": {"use": "contrast.bonus", "weight": 0.3}}
VIDEO = ClipOnDemand(
    "contrast", lambda: np.arange(6 * 56 * 56 * 3).reshape(6, 56, 56, 3).astype(np.uint8), 2
)
SMALL = Sampling(min_pixels=784)


def about(name: str, *media: Any) -> Sample:
    return lengths_sample("text", 0).with_(id=name, media=media)


SAMPLES = [
    about(
        "film", ClipOnDemand("film", lambda: np.stack([picture(i, (56, 56)) for i in range(4)]), 2)
    ),
    about("image", ImageOnDemand("contrast image", lambda: picture(1, (56, 56)))),
]


def test_a_shuffled_clip_is_the_same_clip_in_another_order() -> None:
    clip, other = load_clip(VIDEO, SMALL), load_clip(Shuffled(VIDEO, "b"), SMALL)
    assert (other.times_s, other.size) == (clip.times_s, clip.size)
    assert plan_clip(Shuffled(VIDEO, "b"), SMALL) == plan_clip(VIDEO, SMALL)
    whole = [frame.tobytes() for frame in clip.frames]
    mixed = [frame.tobytes() for frame in other.frames]
    assert sorted(mixed) == sorted(whole) and mixed != whole
    assert load_clip(Shuffled(VIDEO, "b"), SMALL).frames == other.frames
    others = [load_clip(Shuffled(VIDEO, str(seed)), SMALL).frames for seed in range(8)]
    orders = {tuple(frame.tobytes() for frame in frames) for frames in others}
    assert len(orders) > 4


def test_half_as_many_completions_are_drawn_for_videos_only() -> None:
    assert contrast.counts(SAMPLES, [0, 0, 0, 0, 1, 1, 1, 1]) == {0: 2}
    assert contrast.counts(SAMPLES, [0, 1]) == {0: 1}
    changed = contrast.shuffled_frames(about("both", VIDEO, SAMPLES[1].media[0]), "1")
    assert changed.media == (Shuffled(VIDEO, "1/both"), SAMPLES[1].media[0])


def test_what_contrasts_needs_our_own_rollouts(tmp_path: Path) -> None:
    made = recipe(tmp_path, rewards=REWARDS)
    assert contrast.is_asked(TASK, made, own_rollouts=True)
    assert not contrast.is_asked(TASK, recipe(tmp_path), own_rollouts=False)
    with pytest.raises(UserError, match="leave out use_vllm"):
        contrast.is_asked(TASK, made, own_rollouts=False)


@pytest.mark.slow
def test_a_run_compares_its_groups_with_shuffled_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Sample, Any, int]] = []
    plain = scoring.score_group

    def watched(task: Any, samples: Any, texts: Any, **options: Any) -> list[Scored]:
        seen.append((samples[0], options.get("shuffled"), len(texts)))
        return plain(task, samples, texts, **options)

    monkeypatch.setattr(scoring, "score_group", watched)
    train = {"num_generations": GROUP, "per_device_train_batch_size": 8, "max_steps": 1,
             "gradient_accumulation_steps": 1}  # fmt: skip
    made = recipe(tmp_path, train, rewards=REWARDS)
    arguments = grpo.arguments(made, tmp_path / "checkpoints")
    loaded = models.load("tiny", sampling=SMALL)
    Trainer(loaded, TASK, made, arguments, SAMPLES, [], tmp_path).train()

    drawn = [(sample.media[0], count) for sample, _, count in seen if count == GROUP // 2]
    assert drawn == [(Shuffled(SAMPLES[0].media[0], f"{made.seed}/0/film"), GROUP // 2)]
    compared = {sample.id: shuffled for sample, shuffled, count in seen if count == GROUP}
    assert len(compared["film"]) == GROUP // 2 and compared["image"] is None
    rows = {group[0]["sample"]: group for group in groups(tmp_path)}
    assert {row["parts"]["order"] for row in rows["image"]} == {0.0}  # nothing to compare with
    mean = {name: np.mean([row["parts"]["accuracy"] for row in rows[name]]) for name in rows}
    helps = mean["film"] >= np.mean([scored.parts["accuracy"] for scored in compared["film"]])
    for row in rows["film"]:
        assert row["parts"]["order"] == float(helps and row["parts"]["accuracy"] >= 0.1)
