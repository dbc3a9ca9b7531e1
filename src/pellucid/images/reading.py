"""One picture file -> its pixels, full size, or one DataError that says why not."""

import contextlib
import ctypes
import hashlib
import io
import math
import os
import re
import stat
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from pellucid.errors import DataError
from pellucid.images.formats import (
    EXTENSIONS,
    KINDS,
    Header,
    damaged,
    format_of,
    png_has_all_rows,
    read_header,
)
from pellucid.images.jpeg import fast_pixels, plain_pixels
from pellucid.native import native
from pellucid.storage import shown

Pixels = NDArray[np.uint8]

VERSION = 2  # another one where a file is read otherwise than before: what was kept on disk counts no more
MAX_PIXELS = 40_000_000  # unless more are allowed, up to LARGEST_PICTURE
LARGEST_PICTURE = 1_000_000_000
MAX_BYTES = 1 << 29
DIGEST_WHOLE = 1 << 16  # bytes of pixels
_LANES = 4096

# The whole allow-list: no other decoder of Pillow's is ever asked.
_DECODERS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
}
# What a file is when it is none of ours, by its first bytes, to say so.
_OTHERS = (
    (rb"....ftyp(heic|heix|mif1|msf1)", "a HEIC picture"),
    (rb"....ftypavif", "an AVIF picture"),
    (rb"....jP  \r\n", "a JPEG 2000 picture"),
    (rb"%PDF", "a PDF"),
    (rb"PK\x03\x04", "a ZIP file"),
    (rb"\x1f\x8b", "a gzip file"),
    (rb"\s*<svg", "an SVG drawing"),
    (rb"(?i)\s*<(!doctype|html)", "a web page"),
)
_TURNED = (5, 6, 7, 8)  # EXIF orientations with width and height exchanged
_CUT_SHORT = re.compile(
    r"truncated|unexpected end|no more data|unpack requires|not enough|but only got", re.IGNORECASE
)
_NOT_READ = re.compile(
    r"unknown pixel mode|unknown data organization|unsupported|not yet supported", re.IGNORECASE
)


def read_picture(source: str | os.PathLike | bytes, where: str = "", max_pixels: int = MAX_PIXELS) -> Pixels:
    """A picture file (a path, or its bytes) as uint8 [height, width, channels]: 1 is grey, 3 are RGB.

    JPEG, PNG, WebP, GIF, BMP or TIFF, told by its first bytes and not by its name; of an animation or several
    pages the first picture. Always at full size, turned upright as its EXIF orientation says.

    - Black-and-white comes as 8-bit grey, palettes and CMYK as RGB, whatever is transparent laid on white, as on
      paper. Colour profiles are not applied; L*a*b* is refused.
    - 16-bit grey is divided by 257 and rounded (12-bit TIFF: by 4095/255). Of 16-bit colour the upper byte is
      taken. 32-bit, signed and floating-point TIFF is refused: it has no set black and white.

    The size is held against `max_pixels` from the header, and the structure against the limits in formats.py,
    before anything is decoded. Whatever is wrong with the file raises DataError with one short sentence (`what`)
    naming the reason; a file that is cut short is an error, never a half-grey picture. Damage within the pixels
    shows where the format has checksums (PNG), or no longer decodes. `where` names the picture in the error (a
    path names itself).
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
    digest = hashlib.blake2b(_size_first(pixels.shape), digest_size=16)
    values = np.ascontiguousarray(pixels).reshape(-1)
    if len(values) > DIGEST_WHOLE:
        crc, sums = _crc_and_sums(values)
        digest.update(crc.to_bytes(4, "little"))
        digest.update(sums)
        values = values[len(values) // _LANES * _LANES :]
    digest.update(values.data)
    return digest.digest()


def picture_digests(batch: Pixels) -> NDArray[np.uint8]:
    """uint8 [k, 16]: picture_digest of each of k pictures of one size; of small ones in a fifth of the time."""
    length, digests = math.prod(batch.shape[1:]), np.empty((len(batch), 16), np.uint8)
    if native and length <= DIGEST_WHOLE:
        rows = np.ascontiguousarray(batch).reshape(len(batch), length)
        native.blake2b_rows(_size_first(batch.shape[1:]), rows, digests)
    else:
        for i in range(len(batch)):
            digests[i] = np.frombuffer(picture_digest(batch[i]), np.uint8)
    return digests


def _size_first(shape: tuple[int, ...]) -> bytes:
    return "x".join(map(str, shape)).encode() + b"\0"


def _crc_and_sums(values: Pixels) -> tuple[int, bytes]:
    if native and native.crc_and_sums:
        return native.crc_and_sums(values)
    rows = values[: len(values) // _LANES * _LANES].view("<u8").reshape(-1, _LANES // 8)
    return zlib.crc32(values.data), rows.sum(axis=0, dtype="<u8").tobytes()


def read_file(path: str | os.PathLike, where: str = "") -> tuple[bytes, os.stat_result]:
    """A picture file's bytes and its state when it was opened. Raises DataError."""
    where = where or shown(path)
    try:
        # Not blocking: a pipe that is named like a picture must not be waited for.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags)
        try:
            state = os.fstat(descriptor)
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
            return _whole(descriptor, state.st_size), state
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise DataError("There is no such file", where=where) from error
    except IsADirectoryError as error:
        raise DataError("This is a folder, not a picture", where=where) from error
    except PermissionError as error:
        raise DataError("No permission to read this file", where=where) from error
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        raise DataError(f"The file can't be read ({_said(error)})", where=where) from error


def _whole(descriptor: int, size: int) -> bytes:
    """All that is in a file which had `size` bytes; no more than MAX_BYTES + 1 where it grows meanwhile."""
    data = os.read(descriptor, size + 1)
    if len(data) == size:
        return data  # the usual case, without another copy
    pieces = [data]
    while data and sum(map(len, pieces)) <= MAX_BYTES:
        data = os.read(descriptor, 1 << 20)
        pieces.append(data)
    return b"".join(pieces)


def decode_picture(data: bytes, where: str = "", max_pixels: int = MAX_PIXELS) -> Pixels:
    """The same as read_picture, from bytes alone."""
    header = _header(data, where, max_pixels)
    if header.plain:
        pixels = plain_pixels(data, header.width, header.height, header.plain)
        if pixels is not None:
            return pixels
    with _opened(data, header, where, max_pixels) as picture:
        pixels = fast_pixels(picture, data)
        if pixels is None:
            picture.load()
            if header.format == "PNG" and _ends_in_zeros(picture) and not png_has_all_rows(header):
                raise DataError("The picture is cut short", where=where)
            pixels = _to_pixels(picture, header)
        return np.ascontiguousarray(_upright(pixels, _orientation(picture)))


def picture_shape(path: str | os.PathLike, max_pixels: int = MAX_PIXELS) -> tuple[int, int, int]:
    """(height, width, channels) as read_picture would give them, without decoding. Raises DataError."""
    where = shown(path)
    data, _ = read_file(path, where)
    header = _header(data, where, max_pixels)
    with _opened(data, header, where, max_pixels) as picture:
        channels = 1 if _is_grey(picture, header) else 3
        width, height = header.width, header.height
        stated = header.format != "PNG" or "exif" in picture.info or picture.info.keys() & _NOTES
        if stated and _orientation(picture) in _TURNED:  # else Pillow would decode to look for it
            width, height = height, width
        return height, width, channels


_NOTES = {"xmp", "XML:com.adobe.xmp", "Raw profile type exif", "Raw profile type APP1"}


def _header(data: bytes, where: str, max_pixels: int) -> Header:
    """What the file says of itself, held against the limits; nothing is decoded. Raises DataError."""
    if not data:
        raise DataError("The file is empty", where=where)
    name = format_of(data)
    if not name:
        raise _other_file(data, where)
    try:
        return read_header(data, name, lambda width, height: _check_size(width, height, max_pixels))
    except DataError as error:
        error.where = error.where or where
        raise
    except Exception as error:
        raise _unreadable(error, name, data, where) from error


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        damaged("it has no pixels")
    if width * height > max_pixels:
        raise DataError(
            f"The picture has more than {max_pixels:,} pixels",
            received=f"{width:,} x {height:,} = {width * height:,} pixels",
            remedy="make a smaller copy, or allow more: --max-pixels",
        )


@contextlib.contextmanager
def _opened(data: bytes, header: Header, where: str, max_pixels: int) -> Iterator[ImageFile.ImageFile]:
    """The picture, opened by Pillow but not decoded yet; what goes wrong with it inside is a DataError."""
    try:
        with (
            _strict_pillow(header),
            _DECODERS[header.format](io.BytesIO(header.data)) as picture,
        ):
            _check_size(*picture.size, max_pixels)
            yield picture
    except DataError as error:
        error.where = error.where or where
        raise
    except Exception as error:  # Pillow's decoders raise nearly everything on bad bytes
        raise _unreadable(error, header.format, data, where) from error


def _is_grey(picture: Image.Image, header: Header) -> bool:
    # Pillow opens 16-bit grey with alpha as RGBA; PNG's colour type 4 tells.
    by_header = header.format == "PNG" and header.data[25] == 4
    return by_header or picture.mode in ("1", "L", "LA") or picture.mode.startswith("I;16")


def _ends_in_zeros(picture: ImageFile.ImageFile) -> bool:
    """Whether the last row is all zeros, as the decoder leaves rows that the file doesn't have."""
    width, height = picture.size
    return picture.crop((0, height - 1, width, height)).getbbox(alpha_only=False) is None


def _to_pixels(picture: Image.Image, header: Header) -> Pixels:
    grey = _is_grey(picture, header)
    if picture.mode.startswith("I;16"):
        wide = np.asarray(picture).astype(np.uint32)
        narrow = ((np.minimum(wide, header.white) * 255 + header.white // 2) // header.white).astype(np.uint8)
        if header.inverted:
            narrow = 255 - narrow
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


def _other_file(data: bytes, where: str) -> DataError:
    for pattern, name in _OTHERS:
        if re.match(pattern, data, re.DOTALL):
            return DataError(
                f"Not a {KINDS} picture, but {name}", where=where, remedy="save it as JPEG or PNG"
            )
    return DataError(f"Not a {KINDS} picture", where=where)


def _unreadable(error: Exception, name: str, data: bytes, where: str) -> DataError:
    if isinstance(error, MemoryError):
        return DataError("There is not enough memory to decode this picture", where=where)
    if _NOT_READ.search(str(error)):
        return DataError(
            f"This kind of {name} isn't read ({_said(error)})", where=where, remedy="save it as PNG"
        )
    if _CUT_SHORT.search(str(error)) or len(data) < 64:
        return DataError("The picture is cut short", where=where)
    how = "its pixels" if "decoder error" in str(error) else _said(error)  # libtiff says no more
    if isinstance(error, (LookupError, TypeError, SyntaxError)):
        how = "its header"
    return DataError(f"The picture is damaged ({how})", where=where)


def _said(error: Exception) -> str:
    """What an exception said, on one short line."""
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return shown(" ".join(text.split())[:80])


class _Held:
    """A setting of the whole process, held while any thread needs it.

    The first thread in sets it and the last one out restores what the program had.
    """

    def __init__(self, change: Callable[[contextlib.ExitStack], None]):
        self._change = change
        self._users = 0
        self._lock = threading.Lock()
        self._restore = contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._change(self._restore)
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._restore.close()


def _forbid_tolerance(restore: contextlib.ExitStack) -> None:
    restore.enter_context(warnings.catch_warnings())
    warnings.filterwarnings("ignore", module=r"PIL\.")
    restore.callback(setattr, ImageFile, "LOAD_TRUNCATED_IMAGES", ImageFile.LOAD_TRUNCATED_IMAGES)
    ImageFile.LOAD_TRUNCATED_IMAGES = False


def _silence_libtiff(restore: contextlib.ExitStack) -> None:
    """libtiff writes of damage to stderr by itself; each bad picture is told once, by us."""
    try:
        set_handler = ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):  # a Pillow that is built another way, or without libtiff
        return
    set_handler.restype, set_handler.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    restore.callback(set_handler, set_handler(None))


def _lift_limit(restore: contextlib.ExitStack) -> None:
    restore.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    Image.MAX_IMAGE_PIXELS = None


_without_tolerance = _Held(_forbid_tolerance)
_without_limit = _Held(_lift_limit)
_without_libtiff_messages = _Held(_silence_libtiff)


@contextlib.contextmanager
def _strict_pillow(header: Header) -> Iterator[None]:
    """Pillow without its warnings and its tolerance for cut files, and, for a picture above it, without its own
    limit of pixels: the header was checked against ours."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(_without_tolerance)
        limit = Image.MAX_IMAGE_PIXELS
        # None: perhaps lifted by another thread, which may restore it at any time.
        if limit is None or header.width * header.height > limit:
            stack.enter_context(_without_limit)
        if header.format == "TIFF":
            stack.enter_context(_without_libtiff_messages)
        yield


def is_picture_name(name: str) -> bool:
    """Whether a file's name ends as one of the formats that are read."""
    return Path(name).suffix.lower() in EXTENSIONS
