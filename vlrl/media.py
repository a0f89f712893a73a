"""Media: lazy references to images, and the one place where they are decoded.

A reference knows where its content is and opens it on demand; `load_image` decodes it to an RGB picture, once:
a cache bounded by bytes keeps the latest.  No torch.
"""

from __future__ import annotations

import base64
import binascii
import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from vlrl.contracts import Media

CACHE_BYTES = 2**30  # of decoded pixels


class UnreadableMedia(ValueError):
    """An image that cannot be decoded; the message names it and the cure."""


@dataclass(frozen=True)
class ImageFile:
    """An image in a file."""

    path: Path
    kind: str = "image"

    @property
    def key(self) -> str:
        return f"file:{self.path}"

    def open(self) -> Image.Image:
        return Image.open(self.path)


@dataclass(frozen=True)
class ImageBytes:
    """An encoded image (PNG, JPEG ...) held in memory, as parquet columns hold them."""

    data: bytes = field(repr=False)
    name: str
    kind: str = "image"

    @property
    def key(self) -> str:
        return f"bytes:{self.name}:{hash(self.data):x}"

    def open(self) -> Image.Image:
        return Image.open(io.BytesIO(self.data))


@dataclass(frozen=True)
class ImageOnDemand:
    """An image that somebody makes when asked: a decoded column of a data set, a rendered scene."""

    key: str
    make: Callable[[], Image.Image | np.ndarray] = field(repr=False, compare=False)
    kind: str = "image"

    def open(self) -> Image.Image:
        made = self.make()
        return Image.fromarray(made) if isinstance(made, np.ndarray) else made


def image_reference(value: Any, *, name: str, folder: Path | None = None) -> Media:
    """A reference to the image in a cell of a data set.

    `value`: a path (relative to `folder`), base64 text, encoded bytes, the `{"bytes", "path"}` of an image column, or a
    PIL image.  `name` says in messages where it was found.  Raises UnreadableMedia where there is no such image.
    """
    if isinstance(value, dict) and (value.get("bytes") or value.get("path")):
        value = value["bytes"] or value["path"]
    if isinstance(value, Image.Image):
        return ImageOnDemand(f"object:{name}", lambda: value)
    if isinstance(value, bytes):
        return ImageBytes(value, name)
    if not isinstance(value, str) or not value:
        raise UnreadableMedia(f"no image in it ({value!r}); expected a path, bytes or a picture")
    path = (folder or Path()) / value
    if len(value) < 1024 and path.is_file():
        return ImageFile(path)
    if len(value) >= 64 and (data := _from_base64(value)):
        return ImageBytes(data, name)
    raise UnreadableMedia(f"there is no file {str(path)[:200]}; put it there or correct the path")


def image_size(media: Media) -> tuple[int, int]:
    """(width, height) in pixels, upright; reads no more than the header where it can. Raises UnreadableMedia."""
    image = _open(media)
    turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (image.height, image.width) if turned else image.size


def load_image(media: Media) -> Image.Image:
    """The picture as RGB, upright, transparency on white.  Cached: do not draw on it.  Raises UnreadableMedia."""
    return _cache.get(media.key, lambda: _decode(media))


def _decode(media: Media) -> Image.Image:
    try:
        image = ImageOps.exif_transpose(_open(media))
        if image.mode.startswith("I") or image.mode == "F":  # 16 bits and more: scale, do not clip
            values = np.asarray(image, dtype=np.float64)
            top = 65535.0 if image.mode.startswith("I") else max(float(values.max()), 1.0)
            return Image.fromarray(np.uint8(np.clip(values / top, 0, 1) * 255)).convert("RGB")
        if "A" in image.getbands() or "transparency" in image.info:
            image = image.convert("RGBA")
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image)
        return image.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, UnreadableMedia):
            raise
        raise UnreadableMedia(_unreadable(media, error)) from error


def _open(media: Media) -> Image.Image:
    try:
        return media.open()
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise UnreadableMedia(_unreadable(media, error)) from error


def _unreadable(media: Media, error: Exception) -> str:
    return f"{media.key[:200]} is no readable image ({error}); replace the file or remove the row"


def _from_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.partition("base64,")[2] or text, validate=True)
    except (binascii.Error, ValueError):
        return None


class _Cache:
    """The latest decoded pictures, up to a number of bytes."""

    def __init__(self, limit: int) -> None:
        self._limit, self._bytes = limit, 0
        self._kept: OrderedDict[str, Image.Image] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], Image.Image]) -> Image.Image:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        image = make()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = image
                self._bytes += image.width * image.height * 3
            while self._bytes > self._limit and len(self._kept) > 1:
                _, old = self._kept.popitem(last=False)
                self._bytes -= old.width * old.height * 3
        return image


_cache = _Cache(CACHE_BYTES)
