"""What is to be previewed: a recipe, a task or data, and the model it is asked with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from vlrl import config, tasks
from vlrl.contracts import Role, Source, Task, UserError
from vlrl.data.formats.rows import is_world
from vlrl.data.formats.tables import TABLES, path_and_split
from vlrl.nearest import did_you_mean

if TYPE_CHECKING:
    from vlrl.models import Loaded


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Samples to look at and how they are asked."""

    task: Task
    source: Source
    mode: str
    loaded: Loaded | None = None  # None: no model, the words alone
    note: str = ""  # why the model that was named cannot be used


def find(
    target: str,
    overrides: Sequence[str] = (),
    *,
    source: str | None = None,
    model: str | None = None,
    mode: str | None = None,
) -> Subject:
    """The subject that `target` names: a recipe, a task, or rows as `data.train` names them.

    `overrides` are for a recipe.  Raises UserError where it is none of them.
    """
    if target.endswith((".yaml", ".yml")) or target in config.recipes():
        given = {"data.train": source, "model": model, "mode": mode}
        named = [f"{key}={value}" for key, value in given.items() if value]
        return _of_recipe(target, [*overrides, *named])
    if overrides:
        raise UserError(
            f"{target} is no recipe: {overrides[0]} is for the keys of one; leave it out"
        )
    if _is_task(target):
        found = tasks.find(target)
        spec = source or next(iter(found.sources), None)
        if spec is None:
            raise UserError(f"task {found.name} names no source of rows; name one with --source")
        return _asked(found, Source(spec=spec), model, mode)
    if not _is_data(target):
        known = [*config.recipes(), *tasks.names()]
        raise UserError(
            f"no recipe, task or data is called {target!r}; {did_you_mean(target, known)}"
        )
    return _asked(*_rows(target), model, mode)


def _of_recipe(name: str, overrides: list[str]) -> Subject:
    recipe = config.load(name, overrides)
    loaded, note = _described(
        recipe.model,
        min_pixels=recipe.min_pixels,
        max_pixels=recipe.max_pixels,
        sampling=recipe.video,
    )
    return Subject(
        task=tasks.together(config.task_names(recipe)),
        source=config.source(recipe, "train"),
        mode=recipe.mode,
        loaded=loaded,
        note=note,
    )


def _asked(task: Task, source: Source, model: str | None, mode: str | None) -> Subject:
    loaded, note = _described(model) if model else (None, "")
    return Subject(task=task, source=source, mode=mode or "think", loaded=loaded, note=note)


def _described(model: str, **limits: object) -> tuple[Loaded | None, str]:
    """What is known of the model; a model that cannot be had is no reason to show nothing."""
    from vlrl.models import describe

    try:
        return describe(model, **limits), ""  # type: ignore[arg-type]
    except UserError as error:
        return None, f"the words alone, in original pixels: {error}"


def _is_task(target: str) -> bool:
    path = Path(target)
    dotted = "." in target and "/" not in target and path.suffix not in TABLES
    return target in tasks.names() or path.suffix == ".py" or (dotted and not path.exists())


def _is_data(spec: str) -> bool:
    return is_world(Source(spec=spec)) or "/" in spec or path_and_split(spec)[0] is not None


def _rows(spec: str) -> tuple[Task, Source]:
    """Data with their task: that of the world's name, that names them, or that reads them."""
    source = Source(spec=spec)
    base = spec.partition("@")[0]
    if is_world(source):
        return tasks.find(base.partition(":")[2]), source
    if path_and_split(spec)[0] is not None:
        return _read_rows(spec)
    naming = [task for task in map(tasks.find, tasks.names()) if base in task.sources]
    if len(naming) == 1:
        return naming[0], source
    raise UserError(
        f"{spec}: no path here, and no task names it as its source; for a data set of the hub name "
        f"the task: vlrl preview {tasks.names()[0]} --source {spec}"
    )


def _read_rows(spec: str) -> tuple[Task, Source]:
    """Rows on this machine, in the first role in which there are such."""
    errors = []
    for role in get_args(Role):
        source = Source(spec=spec, role=role)
        try:
            return tasks.reading(source), source
        except UserError as error:
            errors.append(error)
    raise errors[0]
