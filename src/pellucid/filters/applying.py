"""A filter over a picture, at the speed of the machine."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError, NetworkError
from pellucid.filters.filter import BORDERS, Filter
from pellucid.filters.text import parse
from pellucid.images.threads import cpu_count
from pellucid.native import native

# ITU-R BT.601's weights of red, green and blue in 1/65536, as Pillow has them.
LUMA = (19595, 38470, 7471)
LARGEST_ANSWER = 1 << 30  # numbers: 4 GB
MOST_THREADS = 32
_BAND = 1 << 20  # numbers of the picture in work at a time, without compiled code

_correlate = getattr(native, "correlate", None)

Picture = NDArray[np.uint8] | NDArray[np.float32]
Channels = Literal["each", "grey", "volume"]


def apply(pixels: Any, kernel: Filter | str, channels: Channels = "each") -> NDArray[np.float32]:
    """The picture filtered: float32 [height', width', channels'], in the units of the pixels, not clipped.

        apply(pixels, "sobel-x border reflect")
        apply(pixels, Filter("mine", [[1, 2, 1], [2, 4, 2], [1, 2, 1]]), "grey")

    `pixels` uint8 or float32 [height, width] or [height, width, channels]; `kernel` a Filter, or the text of one
    filter. `channels`: "each" filters every channel by itself; "grey" makes one channel of three first (luminance, as
    Pillow's L); "volume" adds the answers of all channels. A filter that says `volume` is always a volume's.
    NetworkError where the filter doesn't fit the picture, DataError where the picture is none.
    """
    picture = _checked(pixels)
    one = _one_filter(kernel)
    if channels not in ("each", "grey", "volume"):
        raise NetworkError(
            "channels is each, grey or volume", received=repr(channels), remedy='channels="each"'
        )
    if channels == "grey" and picture.shape[2] == 3:
        picture = grey(picture)
    volume = one.volume or channels == "volume"
    height, width, depth = picture.shape
    rows, columns = one.output_size(height, width)
    if rows * columns * (1 if volume else depth) > LARGEST_ANSWER:
        raise NetworkError(
            f"the answer would have more than {LARGEST_ANSWER:,} numbers",
            received=f"{rows:,} x {columns:,}",
            remedy="a larger stride, or less padding",
        )
    planes = one.planes_for(depth) if volume else one.sliding
    return quick(picture, one, planes, volume) if _correlate else plain(picture, one, planes, volume)


def grey(pixels: Picture) -> Picture:
    """[h, w, 3] as luminance [h, w, 1] of the same type; uint8 with the rounding of Pillow's L."""
    if pixels.dtype == np.uint8:
        made = np.empty((*pixels.shape[:2], 1), np.uint8)
        for start in range(0, len(pixels), step := max(_BAND // max(pixels[0].size, 1), 1)):
            part = pixels[start : start + step].astype(np.uint32) @ np.array(LUMA, np.uint32)
            made[start : start + step, :, 0] = (part + (1 << 15)) >> 16
        return made
    return np.asarray(pixels @ (np.array(LUMA, np.float32) / 65536), np.float32)[:, :, None]


def magnitude(dx: NDArray[np.float32], dy: NDArray[np.float32]) -> NDArray[np.float32]:
    """The gradient's length sqrt(dx² + dy²), of two answers of one shape, as of sobel-x and sobel-y."""
    return np.hypot(dx, dy).astype(np.float32, copy=False)


def direction(dx: NDArray[np.float32], dy: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where it gets brighter, in degrees from -180 to 180: 0 to the right, 90 downwards; 0 where it is even."""
    return np.degrees(np.arctan2(dy, dx)).astype(np.float32, copy=False)


def quick(
    picture: Picture, kernel: Filter, planes: NDArray[np.float32], volume: bool, instructions: str = ""
) -> NDArray[np.float32]:
    """By compiled code, on all processors; `instructions` asks for one of native.filter_instructions()."""
    assert _correlate
    height, width, depth = picture.shape
    (top, _), (left, _) = kernel.pads((1, height, width))
    made = np.empty((*kernel.output_size(height, width), 1 if volume else depth), np.float32)
    _correlate(
        np.ascontiguousarray(picture), np.ascontiguousarray(planes), kernel.stride, (top, left), kernel.dilation,
        BORDERS.index(kernel.border), volume, made, min(cpu_count(), MOST_THREADS), instructions,
    )  # fmt: skip
    return made


def plain(picture: Picture, kernel: Filter, planes: NDArray[np.float32], volume: bool) -> NDArray[np.float32]:
    """The same in NumPy alone: a band of rows at a time, one number of the kernel after the other, in float32."""
    height, width, depth = picture.shape
    rows, columns = kernel.output_size(height, width)
    (top, bottom), (left, right) = kernel.pads((1, height, width))
    (down, across), (dy, dx) = kernel.stride, kernel.dilation
    high, wide = kernel.size
    made = np.empty((rows, columns, 1 if volume else depth), np.float32)
    from_row = _outside(np.arange(-top, height + bottom), height, kernel.border)
    from_column = _outside(np.arange(-left, width + right), width, kernel.border)
    step = max(_BAND // (len(from_column) * depth * down), 1)
    for start in range(0, rows, step):
        count = min(step, rows - start)
        taken = from_row[start * down : (start + count - 1) * down + dy * (high - 1) + 1]
        band = picture[np.maximum(taken, 0)][:, np.maximum(from_column, 0)].astype(np.float32)
        band[taken < 0] = 0
        band[:, from_column < 0] = 0
        answer = made[start : start + count]
        answer[:] = 0
        for y, x in np.ndindex(high, wide):
            seen = band[y * dy :, x * dx :][
                : (count - 1) * down + 1 : down, : (columns - 1) * across + 1 : across
            ]
            if volume:
                answer[:, :, 0] += seen @ planes[:, y, x]
            elif planes[0, y, x]:
                answer += seen * planes[0, y, x]
    return made


def _outside(places: NDArray[np.intp], size: int, border: str) -> NDArray[np.intp]:
    """Which row or column of the picture stands at these places of the padded one; -1 for none, a zero."""
    if border == "zero":
        return np.where((places >= 0) & (places < size), places, -1)
    if border == "reflect":
        places = np.where(places < size, np.abs(places), 2 * (size - 1) - places)
    return np.clip(places, 0, size - 1)


def _checked(pixels: Any) -> Picture:
    array = np.asarray(pixels)
    array = array[:, :, None] if array.ndim == 2 else array
    if array.ndim != 3 or 0 in array.shape or array.dtype not in (np.uint8, np.float32):
        raise DataError(
            "a picture to filter is uint8 or float32 [height, width] or [height, width, channels]",
            received=f"{array.dtype} {np.shape(pixels)}",
            remedy="pixels.astype(np.float32), with its channels last",
        )
    return array


def _one_filter(kernel: Filter | str) -> Filter:
    if isinstance(kernel, Filter):
        return kernel
    pieces = parse(kernel)
    if len(pieces) != 1 or len(pieces[0].filters) != 1:
        raise NetworkError(
            "apply takes one filter",
            received=kernel[:80],
            remedy="one filter at a time; pellucid.filters.network_of makes a network of several",
        )
    return pieces[0].filters[0]
