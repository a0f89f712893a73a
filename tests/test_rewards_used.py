"""Every reward of the library is used by a recipe, a benchmark or rows, but for those of a list."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import vlrl.rewards
from vlrl import config, scoring, tasks
from vlrl.contracts import Sample, Source, Task, UserError
from vlrl.evaluation.metrics import find_metric

NOT_YET_USED = {
    "box.near": "Seg-Zero's test of a box; its recipe pays the three tests together",
    "contrast.gate": "T-GRPO, with a run that draws answers to shuffled frames",
    "detection.f1": "VLM-R1's od_ap50, with rows that ask for it",
    "detection.precision": "Vision-R1 (Griffon); its recipe has the staged form",
    "labels.jaccard": "lists of names without a limit",
    "length.cosine": "VLM-R1's detection, as one of its ablations",
    "length.relative": "Reason-RFT, from the middle of a run on",
    "mask.boundary_f": "predicted masks, measured as DAVIS does",
    "number.cosine": "Reason-RFT's tolerance for geometry",
    "number.threshold": "Q-Insight; its recipe has rating.within",
    "order.exact": "open questions about order",
    "order.pairs": "open questions about order",
    "point.distance": "points without a threshold",
    "point.in_mask": "points in masks",
    "point.near": "Seg-Zero's test of a point; its recipe pays the three tests together",
    "repetition.items": "VLM-R1's detection, as one of its ablations",
    "text.jaccard": "open answers in a few words",
    "text.one_minus_cer": "text that is read off pictures, letter by letter",
    "text.similarity": "DocVQA's ANLS",
    "text.token_f1": "open answers, measured as SQuAD does",
}
"""What no recipe, benchmark or row uses -> what it is for; take out what has its recipe."""

SAMPLES = Path(__file__).resolve().parent.parent / "data" / "samples"
RECIPES = [name for name, path in config.recipes().items() if "\ntask:" in path.read_text("utf-8")]


def library() -> dict[str, Callable]:
    """`module.function` -> every reward."""
    found = {}
    for info in pkgutil.iter_modules(vlrl.rewards.__path__):
        module = importlib.import_module(f"vlrl.rewards.{info.name}")
        for name, function in vars(module).items():
            own = getattr(function, "__module__", None) == module.__name__
            if own and hasattr(function, "reward_kind"):
                found[f"{info.name}.{name}"] = function
    return found


def paid(task: Task, rewards: Mapping[str, Any] | None) -> Iterator[Callable]:
    """What is computed for the samples of a task, of each kind that has these rewards."""
    for kind in getattr(task, "kinds", {None: None}):
        try:
            parts = scoring.resolve(task, rewards, kind=kind)
        except UserError:  # a reward of this task that not every kind has
            continue
        yield from (part.function for part in parts if part.function is not None)


def used_by_recipes() -> set[Callable]:
    found: set[Callable] = set()
    for name in RECIPES:
        recipe = config.load(name)
        sources = [each for each in (recipe.data.train, recipe.data.validation) if each]
        parts = [part for each in sources if not isinstance(each, str) for part in each]
        for task_name in config.task_names(recipe):
            task = tasks.find(task_name)
            for rewards in (recipe.rewards, *(part.rewards for part in parts if part.rewards)):
                found |= set(paid(task, rewards))
    return found


def used_by_benchmarks() -> set[Callable]:
    found: set[Callable] = set()
    for task in map(tasks.find, tasks.names()):
        for benchmark in task.benchmarks:
            found |= set(paid(task, {find_metric(task, benchmark.metric).part: 1.0}))
    return found


def stated_by_rows() -> set[Callable]:
    """By the sample rows, in the layouts of published ones."""
    found: set[Callable] = set()
    for task in map(tasks.find, tasks.names()):
        for folder in (SAMPLES / each.name for each in task.formats):
            for sample in rows(task, folder):
                found |= set(paid(task, sample.rewards))
    return found


def rows(task: Task, folder: Path) -> list[Sample]:
    if not folder.is_dir():
        return []
    try:
        loaded = list(task.load(Source(spec=str(folder), role="test")))
    except UserError:  # its rows are in a file of the folder
        return []
    return [each for each in loaded if isinstance(each, Sample) and each.rewards]


@pytest.mark.slow
def test_every_reward_of_the_library_is_used() -> None:
    used = used_by_recipes() | used_by_benchmarks() | stated_by_rows()
    unused = {name for name, function in library().items() if function not in used}
    assert unused == NOT_YET_USED.keys()
