"""The files of a run: metrics and rollouts as lines of JSON, never with a step twice, and the versions behind them."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import vlrl
from vlrl.contracts import Sample
from vlrl.media import load_image

PACKAGES = ("torch", "transformers", "trl", "accelerate", "peft", "datasets", "numpy")


class Lines:
    """A file of JSON lines that grows step by step."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The whole lines; a last line that a killed process left unfinished is passed over."""
        if not self.path.is_file():
            return
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                try:
                    yield json.loads(line)
                except json.JSONDecodeError:
                    continue

    def rewind(self, phase: str | None, step: int) -> None:
        """Drop what was written after `step` (of the phase, where records have one): it will be done again."""
        if not self.path.is_file():
            return
        kept = [
            record
            for record in self
            if record["step"] <= step or (phase and record.get("phase") != phase)
        ]
        fresh = self.path.with_suffix(".tmp")
        fresh.unlink(missing_ok=True)
        Lines(fresh).append(kept)
        fresh.touch()
        fresh.replace(self.path)


def save_media(sample: Sample, folder: Path) -> list[str]:
    """The sample's pictures as PNG files under `folder/media`; returns their names relative to `folder`."""
    names = []
    for index, medium in enumerate(sample.media):
        stem = "".join(c if c.isalnum() else "-" for c in sample.id)[-80:]
        name = f"media/{stem}-{index}.png"
        if not (folder / name).is_file():
            (folder / "media").mkdir(parents=True, exist_ok=True)
            load_image(medium).save(folder / name)
        names.append(name)
    return names


def versions() -> dict[str, str]:
    """What ran: our version and git revision, Python, and the libraries that change numbers."""
    found = {"vlrl": vlrl.__version__, "python": platform.python_version()}
    if revision := _git_revision():
        found["git"] = revision
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _git_revision() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
