"""Pictures of float32 values as files: `.npy` and `.tiff`, every bit kept.

What is written: NumPy's own format, version 1.0, and TIFF 6.0 with 32-bit IEEE floating-point samples (SampleFormat 3),
not compressed, of 1 or 3 channels (any count in .npy). What is read: .npy of numbers, [height, width] or [height,
width, channels]; TIFF of 32-bit samples, not compressed, the channels pixel by pixel.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.images.reading import MAX_PIXELS, Pixels, read_file, read_picture
from pellucid.images.tiff import float_strips
from pellucid.storage import shown, write_atomically

Values = NDArray[np.float32]
MOST_CHANNELS = 4096
TIFFS = (".tif", ".tiff")


def read_values(path: Path, max_pixels: int = MAX_PIXELS) -> Values | Pixels:
    """A picture's values [height, width, channels]: float32 from .npy and float32 TIFF, else uint8 as `read_picture`.

    DataError where the file is neither.
    """
    data, _ = read_file(path)
    if data[:6] == b"\x93NUMPY":
        return _npy(data, shown(path), max_pixels)
    if data[:4] in (b"II*\0", b"MM\0*"):
        found = _float_tiff(data, shown(path), max_pixels)
        if found is not None:
            return found
    return read_picture(data, shown(path), max_pixels)


def write_npy(path: Path, values: Values) -> None:
    """[height, width, channels] float32, atomically. StorageError."""
    array = np.ascontiguousarray(values, np.float32)
    write_atomically(path, lambda file: npy.write_array(file, array, (1, 0), allow_pickle=False))


def write_float_tiff(path: Path, values: Values) -> None:
    """[height, width, 1 or 3] float32 as a TIFF of one strip, atomically. StorageError."""
    height, width, channels = values.shape
    assert channels in (1, 3)
    array = np.ascontiguousarray(values, "<f4")
    # tag, type (3: 16 bits, 4: 32 bits), values; in ascending order, as TIFF 6.0 wants them
    short, long = 3, 4
    photometric = 1 if channels == 1 else 2
    entries: list[tuple[int, int, tuple[int, ...]]] = [
        (256, long, (width,)), (257, long, (height,)), (258, short, (32,) * channels), (259, short, (1,)),
        (262, short, (photometric,)), (273, long, (0,)), (277, short, (channels,)), (278, long, (height,)),
        (279, long, (array.nbytes,)), (284, short, (1,)), (339, short, (3,) * channels),
    ]  # fmt: skip
    after = 8 + 2 + 12 * len(entries) + 4
    start = after + 2 * 2 * 3 + 4 & ~3  # the pixels, behind the two lists of three 16-bit numbers
    head, extra = struct.pack("<2sHIH", b"II", 42, 8, len(entries)), b""
    for tag, kind, given in entries:
        given = (start,) if tag == 273 else given
        packed = struct.pack(f"<{len(given)}{'H' if kind == short else 'I'}", *given)
        if len(packed) > 4:
            place = struct.pack("<I", after + len(extra))
            extra += packed
            packed = place
        head += struct.pack("<HHI4s", tag, kind, len(given), packed)
    head += struct.pack("<I", 0) + extra

    def write(file: Any) -> None:
        file.write(head.ljust(start, b"\0"))
        file.write(array.data)

    write_atomically(path, write)


def _npy(data: bytes, where: str, max_pixels: int) -> Values:
    file = io.BytesIO(data)
    try:
        version = npy.read_magic(file)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, fortran, dtype = read(file)
    except (ValueError, KeyError, EOFError) as error:
        raise DataError("The .npy file is damaged", where=where, received=str(error)[:200]) from error
    if dtype.hasobject or dtype.kind not in "fiub" or len(shape) not in (2, 3):
        raise DataError(
            "A picture of values is an array of numbers [height, width] or [height, width, channels]", where=where,
            received=f"{dtype} {list(shape)}", remedy="numpy.save('x.npy', values.astype('float32'))",
        )  # fmt: skip
    _check_size(shape[0], shape[1], 1 if len(shape) == 2 else shape[2], where, max_pixels)
    count = int(np.prod(shape))
    begin = file.tell()
    if len(data) - begin < count * dtype.itemsize:
        raise DataError("The .npy file is cut short", where=where)
    array = np.frombuffer(data, dtype, count, begin).reshape(shape, order="F" if fortran else "C")
    return np.ascontiguousarray(array.reshape(*shape[:2], -1), np.float32)


def _float_tiff(data: bytes, where: str, max_pixels: int) -> Values | None:
    """None where the file isn't of this kind."""

    def check(width: int, height: int) -> None:
        _check_size(height, width, 1, where, max_pixels)

    try:
        found = float_strips(data, check)
        if found is None:
            return None
        order, (height, width, channels), strips = found
        raw = b"".join(data[begin : begin + length] for begin, length in strips)
        wanted = 4 * height * width * channels
        if len(raw) < wanted:
            raise DataError("The picture is cut short")
    except (struct.error, IndexError) as error:
        raise DataError("The picture is cut short", where=where) from error
    except DataError as error:
        error.where = error.where or where
        raise
    return np.frombuffer(raw, f"{order}f4", wanted // 4).reshape(height, width, channels).astype(np.float32)


def _check_size(height: int, width: int, channels: int, where: str, max_pixels: int) -> None:
    if not (height >= 1 and width >= 1 and 1 <= channels <= MOST_CHANNELS):
        raise DataError("The array has no pixels", where=where, received=f"{height} x {width} x {channels}")
    if height * width > max_pixels:
        raise DataError(
            f"The picture has more than {max_pixels:,} pixels", where=where,
            received=f"{width:,} x {height:,} = {width * height:,} pixels",
            remedy="make a smaller copy, or allow more: --max-pixels",
        )  # fmt: skip
