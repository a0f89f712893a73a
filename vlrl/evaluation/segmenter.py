"""A frozen SAM 2 that turns boxes with points into masks.

It is used at evaluation only: the model that is measured writes boxes and points, the segmenter
makes one mask of them, and this is compared with the mask of the sample.  Samples carry it as
`meta["mask"]`; a target of kind `mask` is one itself.  An answer that states nothing counts with an
empty intersection and the whole target as union: no sample is left out, while in Seg-Zero a failing
segmenter drops it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import Sam2Model, Sam2Processor

from vlrl.contracts import Sample, UserError, Value
from vlrl.evaluation.metrics import Overlap, target_mask
from vlrl.media import load_image
from vlrl.rewards import mask

DEFAULT = "facebook/sam2-hiera-large"  # Seg-Zero's
MAX_OBJECTS = 120  # of one answer; the others do not count, as in VisionReasoner's reward


@dataclass(frozen=True, kw_only=True)
class Segmenter:
    place: str  # the hub id or folder that it is from
    model: Any  # Sam2Model
    processor: Any  # Sam2Processor

    @torch.no_grad()
    def mask(self, image: Image.Image, objects: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """The union of the masks of all objects, bool (height, width).

        An object is `{"bbox_2d": box, "point_2d": point or None}` in pixels of the image; one
        without a box has no mask.  Of three masks that fit a prompt the model's favourite counts.
        """
        union = np.zeros((image.height, image.width), bool)
        prompts = [each for each in objects[:MAX_OBJECTS] if each["bbox_2d"] is not None]
        if not prompts:
            return union
        pixels = self._to_model(self.processor(images=image, return_tensors="pt"))["pixel_values"]
        embeddings = self.model.get_image_embeddings(pixels)  # once for all objects
        for each in prompts:
            union |= self._one(embeddings, union.shape, each["bbox_2d"], each["point_2d"])
        return union

    def _one(
        self,
        embeddings: list[torch.Tensor],
        size: tuple[int, ...],
        box: list[float],
        point: list[float] | None,
    ) -> np.ndarray:
        points = {} if point is None else {"input_points": [[[point]]], "input_labels": [[[1]]]}
        inputs = self.processor(
            original_sizes=[list(size)], input_boxes=[[box]], **points, return_tensors="pt"
        )
        del inputs["original_sizes"]
        found = self.model(image_embeddings=embeddings, **self._to_model(inputs))
        best = int(found.iou_scores[0, 0].argmax())
        masks = self.processor.post_process_masks(found.pred_masks.float().cpu(), [list(size)])
        return masks[0][0, best].numpy()

    def _to_model(self, inputs: Any) -> dict[str, torch.Tensor]:
        device, dtype = self.model.device, self.model.dtype
        return {
            name: tensor.to(device, dtype if tensor.is_floating_point() else None)
            for name, tensor in inputs.items()
        }

    def overlap(self, sample: Sample, value: Value | None) -> Overlap:
        """Of the answer's `value`: objects, a mask, or None where it states neither.

        Raises UserError where the sample has no mask to compare with, UnusableTarget where it is
        not one of its picture.
        """
        target = target_mask(sample)
        if target is None:
            raise UserError(f"sample {sample.id} has no mask; segment only samples that have one")
        found = value
        if isinstance(value, list):
            found = self.mask(load_image(sample.media[0]), value)
        intersection, union = mask.intersection_and_union(found, target)
        iou = mask.iou(found, target, image_size=sample.image_size)
        return Overlap(iou=iou, intersection=intersection, union=union)


def load_segmenter(place: str = DEFAULT, device: str | torch.device = "cpu") -> Segmenter:
    """The segmenter of a hub id or folder, in float32.  Raises UserError where there is none."""
    try:
        model: Any = Sam2Model.from_pretrained(place, dtype=torch.float32)
        processor = Sam2Processor.from_pretrained(place)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"segmenter {place!r} cannot be read ({reason}); give a SAM 2 such as {DEFAULT} or "
            "the folder of one"
        ) from error
    frozen = model.to(device).eval().requires_grad_(False)
    return Segmenter(place=place, model=frozen, processor=processor)
