"""Write a run folder as a training would leave it, with made-up numbers and small drawn images."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

from PIL import Image, ImageDraw

RECIPE = """\
# Count objects with the tiny model.
task: counting
model: tiny
mode: think
seed: {seed}
data: {{train: "world:counting", validation: "world:counting"}}
rewards: {{accuracy: 1.0, format: 1.0}}
train: {{learning_rate: {learning_rate}, num_generations: 8, max_steps: {num_steps}}}
"""
VERSIONS = {"vlrl": "0.1.0", "torch": "2.11.0", "transformers": "5.17.0", "trl": "1.16.0"}
PROMPT = "How many objects are there in the image? First think inside <think> tags, then answer."
HOSTILE = "</script><img src=x onerror=\"document.title='owned'\"><!-- <script> ' \" &amp;"
HABITS = ("one by one", "by colour", "at a glance")


def make_run(
    folder: Path,
    *,
    seed: int = 0,
    num_steps: int = 120,
    learning_rate: str = "1e-4",
    completion: str | None = None,
    tasks: tuple[str, ...] = ("counting",),
) -> Path:
    """Write a complete run; every completion is `completion` where one is given.

    With several tasks, each is 0.1 better than the one before it.
    """
    rng = random.Random(f"fake run {seed}")
    (folder / "media").mkdir(parents=True)
    (folder / "eval").mkdir()
    recipe = RECIPE.format(seed=seed, num_steps=num_steps, learning_rate=learning_rate)
    (folder / "recipe.yaml").write_text(recipe)
    write_lines(folder / "metrics.jsonl", _metrics(rng, num_steps, tasks))
    write_lines(folder / "rollouts.jsonl", _rollouts(folder, rng, num_steps, completion, tasks))
    _evaluations(folder, rng, completion)
    summary = {"seed": seed, "versions": {**VERSIONS, "git": "0123abc"}}
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def make_placed_run(folder: Path, *groups: tuple[str, object, list[object]]) -> Path:
    """Rollouts about a picture of 800 x 400 pixels that is kept at half its size.

    A group is the kind of its target, the target, and the value of each of its answers.
    """
    (folder / "media").mkdir(parents=True)
    Image.new("RGB", (400, 200), "grey").save(folder / "media/large.png")
    about = {"step": 1, "media": ["media/large.png"], "image_size": [800, 400]}
    rows = [
        about | {"group": group, "index": index, "kind": kind, "target": target, "parsed": parsed}
        for group, (kind, target, answers) in enumerate(groups)
        for index, parsed in enumerate(answers)
    ]
    write_lines(folder / "rollouts.jsonl", rows)
    return folder


def write_lines(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _metrics(rng: random.Random, num_steps: int, tasks: tuple[str, ...]) -> list[dict]:
    warm = [
        {
            "step": s,
            "phase": "sft",
            "time_s": s,
            "loss": 3 * math.exp(-s / 15) + 0.4 + rng.gauss(0, 0.05),
        }
        for s in range(1, 41)
    ]
    return warm + [
        _by_task(_metric(rng, step, step / num_steps), tasks) for step in range(1, num_steps + 1)
    ]


def _by_task(row: dict, tasks: tuple[str, ...]) -> dict:
    if len(tasks) == 1:
        return row
    for place, task in enumerate(tasks):
        row |= {f"{name}/{task}": row[name] + 0.1 * place for name in ("reward", "accuracy")}
        if "validation" in row:
            row["validation"][f"accuracy/{task}"] = row["validation"]["accuracy"] + 0.1 * place
    return row


def _metric(rng: random.Random, step: int, progress: float) -> dict:
    accuracy = min(1, max(0, 0.25 + 0.6 * progress**0.7 + rng.gauss(0, 0.06)))
    well_formed = min(1, 0.8 + 0.2 * progress + rng.gauss(0, 0.02))
    row = {
        "step": step,
        "phase": "train",
        "time_s": 40 + 2.5 * step,
        "loss": rng.gauss(0, 0.02),
        "learning_rate": 1e-4 * (1 - progress),
        "reward": accuracy + well_formed,
        "reward_std": 0.4 * (1 - 0.6 * progress),
        "accuracy": accuracy,
        "format": well_formed,
        "num_tokens": 40 + 50 * progress + rng.gauss(0, 4),
        "truncated": 0.02 * rng.random(),
        "habits": dict(zip(HABITS, _shares(progress), strict=True)),
        "grad_norm": 0.5 + 0.3 * rng.random(),
        "kl": 0.02 * progress,
    }
    if step % 20 == 0 or step == 1:
        middle = 0.25 + 0.55 * progress**0.7
        row["validation"] = {
            "accuracy": middle,
            "low": middle - 0.07,
            "high": middle + 0.06,
            "n": 200,
        }
    return row


def _shares(progress: float) -> tuple[float, float, float]:
    systematic = 0.3 + 0.55 * progress
    return systematic, (0.96 - systematic) * 0.4, (0.96 - systematic) * 0.6


def _rollouts(
    folder: Path,
    rng: random.Random,
    num_steps: int,
    completion: str | None,
    tasks: tuple[str, ...],
) -> list[dict]:
    rows = []
    for step in range(1, num_steps + 1, 3):
        for group in range(2):
            count = rng.randrange(2, 8)
            image = f"media/step{step}-{group}.png"
            _draw(folder / image, rng, count)
            sample = f"world-counting-{step}-{group}"
            scored = [_row(rng, count, step / num_steps, image, completion) for _ in range(8)]
            mean = sum(row["total"] for row in scored) / len(scored)
            rows += [
                row
                | {
                    "step": step,
                    "group": group,
                    "index": i,
                    "sample": sample,
                    "task": tasks[group % len(tasks)],
                    "advantage": row["total"] - mean,
                }
                for i, row in enumerate(scored)
            ]
    return rows


def _row(
    rng: random.Random, count: int, progress: float, image: str, completion: str | None
) -> dict:
    said = count if rng.random() < 0.3 + 0.6 * progress else count + rng.choice((-1, 1, 2))
    problem = rng.choices(("none", "no_answer", "truncated"), (0.9, 0.06, 0.04))[0]
    right = float(said == count and problem == "none")
    return {
        "task": "counting",
        "mode": "think",
        "prompt": PROMPT,
        "media": [image],
        "target": count,
        "completion": _completion(said, problem) if completion is None else completion,
        "num_tokens": 20 + 9 * said,
        "truncated": problem == "truncated",
        "parsed": said if problem == "none" else None,
        "parts": {"accuracy": right, "format": float(problem == "none")},
        "total": right + float(problem == "none"),
        "advantage": None,
        "problem": problem,
        "habit": rng.choice(HABITS) if problem == "none" else None,
    }


def _completion(said: int, problem: str) -> str:
    colours = (
        "red",
        "blue",
        "green",
        "yellow",
        "purple",
        "grey",
        "brown",
        "cyan",
        "orange",
        "pink",
    )
    steps = "\n".join(f"{i + 1}. a {colours[i % 10]} object" for i in range(said))
    if problem == "truncated":
        return f"<think>\nI look at each object in turn.\n{steps}"
    answer = f"<answer>{said}</answer>" if problem == "none" else f"There are {said}."
    return (
        f"<think>\nI look at each object in turn.\n{steps}\nThat makes {said}.\n</think>\n{answer}"
    )


def _evaluations(folder: Path, rng: random.Random, completion: str | None) -> None:
    luck = rng.gauss(0, 0.03)
    levels = {"before": 0.24, "sft_only": 0.46 + luck, "after": 0.78 + luck}
    for benchmark, shift in (("world_counting", 0.0), ("world_counting_ood", -0.14)):
        images = [f"media/{benchmark}-{i}.png" for i in range(10)]
        counts = [rng.randrange(2, 8) for _ in images]
        for image, count in zip(images, counts, strict=True):
            _draw(folder / image, rng, count)
        for mode, label in [("think", label) for label in levels] + [("direct", "after")]:
            score = levels[label] + shift - (0.07 if mode == "direct" else 0)
            stem = folder / "eval" / f"{benchmark}-{mode}-{label}"
            stem.with_suffix(".json").write_text(
                json.dumps(_evaluation(benchmark, mode, label, score))
            )
            predictions = [
                _row(rng, count, score, image, completion) | {"sample": f"{benchmark}-{i}"}
                for i, (image, count) in enumerate(zip(images, counts, strict=True))
            ]
            write_lines(stem.with_suffix(".jsonl"), predictions)


def _evaluation(benchmark: str, mode: str, label: str, score: float) -> dict:
    return {
        "benchmark": benchmark,
        "mode": mode,
        "label": label,
        "n": 200,
        "metric": "accuracy",
        "score": score,
        "low": score - 0.06,
        "high": score + 0.06,
        "parse_failures": 0.015,
        "truncated": 0.0,
        "mean_tokens": 61.4 if mode == "think" else 6.2,
        "commonest": 0.205,
        "habits": dict(zip(HABITS, _shares(score), strict=True)) if mode == "think" else None,
        "versions": VERSIONS,
    }


def _draw(path: Path, rng: random.Random, count: int) -> None:
    image = Image.new("RGB", (64, 64), (178, 176, 172))
    pen = ImageDraw.Draw(image)
    for i in range(count):
        x, y = 6 + 20 * (i % 3) + rng.randrange(4), 6 + 20 * (i // 3) + rng.randrange(4)
        colour = tuple(rng.randrange(40, 220) for _ in range(3))
        (pen.ellipse if rng.random() < 0.5 else pen.rectangle)((x, y, x + 11, y + 11), fill=colour)
    image.save(path)
