"""Presets of `vlrl speed`: the built-in model, and random weights in the shapes of real ones.

Nothing is downloaded: the sizes stand here, the processor is the built-in model's, and its
tokenizer is filled up to the vocabulary of the shape.  Sizes: config.json of
Qwen/Qwen2.5-VL-3B-Instruct and Qwen/Qwen2.5-VL-7B-Instruct.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer

from vlrl.contracts import UserError
from vlrl.models import Loaded, load, load_processor, tiny
from vlrl.models.qwen2_5_vl import FAMILY
from vlrl.nearest import did_you_mean

BYTES_PER_PARAMETER = 3 * 2  # policy, reference and gradient in bfloat16; plain SGD keeps no state


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The sizes of a Qwen2.5-VL; the defaults are those of all published ones."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    vocabulary: int
    tied: bool
    """Is the output head the embedding?"""
    vision_layers: int = 32
    vision_hidden: int = 1280
    vision_heads: int = 16
    vision_intermediate: int = 3420
    full_attention: tuple[int, ...] = (7, 15, 23, 31)
    """Vision layers that see the whole picture, not only their window."""


SHAPES = {
    "qwen2.5-vl-3b-shape": Shape(
        hidden=2048, layers=36, heads=16, kv_heads=2, intermediate=11008,
        vocabulary=151_936, tied=True,
    ),
    "qwen2.5-vl-7b-shape": Shape(
        hidden=3584, layers=28, heads=28, kv_heads=4, intermediate=18944,
        vocabulary=152_064, tied=False,
    ),
}  # fmt: skip
PRESETS = ("tiny", *SHAPES)


def check(preset: str, *, force: bool = False) -> None:
    """Raises UserError for an unknown preset, and for a large one without a GPU unless `force`."""
    if preset not in PRESETS:
        raise UserError(f"there is no preset {preset!r}; {did_you_mean(preset, PRESETS)}")
    if preset in SHAPES and not torch.cuda.is_available() and not force:
        size_gb = num_parameters(SHAPES[preset]) * BYTES_PER_PARAMETER / 1e9
        raise UserError(
            f"preset {preset} needs a GPU with about {size_gb:.0f} GB for weights, reference and "
            "gradients, and memory for activations beside; run it there, choose --preset tiny, "
            "or add --force to try it on the CPU"
        )


def new_model(preset: str) -> Loaded:
    """The preset's model: the same weights at every call, on the GPU where there is one."""
    if preset not in SHAPES:
        return load(preset)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return build(preset, SHAPES[preset], torch.device(device))


def build(name: str, shape: Shape, device: torch.device) -> Loaded:
    """A model of that shape with random bfloat16 weights, made on the device itself."""
    processor = load_processor("tiny")
    processor.tokenizer = filled_tokenizer(shape.vocabulary)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = make_model(shape, device)
    token = processor.tokenizer.get_vocab()
    model.generation_config.eos_token_id = [token["<|im_end|>"], token["<|endoftext|>"]]
    model.generation_config.pad_token_id = token["<|endoftext|>"]
    return Loaded(name=name, config=model.config, model=model, processor=processor, family=FAMILY)


def make_model(shape: Shape, device: torch.device) -> Qwen2_5_VLForConditionalGeneration:
    with device:
        return Qwen2_5_VLForConditionalGeneration._from_config(
            make_config(shape), dtype=torch.bfloat16
        )


def num_parameters(shape: Shape) -> int:
    return make_model(shape, torch.device("meta")).num_parameters()


def make_config(shape: Shape) -> Qwen2_5_VLConfig:
    token = tiny.make_tokenizer().get_vocab()
    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": shape.vocabulary, "hidden_size": shape.hidden,
            "intermediate_size": shape.intermediate, "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads,
            "tie_word_embeddings": shape.tied, "max_position_embeddings": 128_000,
            "rms_norm_eps": 1e-6, "pad_token_id": token["<|endoftext|>"],
            "bos_token_id": token["<|endoftext|>"], "eos_token_id": token["<|im_end|>"],
            "rope_parameters": {
                "rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24],
            },
        },
        vision_config={
            "depth": shape.vision_layers, "hidden_size": shape.vision_hidden,
            "intermediate_size": shape.vision_intermediate, "num_heads": shape.vision_heads,
            "out_hidden_size": shape.hidden, "patch_size": tiny.PATCH_PX,
            "window_size": 8 * tiny.PATCH_PX, "fullatt_block_indexes": list(shape.full_attention),
            "tokens_per_second": 2,
        },
        image_token_id=token["<|image_pad|>"], video_token_id=token["<|video_pad|>"],
        vision_start_token_id=token["<|vision_start|>"],
        vision_end_token_id=token["<|vision_end|>"],
        tie_word_embeddings=shape.tied,
    )  # fmt: skip


def filled_tokenizer(vocabulary: int) -> Qwen2Tokenizer:
    """The built-in tokenizer with tokens that it never reads, so that every id can be written."""
    small = tiny.make_tokenizer()
    stored = json.loads(small.backend_tokenizer.to_str())
    filler = {f"#{number:x}": number for number in range(len(small), vocabulary)}
    stored["model"]["vocab"] = {**small.get_vocab(), **filler}
    return Qwen2Tokenizer(
        tokenizer_object=Tokenizer.from_str(json.dumps(stored)),
        eos_token=str(small.eos_token),
        pad_token=str(small.pad_token),
        padding_side="left",
    )
