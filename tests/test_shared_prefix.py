"""Shared prompts: the numbers of one row at a time, and how often the vision tower runs."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from lengths_runs import TASK
from lengths_task import picture
from lengths_task import sample as lengths_sample
from trl.trainer.utils import add_fused_lm_head

from vlrl import models
from vlrl.contracts import Sample
from vlrl.media import ClipOnDemand, ImageOnDemand
from vlrl.models import Loaded
from vlrl.models.inputs import batch, encode, make_prompt
from vlrl.training import shared_prefix
from vlrl.training.microbatches import by_group, of_like_length
from vlrl.training.questions import Questions
from vlrl.training.shared_prefix import Completions, Form, scores

pytestmark = pytest.mark.slow

NUM_TOKENS = 12


def clip(name: str, num_frames: int, width: int) -> ClipOnDemand:
    frames = torch.stack([torch.from_numpy(picture(i, (width, 56))) for i in range(num_frames)])
    return ClipOnDemand(name, frames.numpy, fps=2.0)


def image(name: str, width: int) -> ImageOnDemand:
    return ImageOnDemand(name, lambda: picture(width, (width, 56)))


def media(*found: Any) -> Sample:
    names = "+".join(medium.key for medium in found)
    return Sample(id=names, task="lengths", question=f"Look at {names}.", target=0, media=found)


SAMPLES = [
    lengths_sample("pictures", 0),
    lengths_sample("text", 3),
    media(image("small", 56), image("wide", 140)),
    media(clip("short", 4, 84)),
    media(image("beside", 84), clip("long", 8, 56)),
]


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    found = models.load("tiny")
    add_fused_lm_head(found.model, outputs=("log_probs", "entropy"))
    return found


def questions(loaded: Loaded, *, frozen: bool = False) -> Questions:
    return Questions(loaded, TASK, "think", SAMPLES, frozen=frozen)


def completions(rows: Sequence[int], unique: Sequence[int], seed: int = 0) -> Completions:
    """Random tokens of random lengths, one completion of a single token among them."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(2, NUM_TOKENS - 1, (len(rows),), generator=generator)
    lengths[0] = 1
    mask_BC = (torch.arange(NUM_TOKENS) < lengths[:, None]).long()
    ids_BC = torch.randint(300, 500, (len(rows), NUM_TOKENS), generator=generator) * mask_BC
    owner = torch.tensor([list(unique).index(row) for row in rows])
    return Completions(owner_B=owner, ids_BC=ids_BC, mask_BC=mask_BC)


def one_row(loaded: Loaded, sample: Sample, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities and entropies of a completion by the model as it is, without a batch."""
    text = make_prompt(loaded, TASK, sample, "think").text
    encoded = encode(loaded, [text], [sample])
    inputs = batch(loaded, [[*encoded.ids[0], *ids.tolist()]], encoded.vision, side="left")
    logits = loaded.model(**inputs).logits[0, -len(ids) - 1 : -1].log_softmax(-1)
    return logits.gather(-1, ids[:, None])[:, 0], -(logits.exp() * logits).sum(-1)


def gradient(loaded: Loaded) -> torch.Tensor:
    parts = [w.grad for w in loaded.model.parameters() if w.grad is not None]
    return torch.cat([part.flatten() for part in parts])


@pytest.mark.parametrize("form", ["cached", "packed"])
@pytest.mark.parametrize(
    "rows",
    [
        [0, 0],
        [1, 1, 1],
        [2, 0, 2, 1, 0, 2],  # groups of different sizes, their rows in any order
        [3, 3, 0],
        pytest.param([4, 3, 1, 4, 2], marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_numbers_and_gradient_are_those_of_one_row_at_a_time(
    form: Form, rows: list[int], loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_prefix, "WORTH_A_CALL_CPU", 1)  # a batch for every length
    unique = list(dict.fromkeys(rows))
    given = completions(rows, unique)
    weight_BC = torch.randn(given.ids_BC.shape, generator=torch.Generator().manual_seed(1))
    loaded.model.zero_grad()
    prompts = questions(loaded).prompts(unique)
    logps_BC, entropies_BC = scores(loaded.model, loaded.model.model, prompts, given, form)
    (logps_BC * weight_BC).sum().backward()
    ours = gradient(loaded)
    loaded.model.zero_grad()
    for place, row in enumerate(rows):
        length = int(given.mask_BC[place].sum())
        logps, entropies = one_row(loaded, SAMPLES[row], given.ids_BC[place, :length])
        (logps * weight_BC[place, :length]).sum().backward()
        torch.testing.assert_close(logps_BC[place, :length], logps, atol=1e-5, rtol=0)
        torch.testing.assert_close(entropies_BC[place, :length], entropies, atol=1e-5, rtol=0)
        assert not logps_BC[place, length:].any()
    theirs = gradient(loaded)
    assert float((ours - theirs).norm() / theirs.norm()) < 1e-5


def test_a_batch_of_empty_completions_has_a_gradient_of_zero(loaded: Loaded) -> None:
    given = completions([0, 0], [0])
    empty = Completions(
        owner_B=given.owner_B, ids_BC=given.ids_BC, mask_BC=torch.zeros_like(given.mask_BC)
    )
    loaded.model.zero_grad()
    for form in ("cached", "packed"):
        logps_BC, _ = scores(
            loaded.model, loaded.model.model, questions(loaded).prompts([0]), empty, form
        )
        assert logps_BC.shape == given.ids_BC.shape
        logps_BC.sum().backward()
        assert not gradient(loaded).any()


@pytest.mark.parametrize(("frozen", "calls"), [(False, [1, 1]), (True, [2, 0])])
def test_a_frozen_tower_encodes_a_sample_once(
    frozen: bool, calls: list[int], loaded: Loaded
) -> None:
    """The first forward and the second one about two samples with one picture each."""
    samples = [lengths_sample("pictures", 0), lengths_sample("pictures", 1)]
    asked = Questions(loaded, TASK, "think", samples, frozen=frozen)
    patches: list[int] = []
    tower = loaded.model.model.visual
    hook = tower.register_forward_pre_hook(lambda _, given: patches.append(len(given[0])))
    given = completions([0, 0, 1, 1], [0, 1])
    found = []
    for expected in calls:
        before = len(patches)
        prompts = asked.prompts([0, 1])
        found.append(scores(loaded.model, loaded.model.model, prompts, given, "cached")[0])
        assert len(patches) - before == expected
    hook.remove()
    assert sum(patches) == (sum if frozen else lambda sizes: 2 * sum(sizes))(
        [int(asked[i].vision["image_grid_thw"].prod()) for i in (0, 1)]
    )
    assert torch.equal(*found)


def test_samples_of_earlier_batches_are_forgotten(loaded: Loaded) -> None:
    asked = questions(loaded)
    first = asked[0]
    asked.keep([0, 1])
    assert asked[0] is first
    asked.keep([1])
    assert asked[0] is not first


def test_rows_of_a_group_stay_together_and_in_their_step() -> None:
    rows = [7, 7, 7, 7, 8, 8, 8, 8]
    lengths = torch.tensor([9, 1, 5, 3, 2, 8, 4, 6])
    order = torch.tensor([4, 0, 6, 2, 7, 1, 5, 3])
    arranged = by_group(order, rows, lengths, step_rows=4)
    assert [sorted(arranged[:4]), sorted(arranged[4:])] == [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert [rows[place] for place in arranged[:4]] == [8, 8, 7, 7]
    assert arranged == [4, 6, 2, 0, 1, 3, 7, 5]


@pytest.mark.parametrize(
    ("worth", "expected"),
    [
        (1, [[1], [4], [0, 2], [3]]),
        (14, [[1, 4], [0, 2], [3]]),  # then 2 rows of 2 instead of 9: 14 tokens
        (15, [[1, 4, 0, 2], [3]]),  # 4 rows of 9 instead of 20: 44 tokens
        (45, [[1, 4, 0, 2, 3]]),
    ],
)
def test_rows_of_like_length_are_divided_while_it_is_worth_a_call(
    worth: int, expected: list[list[int]]
) -> None:
    assert of_like_length([9, 1, 9, 20, 2], worth) == expected


def test_batches_of_like_length_change_no_number(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, unique = [2, 0, 2, 1, 0, 2], [2, 0, 1]
    prompts, given = questions(loaded).prompts(unique), completions(rows, unique)
    calls: list[int] = []

    def forward(**inputs: Any) -> Any:
        calls.append(len(inputs["input_ids"]))
        return loaded.model(**inputs)

    found = []
    for worth in (1, 10**9):
        monkeypatch.setattr(shared_prefix, "WORTH_A_CALL_CPU", worth)
        found.append(scores(forward, loaded.model.model, prompts, given, "cached"))
    num_lengths = len(set(given.mask_BC.sum(-1).tolist()))
    assert len(calls) == num_lengths + 1 and sum(calls[:-1]) == calls[-1] == len(rows)
    torch.testing.assert_close(*found, atol=1e-5, rtol=0)


@pytest.mark.parametrize("form", ["cached", "packed"])
def test_the_gradient_is_the_same_bits_every_time(loaded: Loaded, form: Form) -> None:
    rows = [row for row in range(len(SAMPLES)) for _ in range(8)]
    asked, written = questions(loaded), completions(rows, range(len(SAMPLES)))
    threads = torch.get_num_threads()
    torch.set_num_threads(2)  # one alone adds in one order whatever it is asked
    found = []
    for _ in range(4):
        loaded.model.zero_grad()
        prompts = asked.prompts(range(len(SAMPLES)))
        logps_BC, _ = scores(loaded.model, loaded.model.model, prompts, written, form)
        (logps_BC * torch.linspace(-1, 1, logps_BC.numel()).view_as(logps_BC)).sum().backward()
        found.append(gradient(loaded).clone())
    torch.set_num_threads(threads)
    assert all(torch.equal(found[0], each) for each in found[1:])
