"""Many pictures through a model's network by the compiled engine, where that is faster than onnxruntime.

It computes 16 pictures side by side in each thread: one alone onnxruntime answers sooner, 32 and more the engine, 1.3
to 7 times (benchmarks/forward.py). What the file says stays the measure: before the engine is used, it is held against
onnxruntime's answers to the first pictures.
"""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.contract import Recipe
from pellucid.engines.native import open_trainer, unable
from pellucid.errors import EngineError
from pellucid.images.threads import cpu_count
from pellucid.model.pixels import pixel_maker
from pellucid.model.preprocessing import Preprocessing
from pellucid.native import native
from pellucid.network import Network

AT_ONCE = 256  # pictures
MOST_WEIGHTS = 4_000_000  # of a larger network's time most goes into preparing them; it would hold gigabytes
_ALIKE = 1e-5  # of a probability


class Forward:
    """Probabilities float32 [n, classes] of raw pictures uint8 [n, height, width, 1 or 3], as the file's graph has
    them: resized, normalised, through the network, divided by the temperature, softmax."""

    def __init__(
        self, network: Network, preprocessing: Preprocessing, temperature: float, threads: int | None
    ):
        size = (preprocessing.height, preprocessing.width, preprocessing.channels)
        self._pixels = np.zeros((AT_ONCE, *size), np.uint8)
        self._made = pixel_maker(preprocessing)
        self._alone = (
            Lock()
        )  # the engine reads the one array, whoever asks: a server asks from several threads
        self._factor = np.float32(1 / temperature)
        self._trainer = open_trainer(
            network, self._pixels, np.zeros(AT_ONCE, np.int64), np.array(preprocessing.scale, np.float32),
            np.array(preprocessing.shift, np.float32), Recipe(batch_size=AT_ONCE, threads=threads or cpu_count()),
        )  # fmt: skip

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts = []
        for first in range(0, len(pictures), AT_ONCE):
            part = self._made(pictures[first : first + AT_ONCE])
            with self._alone:
                self._pixels[: len(part)] = part
                parts.append(self._trainer.logits(np.arange(len(part)), averaged=False) * self._factor)
        scores = np.concatenate(parts)
        powers = np.exp(scores - scores.max(1, keepdims=True))
        return powers / powers.sum(1, keepdims=True)

    def agrees(self, pictures: NDArray[np.uint8], expected: NDArray[np.float32]) -> bool:
        """Whether its answers to these pictures are onnxruntime's, within rounding."""
        return bool(np.abs(self(pictures) - expected).max() <= _ALIKE)


def many(threads: int | None) -> int:
    """How many pictures it has to be: enough for each thread, and more than a run's last check has."""
    return max(64, 16 * (threads or cpu_count()))


def forward_of(
    network: Network, preprocessing: Preprocessing, temperature: float, threads: int | None
) -> Forward | None:
    """None where the compiled engine is not here, has no way for a layer, or would take much memory."""
    large = network.parameter_count > MOST_WEIGHTS
    if native is None or large or unable(network) or len(network.input_shape) != 3:
        return None
    try:
        return Forward(network, preprocessing, temperature, threads)
    except EngineError:
        return None
