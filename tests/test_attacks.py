"""No attack earns more than the best constant answer: for every reward and every task there is.

`pytest -s tests/test_attacks.py` prints what each of them earns.
"""

import importlib
import inspect
import json
import pkgutil
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

import hostile
import pytest
import yaml

import vlrl.rewards
from vlrl import attacks, tasks
from vlrl.contracts import Frame, Sample, Source, Task
from vlrl.prompts import write_completion
from vlrl.scoring import find_reward, score_group

TABLE = yaml.load(
    (Path(__file__).parent / "cases/attacks.yaml").read_text("utf-8"), yaml.CSafeLoader
)
SAMPLES = Path(__file__).resolve().parent.parent / "data" / "samples"
NUM_SAMPLES = 24  # of a task
SLACK = 1e-9


def rewards_of_the_library() -> Iterator[tuple[str, Callable]]:
    """(`module.function`, function) of every reward that an answer can earn points with.

    They are in the modules with a grammar for answers.
    """
    for module_info in pkgutil.iter_modules(vlrl.rewards.__path__):
        module = importlib.import_module(f"vlrl.rewards.{module_info.name}")
        if not hasattr(module, "parse"):
            continue
        for name, function in vars(module).items():
            kind = getattr(function, "reward_kind", None)
            own = getattr(function, "__module__", None) == module.__name__
            if own and (
                kind == "answer" or (kind == "completion" and function.reward_range[1] > 0)
            ):
                yield f"{module_info.name}.{name}", function


REWARDS = dict(rewards_of_the_library())


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is attacked: samples of one data set, with their right answers."""

    name: str
    task: Task
    samples: Sequence[Sample]
    answers: Sequence[str]
    options: Mapping[str, Any]
    pays: Sequence[str] = ()  # families of attacks that are known to pay

    def scores(self, completions: Sequence[str]) -> list[float]:
        """The values of one completion for every sample."""
        found: dict[int, float] = {}
        for kind in {sample.kind for sample in self.samples}:
            places = [i for i, sample in enumerate(self.samples) if sample.kind == kind]
            scoreds = score_group(
                self.task,
                [self.samples[place] for place in places],
                [completions[place] for place in places],
                rewards={"accuracy": self.options},
            )
            for place, scored in zip(places, scoreds, strict=True):
                assert scored.problem not in ("reward_error", "target_unusable"), scored.detail
                found[place] = scored.parts["accuracy"]
        return [found[place] for place in range(len(self.samples))]

    def mean(self, text: str) -> float:
        """Of one answer to all questions."""
        return fmean(self.scores([in_block(text)] * len(self.samples)))

    def constants(self) -> dict[str, float]:
        """What every right answer earns when it is given to all questions."""
        return {text: self.mean(text) for text in dict.fromkeys(self.answers)}

    def earned(self) -> dict[str, float]:
        """What every attack earns."""
        common = [answer for answer, _ in Counter(self.answers).most_common()]
        texts = [
            attacks.JUNK | attacks.floods(common) | hostile.of_the_question(sample)
            for sample in self.samples
        ]
        found = {name: self.scores([in_block(each[name]) for each in texts]) for name in texts[0]}
        for name, completion in attacks.completions(common).items():
            found[name] = self.scores([completion] * len(self.samples))
        return {name: fmean(values) for name, values in found.items()}


def in_block(text: str) -> str:
    return write_completion("think", attacks.THINKING, text)


def subject_of_reward(name: str) -> Subject:
    module_name, _, function_name = name.partition(".")
    row = TABLE.get(name) or TABLE[module_name]
    row = row | row.get("functions", {}).get(function_name, {})
    answers = row.get("answers") or [_text(target) for target in row["targets"]]
    fields = {"question": "", **row.get("sample", {})}
    return Subject(
        name=name,
        task=_task(name),
        samples=[
            Sample(id=str(index), task="attacked", target=target, **fields)
            for index, target in enumerate(row["targets"])
        ],
        answers=answers,
        options=row.get("options", {}),
        pays=row.get("pays", ()),
    )


def subject_of_task(name: str) -> Subject:
    task = tasks.find(name)
    rows = (row for source in _sources(task) for row in tasks.samples(task, source))
    samples = [row.with_(rewards=None) for row in islice(rows, NUM_SAMPLES)]
    answers = [task.ideal(sample, None) for sample in samples]
    return Subject(name=name, task=task, samples=samples, answers=answers, options={})


def _sources(task: Task) -> list[Source]:
    """Its world, or the sample rows of its formats where it has none."""
    for spec in task.sources:
        if spec.startswith("world:"):
            return [Source(spec=spec)]
    return [Source(spec=str(SAMPLES / each.name), role="test") for each in task.formats]


@cache
def _task(name: str) -> Task:
    """A task whose only reward is one of the library, with the grammar of its module."""
    function = REWARDS[name]
    parse = importlib.import_module(function.__module__).parse
    wanted = tuple(inspect.signature(parse).parameters)[1:]

    class Attacked(Task):
        rewards = {"accuracy": function}
        read = {}  # every sample has the same facts, so an answer means the same to all

        def parse(self, answer: str, sample: Sample, frame: Frame | None) -> Any:
            if answer not in self.read:
                facts = {**vars(sample), **sample.meta}
                known = {key: facts[key] for key in wanted if facts.get(key)}
                self.read[answer] = parse(answer, **known)
            return self.read[answer]

    return Attacked()


def _text(target: Any) -> str:
    return target if isinstance(target, str) else json.dumps(target)


@cache
def subject_of(name: str) -> Subject:
    return subject_of_reward(name) if name in REWARDS else subject_of_task(name)


def _module(name: str) -> str:
    return name.partition(".")[0]


def _is_isolated(task: Task) -> bool:
    return find_reward(task, "accuracy").isolated


FIRST = {_module(name): name for name in reversed(REWARDS)}  # of each module
FAST = [name for name in FIRST.values() if not REWARDS[name].isolated]
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in REWARDS if name not in FAST]
TASKS = [
    pytest.param(name, marks=[pytest.mark.slow] * _is_isolated(tasks.find(name)))
    for name in tasks.names()
]
SUBJECTS = [*FAST, *TASKS, *SLOW]


def test_every_reward_is_attacked() -> None:
    assert set(FIRST) <= set(map(_module, TABLE))


@pytest.mark.slow
@pytest.mark.parametrize("name", SUBJECTS)
def test_right_answers_score_1(name: str) -> None:
    subject = subject_of(name)
    right = subject.scores([in_block(answer) for answer in subject.answers])
    assert right == [pytest.approx(1)] * len(right)


@pytest.mark.slow
@pytest.mark.parametrize("name", SUBJECTS)
def test_no_attack_beats_the_best_constant_answer(name: str) -> None:
    subject = subject_of(name)
    constants, earned = subject.constants(), subject.earned()
    print(table(name, constants, earned))
    best = max(constants.values())
    beating = {attack: mean for attack, mean in earned.items() if mean > best + SLACK}
    assert {attack.split(",")[0] for attack in beating} == set(subject.pays), beating


def table(name: str, constants: Mapping[str, float], earned: Mapping[str, float]) -> str:
    """The best constant answer and all attacks that earn anything, one line each."""
    constant = max(constants, key=constants.__getitem__)
    ranked = sorted(earned.items(), key=lambda item: -item[1])
    lines = [f"{mean:7.3f}  {attack}" for attack, mean in ranked if mean > 0]
    title = f"\n{name}: {constants[constant]:.3f} for {constant[:60]!r}"
    return "\n".join([title, *lines, f"   0     {len(ranked) - len(lines)} other attacks"])


LEAKS = {
    "the target anywhere in the answer": lambda answer, target: str(target) in answer,
    "the answer anywhere in the target": lambda answer, target: answer in str(target),
    "any word": lambda answer, target: str(target) in re.split(r"\W+", answer),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_the_attacks_find_a_grammar_that_searches(leak: str) -> None:
    class Leaky(Task):
        rewards = {"accuracy": REWARDS["number.exact"]}

        def parse(self, answer: str, sample: Sample, frame: Frame | None) -> Any:
            return sample.target if LEAKS[leak](answer, sample.target) else None

    subject = replace(subject_of("number.exact"), task=Leaky())
    assert max(subject.earned().values()) > max(subject.constants().values())


@pytest.mark.slow
@pytest.mark.parametrize("name", SUBJECTS)
def test_a_right_answer_in_the_wrong_place_is_not_right(name: str) -> None:
    subject = subject_of(name)
    misplaced = [hostile.right_but_misplaced(answer) for answer in subject.answers]
    for attack in misplaced[0]:
        assert max(subject.scores([each[attack] for each in misplaced])) < 1, attack


@pytest.mark.slow
@pytest.mark.parametrize("name", FIRST.values())
def test_a_megabyte_costs_no_time_and_earns_nothing(name: str) -> None:
    subject = subject_of(name)
    best = max(subject.constants().values())
    other = next(answer for answer in subject.answers if answer != subject.answers[0])
    first = replace(subject, samples=subject.samples[:1])
    for attack, completion in hostile.megabytes(other):
        start = time.process_time()
        assert first.scores([completion])[0] <= best, attack
        assert time.process_time() - start < 1, attack
