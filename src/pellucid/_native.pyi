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

def blake2b_rows(prefix: bytes, rows: NDArray[np.uint8], target: NDArray[np.uint8]) -> None:
    """BLAKE2b of `prefix` and each row of `rows` [n, size], into `target` [n, 1 to 64 bytes]."""

def multiply_add_rate(instructions: str, threads: int, seconds: float) -> float:
    """Floating-point operations a second, of all threads together, of a loop of products and sums in registers."""

def triad_rate(instructions: str, threads: int, bytes: int, seconds: float) -> float:
    """Bytes a second of a[i] = b[i] + factor * c[i], of all threads together, each with `bytes` of its own arrays."""

def train_instructions() -> list[str]:
    """The sets of instructions that this processor can train with; the last is the best."""

class TrainNetwork:
    """A network as the training engine's steps, built up in order. Tensors are numbers; the first is the input.

    Weights are offsets into one flat array, -1 where a layer has none. What doesn't fit is a ValueError when a trainer
    is opened.
    """

    def __init__(self, weights: int, statistics: int) -> None: ...
    def tensor(self, channels: int, rows: int, columns: int, halo: int, gradient_halo: int) -> int:
        """A place for values and, where they are needed, gradients, with so many columns of zeros on both sides."""

    def conv(
        self,
        input: int,
        output: int,
        weight: int,
        bias: int,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        before: tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
        frozen: bool,
    ) -> None: ...
    def dense(self, input: int, output: int, weight: int, bias: int, frozen: bool) -> None: ...
    def curve(self, input: int, output: int, curve: int, slope: float) -> None: ...
    def pool(
        self,
        input: int,
        output: int,
        largest: bool,
        rows: list[tuple[int, int]],
        columns: list[tuple[int, int]],
        divisor: float,
    ) -> None: ...
    def norm(
        self, input: int, output: int, weight: int, bias: int, mean: int, variance: int, epsilon: float
    ) -> None: ...
    def add(self, inputs: list[int], output: int) -> None: ...
    def concat(self, inputs: list[int], output: int) -> None: ...
    def copy(self, input: int, output: int) -> None: ...
    def dropout(self, input: int, output: int, rate: float, number: int) -> None: ...
    def pad(self, input: int, output: int, rows: list[int], columns: list[int]) -> None: ...

class Trainer:
    """A network being trained; see engines/native/trainer.py. MemoryError where there isn't enough."""

    @staticmethod
    def open(
        network: TrainNetwork,
        instructions: str,
        pixels: NDArray[np.uint8],
        labels: NDArray[np.int64],
        scale: list[float],
        shift: list[float],
        parameters: list[tuple[int, int, bool, bool, int]],
        batch: int,
        piece: int,
        groups: int,
        threads: int,
        optimiser: int,
        momentum: float,
        beta2: float,
        epsilon: float,
        decay: float,
        smoothing: float,
        averaging: float,
        clip: float,
        seed: int,
        class_weights: list[float],
    ) -> Trainer:
        """`parameters` are (offset, count, whether weight decay is for it, whether it is frozen, its rows if
        Muon takes it as a matrix, else 0)."""

    def steps(
        self,
        rows: NDArray[np.int64],
        rates: NDArray[np.float32],
        first: int,
        affine: NDArray[np.float32] | None,
        gain: NDArray[np.float32] | None,
        offset: NDArray[np.float32] | None,
        erase: NDArray[np.int32] | None,
    ) -> tuple[float, int, int]:
        """Loss, right answers and pictures, summed."""

    def measure(self) -> None:
        """Count `seconds` from here on, from 0."""

    @property
    def seconds(self) -> list[float]:
        """Of all threads together: of each compiled step forward and back, loading, the loss; then on the clock:
        preparing weights, the optimiser. Without `measure` empty."""

    def logits(self, rows: NDArray[np.int64], averaged: bool, classes: int) -> NDArray[np.float32]: ...
    def read(self, part: str) -> NDArray[np.float32]:
        """A copy of `weights`, `average`, `exp_avg` or `exp_avg_sq`, flat."""

    def write(self, part: str, values: NDArray[np.float32]) -> None: ...
    taken: int
    @property
    def bytes(self) -> int: ...
