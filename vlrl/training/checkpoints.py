"""Checkpoints that load as they were saved, and are never half of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel


class ExactLoading:
    """A mixin for `transformers.Trainer`: plain models are read as `from_pretrained` reads them.

    The trainer's own way compares the names in the file with those of the module; for models whose
    names are changed on saving (all Qwen-VL in transformers 5) nothing matches, and it goes on with
    the weights it has, with a warning.
    """

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if not self._is_plain():
            return super()._load_from_checkpoint(resume_from_checkpoint, model)  # type: ignore[misc]
        model = self.model if model is None else model  # type: ignore[attr-defined]
        load_weights(model, Path(resume_from_checkpoint))

    def _load_best_model(self) -> None:
        if not self._is_plain():
            return super()._load_best_model()  # type: ignore[misc]
        load_weights(self.model, Path(self.state.best_model_checkpoint))  # type: ignore[attr-defined]

    def _is_plain(self) -> bool:
        """A whole model in one piece: not sharded, no adapters."""
        sharded = self.is_fsdp_enabled or self.is_deepspeed_enabled  # type: ignore[attr-defined]
        return isinstance(self.model, PreTrainedModel) and not sharded  # type: ignore[attr-defined]


def load_weights(model: PreTrainedModel, folder: Path) -> None:
    """Copy the weights saved in the folder into the model; every weight must be there."""
    saved = type(model).from_pretrained(folder, dtype=model.dtype)
    model.load_state_dict(saved.state_dict())


def last_complete(folder: Path) -> tuple[Path | None, int]:
    """The newest checkpoint whose state was written, which is done last, and its step.

    (None, 0) where there is none.
    """
    found = {}
    for state_file in folder.glob("checkpoint-*/trainer_state.json"):
        try:
            found[json.loads(state_file.read_text("utf-8"))["global_step"]] = state_file.parent
        except (json.JSONDecodeError, KeyError):
            continue
    step = max(found, default=0)
    return found.get(step), step
