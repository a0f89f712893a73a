"""The prompts of a generation batch: each sample decoded, processed and encoded once.

Rows of a batch name a sample by its number; whatever needs token ids or pictures asks here.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from vlrl.contracts import Sample, Task, UserError
from vlrl.media import UnreadableMedia
from vlrl.models import Loaded
from vlrl.models.inputs import GRIDS, encode, make_prompt
from vlrl.training.shared_prefix import Prompts, make_prompts

PATCHES = {"image": "pixel_values", "video": "pixel_values_videos"}  # modality -> its patches


@dataclass(frozen=True, kw_only=True)
class Question:
    """One sample as the model is asked about it."""

    text: str
    ids: list[int]
    vision: dict[str, torch.Tensor]  # patches and grids of its media
    features: dict[str, Any]  # modality -> output of the vision tower; empty where it trains


class Questions:
    """The samples of a run as prompts; those of the latest generation batch are kept."""

    def __init__(
        self, loaded: Loaded, task: Task, mode: str, samples: Sequence[Sample], *, frozen: bool
    ) -> None:
        """`frozen`: the vision tower never changes, so its outputs may be kept."""
        self.loaded, self.task, self.mode, self.samples = loaded, task, mode, samples
        self._backbone = loaded.model.model
        takes = inspect.signature(type(self._backbone).forward).parameters
        self._frozen = frozen and "mm_encoder_outputs" in takes  # from transformers 5.2x on
        self._kept: dict[int, Question] = {}

    def keep(self, indices: Iterable[int]) -> None:
        """Forget all samples but these."""
        self._kept = {i: self._kept[i] for i in indices if i in self._kept}

    def __getitem__(self, index: int) -> Question:
        if index not in self._kept:
            self._kept[index] = self._made(self.samples[index])
        return self._kept[index]

    def _made(self, sample: Sample) -> Question:
        text = make_prompt(self.loaded, self.task, sample, self.mode).text
        try:
            encoded = encode(self.loaded, [text], [sample])
        except UnreadableMedia as error:
            raise UserError(
                f"sample {sample.id}: {error}; then run the same command to resume"
            ) from error
        vision = {
            name: value.to(self.loaded.model.device) for name, value in encoded.vision.items()
        }
        features = self._features(vision) if self._frozen else {}
        kept = {name: vision[name] for name in vision if name not in PATCHES.values()}
        return Question(
            text=text,
            ids=encoded.ids[0],
            vision=kept if features else vision,
            features=features,
        )

    @torch.no_grad()
    def _features(self, vision: dict[str, torch.Tensor]) -> dict[str, Any]:
        """What the vision tower makes of the media, by modality."""
        encoders = {
            "image": self._backbone.get_image_features,
            "video": self._backbone.get_video_features,
        }
        return {
            modality: encoder(vision[PATCHES[modality]], vision[GRIDS[modality]], return_dict=True)
            for modality, encoder in encoders.items()
            if PATCHES[modality] in vision
        }

    def prompts(self, indices: Sequence[int]) -> Prompts:
        """Those samples as one input of the model."""
        return self._prompts([self[index] for index in indices])

    def prompts_of(self, samples: Sequence[Sample]) -> Prompts:
        """Samples that are asked once and not kept."""
        return self._prompts([self._made(sample) for sample in samples])

    def _prompts(self, chosen: Sequence[Question]) -> Prompts:
        vision = _joined([each.vision for each in chosen])
        made = make_prompts(self.loaded, [each.ids for each in chosen], vision)
        features = _joined_features([each.features for each in chosen])
        return made.with_features(features) if features else made

    def repeated(self, indices: Sequence[int]) -> dict[str, Any]:
        """Vision inputs of all rows, each row with its own copy, as TRL's generator takes them."""
        vision = [encode(self.loaded, [self[i].text], [self.samples[i]]).vision for i in indices]
        types = [self._token_types(self[index].ids) for index in indices]
        return {**_joined(vision), "mm_token_type_ids": types}

    def _token_types(self, ids: Sequence[int]) -> list[int]:
        config = self.loaded.config
        types = {config.image_token_id: 1, config.video_token_id: 2}
        return [types.get(token, 0) for token in ids]


def _joined(parts: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: torch.cat([part[name] for part in parts if name in part]) for name in names}


def _joined_features(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Outputs of the tower for all media in order, as one output per modality."""
    joined = {}
    for modality in dict.fromkeys(name for part in parts for name in part):
        outputs = [part[modality] for part in parts if modality in part]
        fields: dict[str, Any] = {"pooler_output": sum((o.pooler_output for o in outputs), ())}
        if getattr(outputs[0], "deepstack_features", None):  # Qwen3-VL: a list over layers
            layers = zip(*(output.deepstack_features for output in outputs), strict=True)
            fields["deepstack_features"] = [sum(map(tuple, layer), ()) for layer in layers]
        joined[modality] = type(outputs[0])(**fields)
    return joined
