"""A small copy of a picture, to be shown in a page."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pellucid.images.reading import Pixels

SIDE = 96
_EXACT = 64  # up to this side a page shows pixels enlarged, where JPEG would show its own
_QUALITY = 82


@dataclass(frozen=True)
class Thumbnail:
    """An encoded picture: its media type, bytes and size in pixels."""

    media: str
    data: bytes
    width: int
    height: int


def thumbnail(pixels: Pixels, side: int = SIDE) -> Thumbnail:
    """The picture uint8 [height, width, 1 or 3], no side longer than `side`.

    Small pictures are PNG, pixel for pixel; larger ones JPEG, shrunk where they are too large (Lanczos).
    """
    grey = pixels.shape[2] == 1
    picture = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if grey else pixels))
    if max(picture.size) > side:
        scale = side / max(picture.size)
        width, height = (max(1, round(length * scale)) for length in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    file = io.BytesIO()
    if max(pixels.shape[:2]) <= min(_EXACT, side):
        picture.save(file, "PNG", optimize=True)
        return Thumbnail("image/png", file.getvalue(), *picture.size)
    picture.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return Thumbnail("image/jpeg", file.getvalue(), *picture.size)
