"""Test pictures whose answer is known beforehand: gratings at every orientation, and plain colours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]
ORIENTATIONS = 8  # 22.5 degrees apart
PHASES = 4  # 90 degrees apart
WAVELENGTHS = (4, 8, 16, 32)  # pixels of the network's input
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
# Ends of the gratings: light, and the two opponent pairs of colours.
PAIRS: tuple[tuple[Colour, Colour], ...] = (
    (BLACK, WHITE), ((255, 0, 0), (0, 255, 0)), ((0, 0, 255), (255, 255, 0))
)  # fmt: skip
COLOURS: tuple[Colour, ...] = tuple(
    (r, g, b) for r in (0, 128, 255) for g in (0, 128, 255) for b in (0, 128, 255)
)
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


@dataclass(frozen=True, eq=False)
class Stimulus:
    """`kind`: "grating" or "plain"; for a grating its `pair`, `orientation` (0 to 7, in steps of 22.5 degrees),
    `wavelength` and `phase`. `grey`: this picture without its colours, each pixel as light as before."""

    kind: str
    pixels: Pixels
    grey: Pixels | None
    pair: int = 0
    orientation: int = 0
    wavelength: int = 0
    phase: int = 0


def stimuli(height: int, width: int, channels: int) -> Iterator[Stimulus]:
    """All of them, uint8 [height, width, 3], or [.., 1] for a network of grey pictures, which has no colours."""
    for colour in COLOURS:
        grey = colour[0] == colour[1] == colour[2]
        if channels == 3 or grey:
            yield _made("plain", _plain(colour, height, width), channels, grey)
    for pair, ends in enumerate(PAIRS[: 3 if channels == 3 else 1]):
        for wavelength in (w for w in WAVELENGTHS if w <= max(min(height, width), WAVELENGTHS[0])):
            for orientation in range(ORIENTATIONS):
                for phase in range(PHASES):
                    pixels = grating(ends, orientation, wavelength, phase, height, width)
                    yield _made("grating", pixels, channels, pair == 0, pair, orientation, wavelength, phase)


def grating(
    ends: tuple[Colour, Colour], orientation: int, wavelength: int, phase: int, height: int, width: int
) -> Pixels:
    """A sine wave between two colours; orientation 0 varies from left to right. Its phase counts from the middle."""
    angle = np.pi * orientation / ORIENTATIONS
    rows, columns = np.arange(height)[:, None] - height // 2, np.arange(width)[None] - width // 2
    along = columns * np.cos(angle) + rows * np.sin(angle)
    share = 0.5 + 0.5 * np.cos(2 * np.pi * (along / wavelength - phase / PHASES))
    first, second = (np.array(colour, np.float64) for colour in ends)
    return np.rint(first + share[:, :, None] * (second - first)).astype(np.uint8)


def _made(
    kind: str, pixels: Pixels, channels: int, is_grey: bool, pair: int = 0, orientation: int = 0,
    wavelength: int = 0, phase: int = 0,
) -> Stimulus:  # fmt: skip
    grey = None
    if not is_grey:
        light = np.rint(pixels @ np.array(_LUMA)).astype(np.uint8)
        grey = np.repeat(light[:, :, None], 3, axis=2)
    pixels = pixels[:, :, :1] if channels == 1 else pixels
    return Stimulus(kind, np.ascontiguousarray(pixels), grey, pair, orientation, wavelength, phase)


def _plain(colour: Colour, height: int, width: int) -> Pixels:
    return np.broadcast_to(np.array(colour, np.uint8), (height, width, 3)).copy()
