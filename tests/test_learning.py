"""A toy policy learns to name colours, and only where it sees them.

The built-in model, cut to two layers and one of its tower, may write A, B or C; the reward is 1 for
the letter of the picture's colour.  Chance is 1/3, and so is the best that a model can do which
does not see.
"""

from pathlib import Path
from statistics import fmean

import pytest
from lengths_runs import metrics, rollouts
from transformers import PrinterCallback

from vlrl import models, tasks
from vlrl.config import Data, Recipe
from vlrl.contracts import Sample, Source
from vlrl.evaluation.measure import measure
from vlrl.models import Loaded
from vlrl.training import grpo
from vlrl.training.trainer import Trainer

TASK_FILE = str(Path(__file__).with_name("colours_task.py"))
TASK = tasks.find(TASK_FILE)
LETTERS = "ABC"
GROUP = 8
STEPS = 30
LATEST = 10  # steps over which the reward is averaged

pytestmark = pytest.mark.slow


def samples(spec: str) -> list[Sample]:
    return list(tasks.samples(TASK, Source(spec=spec)))


def toy() -> Loaded:
    """Every letter ends its completion."""
    loaded = models.load("tiny")
    backbone = loaded.model.model
    backbone.language_model.layers = backbone.language_model.layers[:2]
    backbone.language_model.config.num_hidden_layers = 2  # of the cache
    backbone.visual.blocks = backbone.visual.blocks[:1]
    loaded.model.generation_config.eos_token_id = letter_ids(loaded)
    return loaded


def letter_ids(loaded: Loaded) -> list[int]:
    return loaded.tokenizer.convert_tokens_to_ids(list(LETTERS))


def trained(kind: str, output: Path) -> Loaded:
    """The toy after STEPS steps, each about one picture of every colour."""
    spec = f"{kind}:{len(LETTERS) * STEPS}"
    recipe = Recipe(
        task=TASK_FILE, data=Data(train=spec), mode="vanilla", rewards={"accuracy": 1.0},
        output=str(output),
        train={
            "num_generations": GROUP, "per_device_train_batch_size": len(LETTERS) * GROUP,
            "max_steps": STEPS, "max_completion_length": 1, "learning_rate": 3e-4,
            "temperature": 2.0, "shuffle_dataset": False, "save_strategy": "no",
        },
    )  # fmt: skip
    loaded = toy()
    arguments = grpo.arguments(recipe, output / "checkpoints")
    trainer = Trainer(loaded, TASK, recipe, arguments, samples(spec), [], output)
    allowed = letter_ids(loaded)
    others = [token for token in range(len(loaded.tokenizer)) if token not in allowed]
    trainer.generation_config.suppress_tokens = others
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return loaded


def mean_rewards(output: Path) -> tuple[float, float]:
    """In the first step, and in the latest ones."""
    rewards = [record["reward"] for record in metrics(output)]
    assert len(rewards) == STEPS
    return rewards[0], fmean(rewards[-LATEST:])


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Loaded, Path]:
    output = tmp_path_factory.mktemp("seen")
    return trained("seen", output), output


def test_a_policy_that_sees_learns_the_colours(seen: tuple[Loaded, Path]) -> None:
    first, latest = mean_rewards(seen[1])
    assert first < 0.6
    assert latest > 0.9


def test_the_policy_did_nothing_but_write_one_letter(seen: tuple[Loaded, Path]) -> None:
    rows = rollouts(seen[1])
    assert {row["completion"] for row in rows} == set(LETTERS)
    assert {(row["num_tokens"], row["truncated"], row["problem"]) for row in rows} == {
        (1, False, "none")
    }


@pytest.mark.parametrize(("kind", "expected"), [("seen", 1.0), ("swapped", 0.0)])
def test_its_answers_follow_the_picture(
    kind: str, expected: float, seen: tuple[Loaded, Path]
) -> None:
    loaded = seen[0]
    loaded.model.eval()
    found = measure(
        loaded, TASK, samples(f"{kind}:3"), mode="vanilla", benchmark=kind, max_new_tokens=1,
        quiet=True,
    )  # fmt: skip
    assert found.score == expected


def test_a_policy_that_sees_nothing_stays_at_chance(tmp_path: Path) -> None:
    trained("blank", tmp_path)
    _, latest = mean_rewards(tmp_path)
    assert latest < 0.45
