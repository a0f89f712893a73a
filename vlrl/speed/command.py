"""`vlrl speed`: measures, prints, writes the numbers and the picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vlrl.speed import shapes, show
from vlrl.speed.compare import compare
from vlrl.speed.settings import Settings
from vlrl.speed.surface import PAIRS, Grid, surface


def run(settings: Settings, file: Path | None, *, force: bool = False) -> None:
    """One comparison; to `file` as JSON.  `force`: a large preset without a GPU, too."""
    shapes.check(settings.preset, force=force)
    found = compare(settings)
    show.comparison(found)
    _write(found, file)


def run_surface(
    given: Mapping[str, Any],
    file: Path | None,
    plot: Path,
    *,
    grid: Grid | None = None,
    force: bool = False,
) -> None:
    """A comparison at every point of the grid; `given`: settings that are not the defaults.

    `plot`: the picture to draw.
    """
    settings = Settings(**{"pairs": PAIRS, **given})
    shapes.check(settings.preset, force=force)
    found = surface(settings, grid or Grid())
    show.surface(found)
    _write(found, file)
    print(show.plot(found, plot))


def _write(found: object, file: Path | None) -> None:
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
