"""Choose rollouts for the page and turn them into what its viewer shows.

A *group* here is what is looked at together: the completions of one prompt at one training step, or
the completions of one benchmark sample before and after training.  Steps and samples are taken
evenly spaced, and in an order of which every prefix is spread over the run, until the budget of
bytes is spent.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from vlrl.report.overlay import Size, labels, paths, picture_size
from vlrl.report.runs import Evaluation, Row, Run, broken_lines, rows_at, rows_with_offsets

NUM_STEPS = 16
NUM_SAMPLES = 24  # per benchmark and mode
MAX_CHARS = 6000  # of one completion or prompt; the middle of a longer one is left out
CRISP_PX = 256  # images up to this side are kept pixel by pixel; larger ones shrink to `PHOTO_PX`
PHOTO_PX = 448
PLACE = ("step", "group", "index", "sample", "task")  # keys of a row that say where it belongs
RIGHT = 0.5  # accuracy from which the page calls a completion right
TAG = re.compile(r"(</?(?:think|answer)>)")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """Everything the viewer shows, as JSON values, and notes about what could not be read."""

    sets: list[dict[str, Any]]
    media: dict[str, str]  # key -> data URI
    notes: list[str]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One group that could be shown: where its lines lie."""

    order: tuple[float, int]  # place in the run: (step, number of the group)
    name: str  # of the group or sample
    lines: tuple[tuple[Path, int, str], ...]  # (file, byte offset, label of the completion)


@dataclass(frozen=True, kw_only=True)
class Source:
    """The groups of one run's training or of one benchmark, those to show first at the front."""

    name: str
    unit: str  # what is counted: "groups" or "samples"
    run: Run
    candidates: Sequence[Candidate]
    num_groups: int  # in the files, of which the candidates are some
    num_steps: int  # 0 for a benchmark
    num_tasks: int = 1


@dataclass(kw_only=True)
class Album:
    """Data URIs of the images shown, each stored once."""

    uris: dict[str, str] = field(default_factory=dict)
    keys: dict[tuple[Path, str], str | None] = field(default_factory=dict)

    def add(self, folder: Path, reference: str) -> str | None:
        """The key of an image (file in the run folder, or data URI); None if it cannot be shown."""
        if (folder, reference) not in self.keys:
            uri = _data_uri(folder, reference)
            self.keys[folder, reference] = uri and f"m{len(self.uris)}"
            if uri:
                self.uris[f"m{len(self.uris)}"] = uri
        return self.keys[folder, reference]

    @property
    def num_bytes(self) -> int:
        return sum(map(len, self.uris.values()))


def collect(runs: Sequence[Run], *, budget_bytes: int) -> Viewer:
    """Collect training groups and benchmark samples of all runs, an even share of bytes each."""
    album, notes, sources = Album(), [], []
    for run in runs:
        prefix = f"{run.name}: " if len(runs) > 1 else ""
        sources += _training(run, prefix, notes) + _benchmarks(run, prefix, notes)
    sets: list[dict[str, Any]] = []
    for i, source in enumerate(sources):
        share = (budget_bytes - _size(sets) - album.num_bytes) // (len(sources) - i)
        sets.append(_fill(source, album, share))
    return Viewer(sets=sets, media=album.uris, notes=notes)


def evenly_spaced(items: Sequence[T], num: int) -> list[T]:
    """At most `num` items at even distances, the first and the last among them."""
    if len(items) <= num:
        return list(items)
    if num == 1:
        return [items[-1]]
    return [items[round(i * (len(items) - 1) / (num - 1))] for i in range(num)]


def spread(items: Sequence[T]) -> list[T]:
    """The same items so ordered that any prefix covers the range: last, first, middle, quarters."""
    if not items:
        return []
    order, gaps = [len(items) - 1, 0], [(0, len(items) - 1)]
    while gaps:
        low, high = gaps.pop(0)
        if high - low > 1:
            middle = (low + high) // 2
            order.append(middle)
            gaps += [(low, middle), (middle, high)]
    return [items[i] for i in dict.fromkeys(order)]


def segments(completion: str) -> list[tuple[str, str]]:
    """Split a completion for display into (role, text), role being think, answer, tag or other.

    A `</think>` without its opening (prefilled in the prompt) makes what stands before it thinking.
    """
    pieces = [piece for piece in TAG.split(completion) if piece]
    tags = [piece for piece in pieces if TAG.fullmatch(piece)]
    role = "think" if tags[:1] == ["</think>"] else "other"
    found = []
    for piece in pieces:
        if not TAG.fullmatch(piece):
            found.append((role, piece))
            continue
        found.append(("tag", piece))
        role = "other" if piece.startswith("</") else piece.strip("<>")
    return found


def _training(run: Run, prefix: str, notes: list[str]) -> list[Source]:
    path = run.folder / "rollouts.jsonl"
    if not path.exists():
        notes.append(
            f"{prefix}rollouts.jsonl is missing: there are no training completions to show."
        )
        return []
    offsets: dict[tuple[float, str], dict[Any, int]] = {}
    rows = _good_rows(path, prefix, notes)
    for offset, row in rows:
        group = offsets.setdefault((row.get("step", 0), str(row.get("group"))), {})
        group[row.get("index", len(group))] = offset
    candidates = [
        Candidate(
            order=(step, number),
            name=group,
            lines=tuple(
                (path, places[index], f"{place + 1}") for place, index in enumerate(sorted(places))
            ),
        )
        for number, ((step, group), places) in enumerate(offsets.items())
    ]
    candidates.sort(key=lambda c: c.order)
    by_step = [list(group) for _, group in groupby(candidates, key=lambda c: c.order[0])]
    return [
        Source(
            name=f"{prefix}training",
            unit="groups",
            run=run,
            candidates=_in_waves(spread(evenly_spaced(by_step, NUM_STEPS))),
            num_groups=len(candidates),
            num_steps=len(by_step),
            num_tasks=len({row.get("task") for _, row in rows}),
        )
    ]


def _benchmarks(run: Run, prefix: str, notes: list[str]) -> list[Source]:
    sources = []
    for (benchmark, mode), evaluations in groupby(
        run.evaluations, key=lambda e: (e.benchmark, e.mode)
    ):
        candidates = _paired_predictions(list(evaluations), prefix, notes)
        if candidates:
            chosen = spread(evenly_spaced(candidates, NUM_SAMPLES))
            name = f"{prefix}{benchmark}, {mode}"
            source = Source(
                name=name,
                unit="samples",
                run=run,
                candidates=chosen,
                num_groups=len(candidates),
                num_steps=0,
            )
            sources.append(source)
    return sources


def _paired_predictions(
    evaluations: Sequence[Evaluation], prefix: str, notes: list[str]
) -> list[Candidate]:
    """One candidate per sample, with its completion from each evaluation that answered it."""
    lines: dict[str, dict[str, tuple[Path, int, str]]] = {}
    for evaluation in evaluations:
        path, label = evaluation.predictions, evaluation.label
        if path.exists():
            for offset, row in _good_rows(path, prefix, notes):
                lines.setdefault(str(row.get("sample")), {})[label] = (path, offset, label)
    return [
        Candidate(order=(0, number), name=sample, lines=tuple(by_label.values()))
        for number, (sample, by_label) in enumerate(lines.items())
    ]


def _good_rows(path: Path, prefix: str, notes: list[str]) -> list[tuple[int, Row]]:
    """Offsets with the few keys that place a row, so that a large file is not held in memory."""
    places, num_broken = [], 0
    for offset, row in rows_with_offsets(path):
        if row is None:
            num_broken += 1
        else:
            places.append((offset, {key: row[key] for key in PLACE if key in row}))
    if num_broken:
        notes.append(prefix + broken_lines(path, num_broken))
    return places


def _in_waves(steps: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """The first group of every step, then the second of every step, and so on."""
    return [c for wave in zip_longest(*steps) for c in wave if c is not None]


def _fill(source: Source, album: Album, limit_bytes: int) -> dict[str, Any]:
    """Render candidates until the limit is reached; at least one is shown."""
    shown: list[tuple[Candidate, dict[str, Any]]] = []
    images_before, spent = album.num_bytes, 0
    for candidate in source.candidates:
        if shown and spent + album.num_bytes - images_before > limit_bytes:
            break
        shown.append((candidate, _group(candidate, source, album)))
        spent += _size(shown[-1][1])
    shown.sort(key=lambda pair: pair[0].order)
    return {
        "name": source.name,
        "about": _about(source, [candidate for candidate, _ in shown]),
        "groups": [group for _, group in shown],
    }


def _about(source: Source, shown: Sequence[Candidate]) -> str:
    counted = f"{len(shown):,} of {source.num_groups:,} {source.unit}"
    if not source.num_steps:
        return f"{counted}, evenly spaced"
    num_steps = len({candidate.order[0] for candidate in shown})
    return f"{counted}, from {num_steps:,} of {source.num_steps:,} steps"


def _group(candidate: Candidate, source: Source, album: Album) -> dict[str, Any]:
    rows = [row for path, offset, _ in candidate.lines for row in rows_at(path, [offset])]
    first = rows[0]
    media = [str(reference) for reference in first.get("media") or []]
    keys = [album.add(source.run.folder, reference) for reference in media]
    size = picture_size(first.get("image_size")) if keys and keys[0] else None
    return {
        "name": candidate.name,
        "step": candidate.order[0] if source.num_steps else None,
        "task": first.get("task"),
        "sample": first.get("sample"),
        "mode": first.get("mode"),
        "media": [key for key in keys if key],
        "lost": [_short(name, 80) for name, key in zip(media, keys, strict=True) if key is None],
        "prompt": _short(str(first.get("prompt", "")), MAX_CHARS),
        "target": _text(first.get("target")),
        "size": size,
        "paths": paths(first.get("kind"), first.get("target"), size),
        "labels": labels(first.get("kind"), first.get("target"), size),
        "cards": [
            _card(row, label, size, names_task=source.num_tasks > 1)
            for row, (_, _, label) in zip(rows, candidate.lines, strict=True)
        ],
    }


def _card(row: Row, label: str, size: Size | None, *, names_task: bool) -> dict[str, Any]:
    """One completion; `size` is that of the group's first picture, where answers are drawn."""
    parts = row.get("parts") or {}
    accuracy = parts.get("accuracy")
    problem = row.get("problem")
    return {
        "label": label,
        "task": row.get("task") if names_task else None,
        "segments": segments(_short(str(row.get("completion", "")), MAX_CHARS)),
        "paths": paths(row.get("kind"), row.get("parsed"), size),
        "labels": labels(row.get("kind"), row.get("parsed"), size),
        "right": None if accuracy is None else accuracy >= RIGHT,
        "parts": parts,
        "total": row.get("total"),
        "advantage": row.get("advantage"),
        "num_tokens": row.get("num_tokens"),
        "truncated": bool(row.get("truncated")),
        "problem": None if problem == "none" else problem,
        "habit": row.get("habit"),
    }


def _text(value: Any) -> str | None:
    """A target as text, or None where it is absent."""
    if value is None:
        return None
    return _short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 400)


def _short(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters left out …]\n{text[-half:]}"


def _data_uri(folder: Path, reference: str) -> str | None:
    try:
        with open_image(folder, reference) as image:
            return _encode(image.convert("RGB"))
    except (OSError, ValueError):
        return None


def open_image(folder: Path, reference: str) -> Image.Image:
    """Open a rollout's image: a file under the run folder or a data URI.

    Raises OSError or ValueError where there is none.
    """
    if not reference.startswith("data:"):
        return Image.open(folder / reference)
    _, _, payload = reference.partition(";base64,")
    return Image.open(io.BytesIO(base64.b64decode(payload)))


def _encode(image: Image.Image) -> str:
    """PNG for what is small, which keeps every pixel; JPEG of at most `PHOTO_PX` for the rest."""
    buffer, kind = io.BytesIO(), "png"
    if max(image.size) <= CRISP_PX:
        image.save(buffer, "PNG", optimize=True)
    else:
        kind = "jpeg"
        image.thumbnail((PHOTO_PX, PHOTO_PX))
        image.save(buffer, "JPEG", quality=85)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _size(value: list[Any] | dict[str, Any]) -> int:
    """Bytes that a JSON value takes in the page."""
    return len(json.dumps(value))
