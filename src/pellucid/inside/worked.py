"""A small network worked through by hand: numbers in, every value of every layer out, each as a line of arithmetic.

No model file, no preprocessing: the numbers are what the first layer takes in.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.inside.number import Inside, Number
from pellucid.inside.plain import in_line
from pellucid.model.running import open_network
from pellucid.network import Network


class Worked:
    """A network that has been given its numbers. Places are written as everywhere: "conv1[0,2,3]", from 0."""

    def __init__(self, network: Network, inside: Inside):
        self.network = network
        self.inside = inside

    def values(self, layer: str = "") -> NDArray[np.float32]:
        """What a layer gave (unless named, the last): float32 [channels, height, width] or [values]."""
        tensor = self.inside.places.tensor(layer) if layer else self.network.output
        return np.asarray(self.inside.opened.values[tensor][0], np.float32)

    def at(self, place: str) -> Number:
        """One value, opened. SettingsError for a place that isn't there."""
        return self.inside.at(place)

    def line(self, place: str, *, padding: bool = False) -> str:
        """One value as an equation: "105*0+102*(-1)+... = 89"; with `padding` the zeros outside are written, too."""
        return in_line(self.inside, self.at(place), padding)

    def __repr__(self) -> str:
        return f"<Worked {self.network.text}>"


def work(
    network: str | Network, numbers: ArrayLike, weights: Mapping[str, ArrayLike] | None = None
) -> Worked:
    """Work a network through on `numbers`, [height, width] (one channel), [channels, height, width] or [values].

    `network`, a text such as "conv 1 3x3, relu" or a Network; `weights` by name, in any nesting with as many numbers
    ("conv1.weight" may be one kernel as rows of numbers), unless the network has its own; biases not given are 0.
    Raises NetworkError where the layers, the numbers or the weights don't fit.
    """
    array = np.asarray(numbers, np.float32)
    if array.ndim == 2:
        array = array[None]
    made = Network.from_text(network, array.shape) if isinstance(network, str) else network
    given: Mapping[str, ArrayLike] | None = None
    if weights is not None or not made.weights:
        biases = {
            name: np.zeros(shape) for name, shape in made.parameter_shapes.items() if name.endswith(".bias")
        }
        given = biases | dict(weights or {})
    return Worked(made, Inside(open_network(made, array, given)))


__all__ = ["Worked", "work"]
