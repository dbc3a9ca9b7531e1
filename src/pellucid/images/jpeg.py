"""JPEG pixels three times as fast, by simplejpeg where it is installed (`pip install 'pellucid[fast]'`).

Both it and Pillow are libjpeg-turbo, and it is asked for the same full-size, accurate decoding: the pixels are
Pillow's, bit for bit. Whatever it has a complaint about is left to Pillow, so which files can be read doesn't
depend on it either. A plain file isn't even opened by Pillow, which takes a tenth of the time.
"""

from __future__ import annotations

import importlib.util
from importlib.metadata import version
from typing import Any

from PIL import Image

_AVAILABLE = importlib.util.find_spec("simplejpeg") is not None
_COLOURS = {("L", "Gray"): "GRAY", ("RGB", "YCbCr"): "RGB"}  # of Pillow's mode and what the file holds


def fast_pixels(picture: Image.Image, data: bytes) -> Any | None:
    """uint8 [height, width, 1 or 3] of the JPEG `data`, which Pillow opened as `picture`; None: let Pillow decode."""
    if not _AVAILABLE or picture.format != "JPEG":
        return None
    import simplejpeg

    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        space = _COLOURS.get((picture.mode, colours))
        if space is None or (width, height) != picture.size:
            return None
        return simplejpeg.decode_jpeg(data, space, fastdct=False, fastupsample=False, strict=True)
    except (ValueError, RuntimeError, MemoryError):
        return None


def plain_pixels(data: bytes, width: int, height: int, colours: str) -> Any | None:
    """The same of a file that Pillow needn't look at: see formats.Header's `plain`, which is `colours`."""
    if not _AVAILABLE:
        return None
    import simplejpeg

    try:
        pixels = simplejpeg.decode_jpeg(data, colours, fastdct=False, fastupsample=False, strict=True)
    except (ValueError, RuntimeError, MemoryError):
        return None
    return pixels if pixels.shape[:2] == (height, width) else None


def decoder_version() -> str:
    """Which simplejpeg decodes, or nothing."""
    return f"simplejpeg {version('simplejpeg')}" if _AVAILABLE else ""
