"""`vlrl speed`: the same work for both trainers, counted, and the same result."""

import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vlrl import cli
from vlrl.contracts import UserError
from vlrl.models import describe
from vlrl.models.inputs import prompt_lengths
from vlrl.speed import command, compare, measure, shapes, show
from vlrl.speed.measure import Record
from vlrl.speed.settings import Settings
from vlrl.speed.surface import Grid
from vlrl.speed.work import MODE, TASK, Rows

pytestmark = pytest.mark.slow

SMALL = Settings(side_px=112, prompt_tokens=40, completion_tokens=6, num_generations=4, pairs=1)
SMALL_OPTIONS = [
    *("--side-px", "112", "--prompt-tokens", "40", "--completion-tokens", "6"),
    *("--num-generations", "4", "--pairs", "1"),
]
SMALL_SHAPE = shapes.Shape(
    hidden=256, layers=2, heads=2, kv_heads=1, intermediate=320, vocabulary=2000, tied=True,
    vision_layers=2, vision_hidden=160, vision_heads=2, vision_intermediate=200,
    full_attention=(1,),
)  # fmt: skip
PUBLISHED_SIZES = {  # parameters in the weight files of the models on the hub
    "qwen2.5-vl-3b-shape": 3_754_622_976,
    "qwen2.5-vl-7b-shape": 8_292_166_656,
}


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [False, True])
def test_a_small_comparison(
    frozen: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "speed.json"
    options = [*SMALL_OPTIONS, *(["--freeze-vision"] if frozen else [])]
    assert cli.main(["speed", "--json", str(file), *options]) == 0
    assert "rollout" in capsys.readouterr().out
    found = json.loads(file.read_text())
    assert found["phases"].keys() == {"data", "rollout", "logps", "backward", "step"}
    for phase in found["phases"].values():
        assert phase["ours_s"] > 0
        assert phase["ratio"] == pytest.approx(phase["trl_s"] / phase["ours_s"])
    # 8 x 8 patches of two pictures: for TRL in every completion of rollout, reference and policy
    assert found["patches"]["trl"] == 3 * 2 * 4 * 64
    assert found["patches"]["ours"] == (2 * 64 if frozen else 3 * 2 * 64)
    # prefill, all drawn tokens but the last, and prompt with completion for reference and policy
    assert found["tokens"]["trl"] == 8 * (40 + 5) + 2 * 8 * (40 + 6)
    assert found["tokens"]["ours"] == 2 * 40 + 8 * 5 + 2 * (2 * 39 + 8 * 7)
    assert found["decodes"] == {"ours": 2, "trl": 8}
    assert all(peak > 0 for peak in found["memory_mb"].values())
    assert (found["share_of_peak"] is None) == (measure.peak_flops() is None)
    assert found["difference"]["loss"] < 1e-6
    assert found["difference"]["gradient"] < 1e-5
    assert found["difference"]["parameters"] < 1e-6


@pytest.mark.slow
def test_a_surface_is_written_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid = Grid(prompts=((40, 112),), completions=(4, 6), generations=(2,))
    file, plot = tmp_path / "surface.json", tmp_path / "plots" / "surface.png"
    command.run_surface({"pairs": 1}, file, plot, grid=grid)
    assert "prompt 40 + completion 6 (87%), G 2" in capsys.readouterr().out
    found = json.loads(file.read_text())
    assert [each["settings"]["completion_tokens"] for each in found["points"]] == [4, 6]
    assert found["difference"]["parameters"] < 1e-6
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_shape_trains_the_same_on_both_sides() -> None:
    new_model = partial(shapes.build, "small", SMALL_SHAPE, torch.device("cpu"))
    settings = replace(SMALL, preset="qwen2.5-vl-3b-shape")  # with gradient checkpointing
    found = compare.difference(settings, new_model)
    assert found["gradient"] < 0.02  # bfloat16 has 8 bits
    assert found["parameters"] < 0.01


def test_a_shape_is_bfloat16_of_its_sizes() -> None:
    loaded = shapes.build("small", SMALL_SHAPE, torch.device("cpu"))
    weights = dict(loaded.model.named_parameters())
    assert {weight.dtype for weight in weights.values()} == {torch.bfloat16}
    assert weights["model.language_model.embed_tokens.weight"].shape == (2000, 256)
    assert weights["model.visual.merger.mlp.2.weight"].shape == (256, 4 * 160)
    again = shapes.build("small", SMALL_SHAPE, torch.device("cpu"))
    assert all(torch.equal(weights[name], each) for name, each in again.model.named_parameters())


@pytest.mark.parametrize("name", shapes.SHAPES)
def test_shapes_have_the_parameters_of_the_published_models(name: str) -> None:
    assert shapes.num_parameters(shapes.SHAPES[name]) == PUBLISHED_SIZES[name]


def test_every_id_of_a_vocabulary_can_be_written_and_prompts_stay() -> None:
    filled, small = shapes.filled_tokenizer(2000), describe("tiny").tokenizer
    text = "<|im_start|>user\nHow many? #200 <answer>12</answer><|im_end|>"
    assert filled(text)["input_ids"] == small(text)["input_ids"]
    assert len(filled) == 2000
    assert all(filled.decode([number]) for number in range(len(small), 2000))


def test_prompts_have_the_stated_length_and_runs_decode_again() -> None:
    runs = [Rows(SMALL, 3) for _ in range(2)]
    for rows in runs:
        assert prompt_lengths(describe("tiny"), TASK, rows.samples, MODE) == [40] * 3
        assert rows.opened == []
        first, second = (np.asarray(each.media[0].open()) for each in rows.samples[:2])
        assert first.shape == (112, 112, 3)
        assert (first != second).any()
        assert len(rows.opened) == 2
    keys = [{each.media[0].key for each in rows.samples} for rows in runs]
    assert not keys[0] & keys[1]


def test_training_flops_by_hand() -> None:
    linear = partial(torch.nn.Linear, bias=False)
    visual = torch.nn.ModuleDict({"blocks": linear(3, 5), "merger": linear(8, 2)})
    model = SimpleNamespace(
        model=SimpleNamespace(language_model=SimpleNamespace(layers=linear(10, 10)), visual=visual),
        lm_head=linear(10, 7),
    )
    record = Record()
    record.tokens |= {"rollout": 999, "logps": 20, "backward": 30}
    record.patches |= {"logps": 4, "backward": 8}
    vision = 15 + 16 / 4
    reference = 2 * (100 * 20 + 70 * 6 + vision * 4)
    language, tower = 2 * (100 * 30 + 70 * 6), 2 * vision * 8
    flops = partial(measure.training_flops, model, record, 6)
    assert flops() == reference + 3 * (language + tower)
    visual.requires_grad_(False)
    assert flops() == reference + 3 * language + tower


def test_peak_memory_sees_what_was_freed_again() -> None:
    with measure.peak_memory() as peak_mb:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        taken = torch.ones(64, 2**20 // 4, device=device)  # 64 MiB
        time.sleep(0.2)
        del taken
    assert 60 < peak_mb[0] < 200


@pytest.mark.parametrize(
    ("card", "rate"),
    [("NVIDIA H100 80GB HBM3", 989e12), ("NVIDIA H100 PCIe", 756e12), ("GeForce 9", None)],
)
def test_the_rate_is_the_card_s(
    card: str, rate: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: card)
    assert measure.peak_flops() == rate


def test_the_table_shows_the_share_of_a_gpu_s_rate(capsys: pytest.CaptureFixture[str]) -> None:
    two = {"ours": 1, "trl": 2}
    found = {
        "phases": {"step": {"ours_s": 1.0, "trl_s": 4.0, "ratio": 4.0}},
        **dict.fromkeys(("tokens", "patches", "decodes", "memory_mb"), two),
        "share_of_peak": {"ours": 0.25, "trl": 0.5},
        "difference": {},
    }
    show.comparison(found)
    shown = capsys.readouterr().out
    assert "4.00" in shown
    assert "25.0%" in shown


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_large_presets_need_a_gpu_or_force() -> None:
    with pytest.raises(UserError, match=r"needs a GPU with about 50 GB.*--force"):
        shapes.check("qwen2.5-vl-7b-shape")
    shapes.check("qwen2.5-vl-7b-shape", force=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--preset", "tinny"], "no preset 'tinny'; did you mean 'tiny'?"),
        (["--side-px", "840"], "more than --prompt-tokens 450; raise it or lower --side-px"),
        (["--num-generations", "6"], "12 completions of a step are no multiple of the 8"),
    ],
)
def test_a_mistake_is_named(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["speed", *options]) == 2
    assert message in capsys.readouterr().err
