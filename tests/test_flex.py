"""Block masks: the pairs they show, and the numbers and gradients of the dense mask."""

import shutil
from collections.abc import Iterator
from typing import Any, get_args
from unittest.mock import Mock

import pytest
import torch
from lengths_runs import TASK
from lengths_task import sample as lengths_sample
from torch.nn.attention import flex_attention
from torch.nn.attention.flex_attention import BlockMask, create_mask
from trl.trainer.utils import add_fused_lm_head

from vlrl import models
from vlrl.models import Loaded
from vlrl.training import block_attention, shared_prefix
from vlrl.training.block_attention import (
    NAME,
    attend_by_blocks,
    block_mask,
    dense_mask,
    packed_mask,
)
from vlrl.training.questions import Questions
from vlrl.training.shared_prefix import Completions, Form, Prompts, scores

pytestmark = pytest.mark.slow

SAMPLES = [lengths_sample("pictures", 0), lengths_sample("text", 3)]
SEGMENTS = [[0, 0, 0, 1, 1, 2, 2, 2], [0, 3, 3, 3, 4, -1, -1, -1]]
WEIGHT_BC = torch.randn(6, 150, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def loaded() -> Loaded:
    """Its attention is changed by the tests, so each has its own."""
    found = models.load("tiny")
    add_fused_lm_head(found.model, outputs=("log_probs", "entropy"))
    return found


@pytest.fixture
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """FlexAttention as plain arithmetic, which the CPU can differentiate although torch refuses."""
    monkeypatch.setattr(flex_attention, "_validate_device", lambda *_: None)
    with torch.compiler.set_stance("force_eager"):
        yield


def blocks_used(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """From now on packed rows get block masks, however short and on any device.

    Returns the record of the calls of FlexAttention.
    """

    def mask(decoder: Any, segment_NL: torch.Tensor) -> BlockMask:
        attend_by_blocks(decoder)
        return block_mask(segment_NL)

    flex = Mock(wraps=block_attention.flex_attention_forward)
    monkeypatch.setattr(shared_prefix, "packed_mask", mask)
    monkeypatch.setattr(block_attention, "flex_attention_forward", flex)
    return flex


def asked(loaded: Loaded) -> tuple[Prompts, Completions]:
    """Two prompts and six completions, together longer than a block of 128 tokens."""
    lengths = torch.tensor([150, 1, 40, 129, 7, 77])
    mask_BC = (torch.arange(150) < lengths[:, None]).long()
    ids_BC = torch.randint(300, 500, mask_BC.shape, generator=torch.Generator().manual_seed(0))
    prompts = Questions(loaded, TASK, "think", SAMPLES, frozen=False).prompts([0, 1])
    owner_B = torch.tensor([0, 1, 0, 1, 0, 1])
    device = loaded.model.device
    given = Completions(
        owner_B=owner_B.to(device), ids_BC=(ids_BC * mask_BC).to(device), mask_BC=mask_BC.to(device)
    )
    return prompts, given


def logps(loaded: Loaded) -> torch.Tensor:
    prompts, given = asked(loaded)
    return scores(loaded.model, loaded.model.model, prompts, given, "packed")[0]


def logps_and_gradient(loaded: Loaded) -> tuple[torch.Tensor, torch.Tensor]:
    loaded.model.zero_grad()
    logps_BC = logps(loaded)
    (logps_BC * WEIGHT_BC.to(logps_BC.device)).sum().backward()
    parts = [w.grad.flatten() for w in loaded.model.parameters() if w.grad is not None]
    return logps_BC.detach(), torch.cat(parts)


def assert_same(
    ours: tuple[torch.Tensor, torch.Tensor], theirs: tuple[torch.Tensor, torch.Tensor]
) -> None:
    torch.testing.assert_close(ours[0], theirs[0], atol=1e-4, rtol=0)
    assert float((ours[1] - theirs[1]).norm() / theirs[1].norm()) < 1e-4


def test_every_pair_is_shown_or_hidden_as_it_should_be() -> None:
    segment_NL = torch.tensor(SEGMENTS)
    mask = dense_mask(segment_NL)
    assert mask.shape == (2, 1, 8, 8)
    for row, segments in enumerate(SEGMENTS):
        for token, own in enumerate(segments):
            seen = [i for i in range(token + 1) if segments[i] in (own, 0)]
            assert torch.nonzero(mask[row, 0, token]).flatten().tolist() == seen


def test_a_block_mask_shows_the_same_pairs_and_leaves_out_hidden_blocks() -> None:
    segment_NL = torch.tensor([0] * 128 + [1] * 128 + [2] * 128 + [3] * 20)[None]
    blocks = block_mask(segment_NL)
    shown = create_mask(blocks.mask_mod, 1, 1, 404, 404, device="cpu")
    assert torch.equal(shown, dense_mask(segment_NL))
    assert blocks.to_dense()[0, 0].tolist() == [
        [1, 0, 0, 0],
        [1, 1, 0, 0],
        [1, 0, 1, 0],
        [1, 0, 0, 1],
    ]


def test_the_cpu_keeps_the_dense_mask_and_its_attention(loaded: Loaded) -> None:
    decoder = loaded.model.model.get_decoder()
    segment_NL = torch.zeros(1, block_attention.BLOCKS_FROM, dtype=torch.long)
    assert isinstance(packed_mask(decoder, segment_NL), torch.Tensor)
    assert decoder.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.usefixtures("uncompiled")
def test_blocks_give_the_numbers_and_gradient_of_the_dense_mask(
    checkpointing: bool, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    dense = logps_and_gradient(loaded)
    flex = blocks_used(monkeypatch)
    loaded.model.train()
    if checkpointing:
        loaded.model.gradient_checkpointing_enable()
    assert_same(logps_and_gradient(loaded), dense)
    num_layers = len(loaded.model.model.get_decoder().layers)
    assert flex.call_count == num_layers * (2 if checkpointing else 1)


@pytest.mark.usefixtures("uncompiled")
def test_autocast_leaves_block_attention_one_dtype(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = logps(loaded)
    flex = blocks_used(monkeypatch)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(logps(loaded), exact, atol=0.1, rtol=0)
    given = flex.call_args.args  # the layer, query, key, value, mask
    assert [each.dtype for each in given[1:4]] == [torch.bfloat16] * 3


def test_other_masks_are_answered_as_before(loaded: Loaded) -> None:
    prompts, given = asked(loaded)
    backbone = loaded.model.model
    before = [scores(loaded.model, backbone, prompts, given, form)[0] for form in get_args(Form)]
    attend_by_blocks(backbone.get_decoder())
    after = [scores(loaded.model, backbone, prompts, given, form)[0] for form in get_args(Form)]
    assert backbone.get_decoder().config._attn_implementation == NAME
    assert backbone.visual.config._attn_implementation == "sdpa"
    assert all(map(torch.equal, before, after))


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="torch compiles with a C++ compiler")
def test_the_compiled_forward_pass_gives_the_same_numbers(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    with torch.no_grad():
        dense = logps(loaded)
        flex = blocks_used(monkeypatch)
        torch.testing.assert_close(logps(loaded), dense, atol=1e-4, rtol=0)
    assert flex.called


@pytest.mark.gpu
@pytest.mark.parametrize("checkpointing", [False, True])
def test_on_cuda_blocks_give_the_numbers_and_gradient_of_the_dense_mask(
    checkpointing: bool, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded.model.to("cuda").train()
    if checkpointing:
        loaded.model.gradient_checkpointing_enable()
    dense = logps_and_gradient(loaded)
    monkeypatch.setattr(block_attention, "BLOCKS_FROM", 0)
    assert_same(logps_and_gradient(loaded), dense)
    assert loaded.model.model.get_decoder().config._attn_implementation == NAME
