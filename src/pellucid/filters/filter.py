"""One filter: a kernel with how it slides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import NetworkError
from pellucid.network.layers import Conv, Pad, Shape
from pellucid.network.layers.window import Pads

LARGEST_SIDE = 101  # of a kernel
MOST_STEPS = 1000  # of stride, dilation and padding
MOST_PLANES = 1024
LARGEST_NUMBER = 1e30
BORDERS = ("zero", "reflect", "replicate")

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Filter:
    """A kernel and how it slides over a picture.

    `weights` float64 [planes, height, width], as written: one plane that serves each channel, or one for each channel
    of a volume. `stride` and `dilation` by axis (rows, columns); `padding` "same" or ((top, bottom), (left, right));
    `border`, what lies there: "zero"; "reflect", the picture mirrored at its outermost pixels; "replicate", those
    pixels again. Networks slide a kernel as it stands (cross-correlation); with `flip` it is turned by 180 degrees
    first (convolution in the mathematicians' sense). With `volume` one kernel goes over all channels and the answers
    are added; without, each channel is answered by itself.

        Filter("sobel-x", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], border="reflect")

    Raises NetworkError for an empty, too large or even-sided kernel (with "same"), and for numbers that are none.
    """

    name: str
    weights: Numbers
    stride: tuple[int, int] = (1, 1)
    padding: str | Pads = "same"
    border: str = "zero"
    dilation: tuple[int, int] = (1, 1)
    flip: bool = False
    volume: bool = False

    def __post_init__(self) -> None:
        weights = checked_numbers(self.weights, self.name)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "stride", _two(self.stride, "stride", 1))
        object.__setattr__(self, "dilation", _two(self.dilation, "dilation", 1))
        if len(weights) > 1:
            object.__setattr__(self, "volume", True)
        if self.border not in BORDERS:
            raise NetworkError(
                "a border is zero, reflect or replicate",
                received=repr(self.border),
                remedy="border zero, border reflect or border replicate",
            )
        object.__setattr__(self, "padding", _checked_padding(self.padding, self.size, self.dilation))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the kernel."""
        return self.weights.shape[1], self.weights.shape[2]

    @property
    def sliding(self) -> NDArray[np.float32]:
        """What is slid, float32 [planes, height, width]: the weights, or with `flip` the weights turned."""
        return np.ascontiguousarray(self.weights[:, ::-1, ::-1] if self.flip else self.weights, np.float32)

    def pads(self, shape: Shape) -> Pads:
        """((top, bottom), (left, right)) for a picture (channels, height, width); networks' own rule for "same"."""
        return self.conv(1).pads(shape)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the answer. NetworkError where the kernel is larger than the padded picture, or the
        picture too small to be mirrored."""
        shape = (1, height, width)
        pads = self.pads(shape)
        if self.border != "zero":
            Pad(pads, self.border).output_shape(shape)
        try:
            rows, columns = self.conv(1).slide(shape)
        except NetworkError as error:
            remedy = f"pad {uneven_pads(self.size, self.dilation)}, a smaller kernel, or a larger picture"
            raise NetworkError(
                error.what, received=f"{self.name} on {height} x {width} pixels", remedy=remedy
            ) from error
        return rows, columns

    def conv(self, channels: int, groups: int = 1) -> Conv:
        """The layer that computes it: frozen, without bias."""
        return Conv(
            channels,
            self.size,
            self.stride,
            self.padding,
            self.dilation,
            groups,
            bias=False,
            frozen=True,
        )

    def planes_for(self, channels: int) -> NDArray[np.float32]:
        """`sliding` over a volume of so many channels, float32 [channels, height, width]; one plane serves them all.

        NetworkError where the kernel has another number of planes.
        """
        planes = self.sliding
        if len(planes) == 1:
            return np.repeat(planes, channels, axis=0)
        if len(planes) != channels:
            raise NetworkError(
                f"{self.name} has {len(planes)} planes, and what it slides over has {channels} "
                f"channel{'s' * (channels != 1)}",
                received=f"a kernel of {len(planes)} planes, divided by |",
                remedy=f"{channels} plane{'s' * (channels != 1)}, or one, which serves each channel",
            )
        return planes


def checked_numbers(weights: Any, name: str) -> Numbers:
    """A kernel's numbers as float64 [planes, height, width]."""
    try:
        numbers = np.array(weights, np.float64)
    except (TypeError, ValueError) as error:
        raise NetworkError(
            f"{name}: weights are rows of numbers, all of one length", received=repr(weights)[:80],
            remedy="[1 2 1; 2 4 2; 1 2 1], or an array [height, width] or [planes, height, width]",
        ) from error  # fmt: skip
    numbers = numbers[None] if numbers.ndim == 2 else numbers
    if numbers.ndim != 3 or not numbers.size:
        raise NetworkError(
            f"{name}: weights are [height, width], or [planes, height, width] over a volume",
            received=f"shape {np.shape(weights)}",
            remedy="[1 2 1; 2 4 2; 1 2 1]",
        )
    planes, height, width = numbers.shape
    if max(height, width) > LARGEST_SIDE or planes > MOST_PLANES:
        raise NetworkError(
            f"{name} is too large: kernels have sides of at most {LARGEST_SIDE}, and {MOST_PLANES:,} planes",
            received=f"{height} x {width}" + (f", {planes:,} planes" if planes > 1 else ""),
            remedy="a smaller kernel, or several small ones in a row",
        )
    if not (np.abs(numbers) <= LARGEST_NUMBER).all():
        wrong = numbers[~(np.abs(numbers) <= LARGEST_NUMBER)][0]
        raise NetworkError(
            f"{name} holds a number that can't be: they are finite, {LARGEST_NUMBER:g} at most",
            received=str(wrong),
            remedy="another number",
        )
    numbers.flags.writeable = False
    return numbers


def _two(value: Any, what: str, least: int) -> tuple[int, int]:
    both = (value, value) if isinstance(value, int) else tuple(value)
    both = both * 2 if len(both) == 1 else both
    if len(both) != 2 or not all(isinstance(n, int) and least <= n <= MOST_STEPS for n in both):
        raise NetworkError(
            f"{what} is one or two whole numbers from {least} to {MOST_STEPS:,}",
            received=f"{what} {'x'.join(str(n) for n in both)}",
            remedy=f"{what} 2, or {what} 2x1 (down, across)",
        )
    return both


def _checked_padding(padding: Any, size: tuple[int, int], dilation: tuple[int, int]) -> str | Pads:
    if padding == "same":
        if not all(side % 2 for side in size):
            height, width = size
            raise NetworkError(
                f"a kernel of {height} x {width} has no middle, so the picture can't stay the same size around it",
                received=f"a kernel of even size, {height} x {width}, with pad same",
                remedy=f"pad {uneven_pads(size, dilation)} (the odd rows and columns after), pad valid, "
                "or a kernel of odd sides",
            )
        return "same"
    made = Conv(1, size, padding=padding).for_rank(2).padding
    assert isinstance(made, tuple)
    if max(n for pads in made for n in pads) > MOST_STEPS:
        raise NetworkError(
            f"a padding has at most {MOST_STEPS:,} places a side",
            received=f"pad {padding}",
            remedy="a smaller padding",
        )
    return made


def uneven_pads(size: Sequence[int], dilation: Sequence[int]) -> str:
    """The padding that keeps a picture's size under an even kernel, as it is written: 0:1x0:1 for 2 x 2."""
    totals = [step * (side - 1) for side, step in zip(size, dilation, strict=True)]
    both = [(total // 2, total - total // 2) for total in totals]
    return "x".join(str(before) if before == after else f"{before}:{after}" for before, after in both)
