"""Steps whose gradient is not finite are left out, by name; too many of them end the run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import TrainerCallback

from vlrl.contracts import UserError

log = logging.getLogger("vlrl")

MAX_IN_A_ROW = 3


class FiniteSteps(TrainerCallback):
    """Before every optimizer step: one infinite or undefined number, and the weights stay."""

    def __init__(self, samples: Callable[[], Sequence[str]]) -> None:
        """`samples` names those of the latest micro-batch."""
        self._samples = samples
        self._about: dict[str, None] = {}  # names, of the micro-batches of the step so far
        self._in_a_row = 0

    def on_substep_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._about |= dict.fromkeys(self._samples())

    def on_pre_optimizer_step(
        self, args: Any, state: Any, control: Any, model: Any = None, **_: Any
    ) -> None:
        about = ", ".join(self._about | dict.fromkeys(self._samples()))
        self._about = {}
        gradients = [w.grad for w in model.parameters() if w.grad is not None]
        if not gradients or bool(torch.stack([each.isfinite().all() for each in gradients]).all()):
            self._in_a_row = 0
            return
        self._in_a_row += 1
        what = f"step {state.global_step + 1}: the gradient is not finite (samples {about})"
        if self._in_a_row == MAX_IN_A_ROW:
            raise UserError(
                f"{what}, {MAX_IN_A_ROW} steps in a row; lower train.learning_rate or look at "
                "these samples, then run the same command to resume"
            )
        log.warning("%s; the step is left out", what)
        for weight in model.parameters():
            weight.grad = None
