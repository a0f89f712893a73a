"""The built-in model: a Qwen2.5-VL of about 1.4 million parameters, built offline and reproducibly.

Real classes throughout (`Qwen2_5_VLForConditionalGeneration`, `Qwen2_5_VLProcessor`, a byte-level
BPE tokenizer with Qwen's special tokens and a chat template in Qwen's form), so everything that
runs on it runs on the larger ones.  `tiny` has random weights; `seeing` has the weights of
`seeing.safetensors`, which `scripts/make_seeing.py` makes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)

from vlrl.contracts import UserError

NAMES = ("tiny", "seeing")
HERE = Path(__file__).parent
CORPUS = HERE / "tiny_corpus.txt"
SEEING_WEIGHTS = HERE / "seeing.safetensors"

VOCABULARY = 512
PATCH_PX = 14  # as in the large models: a token of the language model sees 28 x 28 pixels
SPECIAL_TOKENS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>",
    "<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>",
    "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
TAGS = ("<think>", "</think>", "<answer>", "</answer>")  # one token each, as Qwen3 has for thinking
SPLIT = (  # Qwen2's: contractions, words with the space before, digits, punctuation, spaces
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHAT_TEMPLATE = (  # Qwen's turns and vision brackets; like Qwen3-VL's without a default system turn
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for block in message['content'] %}"
    "{% if block['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif block['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif 'text' in block %}{{ block['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build(name: str) -> Path:
    """The folder of the built-in model `name`, made if need be.

    It lies under `$VLRL_HOME` (default `~/.cache/vlrl`).
    """
    home = Path(os.environ.get("VLRL_HOME") or Path.home() / ".cache" / "vlrl")
    folder = home / "models" / f"{name}-{fingerprint(name)}"
    while not folder.is_dir() and not _writes():
        time.sleep(0.1)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
        save(name, unfinished)
        try:
            unfinished.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(unfinished)
    return folder


def _writes() -> bool:
    """Of several processes that train together, transformers lets only the first save a model."""
    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0


def fingerprint(name: str) -> str:
    """Changes with whatever the built model depends on."""
    parts = [Path(__file__).read_bytes(), CORPUS.read_bytes()]
    if name == "seeing":
        if not SEEING_WEIGHTS.is_file():
            raise UserError(
                f"{SEEING_WEIGHTS} is missing; make it with: python scripts/make_seeing.py"
            )
        parts.append(SEEING_WEIGHTS.read_bytes())
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def save(name: str, folder: Path) -> None:
    """Write model and processor as `from_pretrained` reads them."""
    tokenizer = make_tokenizer()
    model = make_model(tokenizer)
    if name == "seeing":
        weights = {key: value.float() for key, value in load_file(SEEING_WEIGHTS).items()}
        missing, unexpected = model.load_state_dict(weights, strict=False)
        if unexpected or set(missing) - {"lm_head.weight"}:
            raise UserError(
                f"{SEEING_WEIGHTS} is of another model; run python scripts/make_seeing.py"
            )
    model.save_pretrained(folder)
    pixels = {"shortest_edge": (4 * PATCH_PX) ** 2, "longest_edge": (64 * PATCH_PX) ** 2}
    Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(patch_size=PATCH_PX, size=pixels),
        video_processor=Qwen2VLVideoProcessor(patch_size=PATCH_PX, size=pixels),
        tokenizer=tokenizer,
        chat_template=CHAT_TEMPLATE,
    ).save_pretrained(folder)


def store_seeing(folder: Path) -> Path:
    """Store the weights of the trained model in `folder` as those that ship, in bfloat16."""
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder)
    weights = {
        name: value.to(torch.bfloat16).contiguous()
        for name, value in model.state_dict().items()
        if name != "lm_head.weight"  # tied to the embeddings
    }
    save_file(weights, SEEING_WEIGHTS)
    return SEEING_WEIGHTS


def make_tokenizer() -> Qwen2Tokenizer:
    """A byte-level BPE of 512 tokens, trained on the corpus file beside this one."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SPECIAL_TOKENS) - len(TAGS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train([str(CORPUS)], trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL_TOKENS])
    tokenizer.add_tokens([AddedToken(tag, normalized=False) for tag in TAGS])
    return Qwen2Tokenizer(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        padding_side="left",
    )


def make_model(tokenizer: Qwen2Tokenizer, seed: int = 0) -> Qwen2_5_VLForConditionalGeneration:
    """The model with random weights."""
    token = tokenizer.get_vocab()
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": VOCABULARY, "hidden_size": 128, "intermediate_size": 352,
            "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
            "tie_word_embeddings": True, "max_position_embeddings": 4096,
            "initializer_range": 0.08, "pad_token_id": token["<|endoftext|>"],
            "bos_token_id": token["<|endoftext|>"], "eos_token_id": token["<|im_end|>"],
            "rope_parameters": {
                "rope_type": "default", "rope_theta": 1e4, "mrope_section": [4, 6, 6],
            },
        },
        vision_config={
            "depth": 3, "hidden_size": 112, "intermediate_size": 224, "num_heads": 4,
            "out_hidden_size": 128, "patch_size": PATCH_PX, "window_size": 8 * PATCH_PX,
            "fullatt_block_indexes": [0, 1, 2], "initializer_range": 0.08,
        },
        image_token_id=token["<|image_pad|>"], video_token_id=token["<|video_pad|>"],
        vision_start_token_id=token["<|vision_start|>"],
        vision_end_token_id=token["<|vision_end|>"],
        tie_word_embeddings=True,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen2_5_VLForConditionalGeneration(config)
    model.generation_config.eos_token_id = [token["<|im_end|>"], token["<|endoftext|>"]]
    model.generation_config.pad_token_id = token["<|endoftext|>"]
    return model
