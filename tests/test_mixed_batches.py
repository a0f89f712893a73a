"""Rows with all sorts of media in one micro-batch learn what they would learn among their like."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from lengths_runs import TASK, recipe
from lengths_task import picture
from lengths_task import sample as lengths_sample

from vlrl import models, prompts
from vlrl.contracts import Sample
from vlrl.media import ClipOnDemand, ImageOnDemand, load_clip, load_image
from vlrl.models import Loaded
from vlrl.training import grpo
from vlrl.training.trainer import Trainer

pytestmark = pytest.mark.slow

GROUP = 2
NUM_TOKENS = 8


def image(name: str, width: int) -> ImageOnDemand:
    return ImageOnDemand(f"mixed {name}", lambda: picture(width, (width, 56)))


def clip(name: str, num_frames: int, fps: float) -> ClipOnDemand:
    frames = [picture(index, (84, 56)) for index in range(num_frames)]
    return ClipOnDemand(f"mixed {name}", lambda: np.stack(frames), fps)


def about(name: str, *media: Any) -> Sample:
    return lengths_sample("text", 0).with_(id=name, question=f"Look: {name}.", media=media)


SAMPLES = [
    about("text"),
    about("one image", image("one", 84)),
    about("many images", image("small", 56), image("wide", 140), image("again", 84)),
    about("video", clip("short", 4, 2.0)),
    about("both", image("beside", 56), clip("long", 8, 4.0)),
]
ORDER = [3, 0, 4, 1, 2]  # of the groups in the micro-batch


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    output = tmp_path_factory.mktemp("mixed")
    train = {
        "num_generations": GROUP, "per_device_train_batch_size": GROUP * len(SAMPLES),
        "gradient_accumulation_steps": 1, "loss_type": "grpo",
    }  # fmt: skip
    made = recipe(output, train)
    arguments = grpo.arguments(made, output / "checkpoints")
    trainer = Trainer(models.load("tiny"), TASK, made, arguments, SAMPLES, [], output)
    trainer.current_gradient_accumulation_steps = 1
    return trainer


def micro_batch(trainer: Trainer, groups: Sequence[int]) -> dict[str, Any]:
    """Random completions of random lengths, the same for a sample whichever batch it is in."""
    made = [completions(index) for index in groups]
    ids_BC, mask_BC = (torch.cat(parts) for parts in zip(*made, strict=True))
    rows = [index for index in groups for _ in range(GROUP)]
    prompt = torch.zeros(len(rows), 1, dtype=torch.long)  # ours asks `questions` in its place
    return {
        "rows": rows, "prompt_ids": prompt, "prompt_mask": torch.ones_like(prompt),
        "completion_ids": ids_BC, "completion_mask": mask_BC,
        "advantages": torch.tensor([1.0 + index / 4 if i else -0.5
                                    for index in groups for i in range(GROUP)]),
    }  # fmt: skip


def completions(index: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(index)
    lengths = torch.randint(1, NUM_TOKENS + 1, (GROUP, 1), generator=generator)
    mask = (torch.arange(NUM_TOKENS) < lengths).long()
    return torch.randint(300, 500, (GROUP, NUM_TOKENS), generator=generator) * mask, mask


def learnt(trainer: Trainer, groups: Sequence[int]) -> tuple[float, torch.Tensor]:
    """Loss and gradient of a micro-batch of these groups."""
    inputs = micro_batch(trainer, groups)
    trainer._rows = inputs["rows"]
    model: Any = trainer.model
    model.train()
    model.zero_grad()
    loss = trainer._compute_loss(model, inputs)
    loss.backward()
    weights = [weight for _, weight in sorted(model.named_parameters())]
    parts = [torch.zeros_like(w) if w.grad is None else w.grad for w in weights]
    return float(loss.detach()), torch.cat([part.flatten() for part in parts])


def one_row(loaded: Loaded, sample: Sample, ids: torch.Tensor) -> torch.Tensor:
    """Log-probabilities by the processor and the model as they come, without our inputs."""
    clips = [load_clip(each, loaded.sampling, 28) for each in sample.media if each.kind == "video"]
    messages = prompts.messages(TASK, sample, "vanilla", None)
    text = loaded.processor.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True
    )
    metadata = [
        {
            "fps": each.sample_fps, "total_num_frames": len(each.frames),
            "frames_indices": list(range(len(each.frames))),
        }
        for each in clips
    ]  # fmt: skip
    inputs = loaded.processor(
        text=[text],
        images=[load_image(each) for each in sample.media if each.kind == "image"] or None,
        videos=[np.stack([np.asarray(frame) for frame in each.frames]) for each in clips] or None,
        videos_kwargs={
            "do_resize": False, "do_sample_frames": False, "video_metadata": metadata,
        },
        return_tensors="pt",
    )  # fmt: skip
    for name, more in {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "mm_token_type_ids": torch.zeros_like(ids),
    }.items():
        inputs[name] = torch.cat([inputs[name], more[None]], 1)
    logits = loaded.model(**inputs).logits[0, -len(ids) - 1 : -1].log_softmax(-1)
    return logits.gather(-1, ids[:, None])[:, 0]


@torch.no_grad()
def test_log_probabilities_are_those_of_the_processor_and_one_row(trainer: Trainer) -> None:
    inputs = micro_batch(trainer, ORDER)
    trainer._rows = inputs["rows"]
    ids_BC, mask_BC = inputs["completion_ids"], inputs["completion_mask"]
    found_BC, _, _ = trainer._get_per_token_logps_and_entropies(
        trainer.model, ids_BC, mask_BC, NUM_TOKENS
    )
    for row, index in enumerate(inputs["rows"]):
        length = int(mask_BC[row].sum())
        alone = one_row(trainer.loaded, SAMPLES[index], ids_BC[row, :length])
        torch.testing.assert_close(found_BC[row, :length], alone, atol=1e-5, rtol=0)


def test_the_gradient_is_the_sum_of_homogeneous_runs(trainer: Trainer) -> None:
    loss, gradient = learnt(trainer, ORDER)
    alone = [learnt(trainer, [index]) for index in range(len(SAMPLES))]
    assert loss == pytest.approx(sum(each for each, _ in alone) / len(SAMPLES), abs=1e-6)
    total = torch.stack([each for _, each in alone]).sum(0) / len(SAMPLES)
    assert float((gradient - total).norm() / total.norm()) < 1e-5
    for _, each in alone:
        assert float((each / len(SAMPLES) - total).norm() / total.norm()) > 0.1  # all take part


def test_all_kinds_are_in_the_batch() -> None:
    kinds = [tuple(medium.kind for medium in SAMPLES[index].media) for index in ORDER]
    assert sorted(kinds) == [
        (), ("image",), ("image", "image", "image"), ("image", "video"), ("video",),
    ]  # fmt: skip
