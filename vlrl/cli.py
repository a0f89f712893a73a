"""The command line.  Every verb calls one function of the package; nothing else happens here.

Exit status: 0; 1 where a check failed or a row was broken; 2 for a mistake in the set-up (one line
on stderr); 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import vlrl
from vlrl.contracts import UserError

if TYPE_CHECKING:
    from vlrl.check import Report
    from vlrl.config import Recipe
    from vlrl.contracts import Source

# The verbs import what they need themselves, so that `vlrl --help` never waits for torch.

Run = Callable[[argparse.Namespace], int | None]
SOURCE_WIDTH = 36  # of the column of sources; longer ones reach beyond it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s")
    logging.getLogger("vlrl").setLevel(logging.INFO)
    try:
        return args.run(args) or 0
    except UserError as error:
        print(f"vlrl: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("interrupted; run the same command to resume", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vlrl", description=(vlrl.__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--version", action="version", version=f"vlrl {vlrl.__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    def verb(name: str, run: Run, about: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=about, description=about)
        added.set_defaults(run=run)
        return added

    verb("tasks", _tasks, "list the tasks and what they read")
    verb("recipes", _recipes, "list the recipes")
    verb("benchmarks", _benchmarks, "list the benchmarks")
    _add_preview(verb("preview", _preview, "show samples as the model will see them"))
    _add_check(verb("check", _check, "prove that the ideal answer scores 1 and junk does not pay"))
    _add_score(verb("score", _score, "score the completions in a .jsonl file, to stdout"))
    _add_recipe(verb("sft", _sft, "warm up a model on written answers; resumes where it stopped"))
    _add_recipe(verb("train", _train, "train a model with GRPO; resumes where it stopped"))
    _add_eval(verb("eval", _eval, "evaluate a model on benchmarks; resumes where it stopped"))
    _add_ask(verb("ask", _ask, "ask a model one question about an image"))
    _add_speed(verb("speed", _speed, "time our trainer beside plain TRL's on the same work"))
    _add_report(verb("report", _report, "write one self-contained HTML page about runs"))
    _add_quickstart(verb("quickstart", _quickstart, "train the tiny built-in model on a CPU"))
    _add_new(verb("new", _new, "write the files of a new task into the current folder"))
    verb("env", _env, "print versions and devices, for a bug report")
    return parser


def _tasks(args: argparse.Namespace) -> None:
    """Every task with, indented, its sources and the formats in which it reads rows."""
    from vlrl import tasks

    for task in map(tasks.find, tasks.names()):
        print(f"{task.name}  {task.about}")
        width = min(max(map(len, task.sources), default=0), SOURCE_WIDTH)
        for source, about in task.sources.items():
            _print_indented(f"{source.ljust(width)}  {about}", hanging=width + 2)
        if task.formats:
            formats = ", ".join(f"{each.name} ({each.proof})" for each in task.formats)
            _print_indented(f"formats  {formats}", hanging=len("formats  "))


def _print_indented(text: str, hanging: int) -> None:
    """In lines of up to 100 characters, those after the first indented further."""
    after = " " * (2 + hanging)
    wrapped = textwrap.wrap(text, 100, initial_indent="  ", subsequent_indent=after)
    print("\n".join(wrapped))


def _recipes(args: argparse.Namespace) -> None:
    from vlrl import config

    _print_columns([(name, config.about(path)) for name, path in config.recipes().items()])


def _benchmarks(args: argparse.Namespace) -> None:
    from vlrl import tasks

    found = [(task, each) for task in map(tasks.find, tasks.names()) for each in task.benchmarks]
    _print_columns(
        [(each.name, task.name, each.metric, each.source, each.about) for task, each in found]
    )


def _add_preview(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target", metavar="RECIPE_TASK_OR_DATA", help="a recipe, a task, a path or a hub id"
    )
    parser.add_argument(
        "overrides", metavar="KEY=VALUE", nargs="*", help="of a recipe, such as max_pixels=50176"
    )
    parser.add_argument("--num-samples", type=int, default=8, help="how many (default: 8)")
    parser.add_argument("--source", help="rows to show (default: the recipe's or the task's)")
    parser.add_argument("--model", help="whose prompts (default: the recipe's, or words alone)")
    parser.add_argument("--mode", help="way of answering (default: the recipe's, or think)")
    parser.add_argument(
        "--html", type=Path, default=Path("preview.html"), help="the page (default: preview.html)"
    )


def _preview(args: argparse.Namespace) -> None:
    from vlrl import preview

    page = preview.run(
        args.target,
        args.overrides,
        num_samples=args.num_samples,
        source=args.source,
        model=args.model,
        mode=args.mode,
        html=args.html,
    )
    print(page)


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="TASK, RECIPE or DATA", help="or the path of a data set")
    parser.add_argument("--source", help="rows to check with (default: the recipe's training rows)")
    parser.add_argument("--test", metavar="SOURCE", help="rows that must not be among them")
    parser.add_argument("--limit", type=int, default=200, help="rows to check (default: 200)")
    parser.add_argument("--mode", help="way of answering (default: the recipe's, or think)")


def _check(args: argparse.Namespace) -> int:
    from vlrl import config
    from vlrl.contracts import Source

    tests = [Source(spec=args.test, role="test")] if args.test else []
    is_recipe = args.target.endswith((".yaml", ".yml")) or args.target in config.recipes()
    reports = _check_recipe(args, tests) if is_recipe else [_check_task(args, tests)]
    for report in reports:
        report.print()
    return 0 if all(report.passed for report in reports) else 1


def _check_task(args: argparse.Namespace, tests: list[Source]) -> Report:
    from vlrl import tasks
    from vlrl.check import check_task
    from vlrl.contracts import Source

    is_task = args.target in tasks.names() or args.target.endswith(".py")
    if not is_task and Path(args.target.rpartition("@")[0] or args.target).exists():
        task, spec = tasks.reading(Source(spec=args.target)), args.target
    else:
        task = tasks.find(args.target)
        spec = args.source or next(iter(task.sources), None)
    if spec is None:
        raise UserError(f"task {task.name} names no source of rows; name one with --source")
    mode = args.mode or "think"
    return check_task(task, Source(spec=spec), tests=tests, mode=mode, limit=args.limit)


def _check_recipe(args: argparse.Namespace, tests: list[Source]) -> list[Report]:
    """What is checked of each task, on the recipe's rows, and the prompts in its model's tokens."""
    from vlrl import config, scoring, tasks
    from vlrl.check import Report, check_task
    from vlrl.contracts import Source
    from vlrl.data.formats.rows import is_world
    from vlrl.mix import of_task
    from vlrl.prompt_check import check_prompts

    overrides = [f"data.train={args.source}"] if args.source else []
    recipe = config.load(args.target, overrides + ([f"mode={args.mode}"] if args.mode else []))
    config.check_train_options(recipe)
    config.check_sft_options(recipe)
    rows = config.source(recipe, "train")
    held_out = [config.source(recipe, "validation")] if recipe.data.validation else []
    reports = []
    for name in config.task_names(recipe):
        task = tasks.find(name)
        scoring.resolve(task, recipe.rewards)
        benchmarks = [each.source for each in task.benchmarks if each.name in recipe.evaluate]
        measured = [Source(spec=spec, role="test") for spec in benchmarks]
        here = [each for each in measured if is_world(each) or Path(each.spec).exists()]
        own = [part for each in held_out if (part := of_task(each, name))]
        if source := of_task(rows, name):
            reports.append(
                check_task(
                    task, source, tests=[*tests, *own, *here], mode=recipe.mode, limit=args.limit
                )
            )
    prompts = check_prompts(recipe, args.limit)
    return [*reports, Report(title=f"prompts of {args.target}", findings=tuple(prompts))]


def _add_score(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE.jsonl", help="rows with a completion")


def _score(args: argparse.Namespace) -> int:
    from vlrl.score_rows import main_score

    return main_score(args.file)


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", help="a name from `vlrl recipes` or the path of a .yaml file")
    parser.add_argument(
        "overrides", metavar="KEY=VALUE", nargs="*", help="such as train.learning_rate=1e-5"
    )


def _recipe(args: argparse.Namespace) -> Recipe:
    from vlrl import config

    return config.load(args.recipe, args.overrides)


def _sft(args: argparse.Namespace) -> None:
    recipe = _recipe(args)  # a mistake in it shows before torch is imported
    from vlrl.training import sft

    print(sft.run(recipe))


def _train(args: argparse.Namespace) -> None:
    recipe = _recipe(args)
    from vlrl.training import grpo

    grpo.run(recipe)


def _add_eval(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    parser.add_argument("--benchmarks", nargs="+", default=[], help="default: its recipe's")
    parser.add_argument(
        "--source",
        metavar="BENCHMARK=PATH",
        action="append",
        default=[],
        help="where the rows of a benchmark are on this machine; may be repeated",
    )
    parser.add_argument("--out", type=Path, help="folder of eval/ and media/ (default: the run)")
    parser.add_argument("--label", default="", help="part of the results' names, such as after")
    parser.add_argument("--limit", type=int, help="rows of each benchmark (default: all)")
    parser.add_argument(
        "--segmenter",
        metavar="PLACE",
        help="a SAM 2, such as facebook/sam2-hiera-large, for gIoU and cIoU where rows have masks",
    )
    parser.add_argument("--num-samples", type=int, default=1, help="answers to each; 1 is greedy")
    parser.add_argument("--batch-size", type=int, default=16, help="prompts at a time")
    parser.add_argument("--min-pixels", type=int, help="least area of an image, in pixels")
    parser.add_argument("--max-pixels", type=int, help="largest area of an image, in pixels")


def _eval(args: argparse.Namespace) -> None:
    sources = dict(_benchmark_source(text) for text in args.source)
    from vlrl.evaluation import evaluate

    evaluate.run(
        args.model,
        args.benchmarks,
        mode=args.mode,
        out=args.out,
        num_samples=args.num_samples,
        limit=args.limit,
        batch_size=args.batch_size,
        max_new_tokens=args.max_new_tokens,
        label=args.label,
        min_pixels=args.min_pixels,
        max_pixels=args.max_pixels,
        sources=sources,
        segmenter=args.segmenter,
    )


def _benchmark_source(text: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise UserError(f"--source {text}: expected BENCHMARK=PATH")
    return name, path


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="`tiny`, a hub id, a run's folder or a checkpoint's")
    parser.add_argument("--mode", help="way of answering (default: the run's recipe's, or think)")
    parser.add_argument(
        "--max-new-tokens", type=int, help="length of an answer (default: its recipe's, or 512)"
    )


def _add_ask(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    parser.add_argument("image", help="an image file")
    parser.add_argument("question")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="picture of the answer's boxes and points, if any (default: IMAGE-answer.png here)",
    )


def _ask(args: argparse.Namespace) -> None:
    from vlrl.evaluation import ask

    ask.run(args.model, args.image, args.question, args.mode, args.max_new_tokens, args.out)


def _add_speed(parser: argparse.ArgumentParser) -> None:
    from vlrl.speed.settings import Settings

    parser.add_argument(
        "--preset",
        default=Settings.preset,
        help="which model: tiny, or for a GPU qwen2.5-vl-3b-shape or -7b-shape (default: tiny)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there, too")
    sizes = {
        "side_px": "of the square picture in every prompt",
        "prompt_tokens": "of the prompt, its picture included",
        "completion_tokens": "of every completion",
        "num_generations": "completions of a prompt",
        "num_prompts": "in one optimizer step",
        "micro_batch": "completions in one forward, at most",
    }
    for name, about in sizes.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=int,
            default=getattr(Settings, name),
            metavar="N",
            help=f"{about} (default: %(default)s)",
        )
    parser.add_argument(
        "--pairs",
        type=int,
        metavar="N",
        help=f"runs of each trainer (default: {Settings.pairs}; with --surface 2)",
    )
    parser.add_argument("--freeze-vision", action="store_true", help="in both trainers")
    parser.add_argument(
        "--surface", action="store_true", help="prompts, completions and groups of many sizes"
    )
    parser.add_argument(
        "--plot", type=Path, default=Path("speed.png"), help="of a surface (default: speed.png)"
    )
    parser.add_argument("--force", action="store_true", help="a large preset without a GPU, too")


def _speed(args: argparse.Namespace) -> None:
    from vlrl.speed import command
    from vlrl.speed.settings import Settings

    names = {field.name for field in fields(Settings)}
    given = {key: value for key, value in vars(args).items() if key in names and value is not None}
    if args.surface:
        command.run_surface(given, args.json, args.plot, force=args.force)
    else:
        command.run(Settings(**given), args.json, force=args.force)


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", metavar="RUN", type=Path, nargs="+", help="the folder of a run")
    parser.add_argument("--out", type=Path, help="the page (default: report.html in the first run)")


def _report(args: argparse.Namespace) -> None:
    from vlrl import report

    print(report.write(args.runs, args.out))


def _add_quickstart(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="of its recipe")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/quickstart"), help="the run's folder"
    )
    parser.add_argument(
        "--from-scratch", action="store_true", help="train the vision of the tiny model as well"
    )


def _quickstart(args: argparse.Namespace) -> None:
    from vlrl import quickstart

    quickstart.run(
        seed=args.seed, from_scratch=args.from_scratch, out=args.out, overrides=args.overrides
    )


def _add_new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["task"])
    parser.add_argument("name", help="lower case, such as clocks")


def _new(args: argparse.Namespace) -> None:
    from vlrl import new

    for path in new.task(args.name, Path.cwd()):
        print(path)


def _env(args: argparse.Namespace) -> None:
    from vlrl import environment

    _print_columns(list(environment.facts().items()))


def _print_columns(rows: Sequence[Sequence[str]]) -> None:
    """The rows as lines, every column but the last padded to its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())
