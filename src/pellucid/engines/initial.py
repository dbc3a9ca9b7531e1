"""The weights that training starts from: a pure function of the network and a seed, the same for every engine."""

from __future__ import annotations

from math import prod, sqrt
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from pellucid import draws
from pellucid.network import Network

_STREAM = 0x1217
_AT_ONCE = 1 << 20  # weights drawn at a time: bounds the memory that drawing takes


def initial_weights(network: Network, seed: int) -> dict[str, NDArray[np.float32]]:
    """Every weight and running statistic, by name.

    Convolution and dense weights are uniform within +-sqrt(6 / fan-in), so that a ReLU network keeps the size of
    its values from layer to layer (He et al. 2015, "Delving deep into rectifiers"); within a third of that in the
    layer that gives the answer, so that training starts near even odds. Biases and means are 0, batch
    normalisation's weights and variances 1.
    """
    answer = _answer(network)
    weights = {}
    for name, shape in (network.parameter_shapes | network.state_shapes).items():
        layer, _, kind = name.rpartition(".")
        if kind in ("bias", "running_mean"):
            weights[name] = np.zeros(shape, np.float32)
        elif len(shape) == 1:
            weights[name] = np.ones(shape, np.float32)
        else:
            bound = sqrt(6 / prod(shape[1:])) / (3 if layer == answer else 1)
            weights[name] = _uniform(shape, bound, seed, crc32(name.encode()))
    return weights


def _answer(network: Network) -> str:
    """The last layer with weights."""
    names = [name.rpartition(".")[0] for name, shape in network.parameter_shapes.items() if len(shape) > 1]
    return names[-1] if names else ""


def _uniform(shape: tuple[int, ...], bound: float, *keys: int) -> NDArray[np.float32]:
    values = np.empty(prod(shape), np.float32)
    for start in range(0, len(values), _AT_ONCE):
        piece = values[start : start + _AT_ONCE]
        piece[:] = (2 * draws.uniform(*keys, _STREAM, np.arange(start, start + len(piece))) - 1) * bound
    return values.reshape(shape)
