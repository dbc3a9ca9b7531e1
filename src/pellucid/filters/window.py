"""One output pixel of a filter opened: the window under the kernel, where each of its cells comes from, the sum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import SettingsError
from pellucid.filters.filter import Filter

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Opened:
    """The output pixel `place` (channel, row, column), from 0.

    `window` and `kernel` float64 [planes, height, width]: what lies under the kernel, and the kernel as it is slid
    (turned already, for a convolution). `channels`, which of the picture's each plane is. `rows` and `columns`: the
    place of each row and column of the window, below 0 or past the picture's end where it lies outside; `from_rows`
    and `from_columns`, which row or column of the picture stands there instead, -1 for none (a zero).
    """

    place: tuple[int, int, int]
    window: Numbers
    kernel: Numbers
    channels: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    from_rows: tuple[int, ...]
    from_columns: tuple[int, ...]

    @property
    def value(self) -> float:
        """The sum of the products."""
        return fsum((self.window * self.kernel).ravel().tolist())

    @property
    def magnitude(self) -> float:
        """The sum of the products' absolute values."""
        return fsum(np.abs(self.window * self.kernel).ravel().tolist())

    def is_outside(self, row: int, column: int) -> bool:
        """Whether a cell of the window lies outside the picture."""
        from_row, from_column = self.from_rows[row], self.from_columns[column]
        return (
            min(from_row, from_column) < 0
            or from_row != self.rows[row]
            or from_column != self.columns[column]
        )

    def outside(self) -> Iterator[tuple[int, int]]:
        """The cells (row, column) of the window that lie outside."""
        for row, column in np.ndindex(self.window.shape[1:]):
            if self.is_outside(row, column):
                yield row, column


def open_pixel(pixels: NDArray[Any], kernel: Filter, volume: bool, place: tuple[int, int, int]) -> Opened:
    """One pixel of what `apply` gives for `pixels` [height, width, channels], `volume` for a kernel over all channels.

    SettingsError where the answer has no such pixel.
    """
    height, width, depth = pixels.shape
    size = (1 if volume else depth, *kernel.output_size(height, width))
    if not all(0 <= at < most for at, most in zip(place, size, strict=True)):
        raise SettingsError(
            "the answer has no such pixel", where="--explain", received=",".join(map(str, place)),
            remedy=f"channel 0 to {size[0] - 1}, row 0 to {size[1] - 1}, column 0 to {size[2] - 1}",
        )  # fmt: skip
    channel, y, x = place
    (top, _), (left, _) = kernel.pads((1, height, width))
    rows = [y * kernel.stride[0] - top + kernel.dilation[0] * row for row in range(kernel.size[0])]
    columns = [x * kernel.stride[1] - left + kernel.dilation[1] * column for column in range(kernel.size[1])]
    from_rows = [_within(row, height, kernel.border) for row in rows]
    from_columns = [_within(column, width, kernel.border) for column in columns]
    channels = tuple(range(depth)) if volume else (channel,)
    window = np.zeros((len(channels), *kernel.size))
    for plane, row, column in np.ndindex(*window.shape):
        if from_rows[row] >= 0 and from_columns[column] >= 0:
            window[plane, row, column] = pixels[from_rows[row], from_columns[column], channels[plane]]
    planes = (kernel.planes_for(depth) if volume else kernel.sliding).astype(np.float64)
    return Opened(
        place, window, planes, channels, tuple(rows), tuple(columns), tuple(from_rows), tuple(from_columns)
    )


def _within(place: int, length: int, border: str) -> int:
    """Which row or column of the picture stands at a place; -1 for a zero."""
    if 0 <= place < length:
        return place
    if border == "zero":
        return -1
    if border == "reflect":
        return -place if place < 0 else 2 * (length - 1) - place
    return 0 if place < 0 else length - 1
