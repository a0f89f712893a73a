"""Media: lazy references to images and videos, and the one place where they are decoded.

A reference knows where its content is and opens it on demand; `load_image` and `load_clip` decode
it to RGB pictures, once: caches bounded by bytes keep the latest.  No torch.
"""

from vlrl.media.clips import (
    Clip,
    ClipPlan,
    Sampling,
    Shuffled,
    film_strip,
    load_clip,
    plan_clip,
)
from vlrl.media.images import (
    ImageBytes,
    ImageFile,
    ImageOnDemand,
    UnreadableMedia,
    content_key,
    image_reference,
    image_size,
    load_image,
    whole_image_size,
)
from vlrl.media.resize import smart_resize
from vlrl.media.video import (
    ClipOnDemand,
    VideoBytes,
    VideoFile,
    VideoFrames,
    VideoInfo,
    video_info,
    video_reference,
)

__all__ = [
    "Clip",
    "ClipOnDemand",
    "ClipPlan",
    "ImageBytes",
    "ImageFile",
    "ImageOnDemand",
    "Sampling",
    "Shuffled",
    "UnreadableMedia",
    "VideoBytes",
    "VideoFile",
    "VideoFrames",
    "VideoInfo",
    "content_key",
    "film_strip",
    "image_reference",
    "image_size",
    "load_clip",
    "load_image",
    "plan_clip",
    "smart_resize",
    "video_info",
    "video_reference",
    "whole_image_size",
]
