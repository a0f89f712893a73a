"""The work of a comparison: prompts of a stated length with one picture, one length of completion.

Both trainers get the same pictures, encoded as JPEG; every decoding of one is counted.
"""

from __future__ import annotations

import io
import itertools
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from vlrl.config import Data, Recipe
from vlrl.contracts import Frame, Sample, Task, UserError, reward
from vlrl.media import ImageOnDemand
from vlrl.models import describe
from vlrl.models.inputs import prompt_lengths
from vlrl.speed.settings import Settings

MODE = "vanilla"
FILLER = " a"  # one token of the built-in tokenizer


@reward("completion")
def letters(completion: str, sample: Sample) -> float:
    """The share of letters: a reward that differs between random completions."""
    return sum(map(str.isalpha, completion)) / max(len(completion), 1)


class _Work(Task):
    """A picture of noise with a question of many words."""

    name = "speed"
    kind = "number"
    rewards = {"accuracy": letters}

    def hint(self, sample: Sample, frame: Frame | None) -> str:
        return ""

    def parse(self, answer: str, sample: Sample, frame: Frame | None) -> str:
        return answer


TASK = _Work()


class Rows:
    """Samples of one run; `opened` lists the keys of their pictures, one entry per decoding."""

    _runs = itertools.count()  # pictures of different runs have different keys: none is cached

    def __init__(self, settings: Settings, num: int) -> None:
        """Raises UserError where the picture alone is too long for the prompt."""
        self.opened: list[str] = []
        self._side_px, self._run = settings.side_px, next(self._runs)
        loaded = describe("tiny")  # whose processor all presets have
        shortest = prompt_lengths(loaded, TASK, [self._sample(0, FILLER)], MODE)[0]
        if shortest > settings.prompt_tokens:
            raise UserError(
                f"with a picture of {settings.side_px} pixels a prompt has at least {shortest} "
                f"tokens, more than --prompt-tokens {settings.prompt_tokens}; raise it or lower "
                "--side-px"
            )
        question = FILLER * (1 + settings.prompt_tokens - shortest)
        self.samples = [self._sample(index, question) for index in range(num)]

    def _sample(self, index: int, question: str) -> Sample:
        key, encoded = f"speed/{self._run}/{index}", _noise(index, self._side_px)
        return Sample(
            id=f"speed/{index}",
            task=TASK.name,
            question=question,
            target=0,
            media=(ImageOnDemand(key, partial(self._decode, key, encoded)),),
            image_size=(self._side_px, self._side_px),
        )

    def _decode(self, key: str, encoded: bytes) -> Image.Image:
        self.opened.append(key)
        return Image.open(io.BytesIO(encoded)).convert("RGB")


def _noise(seed: int, side_px: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (side_px, side_px, 3), dtype=np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "JPEG")
    return encoded.getvalue()


def recipe(settings: Settings, output: Path, steps: int, recomputes: bool) -> Recipe:
    """`recomputes`: activations are made again in the backward pass (gradient checkpointing)."""
    rows = settings.num_completions
    micro_batch = min(settings.micro_batch, rows)
    if rows % micro_batch:
        raise UserError(
            f"{rows} completions of a step are no multiple of the {micro_batch} of one forward; "
            "change --micro-batch, --num-prompts or --num-generations"
        )
    return Recipe(
        task=TASK.name,
        data=Data(train="speed"),
        mode=MODE,
        rewards={"accuracy": 1.0},
        output=str(output),
        seed=settings.seed,
        freeze_vision=settings.freeze_vision,
        train={
            "per_device_train_batch_size": micro_batch,
            "gradient_accumulation_steps": rows // micro_batch,
            "num_generations": settings.num_generations,
            "max_completion_length": settings.completion_tokens,
            "beta": settings.beta,
            "max_steps": steps,
            "optim": "sgd",
            "learning_rate": 0.1,
            "save_strategy": "no",
            "loss_type": "grpo",
            "num_iterations": 1,
            **({"gradient_checkpointing": True} if recomputes else {}),
        },
    )
