"""Models and their inputs: the built-in one, the families, and prompts as token ids."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from vlrl import models, tasks
from vlrl.contracts import Frame, Sample, Source, UserError
from vlrl.evaluation.generate import generate
from vlrl.media import ImageOnDemand
from vlrl.models import Loaded, tiny
from vlrl.models.inputs import batch, encode, frame_of, grid_of, make_prompt, prompt_lengths

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
TASK = tasks.find(str(Path(__file__).with_name("lengths_task.py")))
TOKENIZER = tiny.make_tokenizer()
VISION_TOKENS = ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>")


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    loaded = models.load("tiny")
    loaded.model.eval()
    return loaded


def samples(spec: str) -> list[Sample]:
    return list(tasks.samples(TASK, Source(spec=spec)))


def of_size(width: int, height: int) -> Sample:
    medium = ImageOnDemand(f"{width}x{height}", lambda: Image.new("RGB", (width, height), "red"))
    return samples("pictures:1")[0].with_(media=(medium,), image_size=(width, height))


def weights_hash(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


@pytest.mark.slow
def test_the_tiny_model_is_built_the_same_twice(tmp_path: Path) -> None:
    torch.manual_seed(1)  # what was drawn before does not matter
    tiny.save("tiny", tmp_path)
    assert weights_hash(tmp_path) == weights_hash(tiny.build("tiny"))


@pytest.mark.slow
def test_another_process_builds_the_same_tiny_model(tmp_path: Path) -> None:
    code = "from vlrl.models import tiny; print(tiny.build('tiny'))"
    environment = {**os.environ, "VLRL_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    built = Path(done.stdout.strip())
    assert built.is_relative_to(tmp_path)
    assert weights_hash(built) == weights_hash(tiny.build("tiny"))


def test_the_tiny_model_is_a_small_one_of_the_real_classes(loaded: Loaded) -> None:
    assert 1_000_000 < sum(weight.numel() for weight in loaded.model.parameters()) < 2_000_000
    assert type(loaded.model) is transformers.Qwen2_5_VLForConditionalGeneration
    assert type(loaded.processor) is transformers.Qwen2_5_VLProcessor
    assert loaded.model.get_input_embeddings().num_embeddings == len(loaded.tokenizer) == 512
    assert loaded.family.model_type == "qwen2_5_vl"


@pytest.mark.parametrize("token", (*tiny.SPECIAL_TOKENS, *tiny.TAGS))
def test_special_tokens_and_tags_are_one_token(loaded: Loaded, token: str) -> None:
    ids = loaded.tokenizer(f"a{token}b")["input_ids"]
    assert [loaded.tokenizer.decode([each]) for each in ids] == ["a", token, "b"]


def test_the_tokenizer_knows_where_a_completion_ends(loaded: Loaded) -> None:
    ends = [loaded.tokenizer.convert_ids_to_tokens(each) for each in loaded.end_token_ids]
    assert sorted(ends) == ["<|endoftext|>", "<|im_end|>"]


@pytest.mark.slow
def test_vision_tokens_are_never_sampled(loaded: Loaded, monkeypatch: Any) -> None:
    written: list[int] = []
    plain = loaded.model.generate

    def spy(**options: Any) -> torch.Tensor:
        if not keep:
            options.pop("suppress_tokens")
        out = plain(**options)
        written.extend(out[:, options["input_ids"].shape[1] :].flatten().tolist())
        return out

    monkeypatch.setattr(loaded.model, "generate", spy)
    forbidden = {loaded.tokenizer.convert_tokens_to_ids(token) for token in VISION_TOKENS}
    prompts = [make_prompt(loaded, TASK, each, "think") for each in samples("pictures:1")]
    for keep in (True, False):
        written.clear()
        list(generate(loaded, prompts, max_new_tokens=32, num_samples=64))
        assert forbidden.isdisjoint(written) == keep  # without the ban about 16 are drawn


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (
            [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Hi"}]}],
            "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Hi<|im_end|>\n"
            "<|im_start|>assistant\n",
        ),
        (
            [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": [{"type": "text", "text": "A"}, {"type": "video"}]},
                {"role": "assistant", "content": "B"},
                {"role": "user", "content": "C"},
            ],
            "<|im_start|>system\nBe kind.<|im_end|>\n"
            "<|im_start|>user\nA<|vision_start|><|video_pad|><|vision_end|><|im_end|>\n"
            "<|im_start|>assistant\nB<|im_end|>\n<|im_start|>user\nC<|im_end|>\n"
            "<|im_start|>assistant\n",
        ),
    ],
)
def test_the_chat_template_has_qwens_form(
    loaded: Loaded, messages: list[dict[str, Any]], expected: str
) -> None:
    text = loaded.processor.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True
    )
    assert text == expected


@settings(max_examples=300, deadline=None)
@given(text=st.text())
@example(text="e\u0301 \u1e69 \ufb01 \U0001f468\u200d\U0001f469 \x00\r\n <|im_end|></think>")
def test_the_tokenizer_gives_back_any_text(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER(text)["input_ids"]) == text


SIZES = [
    (28, 28), (1, 1), (10, 200), (199, 1), (27, 29), (112, 112), (113, 55), (640, 480), (480, 640),
    (1000, 41), (333, 777), (896, 896), (897, 896), (1200, 900),
]  # fmt: skip
LIMITS = [(None, None), (28 * 28, 56 * 56), (200_000, 300_000)]


@pytest.mark.slow
@pytest.mark.parametrize("limits", LIMITS)
def test_grids_and_prompt_lengths_are_the_processors(
    loaded: Loaded, limits: tuple[int | None, int | None]
) -> None:
    processor = models.load_processor("tiny", min_pixels=limits[0], max_pixels=limits[1])
    here = Loaded(
        name="tiny", config=loaded.config, model=None, processor=processor, family=loaded.family
    )
    rows = [of_size(*size) for size in SIZES]
    texts = [make_prompt(here, TASK, each, "think").text for each in rows]
    encoded = encode(here, texts, rows)
    assert [grid_of(here, size) for size in SIZES] == [
        tuple(grid) for grid in encoded.vision["image_grid_thw"].tolist()
    ]
    assert prompt_lengths(here, TASK, rows, "think") == [len(ids) for ids in encoded.ids]
    image_token = loaded.config.image_token_id
    assert sum(ids.count(image_token) for ids in encoded.ids) * 4 == len(
        encoded.vision["pixel_values"]
    )


def test_prompt_lengths_without_and_with_many_pictures(loaded: Loaded) -> None:
    rows = samples("text:2") + samples("pictures:1")
    pair = rows[2].with_(media=(of_size(56, 84).media[0], of_size(112, 56).media[0]))
    rows.append(pair.with_(image_size=None, question="<image> or <image>?"))
    texts = [make_prompt(loaded, TASK, each, "think").text for each in rows]
    encoded = encode(loaded, texts, rows)
    assert prompt_lengths(loaded, TASK, rows, "think") == [len(ids) for ids in encoded.ids]
    assert encoded.ids[3].count(loaded.config.image_token_id) == 2 * 3 + 4 * 2


def test_a_picture_too_thin_for_the_model_is_named(loaded: Loaded) -> None:
    with pytest.raises(UserError, match="picture of 3000 x 10 pixels"):
        grid_of(loaded, (3000, 10))


def test_media_that_is_not_supported_is_refused(loaded: Loaded) -> None:
    noise = ImageOnDemand("noise", lambda: Image.new("RGB", (28, 28)), kind="audio")  # type: ignore[arg-type]
    row = samples("pictures:1")[0].with_(media=(noise,))
    with pytest.raises(UserError, match="sample pictures/0: only images and videos"):
        encode(loaded, ["<|audio|>"], [row])


def test_a_sample_has_the_frame_of_its_resized_picture(loaded: Loaded) -> None:
    assert frame_of(loaded, of_size(100, 60)) == Frame(width=112, height=56)
    assert frame_of(loaded, samples("text:1")[0]) is None


@pytest.mark.parametrize(
    ("family", "config", "frame"),
    [
        ("qwen2_vl", "Qwen2VLConfig", Frame(width=1000, height=1000)),
        ("qwen2_5_vl", "Qwen2_5_VLConfig", Frame(width=84, height=56)),
        ("qwen3_vl", "Qwen3VLConfig", Frame(width=1000, height=1000)),
    ],
)
def test_each_family_names_the_parts_that_its_model_has(
    family: str, config: str, frame: Frame, tmp_path: Path
) -> None:
    empty = getattr(transformers, config)()
    empty.save_pretrained(tmp_path)
    found = models.find_family(str(tmp_path))
    assert (found.model_type, found.frame((1, 4, 6), 14)) == (family, frame)
    for part in (empty.text_config, empty.vision_config):
        part.num_hidden_layers = part.depth = 2
    with torch.device("meta"):
        model = transformers.AutoModelForImageTextToText.from_config(empty)
    model.get_submodule(found.vision_tower)
    names = [name for name, _ in model.named_modules() if re.fullmatch(found.lora_targets, name)]
    assert len(names) == 2 * 7
    assert not any(name.startswith(found.vision_tower) for name in names)


def no_weights(*_: Any, **__: Any) -> None:
    raise AssertionError("weights were touched")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "qwen2"}, "type 'qwen2', not a vision-language model"),
        ({"model_type": "llava"}, "type 'llava', not a vision-language model of a family known"),
        ({"model_type": "unheard_of"}, "cannot be read"),
        ({}, "cannot be read"),
        (None, "the folder has no config.json"),
    ],
)
def test_what_is_no_model_for_us_is_refused_before_its_weights_are_read(
    config: dict[str, str] | None, message: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(models.AutoModelForImageTextToText, "from_pretrained", no_weights)
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=message):
        models.load(str(tmp_path))


def test_a_name_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UserError, match=r"'nobody/nothing' cannot be read.*tiny, seeing"):
        models.load("nobody/nothing")


@torch.no_grad()
def logits(loaded: Loaded, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    return loaded.model(**inputs).logits


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_changes_no_logit(loaded: Loaded, side: str) -> None:
    rows = samples("pictures:4")
    texts = [make_prompt(loaded, TASK, each, "think").text for each in rows]
    encoded = encode(loaded, texts, rows)
    together = batch(loaded, encoded.ids, encoded.vision, side)
    logits_BLV = logits(loaded, together)
    assert len({len(ids) for ids in encoded.ids}) > 2
    for row, (text, each) in enumerate(zip(texts, rows, strict=True)):
        alone = encode(loaded, [text], [each])
        assert alone.ids[0] == encoded.ids[row]
        expected_LV = logits(loaded, batch(loaded, alone.ids, alone.vision, side))[0]
        found_LV = logits_BLV[row][together["attention_mask"][row].bool()]
        torch.testing.assert_close(found_LV, expected_LV, atol=1e-5, rtol=0)


def test_rows_are_padded_on_the_side_that_is_asked_for(loaded: Loaded) -> None:
    ids: Sequence[Sequence[int]] = [[5, 6], [loaded.config.image_token_id, 7, 8]]
    pad = loaded.tokenizer.pad_token_id
    left, right = (batch(loaded, ids, {}, side) for side in ("left", "right"))
    assert left["input_ids"].tolist() == [[pad, 5, 6], list(ids[1])]
    assert left["attention_mask"].tolist() == [[0, 1, 1], [1, 1, 1]]
    assert right["input_ids"].tolist() == [[5, 6, pad], list(ids[1])]
    assert right["mm_token_type_ids"].tolist() == [[0, 0, 0], [1, 0, 0]]
