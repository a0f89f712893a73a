"""`vlrl eval`: a model on named benchmarks.

Every prediction is saved; an interrupted measurement goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console
from rich.table import Table

from vlrl import config, tasks
from vlrl.config import Recipe
from vlrl.contracts import Benchmark, Sample, Source, Task, UserError
from vlrl.data.formats.rows import is_world
from vlrl.environment import versions
from vlrl.evaluation.measure import MAX_NEW_TOKENS, Measurement, measure
from vlrl.evaluation.metrics import Metric, find_metric, target_mask
from vlrl.media import Sampling
from vlrl.models import Loaded, load, resolve
from vlrl.models.inputs import make_prompt
from vlrl.training.records import Lines, save_media

if TYPE_CHECKING:
    from vlrl.evaluation.segmenter import Segmenter

log = logging.getLogger("vlrl")

WIDTH = 110  # of the table, in characters: numbers are not cut where there is no terminal
NUM_OF_ENDLESS = 500  # samples of a procedural benchmark where no limit is stated


def run(
    model: str,
    benchmarks: Sequence[str] = (),
    *,
    mode: str | None = None,
    max_new_tokens: int | None = None,
    **options: Any,
) -> list[Measurement]:
    """Measure and print the table; see `measure_all`.

    For the folder of a run, what is not stated is as in its recipe: the benchmarks, the mode, the
    length of an answer.
    """
    recipe = recipe_of(model)
    benchmarks = benchmarks or (recipe.evaluate if recipe else ())
    if not benchmarks:
        raise UserError("no benchmark named; name some with --benchmarks (see `vlrl benchmarks`)")
    trained_mode, trained_length = as_trained(recipe)
    lines = measure_all(
        model,
        benchmarks,
        mode=mode or trained_mode,
        max_new_tokens=max_new_tokens or trained_length,
        **options,
    )
    show(lines)
    return lines


def measure_all(
    model: str,
    benchmarks: Sequence[str],
    *,
    mode: str = "think",
    out: Path | None = None,
    num_samples: int = 1,
    limit: int | None = None,
    batch_size: int = 16,
    max_new_tokens: int = MAX_NEW_TOKENS,
    label: str = "",
    min_pixels: int | None = None,
    max_pixels: int | None = None,
    sources: Mapping[str, str] | None = None,
    segmenter: str | None = None,
) -> list[Measurement]:
    """Measure `model` (a name, a hub id, the folder of a model or run) on each of the benchmarks.

    Videos are sampled as in the recipe of the model's run, where it has one.  `limit` is how many
    rows of each are read.  `sources` maps the name of a benchmark to where its rows are.  A
    `segmenter`, the hub id or folder of a SAM 2, makes masks of the answers, for gIoU and cIoU.
    Results go to `out/eval` (default: of the model's run, or of `runs/<model>`); what is there of
    the same model and settings is not measured again.
    """
    if limit is not None and limit < 1:
        raise UserError(f"limit {limit}: nothing would be measured; give at least 1")
    place = model_place(model)
    if not label and _is_run(Path(model).parent):
        label = Path(model).name  # beside the results of the run's best model
    found = _from_sources([tasks.benchmark(name) for name in benchmarks], sources or {})
    masks = _segmenter(segmenter)
    ready = [_ready(task, each, limit, masks) for task, each in found]
    recipe = recipe_of(model)
    video = recipe.video if recipe else Sampling()
    loaded = load_to_ask(place, min_pixels=min_pixels, max_pixels=max_pixels, sampling=video)
    settings = {
        "weights": _fingerprint(place), "mode": mode, "num_samples": num_samples,
        "max_new_tokens": max_new_tokens, "min_pixels": min_pixels, "max_pixels": max_pixels,
        "video": asdict(video),
    }  # fmt: skip
    folder = out / "eval" if out else default_folder(model)
    return [_one(loaded, each, folder, label, batch_size, settings) for each in ready]


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """A benchmark with its rows, checked before a model loads."""

    task: Task
    benchmark: Benchmark
    metric: Metric
    samples: Sequence[Sample]
    segmenter: Segmenter | None

    @property
    def settings(self) -> dict[str, Any]:
        """What else its predictions depend on."""
        masks = {"segmenter": self.segmenter.place} if self.segmenter else {}
        return {"source": self.benchmark.source, **masks}


def _ready(
    task: Task, benchmark: Benchmark, limit: int | None, segmenter: Segmenter | None
) -> _Ready:
    metric = _metric(task, benchmark)
    samples = _samples(task, benchmark, limit)
    _check_groups(benchmark, metric, samples)
    return _Ready(
        task=task,
        benchmark=benchmark,
        metric=metric,
        samples=samples,
        segmenter=segmenter if segmenter and _have_masks(benchmark, samples) else None,
    )


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _segmenter(place: str | None) -> Segmenter | None:
    if place is None:
        return None
    from vlrl.evaluation.segmenter import load_segmenter

    return load_segmenter(place, device=_device())


def load_to_ask(place: str, **options: Any) -> Loaded:
    """The model, on the GPU in bfloat16 where there is one; `options` as for `vlrl.models.load`."""
    device = _device()
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    loaded = load(place, dtype=dtype, **options)
    loaded.model.to(device).eval()
    return loaded


def _one(
    loaded: Loaded,
    ready: _Ready,
    folder: Path,
    label: str,
    batch_size: int,
    settings: dict[str, Any],
) -> Measurement:
    name = "-".join(filter(None, (ready.benchmark.name, settings["mode"], label)))
    settings = {**settings, **ready.settings}
    predictions, settings_file = Lines(folder / f"{name}.jsonl"), folder / f"{name}.settings"
    _forget_other_settings(predictions.path, settings_file, settings)
    done = _answered(loaded, ready, predictions, settings)
    by_id = {each.id: each for each in ready.samples}

    def keep(records: list[dict[str, Any]]) -> None:
        media = save_media(by_id[records[0]["sample"]], folder.parent)  # the run's folder
        predictions.append({**record, "media": media} for record in records)

    result = measure(
        loaded, ready.task, ready.samples, mode=settings["mode"], benchmark=ready.benchmark.name,
        metric=ready.metric, segmenter=ready.segmenter,
        num_samples=settings["num_samples"], max_new_tokens=settings["max_new_tokens"],
        batch_size=batch_size, done=done, keep=keep,
    )  # fmt: skip
    record = {
        **result.as_dict(),
        "label": label,
        "model": loaded.name,
        "versions": versions(),
    }
    (folder / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return result


def _forget_other_settings(
    predictions: Path, settings_file: Path, settings: dict[str, Any]
) -> None:
    """Predictions of another model or other settings are no part of this measurement."""
    written = json.dumps(settings, indent=1)
    if predictions.is_file() and (
        not settings_file.is_file() or settings_file.read_text("utf-8") != written
    ):
        log.info("%s: made by another model or with other settings; measuring anew", predictions)
        predictions.unlink()
    settings_file.parent.mkdir(parents=True, exist_ok=True)
    settings_file.write_text(written, "utf-8")


def _answered(
    loaded: Loaded, ready: _Ready, predictions: Lines, settings: Mapping[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """The records of the samples whose answers are all there, given to the prompts of today.

    What is not of that kind, such as a line cut off by a killed process, is taken out of the file.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for record in predictions:
        found.setdefault(record["sample"], []).append(record)
    prompts = {
        each.id: make_prompt(loaded, ready.task, each, settings["mode"]).text
        for each in ready.samples
        if each.id in found
    }
    whole = {
        key: records
        for key, records in found.items()
        if len(records) == settings["num_samples"]
        and all(record["prompt"] == prompts.get(key, record["prompt"]) for record in records)
        and all(ready.metric.part in record["parts"] for record in records)
    }
    if predictions.path.is_file():
        predictions.replace(record for records in whole.values() for record in records)
    return {key: whole[key] for key in prompts if key in whole}


def _from_sources(
    found: Sequence[tuple[Task, Benchmark]], sources: Mapping[str, str]
) -> list[tuple[Task, Benchmark]]:
    """The benchmarks with their rows where `sources` says they are."""
    names = [each.name for _, each in found]
    for name in sources:
        if name not in names:
            raise UserError(f"source of {name!r}: not among the benchmarks {', '.join(names)}")
    return [
        (task, replace(each, source=sources.get(each.name, each.source))) for task, each in found
    ]


def _metric(task: Task, benchmark: Benchmark) -> Metric:
    try:
        return find_metric(task, benchmark.metric)
    except UserError as error:
        raise UserError(f"metric of benchmark {benchmark.name}: {error}") from error


def _samples(task: Task, benchmark: Benchmark, limit: int | None) -> list[Sample]:
    split = f"@{benchmark.split}" if benchmark.split else ""
    source = Source(spec=benchmark.source + split, role="test")
    num_rows = NUM_OF_ENDLESS if is_world(source) and limit is None else limit
    source = replace(source, take=f"first:{num_rows}" if num_rows else None)
    try:
        found = list(tasks.samples(task, source, lambda row: log.warning("%s", row)))
    except UserError as error:
        cure = "" if is_world(source) else f"; say where they are: --source {benchmark.name}=PATH"
        raise UserError(f"rows of benchmark {benchmark.name}: {error}{cure}") from error
    if limit and len(found) < limit:
        log.warning("benchmark %s: it has %d rows, not %d", benchmark.name, len(found), limit)
    return found


def _check_groups(benchmark: Benchmark, metric: Metric, samples: Sequence[Sample]) -> None:
    for sample in samples:
        missing = [key for key in metric.keys if key not in sample.meta]
        if missing:
            raise UserError(
                f"metric of benchmark {benchmark.name}: sample {sample.id} has no {missing[0]!r} "
                f"for {metric.name}; its meta has {', '.join(sample.meta) or 'nothing'}"
            )


def _have_masks(benchmark: Benchmark, samples: Sequence[Sample]) -> bool:
    """Whether there is a mask to compare answers with; says how many samples have none."""
    num_missing = sum(target_mask(each) is None for each in samples)
    if num_missing:
        log.warning(
            "benchmark %s: %d of %d samples have no mask and no part in gIoU and cIoU",
            benchmark.name, num_missing, len(samples),
        )  # fmt: skip
    return num_missing < len(samples)


def _is_run(folder: Path) -> bool:
    return (folder / "recipe.yaml").is_file()


def model_place(model: str) -> str:
    """A run's folder stands for its best model (or, before training, its warm start)."""
    run = Path(model)
    for name in ("model", "warm_start"):
        if _is_run(run) and (run / name).is_dir():
            return str(run / name)
    if _is_run(run):
        raise UserError(
            f"{run}: no model is finished in this run; run `vlrl train` with its recipe"
        )
    return model


def as_trained(recipe: Recipe | None) -> tuple[str, int]:
    """Mode and length of an answer as in a run's recipe, or the defaults."""
    if recipe is None:
        return "think", MAX_NEW_TOKENS
    return recipe.mode, int(recipe.train.get("max_completion_length") or MAX_NEW_TOKENS)


def recipe_of(model: str) -> Recipe | None:
    """The recipe of the run that the model is, or lies in."""
    for folder in (Path(model), Path(model).parent):
        if (folder / "recipe.yaml").is_file():
            return config.load(str(folder / "recipe.yaml"))
    return None


def default_folder(model: str) -> Path:
    run = Path(model)
    if _is_run(run):
        return run / "eval"
    if _is_run(run.parent):
        return run.parent / "eval"
    return Path("runs") / model.strip("/").replace("/", "--") / "eval"


def _fingerprint(place: str) -> str:
    """Changes with the weights in a folder; the name itself for a model of the hub."""
    files = sorted(Path(resolve(place)).glob("*.safetensors"))
    if not files:
        return place
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as data:
            digest.update(hashlib.file_digest(data, "sha256").digest())
    return digest.hexdigest()[:16]


def show(lines: Sequence[Measurement]) -> None:
    """Print the table, metrics that are not accuracy by name, and below it what stands beside."""
    table = Table()
    for heading in (
        "benchmark",
        "mode",
        "n",
        "score",
        "95 %",
        "commonest",
        "no value",
        "truncated",
        "tokens",
    ):
        table.add_column(heading, justify="left" if heading in ("benchmark", "mode") else "right")
    for each in lines:
        metric = "" if each.metric == "accuracy" else f"\n{each.metric}"
        table.add_row(
            each.benchmark + metric, each.mode, str(each.n), f"{each.score:.3f}",
            f"{each.low:.3f}-{each.high:.3f}",
            "-" if each.commonest is None else f"{each.commonest:.3f}",
            f"{each.parse_failures:.3f}", f"{each.truncated:.3f}", f"{each.mean_tokens:.1f}",
        )  # fmt: skip
    console = Console(width=max(Console().width, WIDTH))
    console.print(table)
    for each in lines:
        if beside := _beside(each):
            found = ", ".join(f"{name} {value:.3f}" for name, value in beside.items())
            console.print(f"{each.benchmark} ({each.mode}): {found}")


def _beside(measured: Measurement) -> dict[str, float]:
    """What was measured beside the score."""
    accuracy = {} if measured.accuracy is None else {"accuracy": measured.accuracy}
    return {**accuracy, **measured.metrics}
