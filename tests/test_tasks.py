"""Finding tasks by name, module and file, and taking samples from their sources."""

import logging
import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import pytest

from vlrl import cli, tasks
from vlrl.contracts import BadRow, Frame, Sample, Source, Task, UserError
from vlrl.data.formats.rows import Format
from vlrl.mix import Mix, interleave

TASK_FILE = """
from vlrl.contracts import Benchmark, Task

class Echo(Task):
    name = "echo"
    about = "say it again"
    kind = "text"
    benchmarks = (Benchmark(name="echo_test", source="echo.jsonl"),)
"""


class Numbers(Task):
    """Rows 0 to 99, of which every tenth cannot be read."""

    name = "numbers"
    about = "numbers"
    kind = "number"

    def load(self, source: Source) -> Iterator[Sample | BadRow]:
        for row in range(100):
            if row % 10 == 9:
                yield BadRow(file=source.spec, row=row, reason="ends in 9", cure="remove it")
            else:
                yield Sample(id=str(row), task=self.name, question="", target=row)

    def hint(self, sample: Sample, frame: Frame | None) -> str:
        return ""


class AllBad(Task):
    name = "all_bad"
    about = "no row can be read"
    kind = "number"

    def load(self, source: Source) -> Iterator[Sample | BadRow]:
        yield BadRow(file="rows.jsonl", row=3, reason="no answer", cure="give one")


def targets(take: str | None, seed: int = 0) -> list[int]:
    source = Source(spec="numbers", take=take, seed=seed)
    return [sample.target for sample in tasks.samples(Numbers(), source)]


def test_every_task_of_the_library_is_found_by_its_name() -> None:
    assert tasks.names() == sorted(tasks.names()) != []
    for name in tasks.names():
        assert tasks.find(name).name == name


def test_a_task_is_found_by_file_module_and_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "echoes").mkdir()
    path = tmp_path / "echoes" / "echo_by_module.py"
    path.write_text(TASK_FILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in (
        str(path),
        "echoes/echo_by_module.py",
        "echoes.echo_by_module",
        "echoes.echo_by_module:Echo",
    ):
        assert tasks.find(name).name == "echo", name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("countin", "no task is called 'countin'; did you mean 'counting'?"),
        ("nowhere.py", "nowhere.py: there is no such task file"),
        ("no_such.module", "no module is called 'no_such.module'"),
        ("vlrl.data.counting:Count", "has no task class 'Count'; did you mean 'Counting'?"),
        ("vlrl.contracts", "exactly one subclass of vlrl.contracts.Task; this one holds none"),
    ],
)
def test_an_unknown_task_is_refused_with_the_nearest(name: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        tasks.find(name)
    assert message in str(error.value)


def test_a_missing_import_inside_a_module_is_not_called_a_missing_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inner.py").write_text("import vlrl.no_such_module\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        tasks.find("folder.inner")


def test_a_file_with_two_tasks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.py"
    path.write_text(TASK_FILE + TASK_FILE.replace("Echo", "Second"))
    with pytest.raises(UserError, match="this one holds Echo, Second"):
        tasks.find(str(path))


def test_a_benchmark_is_found_over_all_tasks() -> None:
    for name in tasks.names():
        for each in tasks.find(name).benchmarks:
            task, found = tasks.benchmark(each.name)
            assert (task.name, found) == (name, each)


def test_names_of_benchmarks_are_used_once() -> None:
    names = [each.name for name in tasks.names() for each in tasks.find(name).benchmarks]
    assert len(names) == len(set(names))


def test_a_benchmark_of_a_task_file_is_named_with_it(tmp_path: Path) -> None:
    path = tmp_path / "echo.py"
    path.write_text(TASK_FILE)
    task, found = tasks.benchmark(f"{path}:echo_test")
    assert (task.name, found.source) == ("echo", "echo.jsonl")
    with pytest.raises(UserError, match="did you mean 'echo_test'"):
        tasks.benchmark(f"{path}:echo_tset")


def test_an_unknown_benchmark_is_refused_with_the_nearest() -> None:
    known = tasks.find(tasks.names()[0]).benchmarks[0].name
    with pytest.raises(UserError, match=f"did you mean '{known}'"):
        tasks.benchmark(f"{known}x")


def test_without_take_every_readable_row_comes_in_order() -> None:
    assert targets(None) == [row for row in range(100) if row % 10 != 9]


def test_first_counts_readable_rows() -> None:
    assert targets("first:12") == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12]
    assert targets("first:1000") == targets(None)


@pytest.mark.parametrize("take", ["random:20", "random:30%"])
def test_random_is_seeded_ordered_and_without_repeats(take: str) -> None:
    taken = targets(take)
    assert taken == sorted(set(taken)) == targets(take)
    assert taken != targets(take, seed=1)
    assert set(taken) < set(targets(None))


def test_random_takes_as_many_as_it_says() -> None:
    assert len(targets("random:20")) == 20
    assert len(targets("random:1000")) == 90
    counts = [len(targets("random:30%", seed=seed)) for seed in range(40)]
    assert 25 < sum(counts) / len(counts) < 29  # 27 expected; standard error 0.7


def test_random_takes_every_row_equally_often() -> None:
    num_draws = 400
    seen = [row for seed in range(num_draws) for row in targets("random:9", seed=seed)]
    counts = [seen.count(row) for row in targets(None)]
    assert sum(counts) == 9 * num_draws
    assert min(counts) > 15 and max(counts) < 70  # 40 expected, standard deviation 6


@pytest.mark.parametrize("take", ["first:10%", "last:5", "random", "random:x", "first:-3", ""])
def test_a_take_that_is_not_understood_is_refused(take: str) -> None:
    with pytest.raises(UserError, match="write 'first:500'"):
        targets(take)


def test_bad_rows_are_passed_on_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    bad: list[BadRow] = []
    with caplog.at_level(logging.WARNING, logger="vlrl"):
        read = list(tasks.samples(Numbers(), Source(spec="numbers"), bad.append))
    assert len(read) == 90
    assert [row.row for row in bad] == list(range(9, 100, 10))
    (message,) = caplog.messages
    assert message.startswith("numbers: 10 rows cannot be read and are left out, 90 are read")
    assert "row 9: ends in 9; remove it" in message


def test_a_source_without_a_readable_row_is_an_error() -> None:
    with pytest.raises(UserError, match=r"no row can be read; the first: rows.jsonl, row 3"):
        list(tasks.samples(AllBad(), Source(spec="rows.jsonl")))


def test_nothing_is_read_before_it_is_asked_for() -> None:
    loaded: list[int] = []

    class Endless(Numbers):
        def load(self, source: Source) -> Iterator[Sample | BadRow]:
            row = 0
            while True:
                loaded.append(row)
                yield Sample(id=str(row), task=self.name, question="", target=row)
                row += 1

    taken = list(tasks.samples(Endless(), Source(spec="endless", take="first:3")))
    assert [sample.target for sample in taken] == [0, 1, 2]
    assert len(loaded) == 3


# Several sources


class Streams(Task):
    """`finite:N` holds the rows 0 to N - 1, `world:x` never ends."""

    name = "streams"

    def load(self, source: Source) -> Iterator[Sample | BadRow]:
        name, _, size = source.spec.partition(":")
        for row in count() if name == "world" else range(int(size)):
            if row == 7:
                yield BadRow(file=source.spec, row=row, reason="unlucky", cure="remove it")
            else:
                yield Sample(id=f"{source.spec}:{row}", task=self.name, question="", target=row)


def mix(*specs: str, shares: tuple[float, ...] = (), take: str | None = None) -> Mix:
    parts = tuple(
        Source(spec=spec, take=part_take or None)
        for spec, _, part_take in (each.partition(" ") for each in specs)
    )
    return Mix(spec=" + ".join(specs), parts=parts, shares=shares, take=take)


def ids(source: Source, limit: int | None = None) -> list[str]:
    return [sample.id for sample in islice(tasks.samples(Streams(), source), limit)]


def test_sources_without_shares_come_one_after_the_other() -> None:
    expected = ["1:finite:2:0", "1:finite:2:1", "2:finite:3:0", "2:finite:3:1", "2:finite:3:2"]
    assert ids(mix("finite:2", "finite:3")) == expected
    assert ids(mix("finite:2", "world:x"), limit=4)[2:] == ["2:world:x:0", "2:world:x:1"]


@pytest.mark.parametrize(
    ("shares", "sizes", "order"),
    [
        ((1, 1), (3, 3), "121212"),
        ((3, 1), (6, 9), "11211121"),  # then the first is due again and has no more
        ((0.5, 0.25, 0.25), (9, 2, 9), "123112311"),
        ((1, 2), (9, 2), "212"),
    ],
)
def test_sources_with_shares_are_interleaved_until_one_runs_out(
    shares: tuple[float, ...], sizes: tuple[int, ...], order: str
) -> None:
    streams = [iter([str(number)] * size) for number, size in enumerate(sizes, start=1)]
    assert "".join(interleave(streams, shares)) == order


def test_the_shares_of_a_mix_are_kept_at_every_length() -> None:
    drawn = ids(mix("world:a", "world:b", "world:c", shares=(5, 3, 2)), limit=100)
    for length in range(1, 101):
        for number, share in (("1", 0.5), ("2", 0.3), ("3", 0.2)):
            have = sum(each.startswith(f"{number}:") for each in drawn[:length])
            assert abs(have - share * length) < 1


def test_takes_of_the_parts_and_of_the_mix() -> None:
    assert ids(mix("finite:5 first:1", "world:x first:2")) == [
        *("1:finite:5:0", "2:world:x:0", "2:world:x:1"),
    ]
    assert len(ids(mix("world:x", "world:y", shares=(1, 1), take="first:5"))) == 5
    drawn = ids(mix("finite:20", "finite:20", take="random:9"))
    assert len(set(drawn)) == 9
    assert {each[0] for each in drawn} == {"1", "2"}


def test_bad_rows_of_a_mix_are_passed_on() -> None:
    bad: list[BadRow] = []
    source = mix("finite:9", "finite:8")
    assert len(list(tasks.samples(Streams(), source, bad.append))) == 15
    assert [row.file for row in bad] == ["finite:9", "finite:8"]


@pytest.mark.parametrize(
    ("source", "endless"),
    [
        (Source(spec="finite:3"), False),
        (Source(spec="world:x"), True),
        (Source(spec="world:x", take="first:3"), False),
        (mix("finite:3", "world:x"), True),
        (mix("finite:3", "world:x first:3"), False),
        (mix("world:x", "world:y", shares=(1, 1)), True),
        (mix("finite:3", "world:x", shares=(1, 1)), False),
        (mix("world:x", "world:y", shares=(1, 1), take="first:3"), False),
    ],
)
def test_what_is_endless(source: Source, endless: bool) -> None:
    assert tasks.is_endless(source) == endless


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Source(spec="world:x", take="random:5"), "world:x is endless, so take: 'random:5' would"),
        (Source(spec="world:x", take="random:5%"), "world:x is endless, so take: 'random:5%'"),
        (mix("finite:3", "world:x", take="random:5"), "finite:3 [+] world:x is endless, so take"),
        (mix("world:x", "finite:3"), "world:x is endless, so the sources after it would never"),
        (mix("finite:3", "finite:0"), "finite:0: no row can be read; it holds none"),
    ],
)
def test_rows_that_would_never_come_are_not_waited_for(source: Source, message: str) -> None:
    with pytest.raises(UserError, match=message):
        ids(source)


# The list of tasks


def test_tasks_are_listed_with_their_sources_and_formats(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Listed(Numbers):
        sources = {"lab/one": "10 rows", "two.jsonl": "a description that is long " * 4}
        formats = (
            Format(name="raw", columns=("a",), read=dict, proof="loader-run", origin="-"),
            Format(name="other", columns=("b",), read=dict, proof="description-only", origin="-"),
        )

    monkeypatch.setattr(tasks, "names", lambda: ["numbers"])
    monkeypatch.setattr(tasks, "find", lambda name: Listed())
    assert cli.main(["tasks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["numbers  numbers", "  lab/one    10 rows"]
    assert lines[-1] == "  formats  raw (loader-run), other (description-only)"
    assert lines[3].startswith(" " * 13 + "description")
    assert max(map(len, lines)) <= 100
