"""Qwen2.5-VL."""

from vlrl.models.family import LANGUAGE_LINEARS, Family, resized_frame

FAMILY = Family(
    model_type="qwen2_5_vl",
    frame=resized_frame,
    vision_tower="model.visual",
    lora_targets=LANGUAGE_LINEARS,
)
