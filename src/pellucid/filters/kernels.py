"""The classical kernels by name, with their numbers as books print them.

All are written as networks slide them, without flipping (cross-correlation): a positive answer of `sobel-x` means
brighter to the right, of `sobel-y` brighter below. A convolution in the mathematicians' sense flips them first, which
turns Sobel's and Prewitt's into their inverses and leaves the symmetrical ones as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """A filter over one channel: its `title` as people say it, and rows of numbers over a common divisor."""

    title: str
    rows: tuple[tuple[float, ...], ...]
    divisor: float = 1

    @property
    def array(self) -> Numbers:
        """float64 [height, width], divided."""
        return np.array(self.rows, np.float64) / self.divisor


# In the order of preference: where two differ by a factor alone (edge-8 and high-pass; prewitt's and the course's
# vertical and horizontal edges are even the same), the first stands for both.
KERNELS: dict[str, Kernel] = {
    "identity": Kernel("identity", ((0, 0, 0), (0, 1, 0), (0, 0, 0))),
    "box-blur": Kernel("box blur", ((1, 1, 1), (1, 1, 1), (1, 1, 1)), 9),
    # Binomial numbers, the nearest whole ones to a Gaussian (Jähne, Digital Image Processing, 2005, chapter 11.4).
    "gaussian-3": Kernel("Gaussian blur 3x3", ((1, 2, 1), (2, 4, 2), (1, 2, 1)), 16),
    "gaussian-5": Kernel(
        "Gaussian blur 5x5",
        ((1, 4, 6, 4, 1), (4, 16, 24, 16, 4), (6, 24, 36, 24, 6), (4, 16, 24, 16, 4), (1, 4, 6, 4, 1)),
        256,
    ),
    "sharpen": Kernel("sharpen", ((0, -1, 0), (-1, 5, -1), (0, -1, 0))),
    # Four and eight neighbours: Gonzalez and Woods, Digital Image Processing, chapter 3.6; `edge-4` is the
    # Laplacian's inverse.
    "edge-4": Kernel("edge, 4 neighbours", ((0, -1, 0), (-1, 4, -1), (0, -1, 0))),
    "edge-8": Kernel("edge, 8 neighbours", ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1))),
    "high-pass": Kernel("high pass", ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)), 9),
    "laplacian": Kernel("Laplacian", ((0, 1, 0), (1, -4, 1), (0, 1, 0))),
    # Sobel and Feldman 1968, in Duda and Hart, Pattern Classification and Scene Analysis, 1973, page 271.
    "sobel-x": Kernel("Sobel x", ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1))),
    "sobel-y": Kernel("Sobel y", ((-1, -2, -1), (0, 0, 0), (1, 2, 1))),
    # Prewitt, Object enhancement and extraction, 1970.
    "prewitt-x": Kernel("Prewitt x", ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1))),
    "prewitt-y": Kernel("Prewitt y", ((-1, -1, -1), (0, 0, 0), (1, 1, 1))),
    # Scharr, Optimale Operatoren in der digitalen Bildverarbeitung, 2000: its whole numbers.
    "scharr-x": Kernel("Scharr x", ((-3, 0, 3), (-10, 0, 10), (-3, 0, 3))),
    "scharr-y": Kernel("Scharr y", ((-3, -10, -3), (0, 0, 0), (3, 10, 3))),
    # Sobel's turned by 45 degrees: brighter towards the lower right, or the upper right.
    "diagonal-down": Kernel("diagonal edge, down", ((-2, -1, 0), (-1, 0, 1), (0, 1, 2))),
    "diagonal-up": Kernel("diagonal edge, up", ((0, 1, 2), (-1, 0, 1), (-2, -1, 0))),
    "emboss": Kernel("emboss", ((-2, -1, 0), (-1, 1, 1), (0, 1, 2))),
    # Lines one pixel wide: Gonzalez and Woods, chapter 10.2. The diagonal ones fall, or rise, to the right.
    "vertical-line": Kernel("vertical line", ((-1, 2, -1), (-1, 2, -1), (-1, 2, -1))),
    "horizontal-line": Kernel("horizontal line", ((-1, -1, -1), (2, 2, 2), (-1, -1, -1))),
    "falling-line": Kernel("falling line", ((2, -1, -1), (-1, 2, -1), (-1, -1, 2))),
    "rising-line": Kernel("rising line", ((-1, -1, 2), (-1, 2, -1), (2, -1, -1))),
}


def gaussian(size: int, sigma: float | None = None) -> Numbers:
    """A Gaussian blur float64 [size, size] that sums to 1: exp(-(x² + y²) / 2 sigma²), in pixels from the middle.

    Without sigma the binomial numbers (1 2 1, 1 4 6 4 1 ...), whose sigma is sqrt(size - 1) / 2.
    """
    if sigma is None:
        row = np.array([comb(size - 1, k) / 2 ** (size - 1) for k in range(size)])
    else:
        away = np.arange(size, dtype=np.float64) - (size - 1) / 2
        row = np.exp(-(away**2) / (2 * sigma**2))
    square = np.outer(row, row)
    return square / square.sum()


def box(size: int) -> Numbers:
    """The mean of a square float64 [size, size]: each number 1 / size²."""
    return np.full((size, size), 1 / size**2)


def gabor(
    size: int, wavelength: float, angle: float, phase: float = 0.0, sigma: float | None = None
) -> Numbers:
    """A Gabor filter float64 [size, size]: a wave under a round Gaussian.

    exp(-(x² + y²) / 2 sigma²) cos(2 pi u / wavelength + phase), u = x cos(angle) + y sin(angle), with x to the right
    and y down, from the middle, in pixels; `angle` and `phase` in degrees: at angle 0 the stripes stand upright, at 90
    they lie; phase 0 is a line, phase -90 an edge, brighter towards u. sigma is half the wavelength unless given.
    Source: Daugman, Uncertainty relation for resolution in space, spatial frequency, and orientation, 1985, with
    aspect ratio 1.
    """
    away = np.arange(size, dtype=np.float64) - (size - 1) / 2
    x, y = away[None, :], away[:, None]
    u = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    wide = wavelength / 2 if sigma is None else sigma
    return np.exp(-(x**2 + y**2) / (2 * wide**2)) * np.cos(2 * np.pi * u / wavelength + np.radians(phase))
