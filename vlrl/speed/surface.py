"""The comparison over sizes: group size, length of the prompt, length of the completion."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from vlrl.environment import versions
from vlrl.speed import shapes
from vlrl.speed.compare import difference, timings
from vlrl.speed.settings import Settings

log = logging.getLogger("vlrl")

PAIRS = 2  # of a point, where nothing else is asked

MEASURES = {  # name of a ratio -> its phases
    "logps + backward": ("logps", "backward"),
    "rollout": ("rollout",),
    "step": ("step",),
}


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The sizes that are compared, each with each."""

    prompts: Sequence[tuple[int, int]] = ((280, 392), (700, 560))
    """(tokens of the prompt, pixels of a side of its picture)."""
    completions: Sequence[int] = (96, 250)
    generations: Sequence[int] = (2, 4, 8)

    def settings(self, base: Settings) -> Iterator[Settings]:
        """Of every point, one prompt in a step."""
        sizes = itertools.product(self.prompts, self.completions, self.generations)
        for (prompt, side_px), completion, generations in sizes:
            yield replace(
                base, prompt_tokens=prompt, side_px=side_px, completion_tokens=completion,
                num_generations=generations, num_prompts=1,
            )  # fmt: skip


def surface(base: Settings, grid: Grid) -> dict[str, Any]:
    """`timings` at every point of the grid, and the difference at the first."""
    new_model = partial(shapes.new_model, base.preset)
    points = []
    for settings in grid.settings(base):
        points.append(timings(settings, new_model))
        log.info("speed: %s, step %.1f times", label(points[-1]), ratio(points[-1], ("step",)))
    return {
        "settings": asdict(base) | {"grid": asdict(grid)},
        "versions": versions(),
        "points": points,
        "difference": difference(next(grid.settings(base)), new_model),
    }


def ratio(point: Mapping[str, Any], phases: Sequence[str]) -> float:
    """How many times the time of ours plain TRL takes for these phases, by the medians."""
    ours, theirs = (
        sum(point["phases"][phase][key] for phase in phases) for key in ("ours_s", "trl_s")
    )
    return theirs / max(ours, 1e-9)


def label(point: Mapping[str, Any]) -> str:
    """The sizes of a point in words."""
    return f"{shape_label(point)}, G {point['settings']['num_generations']}"


def shape_label(point: Mapping[str, Any]) -> str:
    """Lengths, and the share of the prompt in prompt and completion."""
    prompt, completion = (
        point["settings"][name] for name in ("prompt_tokens", "completion_tokens")
    )
    return f"prompt {prompt} + completion {completion} ({prompt / (prompt + completion):.0%})"
