"""One picture file -> its pixels, full size, or one DataError that says why not."""

import contextlib
import hashlib
import io
import os
import re
import stat
import threading
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from pellucid.errors import DataError
from pellucid.images.jpeg import fast_pixels
from pellucid.storage import shown

Pixels = NDArray[np.uint8]

FORMATS = ("JPEG", "PNG")
EXTENSIONS = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png"})
MAX_PIXELS = 40_000_000
MAX_BYTES = 1 << 29
DIGEST_WHOLE = 1 << 16  # bytes of pixels
_LANES = 4096

# What a file is when it is none of ours, by its first bytes, to say so.
_OTHERS = (
    (rb"GIF8[79]a", "a GIF picture"),
    (rb"BM", "a BMP picture"),
    (rb"II\*\0|MM\0\*", "a TIFF picture"),
    (rb"RIFF....WEBP", "a WebP picture"),
    (rb"....ftyp(heic|heix|mif1|msf1)", "a HEIC picture"),
    (rb"....ftypavif", "an AVIF picture"),
    (rb"%PDF", "a PDF"),
    (rb"PK\x03\x04", "a ZIP file"),
    (rb"\x1f\x8b", "a gzip file"),
    (rb"\s*<svg", "an SVG drawing"),
    (rb"(?i)\s*<(!doctype|html)", "a web page"),
)
_TURNED = (5, 6, 7, 8)  # EXIF orientations with width and height exchanged
_CUT_SHORT = re.compile(r"truncated|unexpected end|no more data|unpack requires|not enough", re.IGNORECASE)


def read_picture(source: str | os.PathLike | bytes, where: str = "", max_pixels: int = MAX_PIXELS) -> Pixels:
    """A JPEG or PNG file (a path, or its bytes) as uint8 [height, width, channels]: 1 is grey, 3 are RGB.

    Always at full size, turned upright as its EXIF orientation says. Black-and-white and 16-bit grey come as
    8-bit grey (16-bit values divided by 257, rounded); palettes and CMYK as RGB. What is transparent is laid
    on white, as on paper. Colour profiles are not applied. Of an animation the first picture is taken.

    The size is held against `max_pixels` from the header, before anything is decoded. Whatever is wrong with
    the file raises DataError with one short sentence (`what`) naming the reason; a file that is cut short
    is an error, never a half-grey picture. `where` names the picture in the error (a path names itself).
    """
    if isinstance(source, bytes):
        return decode_picture(source, where, max_pixels)
    where = where or shown(source)
    return decode_picture(read_file(source, where)[0], where, max_pixels)


def picture_digest(pixels: Pixels) -> bytes:
    """16 bytes that are equal for two pictures of equal size and pixels, and differ for others.

    BLAKE2b of the size and the pixels. Above 64 KB it is of their CRC-32 and their sums over every 512th group of
    8 bytes instead, which takes a fifth of the time: two large pictures that differ in a few pixels are then
    taken for equal once in 2^32 pairs.
    """
    digest = hashlib.blake2b("x".join(map(str, pixels.shape)).encode() + b"\0", digest_size=16)
    values = np.ascontiguousarray(pixels).reshape(-1)
    if len(values) > DIGEST_WHOLE:
        whole = len(values) // _LANES * _LANES
        digest.update(zlib.crc32(values.data).to_bytes(4, "little"))
        digest.update(values[:whole].view("<u8").reshape(-1, _LANES // 8).sum(axis=0, dtype="<u8").data)
        values = values[whole:]
    digest.update(values.data)
    return digest.digest()


def read_file(path: str | os.PathLike, where: str = "") -> tuple[bytes, os.stat_result]:
    """A picture file's bytes and its state when it was opened. Raises DataError."""
    where = where or shown(path)
    try:
        # Not blocking: a pipe that is named like a picture must not be waited for.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags)
        with os.fdopen(descriptor, "rb") as file:
            state = os.fstat(file.fileno())
            if stat.S_ISDIR(state.st_mode):
                raise IsADirectoryError
            if not stat.S_ISREG(state.st_mode):
                raise DataError("This is not a regular file", where=where)
            if state.st_size > MAX_BYTES:
                raise DataError(
                    "The file is too large for a picture",
                    where=where,
                    received=f"{state.st_size:,} bytes; the limit is {MAX_BYTES:,}",
                )
            return file.read(MAX_BYTES + 1), state
    except FileNotFoundError as error:
        raise DataError("There is no such file", where=where) from error
    except IsADirectoryError as error:
        raise DataError("This is a folder, not a picture", where=where) from error
    except PermissionError as error:
        raise DataError("No permission to read this file", where=where) from error
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        raise DataError(f"The file can't be read ({_said(error)})", where=where) from error


def decode_picture(data: bytes, where: str = "", max_pixels: int = MAX_PIXELS) -> Pixels:
    """The same as read_picture, from bytes alone."""
    with _opened(data, where, max_pixels) as picture:
        pixels = fast_pixels(picture, data)
        if pixels is None:
            picture.load()
            pixels = _to_pixels(picture, _is_grey(picture, data))
        return np.ascontiguousarray(_upright(pixels, _orientation(picture)))


def picture_shape(path: str | os.PathLike, max_pixels: int = MAX_PIXELS) -> tuple[int, int, int]:
    """(height, width, channels) as read_picture would give them, without decoding. Raises DataError.

    Not seen is the orientation of a PNG that states it behind its pixels.
    """
    where = shown(path)
    data, _ = read_file(path, where)
    with _opened(data, where, max_pixels) as picture:
        channels = 1 if _is_grey(picture, data) else 3
        width, height = picture.size
        stated = picture.format != "PNG" or "exif" in picture.info  # else Pillow would decode to look for it
        if stated and _orientation(picture) in _TURNED:
            width, height = height, width
        return height, width, channels


@contextlib.contextmanager
def _opened(data: bytes, where: str, max_pixels: int) -> Iterator[Image.Image]:
    """The picture, its size checked but nothing decoded; what goes wrong with it inside is a DataError."""
    if not data:
        raise DataError("The file is empty", where=where)
    try:
        with _strict_pillow(), Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise _too_large(f"{width:,} x {height:,} = {width * height:,} pixels", where, max_pixels)
            yield picture
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        count = re.search(r"\d+", str(error))
        raise _too_large(f"{int(count[0]):,} pixels" if count else "", where, max_pixels) from error
    except Exception as error:  # Pillow's decoders raise nearly everything on bad bytes
        raise _unreadable(error, data, where) from error


def _is_grey(picture: Image.Image, data: bytes) -> bool:
    # Pillow opens 16-bit grey with alpha as RGBA; PNG's colour type 4 tells.
    by_header = picture.format == "PNG" and data[25] == 4
    return by_header or picture.mode in ("1", "L", "LA") or picture.mode.startswith("I;16")


def _to_pixels(picture: Image.Image, grey: bool) -> Pixels:
    if picture.mode.startswith("I;16"):
        wide = np.asarray(picture).astype(np.uint32)
        narrow = ((wide * 255 + 32767) // 65535).astype(np.uint8)
        if isinstance(see_through := picture.info.get("transparency"), int):
            narrow[wide == see_through] = 255
        return narrow[:, :, None]
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
        if grey:
            picture = picture.getchannel(0)
    mode = "L" if grey else "RGB"
    pixels = np.asarray(picture if picture.mode == mode else picture.convert(mode))
    return pixels[:, :, None] if grey else pixels


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(0x0112, 1))
    except Exception:  # a broken note about the camera doesn't spoil the picture
        return 1


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo EXIF orientation 1-8 (CIPA DC-008, tag 0x0112); any other number leaves the picture as it is."""
    if orientation in _TURNED:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _too_large(received: str, where: str, max_pixels: int) -> DataError:
    return DataError(
        f"The picture has more than {max_pixels:,} pixels",
        where=where,
        received=received,
        remedy="make a smaller copy",
    )


def _unreadable(error: Exception, data: bytes, where: str) -> DataError:
    if isinstance(error, MemoryError):
        return DataError("There is not enough memory to decode this picture", where=where)
    ours = data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))
    if ours and (_CUT_SHORT.search(str(error)) or len(data) < 64):
        return DataError("The picture is cut short", where=where)
    if ours:
        place = "its header" if isinstance(error, UnidentifiedImageError) else _said(error)
        return DataError(f"The picture is damaged ({place})", where=where)
    for pattern, name in _OTHERS:
        if re.match(pattern, data, re.DOTALL):
            return DataError(
                f"Not a JPEG or PNG picture, but {name}", where=where, remedy="save it as JPEG or PNG"
            )
    return DataError("Not a JPEG or PNG picture", where=where)


def _said(error: Exception) -> str:
    """What an exception said, on one short line."""
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return shown(" ".join(text.split())[:80])


_users = 0
_users_lock = threading.Lock()
_restore = contextlib.ExitStack()


@contextlib.contextmanager
def _strict_pillow() -> Iterator[None]:
    """Pillow without its warnings and without its tolerance for cut files, while any thread is decoding.

    Both are settings of the whole process, so the first thread in sets them and the last one out restores
    what the program had.
    """
    global _users
    with _users_lock:
        if _users == 0:
            _restore.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"PIL\.")
            _restore.callback(setattr, ImageFile, "LOAD_TRUNCATED_IMAGES", ImageFile.LOAD_TRUNCATED_IMAGES)
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        _users += 1
    try:
        yield
    finally:
        with _users_lock:
            _users -= 1
            if _users == 0:
                _restore.close()


def is_picture_name(name: str) -> bool:
    """Whether a file's name says JPEG or PNG."""
    return Path(name).suffix.lower() in EXTENSIONS
