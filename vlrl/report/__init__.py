"""The report: one self-contained HTML page about one or more runs (`vlrl report RUN [RUN ...]`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def write(run_dirs: Sequence[Path], out: Path | None = None) -> Path:
    """Write the page of these run folders and return its path.

    Without `out` it goes to `report.html` in the run folder, or beside the first run folder where
    there are several.  Files that a run lacks are named on the page.  Raises UserError where there
    is no folder to read.
    """
    from vlrl.report.page import render
    from vlrl.report.runs import read_all

    folders = [Path(folder) for folder in run_dirs]
    runs = read_all(folders)
    if out is None:
        out = (folders[0] if len(folders) == 1 else folders[0].parent) / "report.html"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(render(runs), encoding="utf-8", errors="replace")
    return out
