"""Temporal grounding: spans as answers, what becomes of dirty segments, and the films."""

import logging
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from films import film as mp4
from raw_rows import write_jsonl

from vlrl.check import check_task
from vlrl.contracts import BadRow, Sample, Source, UserError
from vlrl.data.formats.charades import question
from vlrl.data.temporal_grounding import TemporalGrounding
from vlrl.data.world import films
from vlrl.data.world import temporal_grounding as world
from vlrl.data.world.scene import make_scene
from vlrl.media import Sampling, load_clip
from vlrl.scoring import mean_accuracy, score

TASK = TemporalGrounding()


def take(preset: str, num: int, role: str = "train", seed: int = 0) -> list[Sample]:
    source = Source(spec=f"world:temporal_grounding{preset}", role=role, seed=seed)  # type: ignore[arg-type]
    return [each for each in islice(TASK.load(source), num) if isinstance(each, Sample)]


def sample(start: float, end: float, duration: float = 30.0) -> Sample:
    target = (start, end)
    return Sample(id="1", task=TASK.name, question="?", target=target, duration=duration)


# Answers


@pytest.mark.parametrize(
    ("answer", "accuracy"),
    [
        *(("10 to 20", 1.0), ("10.0 - 20.0", 1.0), ("[10, 20]", 1.0), ("0:10 to 0:20", 1.0)),
        *(('{"start_time": "10", "end_time": "20"}', 1.0), ("10s to 20s", 1.0)),
        *(("10 to 15", 0.5), ("15 to 25", 1 / 3), ("0 to 30", 1 / 3), ("20 to 30", 0.0)),
        *(("20 to 10", 0.0), ("-10 to 20", 0.0), ("10", 0.0), ("10 to 20 to 30", 0.0)),
        *(("it is from 10 to 20", 0.0), ("10 to 20, 40 to 50", 0.0), ("", 0.0)),
    ],
)
def test_the_intersection_over_union_of_spans_counts(answer: str, accuracy: float) -> None:
    completion = f"<think>So.</think><answer>{answer}</answer>"
    assert score(TASK, sample(10, 20), completion).parts["accuracy"] == pytest.approx(accuracy)


def test_the_reward_of_time_r1_is_told_how_long_the_video_lasts() -> None:
    rewards = {"accuracy": {"use": "span.boundary_iou"}}
    completion = "<think>So.</think><answer>10 to 15</answer>"
    scored = score(TASK, sample(10, 20, duration=25), completion, rewards=rewards)
    assert scored.total == pytest.approx(0.5 * (1 - 5 / 25))


def test_the_hint_says_how_long_the_video_lasts() -> None:
    assert TASK.hint(sample(10, 20, 30.96), None) == (
        "Write the start and the end in seconds, as START to END; the video lasts 30.96 s."
    )


# Dirty segments


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A folder with a video of 4 s."""
    (tmp_path / "x.mp4").write_bytes(mp4([0, 1000, 2000, 3000, 3960]))
    return tmp_path


def read(folder: Path, *segments: object) -> list[Sample | BadRow]:
    row = {"video": "x.mp4", "sentence": "A cat jumps."}
    cells = ({**row, "timestamp": segment} for segment in segments)
    return list(TASK.load(Source(spec=str(write_jsonl(folder / "rows.jsonl", *cells)))))


@pytest.mark.parametrize(
    ("segment", "target"),
    [
        *(([1, 3], (1, 3)), ([3, 1], (1, 3)), ([2.5, 9], (2.5, 4)), ([9, 2.5], (2.5, 4))),
        *(([-1, 2], (0, 2)), (["1.5", "2"], (1.5, 2)), ([1.23456, 2], (1.235, 2))),
    ],
)
def test_a_segment_is_turned_and_cut_to_its_video(
    rows: Path, segment: list, target: tuple[float, float]
) -> None:
    (found,) = read(rows, segment)
    assert isinstance(found, Sample)
    assert (found.target, found.duration) == (target, 4)
    assert found.meta["segment"] == segment


@pytest.mark.parametrize("segment", [[2, 2], [5, 9], [1.0001, 1.0002], [-3, -1]])
def test_a_segment_of_which_nothing_is_in_the_video_is_a_bad_row(rows: Path, segment: list) -> None:
    (bad,) = read(rows, segment)
    assert isinstance(bad, BadRow)
    assert bad.reason == f"nothing of the segment {segment} lies in the video of 4 s"


@pytest.mark.parametrize("segment", ["", 3, [1], [1, 2, 3], ["a", 2], [float("nan"), 2], [[1], 2]])
def test_what_is_no_segment_is_a_bad_row(rows: Path, segment: object) -> None:
    (bad,) = read(rows, segment)
    assert isinstance(bad, BadRow) and bad.reason.endswith("is no [start, end]")


def test_repaired_segments_are_counted(rows: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="vlrl"):
        read(rows, [1, 3], [3, 1], [2, 5], [6, 2], [4, 4])
    assert caplog.messages == [
        f"{rows / 'rows.jsonl'}: segments repaired: 2 cut to the video, 2 turned round"
    ]


# The films


def test_films_are_the_same_every_time_and_differ_by_role_and_seed() -> None:
    first = take("", 6)
    assert first == take("", 6)
    assert [each.id for each in first[:2]] == [f"temporal_grounding/train/0/0/{k}" for k in (0, 1)]
    keys = {
        take("", 1, role, seed)[0].media[0].key for role in ("train", "test") for seed in (0, 1)
    }
    assert len(keys) == 4
    with pytest.raises(UserError, match="choose world:temporal_grounding, alone or with @ood"):
        take("@odd", 1)


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "num_pictures"), [("", 12), ("@ood", 16)])
def test_events_lie_inside_their_film(preset: str, num_pictures: int) -> None:
    found = take(preset, 90)
    for each in found:
        start, end = each.target
        assert 1 <= start < end <= num_pictures - 1 and 2 <= end - start <= num_pictures / 2
        assert each.duration == num_pictures
    kinds = Counter(each.meta["subtask"] for each in found)
    assert set(kinds) == set(world.SENTENCES) and min(kinds.values()) > 15


@pytest.mark.parametrize("index", range(6))
def test_the_pictures_show_the_event_when_the_target_says(index: int) -> None:
    """What the named object does is found again in its place in every picture."""
    film = world.film(f"test/{index}", "")
    for event, part in zip(film.events, film.parts, strict=False):
        shown = [k for k, there in enumerate(part.shown) if there]
        steps = [k for k in range(11) if part.places[k] != part.places[k + 1]]
        during = list(range(event.start, event.end))
        if event.what == "moves":
            assert (steps, len(shown)) == (during, 12)
        elif event.what == "there":
            assert (shown, steps) == (during, [])
        else:
            assert sorted([*shown, *during]) == list(range(12)) and not steps


def test_a_clip_changes_only_where_something_happens() -> None:
    for each in take("", 9)[::3]:
        frames = load_clip(each.media[0], Sampling(min_pixels=784)).frames
        assert [frame.size for frame in frames] == [(112, 112)] * 12
        film = world.film("/".join(each.id.split("/")[1:4]), "")
        changes = {
            k
            for k in range(11)
            if any(p.shown[k : k + 1] != p.shown[k + 1 : k + 2] for p in film.parts)
            or any(p.places[k] != p.places[k + 1] for p in film.parts)
        }
        pixels = [np.asarray(frame, int) for frame in frames]
        seen = {k for k in range(11) if np.abs(pixels[k] - pixels[k + 1]).max() > 20}
        assert seen == changes


def test_objects_that_meet_or_hide_or_leave_are_not_clear() -> None:
    scene = make_scene("films", num_objects=2)
    one, other = scene.objects
    rest = films.stays(other, 5)
    assert films.is_clear(scene, [films.stays(one, 5), rest])
    meets = films.moves_from(one, 5, 0, 4, other.position[:2])
    leaves = films.moves_from(one, 5, 0, 4, (9.0, 0.0))
    assert not films.is_clear(scene, [meets, rest])
    assert not films.is_clear(scene, [leaves, rest])
    assert not films.is_clear(scene, [films.stays(one, 5), films.stays(one, 5)])


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "@ood"])
def test_the_check_passes_and_one_answer_for_all_earns_little(preset: str) -> None:
    source = Source(spec=f"world:temporal_grounding{preset}")
    report = check_task(TASK, source, limit=45)
    assert report.passed, report.findings
    spans = [f"{start} to {end}" for start in range(12) for end in range(start + 1, 17)]
    found = take(preset, 90)
    best = max(mean_accuracy(TASK, found, f"<answer>{each}</answer>") for each in spans)
    assert best < 0.55


def test_a_sentence_is_asked_about_without_its_full_stop() -> None:
    assert question("a man runs. ") == 'From when to when does the video show this: "a man runs"?'
