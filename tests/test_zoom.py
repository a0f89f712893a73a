"""Zoom: the answer stands in the large picture, and in no way in the reduced one."""

import pickle
import re
import time
from collections import Counter
from functools import cache
from itertools import islice

import cv2
import numpy as np
import pytest
from PIL import Image

from vlrl.check import check_task
from vlrl.contracts import Sample, Source, UserError
from vlrl.data.world import glyphs
from vlrl.data.world import zoom as world
from vlrl.data.world.zoom import CELL_PX, CUT_PX, LEVEL, SIDE_PX, SMALL_PX, TIMES, Plate
from vlrl.data.zoom import Zoom
from vlrl.media import load_image
from vlrl.prompts import write_completion
from vlrl.scoring import score

TASK = Zoom()
PRESETS = ("", "ood", "crop")


@cache
def drawn(preset: str, how_many: int, role: str = "train", seed: int = 0) -> list[Sample]:
    spec = f"world:zoom@{preset}" if preset else "world:zoom"
    source = Source(spec=spec, role=role, seed=seed)  # type: ignore[arg-type]
    return [each for each in islice(TASK.load(source), how_many) if isinstance(each, Sample)]


def earned(sample: Sample, answer: str) -> float | None:
    return score(TASK, sample, write_completion("think", "So.", answer)).parts["accuracy"]


def pixels(sample: Sample) -> np.ndarray:
    return np.asarray(load_image(sample.media[0]))


def other(plate: Plate, shift: int) -> Plate:
    """The plate with other glyphs of its family on it."""
    families = (glyphs.DIGITS, glyphs.SIGNS, glyphs.LETTERS)
    names = list(next(each for each in families if plate.names[0] in each))
    changed = tuple(names[(names.index(name) + shift) % len(names)] for name in plate.names)
    return Plate(x=plate.x, y=plate.y, names=changed)


# The glyphs


@pytest.mark.parametrize("name", glyphs.GLYPHS)
def test_a_cell_has_the_mean_of_every_other(name: str) -> None:
    cell = glyphs.cell(name)
    assert cell.shape == (CELL_PX, CELL_PX) and int(cell.sum()) == LEVEL * CELL_PX**2
    ink = glyphs.GLYPHS[name]
    assert (cell[:-1, :-1][ink] == glyphs.INK).all() and cell[-1].min() > LEVEL
    assert cell[:-1, :-1][~ink].min() > LEVEL  # paper, well lighter than the ink


def test_glyphs_differ_in_several_pixels() -> None:
    bitmaps = list(glyphs.GLYPHS.values())
    assert {bitmap.shape for bitmap in bitmaps} == {(7, 7)} and len(bitmaps) == 26
    for family in (glyphs.DIGITS, glyphs.SIGNS, glyphs.LETTERS):
        found = list(family.values())
        assert all((a != b).sum() >= 2 for i, a in enumerate(found) for b in found[:i])


# The pictures


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "ood"])
def test_reduced_to_168_pixels_the_answer_leaves_no_trace(preset: str) -> None:
    for sample in drawn(preset, 4):
        scene, plates = sample.media[0].make.args  # type: ignore[attr-defined]
        shown = world.picture(scene, plates)
        changed = world.picture(scene, tuple(other(plate, 3) for plate in plates))
        assert shown.shape == (SIDE_PX, SIDE_PX, 3) and (shown != changed).any()
        small = (SMALL_PX, SMALL_PX)
        reduced = [
            cv2.resize(each, small, interpolation=cv2.INTER_AREA) for each in (shown, changed)
        ]
        assert np.array_equal(*reduced)
        exact = [
            each.reshape(SMALL_PX, CELL_PX, SMALL_PX, CELL_PX, 3).sum((1, 3), dtype=int)
            for each in (shown, changed)
        ]
        assert np.array_equal(*exact)


def test_filters_that_look_beyond_a_cell_see_next_to_nothing() -> None:
    for sample in drawn("", 3):
        scene, plates = sample.media[0].make.args  # type: ignore[attr-defined]
        pictures = [plates, *(tuple(other(p, shift) for p in plates) for shift in (1, 2, 3))]
        reduced = [np.asarray(_bicubic(world.picture(scene, each)), int) for each in pictures]
        assert max(np.abs(reduced[0] - each).max() for each in reduced[1:]) <= 13


def _bicubic(picture: np.ndarray) -> Image.Image:
    return Image.fromarray(picture).resize((SMALL_PX, SMALL_PX), Image.Resampling.BICUBIC)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "ood"])
def test_the_plate_of_the_object_reads_the_answer(preset: str) -> None:
    """Found anew: the object by its words, its plate by its pixels, the glyphs by comparison."""
    for sample in drawn(preset, 12):
        scene, plates = sample.media[0].make.args  # type: ignore[attr-defined]
        colour, shape = sample.question.removesuffix("?").split()[-2:]
        (index,) = (
            i
            for i, each in enumerate(scene.objects)
            if (each.colour, each.shape) == (colour, shape)
        )
        mask = world.masks(scene)[index]
        left, top, right, bottom = sample.meta["plate"]
        cells = slice(top // CELL_PX, bottom // CELL_PX), slice(left // CELL_PX, right // CELL_PX)
        assert mask[cells].all() and plates[index].box == sample.meta["plate"]
        inside = pixels(sample)[top + CELL_PX : bottom - CELL_PX, left + CELL_PX : right - CELL_PX]
        read = [_read(inside[:, x : x + CELL_PX, 0]) for x in range(0, inside.shape[1], CELL_PX)]
        assert earned(sample, "".join(read)) == 1, (sample.question, read)


def _read(cell: np.ndarray) -> str:
    ink = cell[:-1, :-1] < LEVEL
    return next(name for name, bitmap in glyphs.GLYPHS.items() if np.array_equal(bitmap, ink))


def test_a_crop_shows_the_plate_in_its_middle_or_at_the_edge() -> None:
    for sample in drawn("crop", 12):
        _, _, plate = sample.media[0].make.args  # type: ignore[attr-defined]
        shown = pixels(sample)[::TIMES, ::TIMES]
        assert shown.shape == (CUT_PX, CUT_PX, 3) and sample.image_size == (168, 168)
        wanted = np.hstack([glyphs.cell(name) for name in plate.names])
        windows = np.lib.stride_tricks.sliding_window_view(shown[..., 0], wanted.shape)
        assert (windows == wanted).all((2, 3)).any()


# The samples


@pytest.mark.parametrize("preset", PRESETS)
def test_a_sample_is_the_same_on_every_run_and_another_in_every_role_and_seed(preset: str) -> None:
    first = drawn(preset, 6)
    again = list(islice(world.samples(Source(spec=f"world:zoom@{preset}".rstrip("@"))), 6))
    assert [(s.id, s.question, s.target) for s in first] == [
        (s.id, s.question, s.target) for s in again
    ]
    others = [drawn(preset, 6, role) for role in ("validation", "test")]
    others.append(drawn(preset, 6, seed=1))
    keys = [sample.media[0].key for samples in [first, *others] for sample in samples]
    assert len(set(keys)) == len(keys) == 24
    sent = pickle.loads(pickle.dumps(again[0]))  # as to another process
    assert np.array_equal(pixels(first[0]), pixels(sent))
    assert load_image(first[0].media[0]).size == first[0].image_size


@pytest.mark.slow
def test_kinds_and_answers_are_equally_common() -> None:
    samples = drawn("", 450)
    kinds = Counter(sample.kind for sample in samples)
    assert set(kinds) == {"number", "choice", "label"} and min(kinds.values()) > 120
    for kind, num_answers in (("number", 10), ("choice", 4), ("label", 8)):
        counts = Counter(sample.target for sample in samples if sample.kind == kind)
        assert len(counts) == num_answers
        assert max(counts.values()) < 1.9 * counts.total() / num_answers
    assert all(
        sample.options and len(set(sample.options)) == 4
        for sample in samples
        if sample.kind == "choice"
    )


@pytest.mark.slow
def test_no_constant_answer_earns_more_than_its_share() -> None:
    samples = drawn("", 450)
    means = [np.mean([earned(s, answer) for s in samples]) for answer in ("A", "7", "ring", "0")]
    assert max(means) < 0.13


def test_the_other_preset_has_other_looks_and_other_answers() -> None:
    for sample in drawn("ood", 60):
        assert sample.kind != "number" or 10 <= sample.target <= 99
        if sample.kind != "number":
            assert set(sample.options or sample.meta["classes"]) <= set(glyphs.LETTERS)
    shapes = {sample.question.removesuffix("?").split()[-1] for sample in drawn("ood", 60)}
    assert not shapes & {"sphere", "cube", "cylinder"}


def test_the_worked_solution_says_where_and_what() -> None:
    for sample in drawn("", 30):
        match = re.search(r"at \[(.+)\]\. Close by, it reads (\w+)\.$", sample.reasoning or "")
        assert match and tuple(map(int, match[1].split(", "))) == sample.meta["plate"]
        assert earned(sample, match[2]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_samples_are_drawn_fast(preset: str) -> None:
    """58 to 67 a second of processor time on a core of a busy machine; the test leaves room."""
    drawn(preset, 2)
    start_s = time.process_time()
    for sample in drawn(preset, 40, "test"):
        sample.media[0].open()
    assert 40 / (time.process_time() - start_s) > 25


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "@ood", "@crop"])
def test_the_ideal_pays_and_junk_does_not(preset: str) -> None:
    report = check_task(TASK, Source(spec=f"world:zoom{preset}"), limit=60)
    assert report.passed, [f for f in report.findings if f.outcome == "fail"]


@pytest.mark.parametrize("spec", ["world:zoom@oof", "world:sailing"])
def test_an_unknown_world_names_the_known_ones(spec: str) -> None:
    with pytest.raises(UserError, match="choose world:zoom, alone or with @ood, @crop"):
        next(world.samples(Source(spec=spec)))


def test_rows_that_are_no_world_are_refused() -> None:
    with pytest.raises(UserError, match=r"a\.jsonl: zoom reads no rows; use world:zoom"):
        TASK.load(Source(spec="a.jsonl"))
