"""Find tasks and benchmarks by name, and read a task's samples from a source.

A task is named in one of three ways: `counting` (the file `data/counting.py`), `my.module` or
`my.module:Class` (importable from the current folder or the environment), or the path of a `.py`
file.  Every file holds exactly one task, so the file is enough.
"""

import importlib
import importlib.util
import logging
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from types import ModuleType

import vlrl.data
from vlrl.contracts import BadRow, Benchmark, Sample, Source, Task, UserError
from vlrl.data.formats.rows import is_world
from vlrl.mix import Mix, MixedTask, interleave
from vlrl.nearest import did_you_mean

log = logging.getLogger("vlrl")
NUM_TRIED = 20  # rows that show which task reads a data set


def names() -> list[str]:
    """The names of the tasks in `data/`, sorted; imports none of them."""
    files = (file for folder in vlrl.data.__path__ for file in Path(folder).glob("*.py"))
    return sorted(file.stem for file in files if not file.stem.startswith("_"))


def find(name: str) -> Task:
    """The task called `name`: a name, `module`, `module:Class` or the path of a `.py` file.

    Raises UserError where there is none, or where its file does not hold exactly one.
    """
    if name.endswith(".py"):
        return _only_task(_module_of_file(Path(name)))
    if name in names():
        return _only_task(importlib.import_module(f"vlrl.data.{name}"))
    if not name.strip(".") or ("." not in name and ":" not in name):
        raise UserError(f"no task is called {name!r}; {did_you_mean(name, names())}")
    module_name, _, class_name = name.partition(":")
    module = _module(module_name.lstrip("."))
    return _named_task(module, class_name) if class_name else _only_task(module)


def together(named: Iterable[str]) -> Task:
    """The one task of these names, or several as one; the first is the one of unnamed sources."""
    found = {name: find(name) for name in dict.fromkeys(named)}
    return next(iter(found.values())) if len(found) == 1 else MixedTask(found)


def apart(task: Task) -> list[Task]:
    """The tasks of a mix, or the one."""
    return list(task.tasks.values()) if isinstance(task, MixedTask) else [task]


def reading(source: Source) -> Task:
    """The task that reads these rows.

    Of several, the one that reads most of the first NUM_TRIED; UserError where no task does, or
    where several do alike.
    """
    shares: dict[str, float] = {}
    for task in map(find, names()):
        try:
            with _quiet():
                found = list(islice(task.load(source), NUM_TRIED)) if task.formats else []
        except UserError:
            continue
        if read := sum(isinstance(each, Sample) for each in found):
            shares[task.name] = read / len(found)
    best = [name for name, share in shares.items() if share == max(shares.values())]
    if len(best) == 1:
        return find(best[0])
    if best:
        raise UserError(
            f"{source.spec}: {', '.join(best)} can read these rows; name one of these tasks, and "
            f"the rows by --source {source.spec}"
        )
    raise UserError(f"{source.spec}: no task reads such rows; `vlrl tasks` lists their formats")


@contextmanager
def _quiet() -> Iterator[None]:
    """What one task leaves out of another's rows is no news."""
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def benchmark(name: str) -> tuple[Task, Benchmark]:
    """The benchmark called `name` in `data/`, or `TASK:NAME` for one of a task found elsewhere."""
    task_name, _, benchmark_name = name.rpartition(":")
    tasks = [find(task_name)] if task_name else [find(task_name) for task_name in names()]
    known = {each.name: (task, each) for task in tasks for each in task.benchmarks}
    if benchmark_name not in known:
        raise UserError(
            f"no benchmark is called {benchmark_name!r}; {did_you_mean(benchmark_name, known)}"
        )
    return known[benchmark_name]


def samples(
    task: Task, source: Source, on_bad_row: Callable[[BadRow], None] | None = None
) -> Iterator[Sample]:
    """The readable samples of `source`, in its order, as many as `source.take` says.

    `take` is `first:N`, `random:N` (N of them, all equally likely) or `random:P%` (each kept with
    probability P/100), drawn by `source.seed`.  `on_bad_row` gets every row that cannot be read;
    their number is logged at the end.  In a mix the ids begin with the number of their source:
    `2:train.jsonl:7`.  Raises UserError where not one row can be read, and where rows would be
    waited for that never come, behind or among those of an endless source.
    """
    if isinstance(source, Mix):
        yield from _take(_mixed(task, source, on_bad_row), source)
        return
    readable = _Readable(task=task, source=source, on_bad_row=on_bad_row)
    try:
        for sample in _take(readable, source):
            yield sample.with_(rewards=sample.rewards or source.rewards)
    finally:
        readable.report()


def is_endless(source: Source) -> bool:
    """Whether its rows never run out.  A mix in shares runs out with the first of its parts."""
    if source.take is not None:
        return False
    if not isinstance(source, Mix):
        return is_world(source)
    ends = [is_endless(part) for part in source.parts]
    return all(ends) if source.shares else any(ends)


def _mixed(task: Task, mix: Mix, on_bad_row: Callable[[BadRow], None] | None) -> Iterator[Sample]:
    streams = [
        _numbered(samples(task, part, on_bad_row), number)
        for number, part in enumerate(mix.parts, start=1)
    ]
    if mix.shares:
        return interleave(streams, mix.shares)
    for part in mix.parts[:-1]:
        if is_endless(part):
            raise UserError(
                f"{part.spec} is endless, so the sources after it would never be read; give it "
                "take: 'first:1000', or give all of them a share"
            )
    return chain(*streams)


def _numbered(found: Iterator[Sample], number: int) -> Iterator[Sample]:
    return (sample.with_(id=f"{number}:{sample.id}") for sample in found)


@dataclass
class _Readable:
    """Iterates over the samples of a source; passes the bad rows on and counts both."""

    task: Task
    source: Source
    on_bad_row: Callable[[BadRow], None] | None
    num_read: int = 0
    num_bad: int = 0
    first_bad: BadRow | None = None

    def __iter__(self) -> Iterator[Sample]:
        for row in self.task.load(self.source):
            if isinstance(row, BadRow):
                self._bad(row)
                continue
            self.num_read += 1
            yield row
        if not self.num_read:
            cause = f"the first: {self.first_bad}" if self.first_bad else "it holds none"
            raise UserError(f"{self.source.spec}: no row can be read; {cause}")

    def _bad(self, row: BadRow) -> None:
        self.num_bad += 1
        self.first_bad = self.first_bad or row
        if self.on_bad_row:
            self.on_bad_row(row)

    def report(self) -> None:
        if self.num_bad:
            log.warning(
                "%s: %d rows cannot be read and are left out, %d are read; the first: %s",
                self.source.spec,
                self.num_bad,
                self.num_read,
                self.first_bad,
            )


def _take(rows: Iterable[Sample], source: Source) -> Iterator[Sample]:
    if source.take is None:
        yield from rows
        return
    match = re.fullmatch(r"(first|random):([0-9]+(?:\.[0-9]+)?%|[0-9]+)", source.take)
    if match is None or (match[1] == "first" and match[2].endswith("%")):
        raise UserError(
            f"take: {source.take!r} is not understood; "
            "write 'first:500', 'random:500' or 'random:10%'"
        )
    how, amount = match.groups()
    if how == "random" and is_endless(replace(source, take=None)):
        raise UserError(
            f"{source.spec} is endless, so take: {source.take!r} would never come to its end; "
            "write take: 'first:1000'"
        )
    rng = random.Random(f"take:{source.seed}")
    if how == "first":
        yield from islice(rows, int(amount))
    elif amount.endswith("%"):
        share = float(amount[:-1]) / 100
        yield from (row for row in rows if rng.random() < share)
    else:
        yield from _reservoir(rows, int(amount), rng)


def _reservoir(rows: Iterable[Sample], size: int, rng: random.Random) -> list[Sample]:
    """`size` rows, every row equally likely (Vitter's algorithm R), in their first order."""
    kept: list[tuple[int, Sample]] = []
    for index, row in enumerate(rows):
        if len(kept) < size:
            kept.append((index, row))
            continue
        place = rng.randrange(index + 1)
        if place < size:
            kept[place] = (index, row)
    return [row for _, row in sorted(kept, key=lambda pair: pair[0])]


def _module(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # the installed command does not look in the current folder
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there; what it imports is not
        raise UserError(f"no module is called {name!r}; run from the folder it lies in") from error


def _module_of_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UserError(f"{path}: there is no such task file; `vlrl new task NAME` writes one")
    spec = importlib.util.spec_from_file_location(f"vlrl_task_{path.stem}", path)
    assert spec is not None and spec.loader is not None  # true for every .py file
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look their module up
    spec.loader.exec_module(module)
    return module


def _tasks_in(module: ModuleType) -> dict[str, type[Task]]:
    """The task classes that the module itself defines, by class name."""
    classes = {name: each for name, each in vars(module).items() if isinstance(each, type)}
    return {
        name: each
        for name, each in classes.items()
        if issubclass(each, Task) and each is not Task and each.__module__ == module.__name__
    }


def _only_task(module: ModuleType) -> Task:
    found = _tasks_in(module)
    if len(found) != 1:
        what = ", ".join(found) if found else "none"
        raise UserError(
            f"{module.__file__}: a task file holds exactly one subclass of vlrl.contracts.Task; "
            f"this one holds {what}"
        )
    return next(iter(found.values()))()


def _named_task(module: ModuleType, class_name: str) -> Task:
    found = _tasks_in(module)
    if class_name not in found:
        raise UserError(
            f"{module.__name__} has no task class {class_name!r}; {did_you_mean(class_name, found)}"
        )
    return found[class_name]()
