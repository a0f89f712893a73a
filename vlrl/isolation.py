"""Runs calls in a pool of processes with hard limits on time and memory.

A hostile argument costs its own call, never the run: the kernel ends a process that uses up its
time, memory beyond the limit is refused, and a process that has ended is replaced.  The processes
are fresh interpreters that import what they call and nothing else (no torch, not the main script),
so it does not matter what the parent has loaded, or whether it was forked.

Time is processor time, so a busy machine changes no result; a clock catches what only sleeps.
"""

from __future__ import annotations

import atexit
import os
import pickle
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import Connection, wait
from typing import Any

from vlrl.contracts import UnparsableAnswer, UnusableTarget, UserError
from vlrl.rewards import expression

NUM_PROCESSES = 2
CALLS_PER_PROCESS = 5_000  # then a fresh one, since the caches of SymPy and ANTLR only grow
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Lost(Exception):
    """The error of a call that took more time or memory than it may, or that ended its process."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one call may use."""

    cpu_s: float = 3.0
    wall_s: float = 60.0
    memory_bytes: int = 2 * 2**30  # address space of the whole process
    start_s: float = 300.0  # until a process is ready


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of a pure function; all of it is pickled, the function by its name."""

    function: Callable
    arguments: tuple = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    value: Any = None
    error: Exception | None = None  # what was raised, or Lost

    def result(self) -> Any:
        """The value; raises the error."""
        if self.error is not None:
            raise self.error
        return self.value


def run_answers(
    function: Callable, pairs: Sequence[tuple[Any, Any]], options: Mapping[str, Any]
) -> list[Outcome]:
    """The outcomes of an answer reward for pairs of value and target, in the shared pool.

    A lost call becomes UnusableTarget where it is lost without the value too, else
    UnparsableAnswer.
    """
    if not pairs:
        return []
    pool = _shared(os.getpid())
    calls = [Call(function=function, arguments=pair, options=options) for pair in pairs]
    outcomes = pool.run(calls)
    lost = [i for i, outcome in enumerate(outcomes) if isinstance(outcome.error, Lost)]
    looks = pool.run(
        [Call(function=function, arguments=(None, pairs[i][1]), options=options) for i in lost]
    )
    for i, look in zip(lost, looks, strict=True):
        error = look.error
        if isinstance(error, Lost):
            error = UnusableTarget(f"{str(pairs[i][1])[:80]!r} cannot be compared with: {error}")
        elif not isinstance(error, UnusableTarget):
            error = UnparsableAnswer(str(outcomes[i].error))
        outcomes[i] = Outcome(error=error)
    return outcomes


def start() -> None:
    """Start the shared pool.  Raises UserError where math-verify does not work."""
    _shared(os.getpid())


@cache
def _shared(pid: int) -> Pool:  # one for each process: a fork does not talk to its parent's
    pool = Pool(prepare=expression.prove)
    atexit.register(pool.close)
    pool.start()
    return pool


class Pool:
    """Processes that start with the first call; each is ready once `prepare` has returned in it."""

    def __init__(
        self,
        *,
        prepare: Callable[[], Any] = bool,
        num_processes: int = NUM_PROCESSES,
        limits: Limits | None = None,
    ) -> None:
        self.prepare = prepare
        self.num_processes = num_processes
        self.limits = limits or Limits()
        self._workers: list[_Worker] = []
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def start(self) -> None:
        """Wait until the processes are ready.  Raises what `prepare` raised, or UserError."""
        with self._lock:
            self._replace_missing()
            while any(not worker.ready for worker in self._workers):
                list(self._collect())

    def run(self, calls: Sequence[Call]) -> list[Outcome]:
        """The outcomes in the order of the calls; equal calls run once.

        Raises what `prepare` raised, and UserError where a process does not start.
        """
        outcomes: dict[bytes, Outcome] = {}
        messages = [_message(call, outcomes) for call in calls]
        todo = deque(dict.fromkeys(each for each in messages if each not in outcomes))
        with self._lock:
            while todo or any(worker.job for worker in self._workers):
                self._replace_missing()
                self._hand_out(todo)
                outcomes.update(self._collect())
        return [outcomes[message] for message in messages]

    def close(self) -> None:
        """End the processes; a later call starts new ones."""
        if os.getpid() != self._owner:  # a fork that ends must not end its parent's
            return
        with self._lock:
            for worker in list(self._workers):
                self._drop(worker)

    def _replace_missing(self) -> None:
        while len(self._workers) < self.num_processes:
            self._workers.append(_Worker(self.prepare, self.limits))

    def _hand_out(self, todo: deque[bytes]) -> None:
        for worker in [each for each in self._workers if each.ready and each.job is None]:
            if not todo:
                return
            if worker.give(todo[0]):
                todo.popleft()
            else:
                self._drop(worker)

    def _collect(self) -> Iterator[tuple[bytes, Outcome]]:
        """Wait for a report; the jobs that are done.  Ends the processes that are overdue."""
        busy = {each.connection: each for each in self._workers if each.job or not each.ready}
        if not busy:
            return
        first = min(worker.deadline for worker in busy.values())
        for connection in wait(list(busy), timeout=max(0.0, first - time.monotonic())):
            worker = busy[connection]  # type: ignore[index]
            job, outcome = worker.job, worker.receive()
            if isinstance(outcome.error, Lost) or worker.num_calls >= CALLS_PER_PROCESS:
                self._drop(worker)
            if job is not None:
                yield job, outcome
            elif outcome.error is not None:
                self._refuse(outcome.error)
        for worker in busy.values():
            worker.end_if_overdue()

    def _refuse(self, error: Exception) -> None:
        """Raise the error with which a process did not become ready."""
        for worker in list(self._workers):
            self._drop(worker)
        if not isinstance(error, Lost):
            raise error
        raise UserError(
            "a process for rewards with time limits did not start; see the lines above for its "
            f"error, or raise the limit of its address space ({self.limits.memory_bytes} bytes)"
        )

    def _drop(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.end()


class _Worker:
    """One process, seen from the parent."""

    def __init__(self, prepare: Callable[[], Any], limits: Limits) -> None:
        ours, theirs = socket.socketpair()
        code = f"import sys; sys.path[:] = {sys.path!r}; from vlrl import isolation; "
        code += f"isolation.serve({theirs.fileno()}, {limits.cpu_s}, {limits.memory_bytes})"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**os.environ, **ONE_THREAD},
            start_new_session=True,  # an interrupt from the keyboard is for the parent
        )
        theirs.close()
        self.connection = Connection(ours.detach())
        self.connection.send_bytes(pickle.dumps(Call(function=prepare)))
        self.limits = limits
        self.ready = False
        self.job: bytes | None = None
        self.deadline = time.monotonic() + limits.start_s
        self.num_calls = 0

    def give(self, job: bytes) -> bool:
        """Send a job; False where the process has ended while it had none."""
        try:
            self.connection.send_bytes(job)
        except OSError:
            return False
        self.job = job
        self.deadline = time.monotonic() + self.limits.wall_s
        self.num_calls += 1
        return True

    def receive(self) -> Outcome:
        self.ready, self.job = True, None
        try:
            return pickle.loads(self.connection.recv_bytes())
        except (EOFError, OSError):
            limits = f"{self.limits.cpu_s:g} s or {self.limits.memory_bytes >> 20} MiB"
            return Outcome(error=Lost(f"it took more than {limits}, or crashed"))

    def end_if_overdue(self) -> None:
        if time.monotonic() > self.deadline:
            self.process.kill()  # which its connection then reports

    def end(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.wait()


def _message(call: Call, outcomes: dict[bytes, Outcome]) -> bytes:
    """The call as bytes; where it cannot be one, its outcome is known at once."""
    try:
        return pickle.dumps(call)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        message = repr(error).encode()
        outcomes[message] = Outcome(error=error)
        return message


def serve(handle: int, cpu_s: float, memory_bytes: int) -> None:
    """The work of a process: answer calls until the parent closes the connection."""
    connection = Connection(handle)
    connection.send_bytes(_answer(connection.recv_bytes()))
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    soft = memory_bytes if most == resource.RLIM_INFINITY else min(memory_bytes, most)
    resource.setrlimit(resource.RLIMIT_AS, (soft, most))
    while True:
        try:
            message = connection.recv_bytes()
        except (EOFError, OSError):
            return
        signal.setitimer(signal.ITIMER_PROF, cpu_s)  # whose signal ends the process
        answer = _answer(message)
        signal.setitimer(signal.ITIMER_PROF, 0)
        connection.send_bytes(answer)


def _answer(message: bytes) -> bytes:
    try:
        call = pickle.loads(message)
        outcome = Outcome(value=call.function(*call.arguments, **call.options))
    except (MemoryError, RecursionError) as error:
        outcome = Outcome(error=Lost(repr(error)))
    except Exception as error:
        outcome = Outcome(error=error)
    try:
        answer = pickle.dumps(outcome)
        pickle.loads(answer)  # some exceptions can be written and not read
    except Exception as error:
        answer = pickle.dumps(Outcome(error=RuntimeError(f"{outcome.error!r}: {error!r}")))
    return answer
