"""What questions and workings say alike: conventions, matrices, the formula of sizes with its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.exercises.question import block

SLIDES = "The kernel slides as networks do it, without being flipped (cross-correlation)."
FLIPS = "Convolution in the mathematicians' sense: the kernel is turned by 180 degrees, then slid."
FROM_ONE = "Rows and columns are counted from 1, from the top left."
NO_PADDING = "No padding, stride 1."
ZEROS = "Padding is zeros, on all four sides alike."
SIZES = "Sizes are height x width x channels."
WHOLE_WINDOWS = "Only windows that fit whole are laid: the quotient is rounded down."
EACH_SIDE = "Padding p means p rows or columns of zeros on each of the four sides."
ROW_BY_ROW = "Flattening takes channel after channel, each row by row."


def grid(array: NDArray[Any]) -> str:
    """A matrix as a fenced block."""
    return block([[float(n) for n in row] for row in np.atleast_2d(array)])


def grids(arrays: NDArray[Any], name: str) -> str:
    """[c, h, w], channel by channel, each under its name."""
    return "\n\n".join(f"{name} {k}:\n\n{grid(each)}" for k, each in enumerate(arrays, 1))


def size_line(n: int, f: int, p: int = 0, s: int = 1, d: int = 1, axis: str = "") -> str:
    """floor((n + 2p - f)/s + 1) with its numbers; a dilated kernel by its reach."""
    reach = d * (f - 1) + 1
    dilated = f"the kernel reaches over d(f - 1) + 1 = {d}*({f} - 1) + 1 = {reach} places; " if d > 1 else ""
    out = (n + 2 * p - reach) // s + 1
    name = f"{axis}: " if axis else ""
    return f"{name}{dilated}`floor((n + 2p - f)/s + 1) = floor(({n} + 2*{p} - {reach})/{s} + 1) = {out}`"


def options(padding: int = 0, stride: int = 1, dilation: int = 1, bias: int | None = None) -> str:
    """ "stride 2, padding 1 and bias -3": what isn't as usual, and what is, where a student may wonder."""
    words = [f"stride {stride}", f"padding {padding}" if padding else "no padding"]
    if dilation > 1:
        words.append(f"dilation {dilation}")
    if bias is not None:
        words.append(f"bias {bias}")
    return joined(words)


def joined(words: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def ordinal(n: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th."""
    suffix = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n:,}{suffix}"
