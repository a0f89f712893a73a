"""The rooms: who may import whom, what stays light, and that the built wheel works."""

import ast
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from vlrl import tasks

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("rewards", "data", "vlrl", "scripts")
MAX_LINES = 500

MAY_IMPORT = {
    "rewards": ("vlrl.contracts", "vlrl.rewards"),
    "data": ("vlrl.contracts", "vlrl.media", "vlrl.rewards", "vlrl.data"),
}
HEAVY = {"torch", "torchvision", "transformers", "trl", "accelerate", "peft", "datasets"}
TORCH_ROOMS = ("vlrl/models", "vlrl/training", "vlrl/evaluation", "vlrl/export", "vlrl/speed")
IMPURE = {"os", "pathlib", "random", "requests", "secrets", "socket", "tempfile", "time", "urllib"}


def files_of(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imports_of(tree: ast.AST, at_import_only: bool = False) -> Iterator[str]:
    """Every module that is imported, dotted; `from vlrl import x` counts as `vlrl.x`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are written in full"
            assert node.module is not None
            whole = node.module in ("vlrl", "vlrl.data", "vlrl.rewards")
            yield from (
                f"{node.module}.{alias.name}" if whole else node.module for alias in node.names
            )
        elif not (at_import_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            yield from imports_of(node, at_import_only)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


@pytest.mark.slow
@pytest.mark.parametrize("room", ["rewards", "data"])
def test_rewards_and_data_import_only_the_rooms_below_them(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in files_of(room)
        for module in imports_of(parse(path))
        if within(module, "vlrl") and not any(within(module, each) for each in MAY_IMPORT[room])
    ]
    assert wrong == []


@pytest.mark.slow
def test_rewards_and_data_never_use_torch_and_load_datasets_late() -> None:
    wrong = []
    for room in ("rewards", "data"):
        for path in files_of(room):
            tree = parse(path)
            inside = {module.partition(".")[0] for module in imports_of(tree)} & HEAVY
            late = {"datasets"} if room == "data" else set()
            top = {module.partition(".")[0] for module in imports_of(tree, True)} & late
            wrong += [f"{path.relative_to(ROOT)}: {module}" for module in (inside - late) | top]
    assert wrong == []


def test_rewards_are_pure() -> None:
    wrong = []
    for path in files_of("rewards"):
        tree = parse(path)
        wrong += [
            f"{path.name}: {module}"
            for module in imports_of(tree)
            if module.partition(".")[0] in IMPURE
        ]
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        wrong += [f"{path.name}: open" for call in calls if getattr(call, "id", "") == "open"]
    assert wrong == []


@pytest.mark.slow
def test_only_what_trains_or_generates_imports_torch_at_once() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in files_of("vlrl")
        if not str(path.relative_to(ROOT).as_posix()).startswith(TORCH_ROOMS)
        for module in imports_of(parse(path), at_import_only=True)
        if module.partition(".")[0] in HEAVY
    ]
    assert wrong == []


@pytest.mark.slow
def test_the_engine_names_no_task_and_no_benchmark() -> None:
    known = list(map(tasks.find, tasks.names()))
    benchmarks = {each.name for task in known for each in task.benchmarks}
    forbidden = {*tasks.names(), *benchmarks} - {task.kind for task in known}
    wrong = []
    for path in files_of("vlrl"):
        if path.name == "quickstart.py":
            continue
        strings = [node.value for node in ast.walk(parse(path)) if isinstance(node, ast.Constant)]
        wrong += [f"{path.name}: {text!r}" for text in strings if text in forbidden]
        modules = (module.removeprefix("vlrl.data.") for module in imports_of(parse(path)))
        wrong += [f"{path.name}: imports {name}" for name in modules if name in tasks.names()]
    assert wrong == []


@pytest.mark.slow
def test_every_python_file_says_what_it_is_and_stays_short() -> None:
    wrong = []
    for path in [*(path for room in ROOMS for path in files_of(room)), *files_of("tests")]:
        num_lines = len(path.read_text("utf-8").splitlines())
        if num_lines > MAX_LINES:
            wrong.append(f"{path.relative_to(ROOT)}: {num_lines} lines")
        if num_lines and not ast.get_docstring(parse(path)):
            wrong.append(f"{path.relative_to(ROOT)}: no docstring")
    assert wrong == []


def run_python(code: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def test_rewards_and_data_import_fast_and_without_torch() -> None:
    done = run_python(
        "import sys, time; start = time.perf_counter();"
        "import vlrl.rewards, vlrl.data;"
        "took = time.perf_counter() - start;"
        f"print(took, *({HEAVY!r} & set(sys.modules)))"
    )
    took, *heavy = done.stdout.split()
    assert heavy == []
    assert float(took) < 2  # well under half a second on a quiet machine


@pytest.mark.slow
def test_every_task_loads_without_torch() -> None:
    done = run_python(
        "import sys; from vlrl import tasks; found = [tasks.find(name) for name in tasks.names()];"
        f"print(len(found), *({HEAVY!r} & set(sys.modules)))"
    )
    assert done.stdout.split() == [str(len(tasks.names()))], done.stderr


@pytest.mark.parametrize("room", ["rewards", "data"])
def test_a_room_refuses_its_wrong_name(room: str) -> None:
    done = run_python(f"import {room}")
    assert done.returncode == 1
    assert f"ImportError: import this package as 'vlrl.{room}'" in done.stderr


def test_the_package_is_not_inside_itself() -> None:
    done = run_python("import vlrl.vlrl")
    assert done.returncode == 1
    assert "ImportError: import this package as 'vlrl'" in done.stderr


@pytest.fixture(scope="module")
def wheel_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with the built wheel; its dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    (site_packages,) = (folder / "venv").glob("lib/python*/site-packages")
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (site_packages / "dependencies.pth").write_text("\n".join(ours))
    python = folder / "venv" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    (wheel,) = folder.glob("vlrl-*.whl")
    subprocess.run([*install, "--no-deps", "--no-index", str(wheel)], check=True)
    return folder / "venv"


def in_wheel(wheel_venv: Path, folder: Path, *command: str) -> str:
    """Standard output of a command of the environment, run in `folder`."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    program = str(wheel_venv / "bin" / command[0])
    done = subprocess.run(
        [program, *command[1:]], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_wheel_lists_tasks_and_recipes_from_an_empty_folder(
    wheel_venv: Path, tmp_path: Path
) -> None:
    listed = in_wheel(wheel_venv, tmp_path, "vlrl", "tasks").splitlines()
    heads = [line.split()[0] for line in listed if not line.startswith(" ")]
    assert heads == tasks.names()
    recipes = in_wheel(wheel_venv, tmp_path, "vlrl", "recipes").splitlines()
    assert [line.split()[0] for line in recipes] == sorted(
        path.stem for path in (ROOT / "configs").glob("*.yaml")
    )


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_rooms(wheel_venv: Path, tmp_path: Path) -> None:
    place = in_wheel(wheel_venv, tmp_path, "python", "-c", "import vlrl; print(vlrl.__file__)")
    installed = Path(place.strip()).parent
    assert wheel_venv in installed.parents
    files = [
        path.relative_to(ROOT)
        for room in ("rewards", "data", "configs", "vlrl")
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    ]
    places = [Path(*file.parts[1:]) if file.parts[0] == "vlrl" else file for file in files]
    assert [str(place) for place in places if not (installed / place).is_file()] == []
