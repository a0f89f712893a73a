"""Emotion: names as answers, recalls as metrics, and the films of drawn faces."""

from collections import Counter
from itertools import islice, pairwise

import numpy as np
import pytest

from vlrl.check import check_task
from vlrl.contracts import Sample, Source, UserError
from vlrl.data.emotion import Emotion
from vlrl.data.formats.emotions import DFEW, MAFW, OTHER_NAMES, RAVDESS, fields
from vlrl.data.world import emotion as world
from vlrl.data.world import faces
from vlrl.data.world.visual_math_paper import paint
from vlrl.evaluation.metrics import find_metric, grouped, mean_of_means
from vlrl.media import Sampling, load_clip
from vlrl.scoring import mean_accuracy, score

TASK = Emotion()


def take(preset: str, num: int, role: str = "train", seed: int = 0) -> list[Sample]:
    source = Source(spec=f"world:emotion{preset}", role=role, seed=seed)  # type: ignore[arg-type]
    return [each for each in islice(TASK.load(source), num) if isinstance(each, Sample)]


def sample(emotion: str, classes: tuple[str, ...] | None = DFEW, number: int = 1) -> Sample:
    return Sample(id=str(number), task=TASK.name, **fields(emotion, classes))


# Answers


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        *(("angry", 1), ("Angry.", 1), ("**anger**", 1), ("ANGER", 1)),
        *(("sad", 0), ("angry, sad", 0), ("angry and sad", 0), ("he is angry", 0), ("", 0)),
        *(("furious", 0), ("an", 0), (", ".join(DFEW), 0)),
    ],
)
def test_the_name_of_the_class_counts(answer: str, right: int) -> None:
    completion = f"<think>So.</think><answer>{answer}</answer>"
    assert score(TASK, sample("angry"), completion).parts["accuracy"] == right


def test_an_emotion_that_the_data_set_does_not_have_is_no_answer() -> None:
    completion = "<answer>contempt</answer>"
    assert score(TASK, sample("angry"), completion).problem == "unparsable"
    assert score(TASK, sample("contempt", MAFW), completion).parts["accuracy"] == 1


def test_without_classes_any_name_is_read() -> None:
    found = sample("Worried", classes=None)
    assert "classes" not in found.meta
    assert score(TASK, found, "<answer>worried</answer>").parts["accuracy"] == 1
    assert score(TASK, found, "<answer>calm</answer>").parts["accuracy"] == 0


def test_every_other_name_means_one_class() -> None:
    assert set(OTHER_NAMES) <= {*DFEW, *MAFW, *RAVDESS}
    for emotion, others in OTHER_NAMES.items():
        for each in others:
            assert fields(each, (*MAFW, "calm"))["target"] == emotion
    with pytest.raises(ValueError, match="the emotion 'calm' is none of happy, sad"):
        fields("calm", DFEW)


def test_the_hint_names_the_classes() -> None:
    hint = "Write happy or sad or neutral or angry or surprise or disgust or fear."
    assert TASK.hint(sample("sad"), None) == hint


def test_war_is_the_share_of_right_answers_and_uar_the_mean_of_recalls() -> None:
    """Of 3 happy ones 3 are right, of 2 sad ones 1, of 1 angry one none."""
    right = [("happy", 1), ("happy", 1), ("happy", 1), ("sad", 1), ("sad", 0), ("angry", 0)]
    rows = [sample(emotion, number=number) for number, (emotion, _) in enumerate(right)]
    values = {row.id: float(value) for row, (_, value) in zip(rows, right, strict=True)}
    metrics = {each.name: find_metric(TASK, each.metric) for each in TASK.benchmarks}
    assert mean_of_means(grouped(metrics["dfew_war"], rows, values)) == pytest.approx(4 / 6)
    assert mean_of_means(grouped(metrics["dfew_uar"], rows, values)) == pytest.approx(0.5)


# The films


def test_films_are_the_same_every_time_and_differ_by_role_and_seed() -> None:
    first = take("", 4)
    assert first == take("", 4) and first[0].id == "emotion/train/0/0"
    keys = {
        take("", 1, role, seed)[0].media[0].key for role in ("train", "test") for seed in (0, 1)
    }
    assert len(keys) == 4
    with pytest.raises(UserError, match="choose world:emotion, alone or with @ood"):
        take("@odd", 1)


@pytest.mark.parametrize("preset", ["", "@ood"])
def test_the_target_is_what_most_pictures_show(preset: str) -> None:
    for each in take(preset, 60):
        film = world.film(each.id.split("/", 1)[1], preset.removeprefix("@"))
        (main, num_main), (_, num_other) = Counter(film.shown).most_common()
        assert (each.target, num_main + num_other) == (main, 8)
        assert num_main in (5, 6) and each.meta["emotion"] == main
        assert f"so {main} the longest" in (each.reasoning or "")


def test_targets_are_even_and_the_place_in_the_film_does_not_tell() -> None:
    films = [world.film(f"even/{index}", "") for index in range(1400)]
    counts = Counter(film.emotion for film in films)
    assert set(counts) == set(DFEW) and max(counts.values()) < 1.4 * min(counts.values())
    first = sum(film.shown[0] == film.emotion for film in films) / len(films)
    assert 0.45 < first < 0.55
    others = Counter(each for film in films for each in set(film.shown) - {film.emotion})
    assert max(others.values()) < 1.4 * min(others.values())


def test_pictures_of_one_emotion_are_alike_and_change_with_it() -> None:
    for index in range(6):
        name = f"alike/{index}"
        film = world.film(name, "")
        frames = [
            paint(faces.page_of(film.face, faces.MOODS[each])).astype(int) for each in film.shown
        ]
        changes = [np.abs(a - b).max() > 60 for a, b in pairwise(frames)]
        assert changes == [one != other for one, other in pairwise(film.shown)]


def test_a_clip_is_what_a_model_sees() -> None:
    (found,) = take("", 1)
    clip = load_clip(found.media[0], Sampling(min_pixels=784))
    assert (len(clip.frames), clip.frames[0].size, clip.duration_s) == (8, (112, 112), 4.0)
    assert found.duration == 4.0 and "sound" not in found.meta


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "ood"])
def test_faces_stay_in_the_picture(preset: str) -> None:
    for index in range(40):
        film = world.film(f"inside/{index}", preset)
        shown = zip(film.shown, film.moves, strict=True)
        pages = [faces.page_of(film.face, faces.MOODS[each], moved) for each, moved in shown]
        strokes = [point for page in pages for stroke in page.strokes for point in stroke.points]
        assert np.min(strokes) > 0 and np.max(strokes) < world.SIDE_PX


def test_moods_differ_in_what_can_be_seen() -> None:
    film = world.film("moods", "")
    drawn = {
        name: paint(faces.page_of(film.face, mood)).astype(int)
        for name, mood in faces.MOODS.items()
    }
    assert set(drawn) == set(DFEW)
    for one in drawn:
        for other in set(drawn) - {one}:
            assert (np.abs(drawn[one] - drawn[other]).max(axis=2) > 60).sum() > 40, (one, other)


def test_half_a_mood_lies_between() -> None:
    half = faces.blend(faces.MOODS["neutral"], faces.MOODS["surprise"], 0.5)
    assert (half.raised, half.eyes, half.open) == (0.5, 1.25, 0.5)


def test_a_tone_has_the_pitch_and_the_length_of_its_emotion() -> None:
    for emotion, (pitch_hz, _, loudness) in world.TONES.items():
        wave = world.tone(emotion, 1.0, 8000)
        assert (wave.dtype, wave.shape) == (np.int16, (8000,))
        assert np.argmax(np.abs(np.fft.rfft(wave))) == pytest.approx(pitch_hz, abs=1)
        assert np.abs(wave).max() == pytest.approx(0.8 * 32767 * loudness, rel=0.05)
    assert set(world.TONES) == set(DFEW)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "@ood"])
def test_the_check_passes_and_one_answer_for_all_earns_little(preset: str) -> None:
    report = check_task(TASK, Source(spec=f"world:emotion{preset}"), limit=40)
    assert report.passed, report.findings
    found = take(preset, 210)
    assert max(mean_accuracy(TASK, found, f"<answer>{each}</answer>") for each in DFEW) < 0.22
