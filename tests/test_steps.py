"""Steps: the case table, and what holds for any solution."""

import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vlrl.contracts import Sample, UnusableTarget
from vlrl.rewards import steps

CASES = yaml.safe_load((Path(__file__).parent / "cases/steps.yaml").read_text("utf-8"))
SAMPLE = Sample(id="1", task="any", question="?", target=1)
HEADINGS = {
    "D": "### Image Description:\nA circle.",
    "R": "### Rationales:\nA formula.",
    "T": "### Let's think step by step.",
    "A": "### The final answer is: 7",
    "E": "### The final answer is:",
}
HEADING = "### Step"
WORDS = st.lists(st.sampled_from(["radius", "3", "13", "6/3=2", "area", "is"]), max_size=8)


def solution(short: str, line: str = "\n") -> str:
    """The completion that a row of the table abbreviates."""
    text = re.sub(r"\b([DRTAE])\b", lambda match: f"{line}{HEADINGS[match[1]]}{line}", short)
    return re.sub(r"\b([0-9]):", rf"{line}### Step \1:{line}", text)


def with_steps(key_steps: object) -> Sample:
    return SAMPLE.with_(meta={"key_steps": key_steps})


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['function']}: {case['id']}")
def test_case(case: dict) -> None:
    reward = getattr(steps, case["function"])
    completion = solution(case["text"], case.get("heading", "\n"))
    sample = with_steps(case.get("key_steps"))
    if case["expected"] == "unusable":
        with pytest.raises(UnusableTarget, match=r"give meta\.key_steps"):
            reward(completion, sample)
        return
    assert reward(completion, sample) == case["expected"]


@given(
    text=st.one_of(st.text(), st.lists(st.sampled_from([*HEADINGS.values(), "\n"])).map("".join))
)
def test_any_text_is_in_range(text: str) -> None:
    assert 0 <= steps.coverage(text, with_steps(["a", ["b", "1"]])) <= 1
    assert steps.order(text, SAMPLE) in (0, 1)


@given(
    words=WORDS,
    more=WORDS,
    key_steps=st.lists(st.sampled_from(["radius", "3"]), min_size=4, max_size=9),
)
def test_writing_more_never_covers_less(words: list[str], more: list[str], key_steps) -> None:
    def covered(written: list[str]) -> float:
        sections = [f"{HEADING} {place}: {word}" for place, word in enumerate(written, start=1)]
        return steps.coverage("\n".join([*sections, HEADINGS["A"]]), with_steps(key_steps))

    assert covered(words) <= covered([*words, *more])
    assert covered([*words, *key_steps]) == 1


@given(words=WORDS.filter(bool), data=st.data())
def test_the_order_of_key_steps_does_not_matter(words: list[str], data) -> None:
    completion = solution("D R 1: radius 6/3=2 A")
    shuffled = data.draw(st.permutations(words))
    expected = steps.coverage(completion, with_steps(words))
    assert steps.coverage(completion, with_steps(shuffled)) == expected


def test_listing_everything_does_not_pay() -> None:
    numbers = " ".join(map(str, range(1000)))
    completion = solution(f"D R 1: {numbers} A")
    assert steps.coverage(completion, with_steps(["150", "320", "777"])) == 0
    assert steps.coverage(completion, with_steps(["3", "7", "12"])) == pytest.approx(1 / 3)
    spread = "\n".join(f"### Step {k}: {numbers}" for k in range(1, 4))
    repeated = f"{spread}\n{HEADINGS['A']}"
    assert steps.coverage(repeated, with_steps(["150", "320", "777"])) == 0
    assert steps.coverage(repeated, with_steps(["3", "7", "12"])) == pytest.approx(1 / 3)
    question = "How far is it?"
    assert steps.coverage(question, with_steps(["far"])) == 0


@pytest.mark.parametrize("part", ["### Step 1: a\n", "<answer>", "### ", "a ", "1,000", "\n", "ſ"])
def test_a_megabyte_is_read_in_linear_time(part: str) -> None:
    text = part * (1_000_000 // len(part))
    sample = with_steps(["radius", "7"])
    for completion in (text, f"### Step 1: {text}\n### The final answer is: 7"):
        for reward in (steps.coverage, steps.order):
            start = time.process_time()
            reward(completion, sample)
            assert time.process_time() - start < 1
