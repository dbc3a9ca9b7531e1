"""What native/module.cpp holds: arrays in, arrays filled; Python's lock is let go of meanwhile."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

def instructions() -> list[str]:
    """The sets of instructions that this processor has a resize for; the last is the best."""

def resize(
    pictures: NDArray[np.uint8],
    size: tuple[int, int],
    offset: tuple[int, int],
    target: NDArray[np.uint8],
    luma: tuple[int, int, int],
    instructions: str = "",
) -> None:
    """uint8 [n, H, W, 1 or 3] resized to `size`, cut out from `offset` (top, left) on into `target` [n, h, w, 1 or 3].

    Linear, antialiased, with onnxruntime's bits. Places outside the resized picture repeat its border. Grey is
    repeated for three channels; colour becomes grey by `luma`, weights of 1/65536. ValueError or TypeError where the
    arrays don't fit.
    """

def filter_instructions() -> list[str]:
    """The sets of instructions that this processor has a correlation for; the last is the best."""

def correlate(
    pixels: NDArray[np.uint8] | NDArray[np.float32],
    weights: NDArray[np.float32],
    stride: tuple[int, int],
    before: tuple[int, int],
    dilation: tuple[int, int],
    border: int,
    volume: bool,
    target: NDArray[np.float32],
    threads: int,
    instructions: str = "",
) -> None:
    """[h, w, c] under weights [1 or c, kh, kw] into `target` [h', w', c], or [h', w', 1] for a volume.

    Pairs are (down, across); `before` is the padding above and left. `border` is 0 for zeros, 1 for the picture
    mirrored without its outermost pixels, 2 for those pixels repeated. ValueError or TypeError where the arrays don't
    fit.
    """

def digest_instructions() -> list[str]:
    """The sets of instructions that this processor has sums for; the last is the best."""

crc_and_sums: Callable[..., tuple[int, bytes]] | None
"""crc_and_sums(values, instructions=""): of uint8 [n], zlib's CRC-32, and the sums modulo 2^64 of every 512th group
of 8 bytes; None where zlib is as quick."""
