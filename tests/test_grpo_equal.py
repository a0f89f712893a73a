"""Our trainer and TRL's own learn the same: gradients and weights on a pairwise set of options.

Both start from one small model, see the same rows in the same order and are handed the same
completions, whole and cut off, so that nothing but the training itself can differ (that rollouts
are drawn as TRL draws them is tested in test_grpo.py).  Three optimizer steps are compared: their
gradients before the step, their losses, and the weights at the end.

`pytest tests/test_grpo_equal.py -v` lists the combinations; every two levels of two factors meet in
one of them.  TRL's own trainer is untouched but for its generator and, where a loss depends on
which rows share a micro-batch, the order of rows.  Videos, which it does not train on, are compared
row by row in test_shared_prefix.py.
"""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from lengths_runs import LORA, TASK, recipe
from lengths_task import picture
from lengths_task import sample as lengths_sample
from stock import stock_trainer
from transformers import Qwen2_5_VLForConditionalGeneration, TrainerCallback
from trl import GRPOTrainer
from trl.trainer import grpo_trainer

from vlrl import models
from vlrl.config import Recipe
from vlrl.contracts import Sample
from vlrl.media import ImageOnDemand
from vlrl.training import grpo, setup, trainer

pytestmark = pytest.mark.slow

Case = dict[str, str]
"""Factor -> level."""

STEPS = 3  # the first completions, the same ones again or the next, then those after
NUM_SAMPLES = 16
NUM_TOKENS = 8  # of the longest completion
TEXT_TOKENS = (300, 490)

TOLERANCE = 1e-5
"""Of a gradient relative to its norm, of a loss and every weight absolute; in float32."""
COMPARED = ("loss", "reward", "reward_std", "num_tokens")

FACTORS: dict[str, dict[str, dict[str, Any]]] = {
    "media": {"image": {}, "images": {}, "text": {}},
    "weights": {"full": {"learning_rate": 0.001}, "lora": {"learning_rate": 0.2}},
    "tower": {"trained": {}, "frozen": {}},
    "size": {"G2": {"num_generations": 2}, "G8": {"num_generations": 8}},
    "batch": {"group": {"groups": 1}, "2groups": {"groups": 2}, "half": {"groups": 0.5}},
    "accumulation": {
        "accumulate1": {"gradient_accumulation_steps": 1},
        "accumulate4": {"gradient_accumulation_steps": 4},
    },
    "rollouts": {"1step": {"steps": 1}, "2steps": {"steps": 2}},  # optimizer steps per generation
    "iterations": {"once": {"num_iterations": 1}, "twice": {"num_iterations": 2}},
    "kl": {
        "nokl": {"beta": 0.0},
        "kl": {"beta": 0.04},
        "plainkl": {"beta": 0.04, "use_bias_correction_kl": False},
    },
    "loss": {
        "grpo": {"loss_type": "grpo"},
        "bnpo": {"loss_type": "bnpo"},
        "dr_grpo": {"loss_type": "dr_grpo"},
        "dapo": {"loss_type": "dapo", "epsilon_high": 0.28},
        "cispo": {"loss_type": "cispo", "epsilon_high": 5.0},
        "sapo": {"loss_type": "sapo"},
        "luspo": {"loss_type": "luspo"},
        "vespo": {"loss_type": "vespo"},
    },
    "ratio": {
        "token": {"importance_sampling_level": "token"},
        "sequence": {"importance_sampling_level": "sequence"},
    },
    "scale": {
        "bygroup": {"scale_rewards": "group"},
        "bybatch": {"scale_rewards": "batch"},
        "unscaled": {"scale_rewards": "none"},
    },
    "cutoff": {
        "learned": {"mask_truncated_completions": False},
        "masked": {"mask_truncated_completions": True},
    },
    "memory": {
        "kept": {"gradient_checkpointing": False},
        "recomputed": {"gradient_checkpointing": True},
    },
    "besides": {
        "plain": {},
        "delta": {"delta": 1.1},
        # (0.5 cuts between first tokens of one group, whose entropies differ by rounding alone)
        "entropic": {"top_entropy_quantile": 0.2},
        "bonus": {"entropy_coef": 0.01},
        "offpolicy": {"off_policy_mask_threshold": 1e-4},
    },
}
"""Factor -> level -> options of TRL's; `groups` per micro-batch and `steps` are made into them."""

PER_MICROBATCH = {"bnpo", "entropic", "bonus"}
"""Levels whose loss depends on which rows of an optimizer step share a micro-batch."""


def allowed(case: Case) -> bool:
    """False where a generation would not be whole groups, whatever the factors not stated."""
    rows = (case.get("batch"), case.get("accumulation"), case.get("rollouts"))
    return rows != ("half", "accumulate1", "1step")


def pairs() -> list[Case]:
    """Every two levels of two factors."""
    return [
        {one: level, other: beside}
        for one, other in combinations(FACTORS, 2)
        for level in FACTORS[one]
        for beside in FACTORS[other]
    ]


def pairwise() -> list[Case]:
    """Cases that hold all pairs.

    Each begins with the first pair that is left, and takes of every other factor the level that
    adds most.
    """
    left = pairs()
    cases = []
    while left:
        case = left[0]
        for factor in [name for name in FACTORS if name not in case]:
            case = max(
                (found for level in FACTORS[factor] if allowed(found := {**case, factor: level})),
                key=lambda found: sum(pair.items() <= found.items() for pair in left),
            )
        cases.append({factor: case[factor] for factor in FACTORS})
        left = [pair for pair in left if not pair.items() <= case.items()]
    return cases


CASES = pairwise()


def name_of(case: Case) -> str:
    return "-".join(case.values())


def options(case: Case) -> dict[str, Any]:
    """The recipe's `train`."""
    found = {
        key: value for factor in FACTORS for key, value in FACTORS[factor][case[factor]].items()
    }
    rows = int(found.pop("groups") * found["num_generations"])
    steps = found.pop("steps") * found["gradient_accumulation_steps"]
    return {
        **found,
        "per_device_train_batch_size": rows,
        "steps_per_generation": steps,
        "max_steps": STEPS,
        "max_completion_length": NUM_TOKENS,
        "optim": "sgd",
        "lr_scheduler_type": "constant",
        "max_grad_norm": 0.0,
        "epsilon": 0.05,  # so narrow that some of these few steps are clipped
    }


def samples(media: str) -> list[Sample]:
    """One picture each, one to three of different sizes, or none."""
    if media != "images":
        kind = "pictures" if media == "image" else "text"
        return [lengths_sample(kind, index) for index in range(NUM_SAMPLES)]
    return [
        Sample(
            id=f"images/{index}",
            task="lengths",
            question="Compare them." + " Please." * (index % 3),
            target=index % 2,
            media=tuple(image(index, place) for place in range(1 + index % 3)),
        )
        for index in range(NUM_SAMPLES)
    ]


def image(index: int, place: int) -> ImageOnDemand:
    size = (28 * (2 + (index + place) % 3), 28 * (2 + place))
    return ImageOnDemand(f"images/{index}/{place}", lambda: picture(3 * index + place, size))


def written(step: int, num_rows: int) -> list[list[int]]:
    """The completions of the generation at that micro-batch: random, one in three is cut off."""
    generator = torch.Generator().manual_seed(step)
    lengths = torch.randint(1, NUM_TOKENS, (num_rows,), generator=generator).tolist()
    ids = torch.randint(*TEXT_TOKENS, (num_rows, NUM_TOKENS), generator=generator).tolist()
    end = models.load_processor("tiny").tokenizer.eos_token_id
    return [
        tokens if row % 3 == 2 else [*tokens[:length], end]
        for row, (tokens, length) in enumerate(zip(ids, lengths, strict=True))
    ]


def hand_out(self: GRPOTrainer, prompt_ids: list, *_: Any, **__: Any) -> tuple[list, None]:
    """In the place of either trainer's generator."""
    return written(self._step, len(prompt_ids)), None


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of the tiny model with two layers in place of three.

    One block of the vision tower attends inside its windows, one everywhere.
    """
    loaded = models.load("tiny")
    config = loaded.config
    config.text_config.num_hidden_layers = config.vision_config.depth = 2
    config.text_config.layer_types = config.text_config.layer_types[:2]
    config.vision_config.fullatt_block_indexes = [1]
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("small")
    model = Qwen2_5_VLForConditionalGeneration(config)
    model.generation_config = loaded.model.generation_config
    model.save_pretrained(folder)
    loaded.processor.save_pretrained(folder)
    return str(folder)


def made_recipe(case: Case, model: str, output: Path, **train: Any) -> Recipe:
    return recipe(
        output,
        {**options(case), **train},
        model=model,
        lora=LORA if case["weights"] == "lora" else None,
        freeze_vision=case["tower"] == "frozen",
    )


def our_trainer(made: Recipe, rows: list[Sample]) -> trainer.Trainer:
    output = Path(made.output or "")
    arguments = grpo.arguments(made, output)
    return trainer.Trainer(setup.load_model(made), TASK, made, arguments, rows, [], output)


class Gradients(TrainerCallback):
    """Keeps the gradient of every optimizer step, by the names of the weights."""

    def __init__(self) -> None:
        self.found: list[dict[str, torch.Tensor]] = []

    def on_pre_optimizer_step(self, *_: Any, model: torch.nn.Module, **__: Any) -> None:
        weights = dict(model.named_parameters())
        self.found.append({n: w.grad.clone() for n, w in weights.items() if w.grad is not None})


def trained(made: GRPOTrainer) -> list[dict[str, torch.Tensor]]:
    """The gradients of all steps of a training."""
    gradients = Gradients()
    made.add_callback(gradients)
    made.train()
    assert len(gradients.found) == STEPS
    return gradients.found


def norm(tensors: dict[str, torch.Tensor]) -> float:
    return float(torch.cat([tensor.flatten() for tensor in tensors.values()]).norm())


def replayed(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict], dict]:
    """Keeps our orders of rows; what it returns shuffles TRL's batches into the same."""
    orders: list[list[int]] = []
    by_group = trainer.by_group

    def keep(*given: Any) -> list[int]:
        orders.append(by_group(*given))
        return orders[-1]

    monkeypatch.setattr(trainer, "by_group", keep)
    shuffle = grpo_trainer.shuffle_sequence_dict

    def replay(batch: dict) -> dict:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch, "randperm", lambda *_: torch.tensor(orders.pop(0)))
            return shuffle(batch)

    return replay


def check(case: Case, model: str, folder: Path, patch: pytest.MonkeyPatch, **train: Any) -> None:
    rows = samples(case["media"])
    for kind in (trainer.Trainer, GRPOTrainer):
        patch.setattr(kind, "_generate_single_turn", hand_out)
    if PER_MICROBATCH & set(case.values()):
        patch.setattr(grpo_trainer, "shuffle_sequence_dict", replayed(patch))
    ours = our_trainer(made_recipe(case, model, folder / "ours", **train), rows)
    before = {name: weight.clone() for name, weight in ours.model.named_parameters()}
    our_gradients = trained(ours)
    theirs = stock_trainer(made_recipe(case, model, folder / "stock", **train), rows)
    for found, expected in zip(our_gradients, trained(theirs), strict=True):
        assert norm(expected) > 1e-3
        assert norm(differences(found, expected)) / norm(expected) < TOLERANCE
    logs = (made.state.log_history[:STEPS] for made in (ours, theirs))
    for found, expected in zip(*logs, strict=True):
        keys = [key for key in COMPARED if key in expected]  # not all where rollouts are reused
        assert [found[key] for key in keys] == pytest.approx(
            [expected[key] for key in keys], rel=TOLERANCE, abs=TOLERANCE
        )
    weights = dict(ours.model.named_parameters())
    for name, difference in differences(weights, dict(theirs.model.named_parameters())).items():
        assert difference.abs().max() < TOLERANCE, name
    assert norm(differences(weights, before)) > 1e-4


def differences(
    found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    assert found.keys() == expected.keys()
    return {name: found[name].detach() - expected[name].detach() for name in expected}


def test_every_two_levels_meet_in_a_case() -> None:
    assert len(CASES) <= 60
    assert all(allowed(case) and case.keys() == FACTORS.keys() for case in CASES)
    for pair in pairs():
        assert any(pair.items() <= case.items() for case in CASES), pair


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_gradients_and_weights_are_those_of_stock_trl(
    case: Case, small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(case, small, tmp_path, monkeypatch)


@pytest.mark.slow
def test_adamw_takes_the_same_steps(
    small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an epsilon above the rounding errors, which AdamW would divide by their own size."""
    check(
        CASES[0], small, tmp_path, monkeypatch,
        optim="adamw_torch", learning_rate=1e-3, adam_epsilon=1e-3,
    )  # fmt: skip
