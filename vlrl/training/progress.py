"""What a person sees while a model trains: a bar with the time left, and `metrics.jsonl`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from vlrl.training.records import Lines

SHOWN = {
    "reward": "reward",
    "accuracy": "accuracy",
    "completions/mean_length": "tokens",
    "loss": "loss",
}
NAMES = {  # the trainers' name of a metric -> ours
    **{
        name: name
        for name in ("loss", "learning_rate", "grad_norm", "kl", "entropy", "reward", "reward_std")
    },
    **{name: name for name in ("accuracy", "format")},
    "completions/mean_length": "num_tokens",
    "completions/clipped_ratio": "truncated",
    "frac_reward_zero_std": "no_signal",
}
OF_TASKS = ("accuracy", "reward")
GROUPS = ("parts", "habits", "problems", "validation")


class ProgressBar(TrainerCallback):
    """One bar for the whole phase; tqdm estimates the time left from the latest steps."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.bar: Any = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.is_world_process_zero:
            self.bar = tqdm(
                total=state.max_steps, initial=state.global_step, desc=self.title, unit="step",
                file=sys.stderr, dynamic_ncols=True, smoothing=0.1, mininterval=0.5,
            )  # fmt: skip

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self.bar is not None:
            self.bar.update(state.global_step - self.bar.n)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        if self.bar is not None:
            logs = kwargs["logs"]
            shown = {short: f"{logs[key]:.3g}" for key, short in SHOWN.items() if key in logs}
            self.bar.set_postfix(shown, refresh=False)

    def close(self) -> None:
        """Let what is printed next begin on a line of its own."""
        if self.bar is not None:
            self.bar.close()


class MetricsFile(TrainerCallback):
    """Appends every logged step to the run's `metrics.jsonl`: one line for each step."""

    def __init__(self, output: Path, phase: str) -> None:
        self.lines = Lines(output / "metrics.jsonl")
        self.phase = phase
        self.start = time.perf_counter()
        self.latest: dict[str, Any] = {}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        spent = [record["time_s"] for record in self.lines if record.get("phase") == self.phase]
        self.start = time.perf_counter() - max(spent, default=0.0)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        logs = kwargs["logs"]
        if not state.is_world_process_zero or "train_runtime" in logs:
            return
        time_s = round(time.perf_counter() - self.start, 3)
        record = {"step": state.global_step, "phase": self.phase, "time_s": time_s} | _ours(logs)
        if self.latest.get("step") == state.global_step:  # a measurement after the step was logged
            self.lines.rewind(self.phase, state.global_step - 1)
            record = self.latest | record
        self.lines.append([record])
        self.latest = record


def _ours(logs: dict[str, Any]) -> dict[str, Any]:
    """The metrics under our names; `parts/x` and `habits/x` become one mapping each.

    `accuracy/TASK` and `reward/TASK` of a run with several tasks stay as they are.
    """
    ours: dict[str, Any] = {}
    for key, value in logs.items():
        group, _, name = key.partition("/")
        if group in GROUPS:
            ours.setdefault(group, {})[name] = value
        elif key in NAMES:
            ours[NAMES[key]] = value
        elif group in OF_TASKS and name:
            ours[key] = value
    return ours
