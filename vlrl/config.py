"""Recipes: which task, model and numbers.  One short YAML file is one recipe.

A recipe states what differs from the defaults below, or from one `base:` recipe (one level deep).
Layers, each over the one before: defaults, base, recipe, `key=value` overrides.  Options inside
`data`, `train`, `sft` and `lora` are laid over each other key by key; `rewards` and everything else
is replaced whole by a recipe that states it.  An override changes the one key it names.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

import vlrl
from vlrl.coerce import coerce, field_types
from vlrl.contracts import DEFAULT_REWARDS, Source, UserError
from vlrl.media import Sampling
from vlrl.mix import Mix
from vlrl.nearest import did_you_mean
from vlrl.yamls import YamlLoader


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of several sources."""

    source: str
    take: str | None = None
    """How much of this source, as in `data.take`."""
    columns: Mapping[str, str] | None = None
    """In the place of `data.columns`."""
    share: float | None = None
    """Its share of the mix, relative to those of the others."""
    task: str | None = None
    """Whose rows these are, where it is not the recipe's task."""
    rewards: Mapping[str, Any] | None = None
    """In the place of the recipe's `rewards`, for rows that state none of their own."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """Where rows come from.

    A source is an existing path, a hub id `id[:config][@split]` or `world[:task][@ood]`.  Several
    are a list of such texts or of `{source, take, columns, share, task, rewards}`: interleaved
    where all state a share, until one of them has no more; one after the other where none does.
    """

    train: str | tuple[Part, ...] | None = None
    validation: str | tuple[Part, ...] | None = None
    """Scored every `eval_every` steps of a run."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Our name of a column -> the name it has in the rows, for training and validation."""
    take: str | None = None
    """How much of `train`: `first:500`, `random:500` or `random:10%` (by the recipe's seed)."""


@dataclass(frozen=True, kw_only=True)
class Lora:
    """Low-rank adapters.  Defaults: VLM-R1's LoRA scripts."""

    r: int = 64
    alpha: int = 128
    dropout: float = 0.05
    targets: str | tuple[str, ...] = "language"
    """`language`: the linear layers of the language model's blocks; or names of modules."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One run, completely: everything that may change a number of its result."""

    task: str
    """A task's name in `data/`, `my.module:Class` or the path of a task file."""
    model: str = "tiny"
    """The built-in tiny model (runs on a CPU, needs no download), a hub id or a folder."""
    data: Data = field(default_factory=Data)
    mode: str = "think"
    """A mode of `vlrl.prompts.MODES`.  Default: R1-V, thinking before the answer."""
    rewards: Mapping[str, Any] = field(default_factory=lambda: dict(DEFAULT_REWARDS))
    """Reward -> weight, or {use, weight, options}.  Default: R1-V, accuracy and format alike."""
    combine: str = "sum"
    """`sum` of the weighted rewards, or `and` (all of them, or nothing)."""
    train: Mapping[str, Any] = field(default_factory=dict)
    """Options of TRL's GRPOConfig by name; what is not stated here is TRL's default."""
    sft: Mapping[str, Any] = field(default_factory=dict)
    """Options of transformers' TrainingArguments by name, and two of our own.

    `habits`: {way of answering: share of the examples written in it}; `modes`: {mode: share} where
    the warm start is to teach more than the recipe's mode.
    """
    lora: Lora | None = None
    """Adapters for GRPO, instead of all weights.  Default: R1-V, all weights."""
    freeze_vision: bool = False
    """Leave the vision tower as it is.  Default: R1-V, the tower trains too."""
    min_pixels: int | None = None
    max_pixels: int | None = None
    """Limits of an image's area, in pixels; the model's processor keeps its own where null."""
    video: Sampling = field(default_factory=Sampling)
    """Which frames of a video the model sees, and how large.  Default: qwen-vl-utils."""
    evaluate: tuple[str, ...] = ()
    """What `vlrl eval` measures where it gets the folder of the run and no benchmarks."""
    eval_every: int = 0
    """Steps between two measurements on `data.validation`; 0: only at the end."""
    save_total_limit: int = 2
    """Checkpoints kept.  Default: the newest, and one before it in case its writing was cut off."""
    seed: int = 0
    report_to: tuple[str, ...] = ()
    """Besides the run's own files: wandb, tensorboard, trackio (each an extra of this package)."""
    output: str | None = None
    """The run's folder; `runs/<name of the recipe>` where null."""

    @property
    def habits(self) -> dict[str, float]:
        """The warm start's ways of answering and the share of examples written in each."""
        return dict(self.sft.get("habits") or {})


SFT_SHARES = ("habits", "modes")
"""The keys of `sft` that are not options of the trainer."""

OWNED = {
    "output_dir": "state it as `output` of the recipe",
    "seed": "state it as `seed` of the recipe",
    "data_seed": "it follows from `seed` of the recipe",
    "bf16": "leave it out: bfloat16 on a GPU, float32 on a CPU",
    "use_cpu": "leave it out: a GPU is used where there is one",
    "disable_tqdm": "leave it out: the run shows its own bar",
    "report_to": "state it as `report_to` of the recipe",
    "save_total_limit": "state it as `save_total_limit` of the recipe",
    "eval_strategy": "state `eval_every` of the recipe",
    "eval_steps": "state `eval_every` of the recipe",
    "reward_weights": "give each reward its weight under `rewards`",
    "num_generations_eval": "validation is greedy, one answer each; leave it out",
    "max_prompt_length": "leave it out: prompts too long for the model are left out, never cut",
    "remove_unused_columns": "samples are not columns here; leave it out",
    "resume_from_checkpoint": "a run resumes by itself where it stopped; leave it out",
    "hub_token": "a recipe holds no secrets; set the environment variable HF_TOKEN",
}
"""Trainer options that something else decides -> what to do instead."""


def load(name_or_path: str, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe called `name_or_path`, with `key=value` overrides (dotted: `train.beta=0.01`).

    Raises UserError that names the file, the key and the nearest known key.
    """
    path = find(name_or_path)
    raw = _read(path)
    base = raw.pop("base", None)
    layers = [_typed(raw, str(path))]
    if base is not None:
        layers.insert(0, _typed(_read_base(base, path), str(find(base, beside=path))))
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _merge(merged, layer, whole=("rewards",))
    for override in overrides:
        keys, value = _parse_override(override)
        merged = _with({"rewards": _default("rewards")} | merged, keys, value)
    if "task" not in merged:
        raise UserError(
            f"{path}: `task` is missing; state it, or use a recipe that has this one as its `base`"
        )
    if merged.get("output") is None:
        merged["output"] = f"runs/{path.stem}"
    return _recipe(merged)


def save(recipe: Recipe, path: Path) -> None:
    """Write the complete recipe, defaults and base included; `load` reads it back equal."""
    head = f"# The complete recipe of this run (vlrl {vlrl.__version__}).\n"
    text = yaml.safe_dump(_plain(recipe), sort_keys=False, allow_unicode=True, width=100)
    path.write_text(head + text, "utf-8")


def find(name_or_path: str, beside: Path | None = None) -> Path:
    """The file of a recipe: a name in `configs/`, or a path that ends in .yaml.

    The path of a base is relative to the recipe that names it (`beside`).
    """
    if name_or_path.endswith((".yaml", ".yml")):
        path = beside.parent / name_or_path if beside else Path(name_or_path)
        if not path.is_file():
            raise UserError(f"{path}: there is no such recipe file")
        return path
    known = recipes()
    if name_or_path not in known:
        hint = did_you_mean(name_or_path, known)
        raise UserError(f"no recipe is called {name_or_path!r}; {hint} (a path ends in .yaml)")
    return known[name_or_path]


def source(recipe: Recipe, role: Literal["train", "validation"]) -> Source:
    """The recipe's training or validation rows; several sources are a `Mix`.

    `data.take` is for the training rows, and of a mix for the whole.  Raises UserError where no
    rows are named.
    """
    written = recipe.data.train if role == "train" else recipe.data.validation
    if written is None:
        raise UserError(f"the recipe names no {role} rows; state `data: {{{role}: ...}}`")
    take = recipe.data.take if role == "train" else None
    if isinstance(written, str):
        return _source(recipe, role, Part(source=written, take=take))
    return Mix(
        spec=" + ".join(part.source for part in written),
        role=role,
        take=take,
        seed=recipe.seed,
        parts=tuple(_source(recipe, role, part) for part in written),
        shares=tuple(part.share for part in written if part.share is not None),
    )


def _source(recipe: Recipe, role: Literal["train", "validation"], part: Part) -> Source:
    return Source(
        spec=part.source,
        role=role,
        columns=recipe.data.columns if part.columns is None else part.columns,
        take=part.take,
        seed=recipe.seed,
        task=part.task or recipe.task,
        rewards=part.rewards,
    )


def task_names(recipe: Recipe) -> list[str]:
    """The recipe's task, and those that its sources name."""
    listed = [each for each in (recipe.data.train, recipe.data.validation) if each is not None]
    parts = [part for each in listed if not isinstance(each, str) for part in each]
    return list(dict.fromkeys([recipe.task, *(part.task for part in parts if part.task)]))


def recipes() -> dict[str, Path]:
    """The recipes in `configs/`, by name."""
    files = (file for root in vlrl.__path__ for file in Path(root, "configs").glob("*.yaml"))
    return {file.stem: file for file in sorted(files)}


def about(path: Path) -> str:
    """A recipe's description: its first line, a comment."""
    first = path.read_text("utf-8").partition("\n")[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def check_train_options(recipe: Recipe) -> dict[str, Any]:
    """The options under `train:` as TRL's GRPOConfig takes them; imports trl.

    Raises UserError for an unknown option, a value of another type, an option that has its place
    elsewhere in the recipe, and for groups of one completion.
    """
    from trl import GRPOConfig  # type: ignore[attr-defined]  # TRL's lazy module

    types = field_types(GRPOConfig)
    types["scale_rewards"] = str | bool  # TRL declares str and documents the booleans too
    options = _checked_options(recipe.train, types, where="train", trainer="TRL's GRPOConfig")
    num_generations = options.get("num_generations")
    if num_generations is not None and num_generations < 2:
        raise UserError(
            "train.num_generations: a group needs at least 2 completions; a group of one has no "
            "baseline to be compared with, its advantage is always zero and nothing is learnt"
        )
    return options


def check_sft_options(recipe: Recipe) -> dict[str, Any]:
    """The options under `sft:`, without our own, as transformers' TrainingArguments takes them."""
    from transformers import TrainingArguments

    for key in SFT_SHARES:
        _check_shares(recipe.sft.get(key), f"sft.{key}")
    options = {key: value for key, value in recipe.sft.items() if key not in SFT_SHARES}
    types = field_types(TrainingArguments)
    return _checked_options(options, types, where="sft", trainer="transformers' TrainingArguments")


def _check_shares(shares: Any, where: str) -> None:
    if shares is None:
        return
    if not isinstance(shares, Mapping):
        raise UserError(f"{where}: expected names and their shares, got {shares!r}")
    for name, share in shares.items():
        if not isinstance(share, int | float) or share < 0:
            raise UserError(f"{where}.{name}: expected a share of at least 0, got {share!r}")
    if not sum(shares.values()):
        raise UserError(f"{where}: the shares add up to 0; give at least one of them more")


def _checked_options(
    options: Mapping[str, Any], types: Mapping[str, Any], *, where: str, trainer: str
) -> dict[str, Any]:
    checked = {}
    for key, value in options.items():
        if key in OWNED:
            raise UserError(f"{where}.{key}: not an option here; {OWNED[key]}")
        if key not in types:
            hint = did_you_mean(key, types.keys() - OWNED.keys())
            raise UserError(f"{where}.{key}: {trainer} has no such option; {hint}")
        checked[key] = coerce(value, types[key], f"{where}.{key}")
    return checked


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.load(path.read_text("utf-8"), YamlLoader)
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML; {' '.join(str(error).split())}") from error
    if not isinstance(raw, dict):
        raise UserError(f"{path}: a recipe is made of keys and values, such as `task: counting`")
    return raw


def _read_base(base: str, child: Path) -> dict[str, Any]:
    path = find(base, beside=child)
    raw = _read(path)
    if "base" in raw:
        raise UserError(
            f"{path}: a base has no base of its own, but this one names {raw['base']!r} and is the "
            f"base of {child}; state in {child.name} what it takes from there"
        )
    return raw


def _parse_override(text: str) -> tuple[list[str], Any]:
    """`train.beta=0.01` -> (["train", "beta"], 0.01), the value typed."""
    key, equals, written = text.partition("=")
    keys = key.split(".")
    if not equals or not all(keys):
        raise UserError(f"override {text!r}: expected key=value, such as train.learning_rate=1e-5")
    try:
        value: Any = yaml.load(written, YamlLoader)
    except yaml.YAMLError as error:
        raise UserError(f"override {text!r}: {written!r} is not a YAML value") from error
    for part in reversed(keys):
        value = {part: value}
    value = _typed(value, "command line")
    for part in keys:
        value = value[part]
    return keys, value


def _with(tree: Mapping[str, Any], keys: Sequence[str], value: Any) -> dict[str, Any]:
    """`tree` with `value` at the end of the path `keys`, and all beside that path as it was."""
    first, *rest = keys
    if not rest:
        return {**tree, first: value}
    below = tree.get(first)
    return {**tree, first: _with(below if isinstance(below, Mapping) else {}, rest, value)}


def _merge(
    under: Mapping[str, Any], over: Mapping[str, Any], whole: tuple[str, ...] = ()
) -> dict[str, Any]:
    """`over` laid over `under`, mappings key by key except those named in `whole`."""
    merged = dict(under)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping) and key not in whole:
            merged[key] = _merge(old, value)
        else:
            merged[key] = value
    return merged


def _typed(
    raw: Mapping[str, Any], where: str, section: type = Recipe, prefix: str = ""
) -> dict[str, Any]:
    """The keys that a layer states, checked and coerced to the types of the fields of `section`."""
    types = field_types(section)
    typed = {}
    for key, value in raw.items():
        if key not in types:
            hint = did_you_mean(str(key), [*types, "base"] if section is Recipe else types)
            raise UserError(f"{where}: unknown key `{prefix}{key}`; {hint}")
        if key in _SECTIONS and isinstance(value, Mapping):
            typed[key] = _typed(value, where, _SECTIONS[key], f"{key}.")
        elif key in _SECTIONS and not (key == "lora" and value is None):
            raise UserError(f"{where}: `{key}`: expected keys and values, got {value!r}")
        elif section is Data and key in ("train", "validation") and isinstance(value, list):
            typed[key] = _parts(value, where, f"{prefix}{key}")
        else:
            typed[key] = coerce(value, types[key], f"{where}: `{prefix}{key}`")
    return typed


def _parts(items: Sequence[Any], where: str, key: str) -> tuple[Part, ...]:
    """The sources of a list, each a text or the keys of a Part."""
    parts = []
    for index, item in enumerate(items):
        keys = {"source": item} if isinstance(item, str) else item
        if not isinstance(keys, Mapping) or "source" not in keys:
            raise UserError(
                f"{where}: `{key}[{index}]`: expected a source or {{source: ...}}, got {item!r}"
            )
        parts.append(Part(**_typed(keys, where, Part, f"{key}[{index}].")))
    shares = [part.share for part in parts if part.share is not None]
    if not parts:
        raise UserError(f"{where}: `{key}`: the list names no source")
    if shares and len(shares) < len(parts):
        raise UserError(f"{where}: `{key}`: expected a share for all of its sources or for none")
    if any(not 0 < share < math.inf for share in shares):
        raise UserError(f"{where}: `{key}`: a share is more than 0; leave out what has no share")
    return tuple(parts)


_SECTIONS: dict[str, type] = {"data": Data, "lora": Lora, "video": Sampling}


def _recipe(merged: Mapping[str, Any]) -> Recipe:
    sections = {
        key: section(**merged[key])
        for key, section in _SECTIONS.items()
        if isinstance(merged.get(key), Mapping)
    }
    return Recipe(**{**merged, **sections})


def _default(key: str) -> Any:
    factories = {each.name: each.default_factory for each in dataclasses.fields(Recipe)}
    return factories[key]()  # type: ignore[operator]


def _plain(value: Any) -> Any:
    """Dataclasses, mappings and tuples as what YAML writes plainly."""
    if dataclasses.is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
