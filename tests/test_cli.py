"""The command line: every verb reaches its function, and mistakes are one line."""

import importlib
import inspect
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from vlrl import cli, config, tasks
from vlrl.contracts import UserError

RunVlrl = Callable[..., subprocess.CompletedProcess[str]]
VERBS = (
    *("tasks", "recipes", "benchmarks", "check", "score", "sft", "train"),
    *("eval", "ask", "preview", "speed", "report", "quickstart", "new", "env"),
)


class Recorder:
    """Stands in for a module; remembers how its functions are called."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple, dict]] = []

    def __getattr__(self, name: str) -> Callable:
        return lambda *args, **kwargs: self.calls.append((name, args, kwargs))


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Recorder]:
    """Puts a Recorder in the place of a module of the package."""

    def put(module: str) -> Recorder:
        recorder = Recorder()
        package, _, name = module.rpartition(".")
        if package not in sys.modules:
            monkeypatch.setitem(sys.modules, package, ModuleType(package))
        monkeypatch.setitem(sys.modules, module, recorder)
        monkeypatch.setattr(sys.modules[package], name, recorder, raising=False)
        return recorder

    return put


def test_help_names_every_verb_and_comes_at_once(run_vlrl: RunVlrl) -> None:
    start = time.perf_counter()
    done = run_vlrl("--help")
    took_s = time.perf_counter() - start
    assert done.returncode == 0
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("    ")]
    assert [verb for verb in VERBS if verb not in listed] == []
    assert took_s < 2  # 0.2 on a quiet machine


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main([verb, "--help"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: vlrl {verb}")


def test_lists_have_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    benchmarks = [each.name for name in tasks.names() for each in tasks.find(name).benchmarks]
    expected = {"tasks": tasks.names(), "recipes": list(config.recipes()), "benchmarks": benchmarks}
    for verb, names in expected.items():
        assert cli.main([verb]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines if not line.startswith(" ")] == names


def test_a_mistake_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "r1v_countin"]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("vlrl: no recipe is called 'r1v_countin'; did you mean")
    assert streams.err.count("\n") == 1


def test_an_interruption_says_how_to_resume(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(tasks, "names", interrupt)
    assert cli.main(["tasks"]) == 130
    assert capsys.readouterr().err == "interrupted; run the same command to resume\n"


@pytest.mark.parametrize(("verb", "module"), [("train", "grpo"), ("sft", "sft")])
def test_training_gets_the_recipe_with_its_overrides(
    verb: str, module: str, stand_in: Callable[[str], Recorder]
) -> None:
    recorder = stand_in(f"vlrl.training.{module}")
    assert cli.main([verb, "r1v_counting", "train.beta=0.01", "seed=3"]) == 0
    ((name, (recipe,), options),) = recorder.calls
    assert (name, options) == ("run", {})
    assert (recipe.task, recipe.train["beta"], recipe.seed) == ("counting", 0.01, 3)


def test_eval_passes_its_arguments_on(stand_in: Callable[[str], Recorder]) -> None:
    recorder = stand_in("vlrl.evaluation.evaluate")
    line = "eval tiny --benchmarks one two --mode direct --num-samples 4 --limit 10 --out there"
    line += " --label after --max-pixels 401408 --source one=rows.jsonl --source two=a=b"
    assert cli.main(line.split()) == 0
    options = {
        "mode": "direct",
        "out": Path("there"),
        "num_samples": 4,
        "limit": 10,
        "batch_size": 16,
        "max_new_tokens": None,
        "label": "after",
        "min_pixels": None,
        "max_pixels": 401408,
        "sources": {"one": "rows.jsonl", "two": "a=b"},
        "segmenter": None,
    }
    assert recorder.calls == [("run", ("tiny", ["one", "two"]), options)]


def test_eval_wants_the_name_of_the_benchmark_with_a_source(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["eval", "tiny", "--benchmarks", "one", "--source", "rows.jsonl"]) == 2
    assert capsys.readouterr().err == "vlrl: --source rows.jsonl: expected BENCHMARK=PATH\n"


def test_ask_passes_its_arguments_on(stand_in: Callable[[str], Recorder]) -> None:
    recorder = stand_in("vlrl.evaluation.ask")
    line = "ask tiny scene.png Where? --mode direct --out there.png"
    assert cli.main(line.split()) == 0
    expected = ("tiny", "scene.png", "Where?", "direct", None, Path("there.png"))
    assert recorder.calls == [("run", expected, {})]


def test_quickstart_passes_its_arguments_on(stand_in: Callable[[str], Recorder]) -> None:
    recorder = stand_in("vlrl.quickstart")
    line = "quickstart sft.max_steps=5 --seed 3 --from-scratch --out there"
    assert cli.main(line.split()) == 0
    options = {"seed": 3, "from_scratch": True, "out": Path("there")}
    options |= {"overrides": ["sft.max_steps=5"]}
    assert recorder.calls == [("run", (), options)]


def test_report_passes_the_runs_on(stand_in: Callable[[str], Recorder]) -> None:
    recorder = stand_in("vlrl.report")
    assert cli.main(["report", "runs/one", "runs/two"]) == 0
    assert recorder.calls == [("write", ([Path("runs/one"), Path("runs/two")], None), {})]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "module", "name"),
    [
        (["train", "r1v_counting"], "vlrl.training.grpo", "run"),
        (["sft", "r1v_counting"], "vlrl.training.sft", "run"),
        (["eval", "tiny", "--benchmarks", "one"], "vlrl.evaluation.evaluate", "run"),
        (["ask", "tiny", "scene.png", "How many?"], "vlrl.evaluation.ask", "run"),
        (["report", "runs/one"], "vlrl.report", "write"),
        (["quickstart"], "vlrl.quickstart", "run"),
    ],
)
def test_the_function_behind_a_verb_takes_what_it_is_given(
    arguments: list[str], module: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = importlib.import_module(module)
    signature = inspect.signature(getattr(behind, name))
    calls: list[inspect.BoundArguments] = []
    monkeypatch.setattr(
        behind, name, lambda *args, **options: calls.append(signature.bind(*args, **options))
    )
    assert cli.main(arguments) == 0
    assert len(calls) == 1


def test_env_tells_versions_and_platform(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["env"]) == 0
    facts = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert {"vlrl", "python", "torch", "transformers", "trl", "platform"} <= facts.keys()


def test_score_writes_a_line_for_a_line(run_vlrl: RunVlrl, tmp_path: Path) -> None:
    row = {"id": "a", "task": "counting", "target": 3, "completion": "<answer>3</answer>"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\nbroken\n")
    done = run_vlrl("score", "rows.jsonl")
    assert done.returncode == 1
    right, broken = map(json.loads, done.stdout.splitlines())
    assert (right["id"], right["parts"]) == ("a", {"accuracy": 1.0, "format": 0.0})
    assert broken == {"line": 2, "problem": "bad_line"}


@pytest.mark.slow
@pytest.mark.parametrize("target", ["counting", "world_recipe.yaml"])
def test_check_takes_a_task_or_a_recipe(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = "task: counting\nmode: direct\ndata: {train: 'world:counting'}"
    Path("world_recipe.yaml").write_text(recipe)
    assert cli.main(["check", target, "--limit", "30"]) == 0
    mode = "direct" if target.endswith(".yaml") else "think"
    assert f"counting on world:counting, mode {mode}" in capsys.readouterr().out


def test_check_wants_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "empty_task.py"
    path.write_text(
        "from vlrl.contracts import Task\n"
        "class Empty(Task):\n    name = 'empty_task'\n    about = ''\n    kind = 'text'\n"
    )
    assert cli.main(["check", str(path)]) == 2
    assert "name one with --source" in capsys.readouterr().err


@pytest.mark.slow
def test_a_new_task_passes_its_check_and_its_test(run_vlrl: RunVlrl, tmp_path: Path) -> None:
    done = run_vlrl("new", "task", "clock_faces")
    written = {Path(line).name for line in done.stdout.splitlines()}
    assert written == {path.name for path in tmp_path.iterdir()}
    assert "clock_faces.py" in written
    checked = run_vlrl("check", "clock_faces.py")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(tmp_path / "test_clock_faces.py")],
        cwd=cli.__file__.rpartition("vlrl")[0],
        capture_output=True,
        text=True,
    )
    assert tested.returncode == 0, tested.stdout
    assert "6 passed" in tested.stdout


@pytest.mark.parametrize("name", ["Clocks", "class", "a-b", "2d", ""])
def test_a_new_task_needs_a_name_that_a_module_can_have(name: str, tmp_path: Path) -> None:
    from vlrl import new

    with pytest.raises(UserError, match="cannot name a task"):
        new.task(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_new_task_overwrites_nothing(tmp_path: Path) -> None:
    from vlrl import new

    (tmp_path / "clocks.jsonl").write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        new.task("clocks", tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("script", "usage"),
    [("train", "vlrl train"), ("sft", "vlrl sft"), ("evaluate", "vlrl eval")],
)
def test_scripts_are_doors_to_the_same_verbs(script: str, usage: str) -> None:
    root = Path(cli.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, str(root / "scripts" / f"{script}.py"), "--help"],
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith(f"usage: {usage}")
