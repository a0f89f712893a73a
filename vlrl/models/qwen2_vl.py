"""Qwen2-VL."""

from vlrl.models.family import LANGUAGE_LINEARS, Family, thousand_frame

FAMILY = Family(
    model_type="qwen2_vl",
    frame=thousand_frame,
    vision_tower="model.visual",
    lora_targets=LANGUAGE_LINEARS,
)
