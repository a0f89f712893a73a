"""Sample rows of the formats of quality: published layouts, pictures of our own."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vlrl.data.world import make_scene, quality, render

SIDE_PX = 84
CLEAN = ("null", 0.0)
RATED = ((("blur", 0.25), 4.0), (("darken", 0.5), 3.0), (("compression", 0.9), 1.4))
SPOILT = (("blur", "obvious"), ("noise", "slight"), ("null", "null"))
COMPARED = ((0.2, 0.8, "Image A"), (0.8, 0.4, "Image B"), (0.6, 0.6, "Similar"))


def make(folder: Path) -> None:
    """Write one folder for each format."""
    for write in (q_insight_score, q_insight_degradation, q_insight_comparison):
        write(folder / write.__name__)


def q_insight_score(folder: Path) -> None:
    """Two training rows, which hold conversations too, and a test row."""
    rows = []
    for index, (look, rating) in enumerate(RATED):
        path = f"KONIQ/images/{index}.jpg"
        _write(folder / path, _jpeg(index, look))
        score = {"gt_score": round(20 * rating, 2), "gt_score_norm": rating}
        spread = {"std": 11.2, "std_norm": 0.56}
        rows.append({"id": f"{index}.jpg->{score['gt_score']}", "image": path, **score, **spread})
    asked = {"from": "human", "value": "Rate the quality of this image.\n<|image|>"}
    told = {"from": "gpt", "value": "The quality of the image is good."}
    train = [{**row, "conversations": [asked, told]} for row in rows[:2]]
    _json(folder / "KONIQ" / "metas" / "train_koniq_7k.json", train)
    _json(folder / "KONIQ" / "metas" / "test_koniq_2k.json", rows[2:])


def q_insight_degradation(folder: Path) -> None:
    """The last row is without a distortion."""
    rows = []
    for index, (distortion, severity) in enumerate(SPOILT):
        path = f"dist_imgs/{index}.jpg"
        look = (distortion, quality.STRENGTHS.get(severity, 0.0))
        _write(folder / "refA_sd_brief" / path, _jpeg(index, look))
        rows.append({"image": path, "distortion_class": distortion, "severity": severity})
    _json(folder / "refA_sd_brief" / "metas" / "train_dist.json", rows)


def q_insight_comparison(folder: Path) -> None:
    rows = []
    for index, (a, b, result) in enumerate(COMPARED):
        looks = {"Original": CLEAN, "01": ("blur", a), "02": ("blur", b)}
        names = {place: f"{place}/{index}.jpg" for place in looks}
        for place, look in looks.items():
            _write(folder / "ValidationImage" / "images" / names[place], _jpeg(index, look))
        first, second, third = names.values()
        rows.append({"ref_image": first, "ImageA": second, "ImageB": third, "result": result})
    _json(folder / "ValidationImage" / "train_comparison.json", rows)


def _jpeg(index: int, look: quality.Look) -> bytes:
    scene = make_scene(f"sample/quality/{index}", num_objects=3, side_px=SIDE_PX)
    spoilt = quality.spoil(render(scene), look, seed=str(index), is_ood=False)
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(spoilt)).save(stream, "JPEG", quality=70, optimize=True)
    return stream.getvalue()


def _json(path: Path, rows: list[dict[str, Any]]) -> None:
    _write(path, (json.dumps(rows, indent=1) + "\n").encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
