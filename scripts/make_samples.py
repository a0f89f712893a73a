"""Writes `data/samples/`: rows in the layouts of published data sets, with pictures of our own.

`python scripts/make_samples.py [FOLDER]` (default: `data/samples` of this checkout); the same
rows on every run.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

from PIL import Image

from vlrl.data.world import make_scene, render

SIDE_PX = 64
COUNTS = (3, 5, 8, 10)
SAMPLES = Path(__file__).resolve().parent.parent / "data" / "samples"


def main(folder: Path) -> None:
    write_r1v(folder / "r1v")
    write_superclevr(folder / "superclevr")


def write_r1v(folder: Path) -> None:
    """One parquet file with an image column, as `Dataset.push_to_hub` leaves it in a repository."""
    from datasets import Dataset, Features, Value
    from datasets import Image as ImageColumn

    rows = [
        {
            "image": {"bytes": picture("train", count), "path": f"CLEVR_sample_{index:06d}.png"},
            "problem": "How many items are there in the image?",
            "solution": f"<answer> {count} </answer>",
        }
        for index, count in enumerate(COUNTS)
    ]
    text = Value("string")
    features = Features({"image": ImageColumn(), "problem": text, "solution": text})
    folder.mkdir(parents=True, exist_ok=True)
    table = Dataset.from_list(rows, features=features)
    table.to_parquet(folder / "train-00000-of-00001.parquet")


def write_superclevr(folder: Path) -> None:
    """`prompts/*.jsonl`, whose paths start in the folder above it, and `images/`."""
    rows = []
    for index, count in enumerate(COUNTS):
        path = f"images/superCLEVR_sample_{index:06d}.png"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(picture("ood", count))
        question = "How many different items are there in the image?"
        rows.append({"image_path": f"./{path}", "question": question, "ground_truth": count})
    (folder / "prompts").mkdir(exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "prompts" / "superclevr_sample_counting_problems.jsonl").write_text(lines, "utf-8")


def picture(domain: str, count: int) -> bytes:
    scene = make_scene(f"sample/{count}", num_objects=count, domain=domain, side_px=SIDE_PX)
    png = io.BytesIO()
    Image.fromarray(render(scene)).quantize(32).save(png, "PNG", optimize=True)
    return png.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)
