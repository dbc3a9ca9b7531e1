"""A network: named layers and what flows between them, with or without its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import NetworkError
from pellucid.network import fixes, text
from pellucid.network.fitting import INPUT, Misfit, Node, fit
from pellucid.network.layers import AXES, Layer, Shape, on_screen

if TYPE_CHECKING:
    from pellucid.network.table import Summary

Array = NDArray[np.float32]
LARGEST_SIDE = 65_536


@dataclass(frozen=True, eq=False)
class Network:
    """Layers in an order in which each comes after its inputs.

    Parameters: `input_shape`, channel first: (channels, length), (channels, height, width) or (channels, depth,
    height, width), or (values,); `nodes`, checked and given full sizes; `weights` by name ("conv1.weight"),
    float32, all of them or none.
    Raises NetworkError where the layers don't fit; its `fitted` is the part before the one that broke.
    """

    input_shape: Shape
    nodes: tuple[Node, ...]
    weights: Mapping[str, Array] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _check_input(self.input_shape)
        found = fit(self.input_shape, self.nodes)
        if isinstance(found, Misfit):
            raise self._explained(found)
        object.__setattr__(self, "nodes", found.nodes)
        object.__setattr__(self, "shapes", MappingProxyType(dict(found.shapes)))
        object.__setattr__(self, "weights", MappingProxyType(self._checked(self.weights)))

    @classmethod
    def from_text(cls, line: str, input_shape: Shape) -> Self:
        """A network from its one-line text (see `pellucid.network.text`) and its input's shape, channels first."""
        return cls(input_shape, text.parse(line))

    @property
    def text(self) -> str:
        """The canonical one-line text; `Network.from_text` of it gives these layers again."""
        return text.write(self.nodes)

    @property
    def output(self) -> str:
        """The name of the last layer."""
        return self.nodes[-1].name if self.nodes else INPUT

    @property
    def output_shape(self) -> Shape:
        """What the last layer gives."""
        return self.shapes[self.output]

    def inputs_of(self, node: Node) -> tuple[Shape, ...]:
        """The shapes that flow into a layer."""
        return tuple(self.shapes[name] for name in node.inputs)

    @cached_property
    def parameter_shapes(self) -> dict[str, Shape]:
        """The shape of everything learned, or frozen, by name, in the order of the layers."""
        return self._named_shapes(lambda layer, inputs: layer.weight_shapes(*inputs))

    @cached_property
    def state_shapes(self) -> dict[str, Shape]:
        """The shapes of running statistics: kept with the weights, not learned by gradient."""
        return self._named_shapes(lambda layer, inputs: layer.state_shapes(*inputs))

    @cached_property
    def frozen(self) -> frozenset[str]:
        """The names of the parameters that training leaves as they are."""
        return frozenset(
            f"{node.name}.{name}"
            for node in self.nodes
            if getattr(node.layer, "frozen", False)
            for name in node.layer.weight_shapes(*self.inputs_of(node))
        )

    @property
    def parameter_count(self) -> int:
        """How many numbers are learned, or frozen."""
        return sum(prod(shape) for shape in self.parameter_shapes.values())

    @property
    def mult_adds(self) -> int:
        """Multiplications of an input by a weight for one example."""
        return sum(node.layer.mult_adds(*self.inputs_of(node)) for node in self.nodes)

    def with_weights(self, weights: Mapping[str, Array]) -> Self:
        """The same layers with these weights and running statistics: all of them, each of its shape."""
        return replace(self, weights=weights)

    def without_weights(self) -> Self:
        """The layers alone."""
        return replace(self, weights={})

    def summary(self) -> Summary:
        """A row for each layer: shape, parameters, mult-adds, receptive field."""
        from pellucid.network.table import rows  # it knows networks

        return rows(self)

    def diagram(self, title: str = "", *, fold: bool = False, down: bool = False) -> str:
        """The network as a block diagram, one SVG element: every layer to scale and in words, every connection.

        `title` stands above, the text of the network unless given; `fold` draws what repeats in a row once, with its
        count; `down` lets data flow down, else to the right in rows. NetworkError where it couldn't be read.
        """
        from pellucid.network.diagram import diagram  # it knows networks

        return diagram(self, title, fold, down)

    def then(self, line: str) -> Self:
        """This network followed by further layers, without weights."""
        return type(self).from_text(f"{self.text}, {line}", self.input_shape)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Network):
            return NotImplemented
        return (
            self.input_shape == other.input_shape
            and self.nodes == other.nodes
            and self.weights.keys() == other.weights.keys()
            and all(np.array_equal(self.weights[name], other.weights[name]) for name in self.weights)
        )

    def __hash__(self) -> int:
        return hash((self.input_shape, self.nodes))

    def __repr__(self) -> str:
        size = "x".join(str(n) for n in on_screen(self.input_shape))
        weights = "with" if self.weights else "without"
        return f"<Network {size}: {self.text} · {self.parameter_count:,} parameters, {weights} weights>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from pellucid.network.notebook import diagram_html  # it knows networks

        summary = self.summary()
        html = summary._repr_html_() + diagram_html(self)
        return {"text/plain": f"{self!r}\n{summary!r}", "text/html": html}

    def _named_shapes(self, of: Callable[[Layer, tuple[Shape, ...]], dict[str, Shape]]) -> dict[str, Shape]:
        return {
            f"{node.name}.{name}": shape
            for node in self.nodes
            for name, shape in of(node.layer, self.inputs_of(node)).items()
        }

    def _checked(self, weights: Mapping[str, Array]) -> dict[str, Array]:
        """The weights in the layers' order, each of its shape; empty stays empty."""
        if not weights:
            return {}
        wanted = self.parameter_shapes | self.state_shapes
        checked = {}
        for name, shape in wanted.items():
            if name not in weights:
                raise NetworkError(
                    f"the weight {name} is missing", where=f"weights for {text.write(self.nodes)[:80]}"
                )
            array = np.asarray(weights[name], dtype=np.float32)
            if array.shape != shape:
                raise NetworkError(
                    f"the weight {name} has the wrong shape",
                    received=str(array.shape),
                    remedy=f"{shape} is needed",
                )
            checked[name] = array
        unknown = sorted(weights.keys() - wanted.keys())
        if unknown:
            raise NetworkError(
                f"there is no weight called {unknown[0]}", remedy=f"the weights are {', '.join(wanted)}"
            )
        return checked

    def _explained(self, misfit: Misfit) -> NetworkError:
        """The layer's own error, with the layer's name, a fix that works, and the network before it."""
        error, node = misfit.error, self.nodes[misfit.index]
        return NetworkError(
            f"{node.name} does not fit: {error.what}",
            where=f"{node.name}: {text.node_text(node, misfit.nodes[-1].name if misfit.nodes else INPUT)}",
            received=error.received,
            remedy=error.remedy
            or fixes.suggest(self.input_shape, self.nodes, misfit)
            or "change this layer's sizes, or those of the layers before it",
            fitted=Network(self.input_shape, misfit.nodes),
        )


def _check_input(shape: Shape) -> None:
    valid = (
        isinstance(shape, tuple)
        and 1 <= len(shape) <= 1 + max(AXES)
        and all(isinstance(n, int) and 1 <= n <= LARGEST_SIDE for n in shape)
    )
    if not valid:
        raise NetworkError(
            "an input's shape is (channels, length), (channels, height, width) or (channels, depth, height, width), "
            f"each from 1 to {LARGEST_SIDE:,}",
            received=repr(shape),
        )
