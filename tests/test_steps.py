"""Steps: the case table, and what holds for any solution."""

import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from vlrl.contracts import Sample, UnusableTarget
from vlrl.rewards import steps

CASES = yaml.load((Path(__file__).parent / "cases/steps.yaml").read_text("utf-8"), yaml.CSafeLoader)
SAMPLE = Sample(id="1", task="any", question="?", target=1)
HEADINGS = {
    "D": "### Image Description:\nA circle.",
    "R": "### Rationales:\nA formula.",
    "T": "### Let's think step by step.",
    "A": "### The final answer is: 7",
    "E": "### The final answer is:",
}
HEADING = "### Step"
FEW = settings(max_examples=40, deadline=None)
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
    asked = {key: case[key] for key in ("question", "options") if key in case}
    sample = with_steps(case.get("key_steps")).with_(**asked)
    if case["expected"] in ("no key steps", "states all key steps"):
        with pytest.raises(UnusableTarget, match=case["expected"]):
            reward(completion, sample)
        return
    assert reward(completion, sample) == case["expected"]


@pytest.mark.parametrize(
    ("heading", "is_read"),
    [
        ("### Step 1:", True),
        ("###Step 1.", True),
        ("###   Step 1234", True),
        ("### Step 1: ### Step 2:", True),  # a heading starts a line; the second is text
        ("## Step 1:", False),
        ("#### Step 1:", False),
        (" ### Step 1:", False),
        ("### step 1:", False),
        ("### Step  1:", False),
        ("### Step one:", False),
        ("### Step １:", False),
    ],
)
def test_how_a_heading_is_written(heading: str, is_read: bool) -> None:
    completion = f"{heading} radius\n{HEADINGS['A']}"
    assert steps.coverage(completion, with_steps(["radius"])) == is_read


@pytest.mark.parametrize("tag", ["<think>", "<think> ", "<think>\n", "<observe>", "<reason>"])
def test_a_heading_may_follow_a_tag(tag: str) -> None:
    parts = [HEADINGS["D"], HEADINGS["R"], f"{HEADING} 1: radius"]
    for place in range(3):
        lines = [f"{tag * (place == at)}{part}" for at, part in enumerate(parts)]
        for answer in (f"</think>{HEADINGS['A']}", f"<answer>{HEADINGS['A']}</answer>"):
            completion = "\n".join(lines) + answer
            assert steps.coverage(completion, with_steps(["radius"])) == 1
            assert steps.order(completion, SAMPLE) == 1


def test_a_heading_without_text_in_an_answer_block_is_no_answer() -> None:
    completion = f"<think>{HEADING} 1: radius</think><answer>{HEADINGS['E']}</answer>"
    assert steps.coverage(completion, with_steps(["radius"])) == 0


def test_a_tag_parts_what_stands_around_it() -> None:
    completion = f"{HEADING} 1: 13<think>5</think>{HEADINGS['A']}"
    assert steps.coverage(completion, with_steps(["135"])) == 0
    assert steps.coverage(completion, with_steps(["13"])) == 1


@FEW
@given(
    text=st.one_of(st.text(), st.lists(st.sampled_from([*HEADINGS.values(), "\n"])).map("".join))
)
def test_any_text_is_in_range(text: str) -> None:
    assert 0 <= steps.coverage(text, with_steps(["a", ["b", "1"]])) <= 1
    assert steps.order(text, SAMPLE) in (0, 1)


@FEW
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


@FEW
@given(words=WORDS.filter(bool), data=st.data())
def test_the_order_of_key_steps_does_not_matter(words: list[str], data) -> None:
    completion = solution("D R 1: radius 6/3=2 A")
    shuffled = data.draw(st.permutations(words))
    expected = steps.coverage(completion, with_steps(words))
    assert steps.coverage(completion, with_steps(shuffled)) == expected


@pytest.mark.parametrize("separator", [" ", "\n### Step 7: "])
def test_of_a_flood_only_the_first_tokens_for_each_key_step_are_read(separator: str) -> None:
    words = [first + second for first in "abcdefghij" for second in "klmnopqr"]
    flood = f"### Step 1: {separator.join(words)}\n{HEADINGS['A']}"
    last, first_too_late = words[19], words[20]
    assert steps.coverage(flood, with_steps([last])) == 1
    assert steps.coverage(flood, with_steps([first_too_late])) == 0
    assert steps.coverage(flood, with_steps([last, first_too_late])) == 1  # 40 tokens for two
    assert steps.coverage(flood, with_steps([words[0], words[40]])) == 0.5


def test_a_flood_earns_its_share_of_what_could_be_asked() -> None:
    numbers = list(map(str, range(300)))
    flood = solution(f"D R 1: {' '.join(numbers)} A")
    samples = [with_steps(numbers[start::100]) for start in range(100)]  # 3 key steps of 300
    earned = [steps.coverage(flood, sample) for sample in samples]
    assert sum(earned) / len(earned) == pytest.approx(60 / 300)


@FEW
@given(words=WORDS, question=WORDS)
def test_an_echo_of_the_question_earns_nothing(words: list[str], question: list[str]) -> None:
    sample = with_steps([*words, "volume"]).with_(question=" ".join(question))
    echo = solution(f"D R 1: {sample.question} A")
    assert steps.coverage(echo, sample) == 0
    right = solution(f"D R 1: {' '.join(words)} volume A")
    assert steps.coverage(right, sample) == 1


def test_no_section_is_read_of_a_completion_with_too_many() -> None:
    def written(num_steps: int) -> str:
        each = [f"### Step {number}: radius\n" for number in range(1, num_steps + 1)]
        return "".join([HEADINGS["D"], "\n", HEADINGS["R"], "\n", *each, HEADINGS["A"]])

    for num_steps, earned in ((97, 1), (98, 0)):  # 100 and 101 headings
        assert steps.order(written(num_steps), SAMPLE) == earned
        assert steps.coverage(written(num_steps), with_steps(["radius"])) == earned


@pytest.mark.slow
@pytest.mark.parametrize("part", ["### Step 1: a\n", "<answer>", "### ", "a ", "1,000", "\n", "ſ"])
def test_a_megabyte_is_read_in_linear_time(part: str) -> None:
    text = part * (1_000_000 // len(part))
    sample = with_steps(["radius", "7"])
    for completion in (text, f"### Step 1: {text}\n### The final answer is: 7"):
        for reward in (steps.coverage, steps.order):
            start = time.process_time()
            reward(completion, sample)
            assert time.process_time() - start < 1
