"""Classification: the names offered tell nothing, and only the right one pays."""

import time
from collections import Counter
from functools import cache
from itertools import islice, product

import numpy as np
import pytest

from vlrl import tasks
from vlrl.check import check_task
from vlrl.contracts import Sample, Source, UserError
from vlrl.data.classification import Classification
from vlrl.data.world import DOMAINS, Scene, make_scene
from vlrl.data.world.digits import scans_by_digit
from vlrl.data.world.domains import usable_colours
from vlrl.media import load_image
from vlrl.prompts import write_completion
from vlrl.scoring import score

TASK = Classification()
PRESETS = ("", "ood", "labels", "digits")


def take(preset: str, how_many: int, role: str = "train", seed: int = 0) -> list[Sample]:
    spec = f"world:classification@{preset}" if preset else "world:classification"
    source = Source(spec=spec, role=role, seed=seed)  # type: ignore[arg-type]
    return [each for each in islice(TASK.load(source), how_many) if isinstance(each, Sample)]


@cache
def drawn(preset: str) -> list[Sample]:
    return take(preset, 400)


def scene_of(sample: Sample, preset: str) -> Scene:
    seed = f"classification/{preset}/{sample.id.partition('/')[2]}"
    num_objects = str(sample.reasoning).count(",")  # one comma after "I see"
    domain = "ood" if preset == "ood" else "train"
    return make_scene(seed, num_objects=num_objects, domain=domain, side_px=112)


def earned(sample: Sample, answer: str) -> float | None:
    return score(TASK, sample, write_completion("think", "So.", answer)).parts["accuracy"]


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "ood", "labels"])
def test_the_target_is_what_the_scene_holds(preset: str) -> None:
    for sample in drawn(preset)[:60]:
        objects = scene_of(sample, preset).objects
        words = [{each.colour, each.material, each.shape} for each in objects]
        names = sample.meta["classes"]
        there = [name for name in names if any({*name.split()} <= each for each in words)]
        assert sample.target == (there if preset == "labels" else there[0])
        assert preset == "labels" or len(there) == 1


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "ood", "labels"])
def test_the_names_are_all_combinations_of_words_of_the_scene(preset: str) -> None:
    domain = DOMAINS["ood" if preset == "ood" else "train"]
    for sample in drawn(preset)[:60]:
        names = [tuple(each.split()) for each in sample.meta["classes"]]
        first, second = ({*words} for words in zip(*names, strict=True))
        assert {*names} == {*product(first, second)} and len(names) == 6
        assert second <= {*domain.shapes}
        ground = scene_of(sample, preset).ground.colour
        assert preset == "ood" or first <= {*usable_colours(domain, ground)}


@pytest.mark.parametrize("preset", ["", "ood"])
def test_no_place_among_the_names_is_commoner_than_others(preset: str) -> None:
    places = Counter(sample.meta["classes"].index(sample.target) for sample in drawn(preset))
    assert sorted(places) == list(range(6))
    mean = 400 / 6
    assert sum((times - mean) ** 2 / mean for times in places.values()) < 20.5  # 99.9 %, 5 degrees


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "least"), [("", 24), ("ood", 10), ("digits", 10)])
def test_all_classes_are_about_equally_common(preset: str, least: int) -> None:
    found = Counter(sample.target for sample in drawn(preset))
    assert len(found) == least
    assert max(found.values()) / 400 < 2.2 / least


def test_any_number_of_names_may_fit() -> None:
    numbers = Counter(len(sample.target) for sample in drawn("labels"))
    assert 0.1 < numbers[0] / 400 < 0.35
    assert {0, 1, 2, 3} <= numbers.keys()


@pytest.mark.parametrize("preset", PRESETS)
def test_the_same_seed_gives_the_same_samples_and_roles_share_none(preset: str) -> None:
    first, again = drawn(preset)[:4], take(preset, 4)
    assert [(each.id, each.target, each.meta) for each in first] == [
        (each.id, each.target, each.meta) for each in again
    ]
    others = take(preset, 4, "validation") + take(preset, 4, "test") + take(preset, 4, seed=1)
    assert not {each.media[0].key for each in first} & {each.media[0].key for each in others}
    pictures = [np.asarray(load_image(each[0].media[0])) for each in (first, again)]
    assert pictures[0].shape == (112, 112, 3) and (pictures[0] == pictures[1]).all()


def test_scans_of_the_tests_are_never_trained_on() -> None:
    fifths = {digit: len(scans) // 5 for digit, scans in scans_by_digit().items()}
    for role in ("train", "test"):
        for sample in take("digits", 60, role):
            scan = sample.media[0].make.args[1]  # type: ignore[attr-defined]
            scans = scans_by_digit()[int(sample.target)]
            place = next(i for i, each in enumerate(scans) if (each == scan).all())
            assert (place < fifths[int(sample.target)]) == (role == "test")


def test_a_digit_stands_out_from_its_ground() -> None:
    for sample in drawn("digits")[:20]:
        picture = np.asarray(load_image(sample.media[0]), float)
        inside = picture[14:98, 14:98].mean(axis=2)
        assert np.percentile(inside, 98) - np.percentile(inside, 2) > 60


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_the_ideal_pays_and_junk_does_not(preset: str) -> None:
    report = check_task(TASK, Source(spec=f"world:classification@{preset}".rstrip("@")), limit=80)
    assert report.passed, [each for each in report.findings if each.outcome == "fail"]


def test_an_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(UserError, match="alone or with @ood, @labels, @digits"):
        take("none", 1)


@pytest.mark.slow
def test_fifty_pictures_take_a_second() -> None:
    start = time.process_time()
    for preset in PRESETS:
        for sample in take(preset, 50, seed=3):
            load_image(sample.media[0])
    assert 200 / (time.process_time() - start) > 50


# What is right, by hand

ONE = Sample(id="1", task="classification", question="What is it?", target="red_fox")
LISTED = ONE.with_(target="red fox", meta={"classes": ["red fox", "arctic fox", "fox"]})
SEVERAL = ONE.with_(
    target=["mass", "edema"],
    kind="labels",
    meta={"classes": ["mass", "edema", "hernia", "pleural_thickening"]},
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("red fox", 1),
        ("Red_Fox", 1),
        ("**red fox**.", 1),
        ("fox", 0),
        ("red", 0),
        ("", 0),
        ("a", 0),
        ("red fox, arctic fox", 0),
        ("It is a red fox.", 0),
    ],
)
def test_only_the_whole_name_is_right(answer: str, expected: float) -> None:
    assert earned(ONE, answer) == expected
    assert earned(LISTED, answer) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('["mass", "edema"]', 1),
        ("edema, Mass", 1),
        ('["mass"]', 2 / 3),
        ('["mass", "hernia"]', 1 / 2),
        ('["mass", "edema", "hernia", "pleural thickening"]', 2 / 3),
        ('["mass", "mass", "edema"]', 1),
        ("[]", 0),
        ("none", 0),
        ("", 0),
    ],
)
def test_several_names_earn_their_f1(answer: str, expected: float) -> None:
    assert earned(SEVERAL, answer) == pytest.approx(expected)


@pytest.mark.parametrize(("answer", "expected"), [("[]", 1), ("none", 1), ('["mass"]', 0), ("", 0)])
def test_where_no_name_fits_only_none_is_right(answer: str, expected: float) -> None:
    assert earned(SEVERAL.with_(target=[]), answer) == expected


def test_the_hint_lists_the_names_and_the_ideal_is_one_of_them() -> None:
    assert TASK.hint(ONE, None) == "Write its name."
    assert TASK.hint(LISTED, None) == "Write one of these names: red fox; arctic fox; fox."
    assert TASK.hint(SEVERAL, None) == (
        'Write all that fit as a JSON list, ["name", "name", ...], or [] for none, out of these '
        "names: mass; edema; hernia; pleural_thickening."
    )
    assert TASK.ideal(LISTED, None) == "red fox"
    assert TASK.ideal(SEVERAL, None) == '["mass", "edema"]'


@pytest.mark.parametrize("target", [None, "", "wolf", 3, ["red fox"]])
def test_a_target_that_is_none_of_the_names_is_refused(target: object) -> None:
    with pytest.raises(ValueError, match="is no name of"):
        TASK.kinds["label"].target(LISTED.with_(target=target))


@pytest.mark.parametrize("target", [None, "mass", ["flu"], ["mass", "flu"], {}])
def test_a_target_with_other_names_is_refused(target: object) -> None:
    with pytest.raises(ValueError, match="is no list of names out of"):
        TASK.kinds["labels"].target(SEVERAL.with_(target=target))


def test_every_benchmark_of_the_world_can_be_read() -> None:
    for benchmark in TASK.benchmarks:
        if benchmark.source.startswith("world"):
            source = Source(spec=benchmark.source, role="test", take="first:2")
            assert len(list(tasks.samples(TASK, source))) == 2
