"""One training step of small networks, by the compiled engine and by NumPy: whether this processor runs it right."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pellucid.engines.native.plan import compile_plan
from pellucid.native import native
from pellucid.network import Network

_NETWORKS = [  # the second one's convolution is done by tiles
    ("conv 5 3x3 pad 1, maxpool 2, relu, flatten, dense 3", (2, 6, 8)),
    ("conv 12 3x3 pad 1, maxpool 2, relu, flatten, dense 3", (8, 8, 8)),
]
_PICTURES = 18  # one full block, and one that is nearly empty

Array = NDArray[np.float64]


def difference(instructions: str) -> float:
    """Largest difference of a weight after one step of gradient descent, as a share of the largest step."""
    return max(_difference(Network.from_text(line, shape), instructions) for line, shape in _NETWORKS)


def _difference(network: Network, instructions: str) -> float:
    channels, *size = network.input_shape
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.3, shape) for name, shape in network.parameter_shapes.items()}
    pixels = rng.integers(0, 256, (_PICTURES, *size, channels), np.uint8)
    labels = rng.integers(0, 3, _PICTURES)
    plan = compile_plan(network)
    assert native
    core = native.Trainer.open(
        network=plan.compiled, instructions=instructions, pixels=pixels, labels=labels,
        scale=[1 / 128] * channels, shift=[-1.0] * channels,
        parameters=[(p.offset, p.count, False, False, 0) for p in plan.parameters.values()],
        batch=_PICTURES, piece=1, groups=2, threads=1, optimiser=2, momentum=0.0, beta2=0.9, epsilon=1e-8, decay=0.0,
        smoothing=0.0, averaging=0.0, clip=0.0, seed=0, class_weights=[],
    )  # fmt: skip
    start = np.concatenate([array.reshape(-1) for array in weights.values()]).astype(np.float32)
    core.write("weights", start)
    core.steps(np.arange(_PICTURES)[None], np.ones(1, np.float32), 0, None, None, None, None)
    found = start.astype(np.float64) - core.read("weights")
    x = pixels.transpose(0, 3, 1, 2) / 128 - 1
    expected = np.concatenate([g.reshape(-1) for g in _gradients(x, labels, *weights.values())])
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def _gradients(
    x: Array, labels: NDArray[np.int64], kernel: Array, bias: Array, matrix: Array, offset: Array
) -> tuple[Array, ...]:
    """Of the mean cross-entropy, in float64, by kernel, bias, matrix and offset."""
    n, outputs = len(x), len(kernel)
    windows = sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
    planes = np.einsum("nchwij,ocij->nohw", windows, kernel) + bias[:, None, None]
    height, width = planes.shape[2] // 2, planes.shape[3] // 2
    cells = (
        planes.reshape(n, outputs, height, 2, width, 2).swapaxes(3, 4).reshape(n, outputs, height, width, 4)
    )
    pooled = cells.max(-1)
    flat = np.maximum(pooled, 0).reshape(n, -1)
    logits = flat @ matrix.T + offset
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[np.arange(n), labels] -= 1
    p /= n
    back = (p @ matrix).reshape(pooled.shape) * (pooled > 0)
    where = (np.arange(4) == cells.argmax(-1)[..., None]) * back[..., None]
    planes_back = where.reshape(n, outputs, height, width, 2, 2).swapaxes(3, 4).reshape(planes.shape)
    return (
        np.einsum("nchwij,nohw->ocij", windows, planes_back),
        planes_back.sum((0, 2, 3)),
        p.T @ flat,
        p.sum(0),
    )
