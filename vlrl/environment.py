"""What a result depends on besides its recipe: versions, git revision, platform and devices."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path

import vlrl

PACKAGES = ("torch", "transformers", "trl", "accelerate", "peft", "datasets", "numpy", "pillow")


def versions() -> dict[str, str]:
    """Name -> version of vlrl, Python and the packages that matter; the git revision if any."""
    found = {"vlrl": vlrl.__version__, "python": platform.python_version()}
    revision = git_revision()
    if revision:
        found["git"] = revision
    return found | {name: _version(name) for name in PACKAGES}


def facts() -> dict[str, str]:
    """The versions, and what they run on; imports torch where it is installed."""
    return versions() | {"platform": platform.platform()} | _devices()


def git_revision() -> str | None:
    """Of the checkout that vlrl runs from, `+` appended where it has changes; None outside one."""
    root = Path(vlrl.__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None
    try:
        commit = _git(root, "rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git(root, "status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None  # no git here, or no commit yet


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _devices() -> dict[str, str]:
    try:
        import torch
    except ImportError:
        return {}
    found = {"threads": str(torch.get_num_threads()), "cuda": torch.version.cuda or "none"}
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        found[f"gpu {index}"] = f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
    return found
