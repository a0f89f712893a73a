"""Quality: ratings, distortions and comparisons as answers, and pictures spoilt as they say."""

import io
import pickle
from collections import Counter
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vlrl.check import check_task
from vlrl.contracts import Sample, Source, UserError
from vlrl.data.kinds.ratings import DISTORTIONS, SEVERITIES
from vlrl.data.quality import Quality
from vlrl.data.world import quality as world
from vlrl.media import load_image
from vlrl.prompts import messages, write_completion
from vlrl.scoring import score

TASK = Quality()
PRESETS = tuple(world.PRESETS)
NAMED = ("null", *DISTORTIONS)


def take(preset: str, num: int, role: str = "train", seed: int = 0) -> list[Sample]:
    spec = f"world:quality{'@' + preset if preset else ''}"
    source = Source(spec=spec, role=role, seed=seed)  # type: ignore[arg-type]
    return [each for each in islice(TASK.load(source), num) if isinstance(each, Sample)]


def earned(kind: str, target: Any, answer: str) -> float | None:
    sample = Sample(id="1", task=TASK.name, question="?", target=target, kind=kind)
    return score(TASK, sample, write_completion("think", "So.", answer)).parts["accuracy"]


# Answers


@pytest.mark.parametrize(
    ("answer", "accuracy"),
    [
        *(("3.5", 1), ("3.84", 1), ("3.85", 0), ("3.15", 0), ("3.16", 1)),
        *(('{"rating": 3.5}', 1), ("{'rating': '3.5'}", 1), ('{"score": 3.5}', 0)),
        *(("3.5/5", 0), ("70%", 0), ("3 to 4", 0), ("good", 0), ("", 0)),
    ],
)
def test_a_rating_is_right_below_a_threshold(answer: str, accuracy: float) -> None:
    assert earned("rating", 3.5, answer) == accuracy


@pytest.mark.parametrize(
    ("answer", "accuracy"),
    [
        ('{"distortion_class": "blur", "severity": "obvious"}', 1),
        ("{'severity': 'Obvious', 'distortion_class': 'Blur'}", 1),
        ('```json\n{"distortion_class": "blur", "severity": "obvious"}\n```', 1),
        ("blur, obvious", 1),
        ('{"distortion_class": "blur", "severity": "slight"}', 0.25),
        ('{"distortion_class": "blur", "severity": null}', 0.25),
        ('{"distortion_class": "noise", "severity": "obvious"}', 0),
        ('{"distortion_class": "blur"}', 0),
        ("obvious, blur", 0),
        ("blur, noise, obvious", 0),
        ("none", 0),
    ],
)
def test_the_severity_counts_where_the_distortion_is_right(answer: str, accuracy: float) -> None:
    assert earned("labels", ["blur", "obvious"], answer) == accuracy


@pytest.mark.parametrize("answer", ['{"distortion_class": null, "severity": null}', "null, null"])
def test_a_clean_picture_is_called_null(answer: str) -> None:
    assert earned("labels", ["null", "null"], answer) == 1


@pytest.mark.parametrize(
    ("target", "answer", "accuracy"),
    [
        *(("A", "A", 1), ("A", "Image A", 1), ("A", "image a", 1), ("A", "B", 0)),
        *(("similar", "Similar", 1), ("similar", "A and B", 0), ("B", "A, B", 0), ("B", "", 0)),
    ],
)
def test_a_comparison_is_one_word(target: str, answer: str, accuracy: float) -> None:
    assert earned("comparison", target, answer) == accuracy


def test_the_hints_name_what_there_is_to_choose_from() -> None:
    rating, degradation, comparison = (TASK.hint(sample, None) for sample in take("", 3))
    assert "from 1 (very poor) to 5 (excellent)" in rating
    assert '"noise", "compression", "blur" or "darken"' in degradation
    assert comparison == "Write A, B or similar."


# The world


@pytest.mark.parametrize("preset", PRESETS)
def test_a_sample_is_the_same_on_every_run_and_another_in_every_role_and_seed(preset: str) -> None:
    first, again = take(preset, 3), take(preset, 3)
    assert first == again
    others = [*take(preset, 3, "validation"), *take(preset, 3, "test"), *take(preset, 3, seed=1)]
    keys = [medium.key for sample in (*first, *others) for medium in sample.media]
    assert len(set(keys)) == len(keys)
    sent = pickle.loads(pickle.dumps(again[0]))  # as to another process
    picture = load_image(first[0].media[0])
    assert picture.size == first[0].image_size == (168, 168)
    assert picture.tobytes() == sent.media[0].open().tobytes()


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="alone or with @score, @degradation, @compare, @ood"):
        take("up", 1)


def test_the_presets_ask_what_they_say() -> None:
    three = ["rating", "labels", "comparison"]
    kinds = {preset: [each.kind for each in take(preset, 6)] for preset in PRESETS}
    assert kinds == {
        "": three * 2,
        "score": ["rating"] * 6,
        "degradation": ["labels"] * 6,
        "compare": ["comparison"] * 6,
        "ood": three * 2,
    }


def test_the_pictures_of_a_comparison_stand_where_the_words_say() -> None:
    (sample,) = take("compare", 1)
    content = messages(TASK, sample, "think")[0]["content"]
    asked = "".join(block.get("text", f"<{block['type']}>") for block in content)
    assert asked.startswith("Reference: <image>\nImage A: <image>\nImage B: <image>\n")


def test_a_rating_is_5_less_4_times_the_strength() -> None:
    for sample in take("score", 200):
        ((distortion, strength),) = sample.meta["looks"]
        assert distortion in DISTORTIONS
        assert sample.target == pytest.approx(5 - 4 * strength, abs=1e-3)


def test_a_severity_is_a_strength() -> None:
    for sample in take("degradation", 200):
        ((distortion, strength),) = sample.meta["looks"]
        named, severity = sample.target
        assert named == distortion
        assert strength == (0 if severity == "null" else (SEVERITIES.index(severity) + 1) / 5)


def test_the_better_version_is_the_one_that_suffers_less() -> None:
    for sample in take("compare", 200):
        reference, (one, a), (other, b) = sample.meta["looks"]
        assert reference == ("null", 0) and one == other
        assert sample.target == ("similar" if abs(a - b) <= 0.04 else "A" if a < b else "B")
        assert abs(a - b) <= 0.04 or abs(a - b) > 0.19


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "num_targets"), [("degradation", 21), ("compare", 3), ("score", 4)]
)
def test_all_targets_are_equally_common(preset: str, num_targets: int) -> None:
    def part(target: Any) -> str:
        return str(min(int(target), 4) if isinstance(target, float) else target)

    counts = Counter(part(sample.target) for sample in take(preset, 3000))
    mean = 3000 / num_targets
    assert len(counts) == num_targets
    assert max(abs(each - mean) for each in counts.values()) < 5 * mean**0.5


def picture(strength: float, distortion: str, is_ood: bool = False) -> np.ndarray:
    clean = world.picture("test/0/0", "", 0, ("null", 0.0))
    return world.spoil(clean, (distortion, strength), seed="x", is_ood=is_ood)


@pytest.mark.slow
@pytest.mark.parametrize("is_ood", [False, True])
@pytest.mark.parametrize("distortion", DISTORTIONS)
def test_a_distortion_takes_more_from_the_picture_the_stronger_it_is(
    distortion: str, is_ood: bool
) -> None:
    clean = picture(0, "null").astype(float)
    strengths = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    lost = [
        np.abs(picture(strength, distortion, is_ood).astype(float) - clean).mean()
        for strength in strengths
    ]
    assert all(more > 1.05 * less for less, more in pairwise(lost))
    assert lost[0] < 4 < lost[-1]


def test_every_distortion_looks_like_what_it_is_called() -> None:
    clean = picture(0, "null")
    assert picture(1, "darken").mean() < 0.15 * clean.mean()
    detail = {
        name: np.abs(np.diff(picture(0.6, name).astype(int), axis=1)).mean() for name in NAMED
    }
    assert detail["blur"] < 0.7 * detail["null"] < 0.2 * detail["noise"]
    stream = io.BytesIO()
    Image.fromarray(picture(0.6, "compression")).save(stream, "JPEG", quality=9)
    again = np.asarray(Image.open(stream)).astype(int)
    assert np.abs(again - picture(0.6, "compression")).mean() < 3  # compressed before, alike


def test_unseen_noise_is_grey_and_unseen_blur_goes_along_a_line() -> None:
    clean = picture(0, "null").astype(int)
    grey = (picture(0.2, "noise", is_ood=True) - clean)[20:60, 20:60]
    coloured = (picture(0.2, "noise") - clean)[20:60, 20:60]
    assert np.ptp(grey, axis=2).mean() < 2 < np.ptp(coloured, axis=2).mean()
    along, across = (
        np.abs(np.diff(picture(0.8, "blur", is_ood=True).astype(int), axis=axis)).mean()
        for axis in (1, 0)
    )
    assert along < 0.7 * across


def test_the_reference_is_clean_and_all_three_show_one_scene() -> None:
    (sample,) = take("compare", 1)
    reference, *versions = (np.asarray(load_image(each), float) for each in sample.media)
    assert np.array_equal(reference, world.picture("train/0/0", "compare", 0, ("null", 0.0)))
    for version in versions:
        assert np.corrcoef(reference.ravel(), version.ravel())[0, 1] > 0.4


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_the_check_passes(preset: str) -> None:
    spec = f"world:quality{'@' + preset if preset else ''}"
    report = check_task(TASK, Source(spec=spec), limit=60)
    assert report.passed, report.findings
