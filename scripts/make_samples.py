"""Writes `data/samples/`: rows in the layouts of published data sets, with pictures of our own.

`python scripts/make_samples.py [FOLDER]` (default: `data/samples` of this checkout); the same
rows on every run.  Every task's are made by a module in `samples/`.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent / "data" / "samples"


def main(folder: Path) -> None:
    for module in sorted((HERE / "samples").glob("*.py")):
        runpy.run_path(str(module))["make"](folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)
