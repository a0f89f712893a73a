"""TRL's own GRPO trainer on our samples, scored by us: what ours is compared with."""

from pathlib import Path

from datasets import Dataset
from lengths_runs import TASK
from trl import GRPOTrainer

from vlrl import prompts, scoring
from vlrl.config import Recipe
from vlrl.contracts import Sample
from vlrl.media import load_image
from vlrl.models.inputs import frame_of
from vlrl.training import grpo, setup


def stock_trainer(made: Recipe, rows: list[Sample]) -> GRPOTrainer:
    """Untouched, but for vision tokens that are not drawn; its reward function returns our totals.

    The rows are of the task in `lengths_task.py`.
    """
    loaded = setup.load_model(made)
    ends = loaded.end_token_ids

    def totals(completions: list, completion_ids: list, index: list, **_: object) -> list:
        return [
            scoring.score(
                TASK, rows[row], completion[0]["content"], mode=made.mode, rewards=made.rewards,
                truncated=ids[-1] not in ends,
            ).total
            for completion, ids, row in zip(completions, completion_ids, index, strict=True)
        ]  # fmt: skip

    data = Dataset.from_dict({"index": range(len(rows))}).with_transform(
        lambda batch: {
            "index": batch["index"],
            "prompt": [
                prompts.messages(TASK, rows[i], made.mode, frame_of(loaded, rows[i]))
                for i in batch["index"]
            ],
            "images": [[load_image(each) for each in rows[i].media] for i in batch["index"]],
        }
    )
    stock = GRPOTrainer(
        model=loaded.model,
        reward_funcs=totals,
        args=grpo.arguments(made, Path(made.output or "")),
        train_dataset=data,
        processing_class=loaded.processor,
        peft_config=setup.peft_config(made, loaded),
    )
    stock.generation_config.suppress_tokens = loaded.vision_token_ids
    return stock
