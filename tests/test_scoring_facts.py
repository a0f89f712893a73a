"""What a run tells rewards beside the texts: lengths, other scores, progress, facts of samples."""

import pytest
from test_scoring import RIGHT, SAMPLE, TASK, UNUSABLE, WRONG

from vlrl import isolation
from vlrl.contracts import Scored, UserError, reward
from vlrl.isolation import Outcome
from vlrl.rewards import detection
from vlrl.scoring import resolve, score, score_group

CLOSE = "<think>x</think><answer>2.4</answer>"  # .8 by number.linear, target 2


def totals(rewards: dict, **facts: object) -> list[float | None]:
    scored = score_group(TASK, [SAMPLE] * 2, [RIGHT, WRONG], rewards=rewards, **facts)
    return [each.total for each in scored]


def test_length_rewards_get_token_counts_and_give_no_signal_without() -> None:
    rewards = {"accuracy": 1, "length.cosine": {"weight": 0.1, "max_tokens": 100}}
    assert totals(rewards, num_tokens=[50, 0]) == pytest.approx([1.075, -0.05])
    assert totals(rewards) == [None, None]
    rewards = {"accuracy": 1, "length.dast": 0.5}
    assert totals(rewards, num_tokens=[100, 100]) == pytest.approx([1.25, -0.05])


def test_contrast_rewards_get_the_scores_of_the_shuffled_group() -> None:
    shuffled = [Scored(total=0, parts={"accuracy": 1.0}, parsed=3)]
    assert totals({"contrast.gate": 1}, shuffled=shuffled) == [0, 0]
    assert totals({"contrast.gate": 1}) == [1, 0]


@pytest.mark.parametrize(("shortest", "total"), [(3, 1), (100, 0)])
def test_format_takes_options(shortest: int, total: float) -> None:
    rewards = {"format": {"min_thinking": shortest}}
    assert score(TASK, SAMPLE, RIGHT, rewards=rewards).total == total


@pytest.mark.parametrize(
    "rewards",
    [
        {"format": {"min_think": 3}},
        {"length.cosine": {"num_tokens": 3}},  # the run's to tell, not a recipe's
        {"accuracy": {"stages": [[1]]}},
        {"accuracy": [[]]},
    ],
)
def test_options_that_do_not_exist_are_refused(rewards: dict) -> None:
    with pytest.raises(UserError):
        score(TASK, SAMPLE, RIGHT, rewards=rewards)


@pytest.mark.parametrize(("progress", "total"), [(0.0, 1.0), (0.6, 0.8)])
def test_stages_hold_the_total_to_thresholds_and_leave_the_part_raw(
    progress: float, total: float
) -> None:
    stages = [[0, 0.5, 0.75], [0.5, 0.75, 0.9]]
    rewards = {"accuracy": {"use": "number.linear", "stages": stages}}
    scored = score(TASK, SAMPLE, CLOSE, rewards=rewards, progress=progress)
    assert scored.total == pytest.approx(total)
    assert scored.parts["accuracy"] == pytest.approx(0.8)
    assert score(TASK, UNUSABLE, CLOSE, rewards=rewards).total is None


@reward("answer")
def width_share(value: float | None, target: float, *, image_size: tuple[int, int]) -> float:
    return float(value is not None) / image_size[0]


@pytest.mark.parametrize(("option", "expected"), [({}, 1 / 200), ({"image_size": (50, 1)}, 1 / 50)])
def test_a_reward_gets_the_facts_of_its_sample_unless_the_recipe_states_them(
    option: dict, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TASK.rewards, "width", width_share)
    sample = SAMPLE.with_(image_size=(200, 100))
    scored = score(TASK, sample, RIGHT, rewards={"width": {"weight": 1, **option}})
    assert scored.parts["width"] == pytest.approx(expected)


@reward("answer", isolated=True)
def isolated_width(value: float, target: float, *, image_size: tuple[int, int]) -> float:
    return 1 / image_size[0]


def test_an_isolated_reward_gets_the_facts_of_its_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, object]] = []

    def run_answers(function: object, pairs: list, options: dict) -> list[Outcome]:
        given.append((len(pairs), options["image_size"]))
        return [Outcome(value=1 / options["image_size"][0]) for _ in pairs]

    monkeypatch.setitem(TASK.rewards, "width", isolated_width)
    monkeypatch.setattr(isolation, "start", lambda: None)
    monkeypatch.setattr(isolation, "run_answers", run_answers)
    samples = [SAMPLE.with_(image_size=(width, 9)) for width in (200, 200, 50)]
    scored = score_group(TASK, samples, [RIGHT] * 3, rewards={"width": 1})
    assert [each.parts["width"] for each in scored] == [1 / 200, 1 / 200, 1 / 50]
    assert given == [(2, (200, 9)), (1, (50, 9))]


def test_the_thresholds_of_a_reward_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASK.rewards, "staged", detection.staged)
    rewards = {"staged": {"thresholds": [[0.5, 0.1, 0.6]]}}
    staged = resolve(TASK, rewards, progress=0.7)[-1]
    assert (staged.options, staged.stage) == ({**rewards["staged"], "progress": 0.7}, None)
