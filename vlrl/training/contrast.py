"""Does the order of the frames help?  A second group that sees them shuffled (Video-R1's T-GRPO).

For every group about a video half as many completions are drawn with its frames in another order.
They are scored and not trained on: the rewards `contrast.bonus` and `contrast.gate` compare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from vlrl import scoring, tasks
from vlrl.config import Recipe
from vlrl.contracts import Sample, Task, UserError
from vlrl.media import Shuffled


def is_asked(task: Task, recipe: Recipe, *, own_rollouts: bool) -> bool:
    """Whether a reward of the recipe contrasts.

    Raises UserError where the rollouts are not drawn by our own generator.
    """
    asked = any(scoring.wants(each, recipe.rewards, "shuffled") for each in tasks.apart(task))
    if asked and not own_rollouts:
        raise UserError(
            "rewards: contrast draws completions for shuffled frames with our own generator; leave "
            "out use_vllm and sampling options other than temperature, top_k, top_p and min_p"
        )
    return asked


def counts(samples: Sequence[Sample], rows: Sequence[int]) -> dict[int, int]:
    """Sample with a video -> completions to draw, from the numbers of the batch's samples."""
    return {
        index: max(count // 2, 1)
        for index, count in Counter(rows).items()
        if any(medium.kind == "video" for medium in samples[index].media)
    }


def shuffled_frames(sample: Sample, seed: str) -> Sample:
    """The same question about its videos with their frames in an order drawn by `seed`."""
    media = tuple(
        Shuffled(medium, f"{seed}/{sample.id}") if medium.kind == "video" else medium
        for medium in sample.media
    )
    return sample.with_(media=media, rewards=None)
