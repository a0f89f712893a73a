"""Videos on their way into a model: one path with images, nothing resized or sampled twice."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from films import film

from vlrl import models, prompt_check, tasks
from vlrl.contracts import Media, Sample, Source
from vlrl.evaluation.generate import generate
from vlrl.media import ClipOnDemand, ImageOnDemand, Sampling, VideoBytes, load_clip, smart_resize
from vlrl.models import Loaded, find_family, tiny
from vlrl.models.inputs import (
    Encoded,
    batch,
    encode,
    make_prompt,
    prompt_lengths,
    video_grid_of,
)

pytestmark = pytest.mark.slow

TASK = tasks.find(str(Path(__file__).with_name("lengths_task.py")))
SAMPLING = Sampling(num_frames=8, min_pixels=28 * 28, max_pixels=8 * 28 * 28)
FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    loaded = models.load("tiny", sampling=SAMPLING)
    loaded.model.eval()
    return loaded


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def clip(seed: int, *shape: int, fps: float = 4) -> Media:
    """(T, H, W); 8 frames of 84 x 56 pixels where nothing is said."""
    shape = shape or (8, 56, 84)
    return ClipOnDemand(f"{seed}, {shape}, {fps}", lambda: noise(seed, *shape), fps, shape)


def image(seed: int, height: int = 56, width: int = 56) -> Media:
    return ImageOnDemand(f"{seed}, {height}, {width}", lambda: noise(seed, height, width))


def asked(*media: Media, question: str = "write something.") -> Sample:
    [row] = tasks.samples(TASK, Source(spec="text:1"))
    return row.with_(media=media, question=question)


def encoded(loaded: Loaded, rows: Sequence[Sample]) -> Encoded:
    return encode(loaded, [make_prompt(loaded, TASK, each, "think").text for each in rows], rows)


MIXED = [
    asked(),
    asked(image(1)),
    asked(clip(2)),
    asked(image(3), image(4, 28, 112), question="<image> or <image>?"),
    asked(image(5), clip(6, 6, 40, 130, fps=7.5), question="Is <image> in <video>?"),
    asked(clip(7, 2, 56, 84), clip(8, 12, 112, 56)),
    asked(VideoBytes(film((300, 340, 700, 1300, 1360, 2000)), "rows:7")),
]


def test_rows_with_all_sorts_of_media_go_together(loaded: Loaded) -> None:
    found = encoded(loaded, MIXED)
    for token, pixels in (
        (loaded.config.image_token_id, "pixel_values"),
        (loaded.config.video_token_id, "pixel_values_videos"),
    ):
        assert 4 * sum(ids.count(token) for ids in found.ids) == len(found.vision[pixels]) > 0
    assert prompt_lengths(loaded, TASK, MIXED, "think") == [len(ids) for ids in found.ids]
    for row, each in enumerate(MIXED):
        assert encoded(loaded, [each]).ids[0] == found.ids[row]


def test_the_check_of_a_recipe_counts_the_tokens_of_videos(loaded: Loaded) -> None:
    finding = prompt_check._features(loaded, TASK, MIXED, "think")
    vision = encoded(loaded, MIXED).vision
    num = (len(vision["pixel_values"]) + len(vision["pixel_values_videos"])) // 4
    assert finding.outcome == "pass"
    assert finding.detail == f"{num:,} tokens for {num:,} features"


def test_nothing_is_resized_or_sampled_again(loaded: Loaded, monkeypatch: Any) -> None:
    processor = loaded.processor.video_processor
    for name in ("resize", "sample_frames"):
        monkeypatch.setattr(type(processor), name, lambda *_, **__: pytest.fail("again"))
    videos = [medium for row in MIXED for medium in row.media if medium.kind == "video"]
    found = encoded(loaded, MIXED).vision
    grids, rates = found["video_grid_thw"].tolist(), found["second_per_grid_ts"].tolist()
    assert len(grids) == len(rates) == len(videos) == 5
    start = 0
    for video, grid, seconds in zip(videos, grids, rates, strict=True):
        loaded_clip = load_clip(video, SAMPLING)
        assert 2 * grid[0] == len(loaded_clip.frames) == len(loaded_clip.times_s)
        assert tuple(grid) == video_grid_of(loaded, loaded_clip)
        assert seconds == pytest.approx(2 / loaded_clip.sample_fps)
        patches = found["pixel_values_videos"][start : start + int(np.prod(grid))]
        start += len(patches)
        alone = processor(
            [np.stack([np.asarray(each) for each in loaded_clip.frames])],
            do_resize=False, do_sample_frames=False, return_tensors="pt",
        )  # fmt: skip
        torch.testing.assert_close(patches, alone["pixel_values_videos"])
    assert start == len(found["pixel_values_videos"])


@pytest.mark.parametrize("size", [(56, 84), (33, 500), (480, 640), (100, 100), (37, 1000)])
def test_the_grid_of_a_video_is_that_of_the_limits(loaded: Loaded, size: tuple[int, int]) -> None:
    found = encoded(loaded, [asked(clip(0, 4, *size))])
    limits = {"min_pixels": SAMPLING.min_pixels, "max_pixels": SAMPLING.max_pixels}
    height, width = smart_resize(*size, factor=28, **limits)
    assert found.vision["video_grid_thw"].tolist() == [[2, height // 14, width // 14]]


@torch.no_grad()
def logits(loaded: Loaded, rows: Sequence[Sample], side: str = "left") -> torch.Tensor:
    found = encoded(loaded, rows)
    return loaded.model(**batch(loaded, found.ids, found.vision, side)).logits


@pytest.mark.slow
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_row_is_read_as_if_it_were_alone(loaded: Loaded, side: str) -> None:
    found = encoded(loaded, MIXED)
    mask_BL = batch(loaded, found.ids, found.vision, side)["attention_mask"].bool()
    together_BLV = logits(loaded, MIXED, side)
    for row, each in enumerate(MIXED):
        found_LV = together_BLV[row][mask_BL[row]]
        torch.testing.assert_close(found_LV, logits(loaded, [each])[0], atol=1e-5, rtol=0)


def test_the_tokens_of_a_video_are_marked_for_their_positions(loaded: Loaded) -> None:
    found = encoded(loaded, MIXED)
    types_BL = batch(loaded, found.ids, found.vision, "left")["mm_token_type_ids"]
    pads = [loaded.config.image_token_id, loaded.config.video_token_id]
    for row, ids in enumerate(found.ids):
        expected = [pads.index(each) + 1 if each in pads else 0 for each in ids]
        assert types_BL[row, -len(ids) :].tolist() == expected


def test_the_model_sees_the_frames_and_their_times(loaded: Loaded) -> None:
    plain = logits(loaded, [asked(clip(0))])
    torch.testing.assert_close(plain, logits(loaded, [asked(clip(0))]), rtol=0, atol=0)
    for other in (clip(1), clip(0, fps=1)):
        assert (plain - logits(loaded, [asked(other)])).abs().max() > 1e-3


@pytest.mark.slow
def test_a_model_answers_questions_about_videos(loaded: Loaded) -> None:
    prompts = [make_prompt(loaded, TASK, each, "think") for each in MIXED]
    greedy = [one.text for [one] in generate(loaded, prompts, max_new_tokens=4)]
    alone = [next(generate(loaded, [each], max_new_tokens=4))[0].text for each in prompts]
    assert greedy == alone
    drawn = list(generate(loaded, prompts, max_new_tokens=4, num_samples=3))
    assert [len(group) for group in drawn] == [3] * len(MIXED)
    assert all(one.num_tokens for group in drawn for one in group)


def processor_of(family: str) -> Any:
    patch_px = 16 if family == "qwen3_vl" else 14
    name = {"qwen2_vl": "Qwen2VL", "qwen2_5_vl": "Qwen2_5_VL", "qwen3_vl": "Qwen3VL"}[family]
    videos = "Qwen3VL" if family == "qwen3_vl" else "Qwen2VL"
    return getattr(transformers, f"{name}Processor")(
        image_processor=transformers.Qwen2VLImageProcessor(patch_size=patch_px),
        video_processor=getattr(transformers, f"{videos}VideoProcessor")(),
        tokenizer=tiny.make_tokenizer(),
        chat_template=tiny.CHAT_TEMPLATE,
    )


@pytest.fixture
def of_family(loaded: Loaded, tmp_path: Path) -> Callable[[str], Loaded]:
    """The processor of a family, with the tokenizer of the tiny model."""

    def make(name: str) -> Loaded:
        config = {"qwen2_vl": "Qwen2VLConfig", "qwen2_5_vl": "Qwen2_5_VLConfig"}
        getattr(transformers, config.get(name, "Qwen3VLConfig"))().save_pretrained(tmp_path)
        family = find_family(str(tmp_path))
        sampling = replace(SAMPLING, min_pixels=None, max_pixels=None)
        return Loaded(
            name=name, config=loaded.config, model=None, processor=processor_of(name),
            family=family, sampling=sampling,
        )  # fmt: skip

    return make


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_each_family_gets_its_own_size_and_times(name: str, of_family: Callable) -> None:
    here = of_family(name)
    found = encoded(here, MIXED)
    assert prompt_lengths(here, TASK, MIXED, "think") == [len(ids) for ids in found.ids]
    side = 32 if name == "qwen3_vl" else 28
    [grid] = encoded(here, [asked(clip(0, 8, 480, 640))]).vision["video_grid_thw"].tolist()
    assert grid == [4, *(2 * round(each / side) for each in (480, 640))]
    assert ("second_per_grid_ts" in found.vision) == (name == "qwen2_5_vl")
    text = here.tokenizer.decode(found.ids[-1])
    times = ["0.2", "0.7", "1.4"] if name == "qwen3_vl" else []
    assert re.findall(r"<([\d.]+) seconds>", text) == times


SMALL_TEXT = {
    "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 2, "vocab_size": tiny.VOCABULARY, "head_dim": 32,
}  # fmt: skip


def small_model(name: str, token: dict[str, int]) -> Any:
    """A model of the family with random weights."""
    rope = {"rope_type": "default", "mrope_section": [4, 6, 6], "rope_theta": 1e4}
    ids = {f"{each}_token_id": token[f"<|{each}_pad|>"] for each in ("image", "video")}
    ids |= {f"vision_{each}_token_id": token[f"<|vision_{each}|>"] for each in ("start", "end")}
    if name == "qwen2_vl":
        vision = {"depth": 2, "embed_dim": 32, "hidden_size": 64, "num_heads": 2, "mlp_ratio": 2}
        config: Any = transformers.Qwen2VLConfig
    else:
        vision = {
            "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2,
            "out_hidden_size": 64, "deepstack_visual_indexes": [0], "num_position_embeddings": 256,
        }  # fmt: skip
        config, rope = transformers.Qwen3VLConfig, rope | {"mrope_interleaved": True}
    made = config(text_config=SMALL_TEXT | {"rope_parameters": rope}, vision_config=vision, **ids)
    torch.manual_seed(0)
    return transformers.AutoModelForImageTextToText.from_config(made).eval()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["qwen2_vl", "qwen3_vl"])
def test_the_models_of_the_other_families_take_these_inputs(name: str, of_family: Callable) -> None:
    here = of_family(name)
    model = small_model(name, here.tokenizer.get_vocab())
    here = replace(here, model=model, config=model.config)
    plain = logits(here, [asked(clip(0)), asked(image(2))])
    other = logits(here, [asked(clip(1)), asked(image(2))])
    assert torch.isfinite(plain).all()
    assert (plain[0] - other[0]).abs().max() > 1e-4
    assert (plain[1] - other[1]).abs().max() < 1e-5
