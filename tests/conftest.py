"""What all tests share: no network, a cache of their own, GPU tests only where there is a GPU."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parent.parent

# The same examples in every run, so that a change fails by what it changes.  To look for new ones:
# pytest --hypothesis-profile=search
settings.register_profile("same", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("search", max_examples=500, deadline=None)
# For mutants.py: any failing example will do, the smallest one need not be sought.
settings.register_profile(
    "mutants", derandomize=True, deadline=None, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("same")

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The fast tests do not even import what is slow as a whole, trainers and all."""
    if config.option.markexpr != "not slow" or collection_path.suffix != ".py":
        return None
    return "\npytestmark = pytest.mark.slow\n" in collection_path.read_text("utf-8") or None


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["VLRL_HOME"] = str(tmp_path_factory.mktemp("vlrl_home"))


@pytest.fixture
def run_vlrl(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `vlrl ARGUMENTS` as a process of its own in an empty folder."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "vlrl", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )

    return run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    gpu_items = [item for item in items if item.get_closest_marker("gpu")]
    if not gpu_items:
        return
    import torch

    if not torch.cuda.is_available():
        for item in gpu_items:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
