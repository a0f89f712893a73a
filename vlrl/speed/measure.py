"""What one trainer does in its steps: seconds by phase, tokens, patches, decodings, memory, FLOPs.

`rollout` draws the completions, `logps` are the log-probabilities under the reference model,
`backward` is the policy's forward and backward pass; `data` all that is in no other phase:
decoding, processing, batching, scoring and the optimizer; `step` is all of it.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil
import torch
from transformers import TrainerCallback
from trl import GRPOTrainer  # type: ignore[attr-defined]  # TRL's lazy module

from vlrl.speed.work import Rows

WATCHED = ("rollout", "logps", "backward")
PARTS = ("data", *WATCHED)  # of a step
PHASES = (*PARTS, "step")
SAMPLING_S = 0.005  # between two looks at the resident memory

PEAK_FLOPS = {  # part of a card's name -> dense bfloat16 products and sums a second, data sheets
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H200 NVL": 835e12,
    "H100": 989e12,
    "H200": 989e12,
    "A100": 312e12,
}


@dataclass(kw_only=True)
class Record:
    """What one trainer did in one optimizer step, and the most memory it took on the way there."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PHASES, 0.0))
    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))
    """Through the language model, prompts and completions, by phase."""
    patches: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))
    """Through the vision tower, by phase."""
    decodes: int = 0
    """Pictures opened."""
    memory_mb: float = 0.0
    """Peak beyond what the process held before: allocated on a GPU, resident on a CPU."""
    flops: float = 0.0
    """Of `logps` and `backward`; see `training_flops`."""


def run(
    make: Callable[[], GRPOTrainer], rows: Rows, *, warm_up: int = 1, num_completion_tokens: int
) -> Record:
    """Trains the steps of the warm-up and one more, and records the latter.

    `num_completion_tokens`: of all completions of a step.
    """
    record = Record()
    with peak_memory() as peak_mb, no_future_warnings():
        trainer = make()
        with _watched(trainer, record, rows, warm_up):
            trainer.train()
    record.memory_mb = peak_mb[0]
    record.decodes = len(rows.opened)
    backbone = trainer.accelerator.unwrap_model(trainer.model)
    record.flops = training_flops(backbone, record, num_completion_tokens)
    return record


@contextmanager
def no_future_warnings() -> Iterator[None]:
    """Without the libraries' warnings about each other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


@contextmanager
def _watched(trainer: GRPOTrainer, record: Record, rows: Rows, warm_up: int) -> Iterator[None]:
    """Adds up time and counts of each phase once the steps of the warm-up are over."""
    active: list[str] = []  # the phase in progress

    def timed(phase: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def inner(*given: Any, **options: Any) -> Any:
            if trainer.state.global_step < warm_up or active:
                return call(*given, **options)
            active.append(phase)
            start_s = _now_s()
            try:
                return call(*given, **options)
            finally:
                record.seconds[active.pop()] += _now_s() - start_s

        return inner

    for owner, method, phase in (
        (trainer, "_generate_single_turn", "rollout"),
        (trainer, "_get_per_token_logps_and_entropies", "logps"),
        (trainer, "compute_loss", "backward"),
        (trainer.accelerator, "backward", "backward"),
    ):
        setattr(owner, method, timed(phase, getattr(owner, method)))
    hooks = _count(trainer, record, active, warm_up)
    trainer.add_callback(_Clock(record, rows, warm_up))
    yield
    for hook in hooks:
        hook.remove()
    watched_s = sum(record.seconds[phase] for phase in WATCHED)
    record.seconds["data"] = record.seconds["step"] - watched_s


class _Clock(TrainerCallback):
    """The time, and the pictures opened, from the end of the warm-up to the end of the run."""

    def __init__(self, record: Record, rows: Rows, warm_up: int) -> None:
        self.record, self.rows, self.warm_up, self.start_s = record, rows, warm_up, 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self.warm_up:
            self.rows.opened.clear()
            self.start_s = _now_s()
        elif state.global_step == state.max_steps:
            self.record.seconds["step"] = _now_s() - self.start_s


def _now_s() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def _count(trainer: GRPOTrainer, record: Record, active: list[str], warm_up: int) -> list[Any]:
    """Hooks that count what goes through the models once the steps of the warm-up are over."""

    def add(counts: dict[str, int], num: int) -> None:
        if trainer.state.global_step >= warm_up:
            counts[active[0] if active else "data"] += num

    def tokens(_: Any, given: tuple, options: dict) -> None:
        add(record.tokens, options["inputs_embeds"].shape[:2].numel())

    def patches(_: Any, given: tuple, options: dict) -> None:
        add(record.patches, len(given[0]))

    hooks = []
    for model in filter(None, (trainer.model, getattr(trainer, "ref_model", None))):
        backbone = trainer.accelerator.unwrap_model(model).model
        hooks += [
            backbone.language_model.register_forward_pre_hook(tokens, with_kwargs=True),
            backbone.visual.register_forward_pre_hook(patches, with_kwargs=True),
        ]
    return hooks


def training_flops(model: Any, record: Record, num_completion_tokens: int) -> float:
    """FLOPs of `logps` and `backward` that the record's tokens and patches need.

    forward = 2 (W_layers tokens + W_head scored + W_vision patches + W_merger patches / 4);
    a forward with its backward pass is 3 forwards, of a frozen tower 1.  W are numbers of weights.
    Left out: attention scores, and activations that are made a second time.
    """
    language, visual = model.model.language_model, model.model.visual
    layers, merger = _num_weights(language.layers), _num_weights(visual.merger)
    tower, head = _num_weights(visual) - merger, _num_weights(model.lm_head)
    trains_vision = any(weight.requires_grad for weight in visual.parameters())
    total = 0.0
    for phase, passes in (("logps", 1), ("backward", 3)):
        tokens, patches = record.tokens[phase], record.patches[phase]
        scored = num_completion_tokens if tokens else 0
        vision_passes = passes if trains_vision else 1
        total += 2 * passes * (layers * tokens + head * scored)
        total += 2 * vision_passes * (tower + merger / 4) * patches
    return total


def _num_weights(module: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def peak_flops() -> float | None:
    """Of the GPU in bfloat16, dense; None without a GPU or for one that is not in the table."""
    if not torch.cuda.is_available():
        return None
    name = torch.cuda.get_device_name()
    return next((flops for part, flops in PEAK_FLOPS.items() if part in name), None)


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """A list that holds at the end the peak in MiB, beyond what was held at the start."""
    gc.collect()
    found = [0.0]
    with _peak_on_gpu(found) if torch.cuda.is_available() else _peak_resident(found):
        yield found


@contextmanager
def _peak_on_gpu(found: list[float]) -> Iterator[None]:
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    yield
    found[0] = (torch.cuda.max_memory_allocated() - before) / 2**20


@contextmanager
def _peak_resident(found: list[float]) -> Iterator[None]:
    _return_freed_memory()
    process, over = psutil.Process(), threading.Event()
    before = highest = process.memory_info().rss

    def look() -> None:
        nonlocal highest
        while not over.wait(SAMPLING_S):
            highest = max(highest, process.memory_info().rss)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    found[0] = (highest - before) / 2**20


def _return_freed_memory() -> None:
    """What glibc keeps for itself would hide as much of the next peak."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim:
            trim(0)
