"""Which weight joins which input to which output: a convolution as a matrix, small enough to be drawn.

A convolution is a dense layer most of whose weights are 0 and the others shared: a banded Toeplitz matrix, in two
dimensions a block Toeplitz one with Toeplitz blocks. A locally connected layer has the band without the sharing.
The example keeps the layer's kernel, stride, padding and dilation; it has one channel, and as few values as show them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import NetworkError
from pellucid.network.fitting import INPUT, Node
from pellucid.network.graph import Network
from pellucid.network.layers import Conv, Shape
from pellucid.network.table import Against, against_dense, against_local

MOST_CUT = 30  # values of the one-dimensional cut, padding counted
MOST_WHOLE = 64  # of the two-dimensional example
NONE = -1


@dataclass(frozen=True)
class Connections:
    """One convolution with one channel, each connection by its weight.

    `weights` [outputs, padded inputs]: the weight's place in the kernel, row by row, or NONE; `inside` [padded inputs]:
    False where the place is padding, a 0 outside the picture. Values are counted row by row.
    """

    network: Network
    weights: NDArray[np.int64]
    inside: NDArray[np.bool_]
    padded: Shape

    @property
    def dense(self) -> Against:
        """The same input and output joined by a dense layer, counted."""
        return against_dense(self.network)[0]

    @property
    def local(self) -> Against:
        """The same windows with weights of their own, counted."""
        return against_local(self.network)[0]

    @property
    def own(self) -> NDArray[np.int64]:
        """The locally connected layer's weights, numbered output by output."""
        joined = self.weights != NONE
        return np.where(joined, np.cumsum(joined).reshape(joined.shape) - 1, NONE)

    @property
    def full(self) -> NDArray[np.int64]:
        """The dense layer's weights, numbered output by output; none for padding."""
        joined = np.broadcast_to(self.inside, self.weights.shape)
        return np.where(joined, np.cumsum(joined).reshape(joined.shape) - 1, NONE)


@dataclass(frozen=True)
class Example:
    """A network's convolution, `whole` in two dimensions where that can be drawn, and `cut` in one."""

    name: str
    layer: Conv
    dense: Against
    local: Against
    whole: Connections | None
    cut: Connections


def example(network: Network, name: str = "") -> Example:
    """The named convolution, or the first, made small. NetworkError where there is none, or it reaches too far."""
    found = [node for node in network.nodes if isinstance(node.layer, Conv)]
    chosen = next((node for node in found if node.name == name or not name), None)
    if chosen is None or not isinstance(chosen.layer, Conv):
        raise NetworkError(
            f"there is no convolution called {name}"
            if found
            else "the network has no convolution to be drawn",
            where=network.text[:80],
            remedy=f"one of {', '.join(node.name for node in found[:12])}" if found else "conv 8 3x3, …",
        )
    layer, shape = chosen.layer, network.shapes[chosen.inputs[0]]
    cut = _small(layer, shape, axes=1, outputs=(4, 3, 2, 1), most=MOST_CUT)
    if cut is None:
        raise NetworkError(
            f"{chosen.name} reaches over {layer.extent[-1]} values in a row, more than can be drawn",
            where=chosen.name,
            received=f"kernel {layer.kernel[-1]}, dilation {layer.dilation[-1]}",
            remedy=f"a layer that reaches over fewer than {MOST_CUT}",
        )
    least = (3, 2) if max(network.shapes[chosen.name][-2:]) > 1 else (1,)
    whole = _small(layer, shape, axes=2, outputs=least, most=MOST_WHOLE) if len(shape) > 2 else None
    against = [next(row for row in rows if row.name == chosen.name)
               for rows in (against_dense(network), against_local(network))]  # fmt: skip
    return Example(chosen.name, layer, against[0], against[1], whole, cut)


def connected(layer: Conv, shape: Shape) -> Connections:
    """Every connection of a convolution from one channel to one; `shape` is (1, *n)."""
    network = Network(shape, (Node("conv1", layer, (INPUT,)),))
    pads = layer.pads(shape)
    padded = tuple(n + before + after for n, (before, after) in zip(shape[1:], pads, strict=True))
    outputs = network.output_shape[1:]
    weights = np.full((int(np.prod(outputs)), int(np.prod(padded))), NONE)
    for row, output in enumerate(np.ndindex(*outputs)):
        for weight, tap in enumerate(np.ndindex(*layer.kernel)):
            place = [
                o * s + t * d for o, s, t, d in zip(output, layer.stride, tap, layer.dilation, strict=True)
            ]
            weights[row, np.ravel_multi_index(place, padded)] = weight
    inside = np.pad(np.ones(shape[1:], bool), pads).ravel()
    return Connections(network, weights, inside, padded)


def _small(layer: Conv, shape: Shape, axes: int, outputs: Sequence[int], most: int) -> Connections | None:
    """The layer on its last axes, one channel, with as many outputs along each as can be drawn of those asked for."""
    last = slice(-axes, None)
    padding = layer.padding if isinstance(layer.padding, str) else layer.padding[last]
    alone = replace(
        layer, channels=1, groups=1, kernel=layer.kernel[last], stride=layer.stride[last], padding=padding,
        dilation=layer.dilation[last],
    )  # fmt: skip
    for wanted in outputs:
        for entire in (True, False):  # with a window that meets no padding, if that can be drawn
            sizes = [_length(alone, axis, shape[axis - axes], wanted, entire) for axis in range(axes)]
            if 0 in sizes:
                continue
            found = (1, *sizes)
            pads = alone.pads(found)
            if np.prod([n + a + b for n, (a, b) in zip(sizes, pads, strict=True)]) <= most:
                return connected(alone, found)
    return None


def _length(layer: Conv, axis: int, most: int, wanted: int, entire: bool) -> int:
    """The least length of an axis, up to its own, that gives so many outputs; 0 where there is none."""
    reach, stride = layer.extent[axis], layer.stride[axis]
    for n in range(reach if entire else 1, min(most, MOST_WHOLE) + 1):
        before, after = layer.pads((1, *(n for _ in layer.kernel)))[axis]
        if n + before + after >= reach and (n + before + after - reach) // stride + 1 >= wanted:
            return n
    return 0
