"""Numbers as colours, with zero as the colour of the ground: blue below, orange above.

Blue and orange stay apart for every kind of colour blindness, and both arms grow evenly darker away from a light
ground (lighter from a dark one), so a print in grey shows the magnitude. The arms' ends have the same lightness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Values = NDArray[Any]
Colour = tuple[int, int, int]

_STEPS = 255  # of each arm


@dataclass(frozen=True)
class Theme:
    """The colours of one ground. The arms go from zero outwards, evenly spaced in their lightness."""

    ground: Colour
    ink: Colour
    quiet: Colour
    line: Colour
    positive: tuple[Colour, ...]
    negative: tuple[Colour, ...]
    not_finite: Colour

    def arm(self, positive: bool) -> Picture:
        """uint8 [256, 3], from zero outwards."""
        anchors = np.array((self.ground, *(self.positive if positive else self.negative)), np.float64)
        places = np.linspace(0, len(anchors) - 1, _STEPS + 1)
        columns = [np.interp(places, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)]
        return np.stack(columns, axis=1).round().astype(np.uint8)


LIGHT = Theme(
    ground=(255, 255, 255),
    ink=(23, 25, 28),
    quiet=(86, 92, 99),
    line=(214, 218, 222),
    positive=((242, 214, 177), (230, 170, 106), (212, 126, 44), (183, 87, 5), (148, 55, 0)),
    negative=((196, 221, 241), (134, 188, 229), (67, 154, 215), (3, 119, 185), (4, 87, 146)),
    not_finite=(150, 150, 150),
)
DARK = Theme(
    ground=(19, 21, 23),
    ink=(236, 238, 240),
    quiet=(165, 173, 181),
    line=(56, 62, 68),
    positive=((79, 44, 29), (137, 68, 28), (189, 100, 26), (227, 148, 62), (249, 202, 136)),
    negative=((30, 54, 82), (4, 91, 143), (3, 131, 193), (86, 174, 232), (166, 216, 252)),
    not_finite=(110, 110, 110),
)


@dataclass(frozen=True)
class Scale:
    """What the ends of the colours stand for: from -`end` to `end` where `signed`, else from 0 to `end`."""

    end: float
    signed: bool

    @property
    def ends(self) -> tuple[str, str]:
        """Both ends as they are written: "-0.83", "0.83"."""
        return (f"-{self.end:.3g}" if self.signed and self.end else "0"), f"{self.end:.3g}"

    def shares(self, values: Values) -> NDArray[np.float64]:
        """`values` in units of `end`, held within [-1, 1]; what isn't finite stays NaN."""
        numbers = np.asarray(values, np.float64)
        numbers = np.where(np.isfinite(numbers), numbers, np.nan)
        return np.clip(numbers / self.end, -1 if self.signed else 0, 1) if self.end else numbers * 0


def scale_of(values: Values) -> Scale:
    """The scale that takes in all finite values, the same on both sides of zero if any is negative."""
    numbers = np.asarray(values)
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return Scale(0.0, False)
    low, high = float(finite.min()), float(finite.max())
    return Scale(max(abs(low), abs(high)), low < 0)


def coloured(values: Values, scale: Scale, theme: Theme = LIGHT) -> Picture:
    """uint8 [..., 3]: a colour for each value; what isn't finite is grey."""
    shares = scale.shares(values)
    known = np.isfinite(shares)
    steps = np.abs(np.where(known, shares, 0) * _STEPS).round().astype(np.intp)
    picture = np.where((shares < 0)[..., None], theme.arm(False)[steps], theme.arm(True)[steps])
    return np.where(known[..., None], picture, np.array(theme.not_finite)).astype(np.uint8)


def colour_weights(kernels: Values, end: float) -> Picture:
    """Kernels of three channels, red, green, blue [..., 3, height, width], as colours [..., height, width, 3].

    Zero is mid grey, -`end` and `end` are each channel's 0 and 255.
    """
    shares = Scale(end, True).shares(kernels)
    colours = np.round(127.5 + 127.5 * np.where(np.isfinite(shares), shares, 0)).astype(np.uint8)
    return np.moveaxis(colours, -3, -1)
