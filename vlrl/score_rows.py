"""`vlrl score FILE.jsonl`: completions written by anyone, scored as in training.  No torch."""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from vlrl import tasks
from vlrl.contracts import Frame, Sample, Task, UserError, Value
from vlrl.scoring import Rewards, find_reward, score


def main_score(path: str | Path) -> int:
    """`vlrl score FILE.jsonl`: a JSON line for every line; exit status 1 if one is broken."""
    if not Path(path).is_file():
        raise UserError(f"{path}: there is no such file; give a JSON lines file")
    broken = False
    with open(path, encoding="utf-8") as lines:
        for row in score_rows(lines, complain=lambda text: print(text, file=sys.stderr)):
            broken = broken or row.get("problem") == "bad_line"
            print(json.dumps(row, default=_plain))
    return int(broken)


_BAD_LINE = (UserError, ValueError, TypeError, LookupError, AttributeError, RecursionError)


def score_rows(
    lines: Iterable[str], complain: Callable[[str], None] = lambda text: None
) -> Iterator[dict[str, Any]]:
    """`{"id", "total", "parts", "parsed", "problem"}` for every line that is not blank, in order.

    A line is a JSON object: `completion`, `target`, and `task` (a name) or `reward`
    (`module.function` of `vlrl.rewards`, answers read by that module's `parse`); optional are
    `id`, `mode`, `rewards`, `combine`, `truncated` and `sample` (fields of Sample and `frame` `[w,
    h]`; unknown keys go to `meta`).  A line that is not like that gives `{"line", "problem":
    "bad_line"}`, with lines counted from 1, and `complain` gets the reason.
    """
    find = cache(tasks.find)
    library = cache(_library_task)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _score_row(json.loads(line), find, library)
        except _BAD_LINE as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else error
            complain(f"line {number}: {reason}")
            yield {"line": number, "problem": "bad_line"}


def _score_row(
    row: Any, find: Callable[[str], Task], library: Callable[[str], tuple[Task, Rewards]]
) -> dict[str, Any]:
    if not isinstance(row, dict) or not isinstance(row["completion"], str):
        raise UserError("write a JSON object whose `completion` is a text")
    given = dict(row.get("sample") or {})
    frame = given.pop("frame", None)
    task, rewards = (find(row["task"]), None) if "task" in row else library(row["reward"])
    scored = score(
        task,
        _sample(row, given, task.name),
        row["completion"],
        mode=row.get("mode", "think"),
        frame=Frame(width=frame[0], height=frame[1]) if frame else None,
        rewards=row.get("rewards") or rewards,
        combine=row.get("combine", "sum"),
        truncated=row.get("truncated", False),
    )
    return {
        "id": row.get("id"),
        "total": scored.total,
        "parts": scored.parts,
        "parsed": scored.parsed,
        "problem": scored.problem,
    }


_SAMPLE_FIELDS = {each.name for each in fields(Sample)} - {"id", "task", "target", "media", "meta"}


def _sample(row: Mapping[str, Any], given: Mapping[str, Any], task_name: str) -> Sample:
    known = {key: value for key, value in given.items() if key in _SAMPLE_FIELDS}
    for key in ("options", "image_size"):
        if known.get(key) is not None:
            known[key] = tuple(known[key])
    unknown = {key: value for key, value in given.items() if key not in _SAMPLE_FIELDS}
    meta = {**unknown.pop("meta", {}), **unknown}
    identity = {"id": str(row.get("id")), "task": task_name, "target": row["target"], "meta": meta}
    return Sample(**{"question": "", **known, **identity})


def _library_task(reward_name: str) -> tuple[Task, Rewards]:
    """A task around one reward of the library, and the rewards to score it with."""
    function = find_reward(Task(), reward_name)
    is_answer = getattr(function, "reward_kind", None) == "answer"
    module_parse = getattr(importlib.import_module(function.__module__), "parse", None)

    class LibraryTask(Task):
        name = "reward"
        rewards: ClassVar = {"accuracy": function} if is_answer else {}

        def parse(self, answer: str, sample: Sample, frame: Frame | None) -> Value | None:
            return _parse_with(module_parse, answer, sample, frame) if module_parse else answer

    return LibraryTask(), None if is_answer else {reward_name: 1.0}


def _parse_with(
    module_parse: Callable, answer: str, sample: Sample, frame: Frame | None
) -> Value | None:
    """Call the `parse` of a library module with the facts that it has parameters for."""
    known = {
        **sample.meta,
        "sample": sample,
        "frame": frame,
        "options": sample.options,
        "image_size": sample.image_size,
        "duration": sample.duration,
    }
    wanted = [key for key in _parameters(module_parse)[1:] if known.get(key) is not None]
    return module_parse(answer, **{key: known[key] for key in wanted})


@cache
def _parameters(function: Callable) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def _plain(value: Any) -> Any:
    """What JSON lacks: arrays as lists, anything else as its text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
