"""The pool: limits on every call, order, replacement, and what scoring makes of lost calls."""

import math
import operator
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vlrl import isolation
from vlrl.contracts import Frame, Sample, Task, UserError, reward
from vlrl.isolation import Call, Limits, Lost, Outcome, Pool
from vlrl.rewards import expression
from vlrl.score_rows import score_rows
from vlrl.scoring import score, score_group

ROOT = Path(__file__).resolve().parent.parent
TOWER = "9^{9^{9^{9}}}"
LIMITS = Limits(cpu_s=0.5, wall_s=2, memory_bytes=2**29)


class Expressions(Task):
    name = "expressions"
    kind = "math"
    rewards = {"accuracy": expression.equal}

    def parse(self, answer: str, sample: Sample, frame: Frame | None) -> str | None:
        return expression.parse(answer)


TASK = Expressions()
HALF = Sample(id="1", task="expressions", question="?", target=r"\frac{1}{2}")


def written(answer: str) -> str:
    return f"<think>Hm.</think><answer>{answer}</answer>"


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    pool = Pool(limits=LIMITS)
    yield pool
    pool.close()


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """The shared pool with little time."""
    pool = Pool(prepare=expression.prove, limits=Limits(cpu_s=0.5))
    pool.start()
    monkeypatch.setattr(isolation, "_shared", lambda pid: pool)
    yield pool
    pool.close()


def test_outcomes_are_in_the_order_of_the_calls(pool: Pool) -> None:
    calls = [Call(function=operator.add, arguments=(i, i)) for i in range(50)]
    assert [outcome.value for outcome in pool.run(calls)] == list(range(0, 100, 2))
    assert pool.run([]) == []


def test_equal_calls_run_once(pool: Pool) -> None:
    first, *others = pool.run([Call(function=time.perf_counter)] * 5)
    assert [other.value for other in others] == [first.value] * 4


def test_options_and_what_a_call_raises_come_through(pool: Pool) -> None:
    called, raised = pool.run(
        [
            Call(function=int, arguments=("11",), options={"base": 2}),
            Call(function=int, arguments=("x",)),
        ]
    )
    assert called == Outcome(value=3)
    assert isinstance(raised.error, ValueError)
    assert "'x'" in str(raised.error)


@pytest.mark.slow
def test_hostile_calls_cost_themselves(pool: Pool) -> None:
    hostile = {
        "takes processor time": Call(function=pow, arguments=(9, 9**9)),
        "sleeps": Call(function=time.sleep, arguments=(60,)),
        "takes memory": Call(function=bytes, arguments=(2**30,)),
        "exits": Call(function=os._exit, arguments=(0,)),
        "crashes": Call(function=os.abort),
    }
    good = [Call(function=operator.add, arguments=(i, 1)) for i in range(len(hostile) + 1)]
    mixed = [call for pair in zip(good, hostile.values(), strict=False) for call in pair]
    start = time.perf_counter()
    outcomes = pool.run([*mixed, good[-1]])
    assert time.perf_counter() - start < 20
    assert [outcome.value for outcome in outcomes[::2]] == list(range(1, len(good) + 1))
    for name, outcome in zip(hostile, outcomes[1::2], strict=True):
        assert isinstance(outcome.error, Lost), name


def test_what_cannot_be_sent_is_an_error_of_its_call(pool: Pool) -> None:
    unknown, known = pool.run([Call(function=lambda: 1), Call(function=abs, arguments=(-1,))])
    assert isinstance(unknown.error, pickle.PicklingError | AttributeError)
    assert known.value == 1
    (returned,) = pool.run([Call(function=threading.Lock)])
    assert isinstance(returned.error, RuntimeError)


def test_a_process_that_ended_between_two_runs_is_replaced(pool: Pool) -> None:
    pool.start()
    for worker in pool._workers:
        worker.process.kill()
        worker.process.wait()
    assert pool.run([Call(function=abs, arguments=(-2,))]) == [Outcome(value=2)]


def test_processes_are_renewed(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "CALLS_PER_PROCESS", 3)
    calls = [Call(function=operator.add, arguments=(i, 0)) for i in range(10)]
    assert [outcome.value for outcome in pool.run(calls)] == list(range(10))
    assert all(worker.num_calls < 3 for worker in pool._workers)


def test_a_closed_pool_starts_again(pool: Pool) -> None:
    pool.start()
    processes = [worker.process for worker in pool._workers]
    pool.close()
    assert all(process.returncode is not None for process in processes)
    assert pool.run([Call(function=abs, arguments=(-2,))]) == [Outcome(value=2)]


@pytest.mark.slow
def test_what_prepare_raises_is_raised_by_the_parent() -> None:
    pool = Pool(prepare=_without_grammar)
    with pytest.raises(UserError, match="install its grammar"):
        pool.start()
    assert pool._workers == []


def _without_grammar() -> None:
    raise UserError("install its grammar")


def test_a_process_that_does_not_start_is_a_user_error() -> None:
    with pytest.raises(UserError, match="did not start"):
        Pool(prepare=os.abort).run([Call(function=abs, arguments=(1,))])


@pytest.mark.slow
def test_the_processes_load_no_torch_and_not_the_main_script() -> None:
    pool = Pool(prepare=expression.prove, num_processes=1)
    (loaded,) = pool.run([Call(function=eval, arguments=("[*__import__('sys').modules]",))])
    pool.close()
    assert "sympy" in loaded.value
    assert {"torch", "numpy", "datasets", "PIL", "pytest"} & set(loaded.value) == set()


@pytest.mark.slow
def test_the_pool_ends_with_its_process() -> None:
    code = (
        "from vlrl import isolation; isolation.start();"
        "pool = isolation._shared(__import__('os').getpid());"
        "print(*[worker.process.pid for worker in pool._workers])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == isolation.NUM_PROCESSES, done.stderr
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@reward("answer", isolated=True)
def choosy(value: str | None, target: str) -> float:
    raise UserError("choosy: refused")


@pytest.mark.slow
@pytest.mark.parametrize("completion", [written("3"), "no answer"])
def test_a_mistake_in_the_set_up_comes_through_the_pool(
    completion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TASK.rewards, "choosy", choosy)
    with pytest.raises(UserError, match="choosy: refused"):
        score(TASK, HALF, completion, rewards={"choosy": 1})


@pytest.mark.slow
def test_a_group_of_answers_is_scored_in_order() -> None:
    answers = ["0.5", "1/3", r"\boxed{\frac12}", "words and more", "", "1/2", r"\frac{}{}"]
    scored = score_group(TASK, [HALF] * len(answers), [written(answer) for answer in answers])
    assert [each.parts["accuracy"] for each in scored] == [1, 0, 1, 0, 0, 1, 0]
    assert [list(each.parts) for each in scored] == [["accuracy", "format"]] * len(answers)
    assert [each.problem for each in scored] == [
        *("none", "none", "none", "unparsable", "unparsable", "none", "unparsable"),
    ]
    assert scored[0].parsed == "0.5"
    assert scored[-1].parsed is None


@pytest.mark.slow
@pytest.mark.parametrize("target", [None, "", "words", math.nan, [1], True])
def test_an_unusable_target_is_told_with_and_without_an_answer(target: object) -> None:
    for completion in (written("3"), "no answer"):
        scored = score(TASK, HALF.with_(target=target), completion)
        assert (scored.total, scored.problem) == (None, "target_unusable")
        assert "give LaTeX or a finite number" in scored.detail


@pytest.mark.slow
def test_a_lost_answer_is_unparsable_and_a_lost_target_unusable(short_limits: Pool) -> None:
    answer = score(TASK, HALF, written(TOWER))
    assert (answer.problem, answer.parts["accuracy"], answer.total) == ("unparsable", 0, 1)
    target = score(TASK, HALF.with_(target=TOWER), written("3"))
    assert (target.problem, target.total) == ("target_unusable", None)
    assert target.parts["accuracy"] is None
    assert "0.5 s" in target.detail
    assert score(TASK, HALF, written("1/2")).total == 2


def test_rows_are_scored_by_the_same_pool() -> None:
    rows = [
        '{"reward": "expression.equal", "target": "140°", "completion": "<answer>140</answer>"}',
        '{"reward": "expression.equal", "target": "9 cm", "sample": {"units": ["cm"]}, '
        '"rewards": {"expression.equal": {"units": ["cm"]}}, "completion": "<answer>9cm</answer>"}',
    ]
    assert [row["parts"]["accuracy"] for row in score_rows(rows[:1])] == [1]
    assert [row["parts"]["expression.equal"] for row in score_rows(rows[1:])] == [1]
