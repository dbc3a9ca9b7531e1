"""One thing made wrong in an opened graph, the recorded values left alone: the closing equation has to see it.

What is made wrong is something that the opened value is made of: a weight whose input is not 0, and so on.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from _openings import made_by
from numpy.typing import NDArray

from pellucid.inside.number import Inside, Number, closes_within
from pellucid.model.opened import Opened
from pellucid.network.operations import Graph, Linear, Node, Operation
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.pooling import Pooling


@dataclass
class Seen:
    """One kind of corruption of one node: at how many single values it was `tried`, and at how many `seen`."""

    network: str
    node: str
    kind: str
    tried: int = 0
    seen: int = 0

    @property
    def text(self) -> str:
        return f"{self.network}, {self.node}: {self.kind}"


# Of an opened value: the weights' tensor made wrong in a way that this value must feel; None where there is none.
Corrupt = Callable[[Number, Inside, np.random.Generator], NDArray[np.generic] | None]


def _weight(number: Number, inside: Inside, rng: np.random.Generator) -> NDArray[np.generic] | None:
    """One weight's sign turned round: one among the larger half of the value's products."""
    part, array = _weights(number, inside)
    if part is None or array is None:
        return None
    products = np.abs(part.products)
    entry = rng.choice(np.flatnonzero((products >= np.median(products)) & (products > 0)))
    array[tuple(part.weight_index[entry])] *= -1
    return array


def _channels(number: Number, inside: Inside, rng: np.random.Generator) -> NDArray[np.generic] | None:
    """The kernels of two input channels swapped."""
    part, array = _weights(number, inside)
    if part is None or array is None or array.ndim != 4 or array.shape[1] < 2:
        return None
    # [m, c, ...] of a convolution; the channel is axis 1 of what the kernel's index says.
    alive = np.unique(part.weight_index[part.products != 0, 1])
    if len(alive) < 2:
        return None
    one, other = rng.choice(alive, 2, replace=False)
    array[:, [one, other]] = array[:, [other, one]]
    return array


def _kernel(number: Number, inside: Inside, rng: np.random.Generator) -> NDArray[np.generic] | None:
    """One kernel turned upside down and left to right, as convolution and cross-correlation differ."""
    part, array = _weights(number, inside)
    if part is None or array is None or array.ndim != 4 or array[0, 0].size == 1:
        return None
    alive = np.flatnonzero(part.products)
    m, c = part.weight_index[rng.choice(alive), :2]
    array[m, c] = array[m, c, ::-1, ::-1].copy()
    return array


def _weights(number: Number, inside: Inside):
    """The part of a value that has weights of the file, and a copy of these weights."""
    if not isinstance(number.opening, Linear) or number.node is None:
        return None, None
    for part in number.opening.parts:
        if part.weight_operand is None or part.weight_index is None or not part.products.any():
            continue
        tensor = number.node.inputs[part.weight_operand]
        if tensor in inside.opened.graph.constants:
            return part, np.array(inside.opened.values[tensor])
    return None, None


WEIGHT, CHANNELS, KERNEL, WINDOW = (
    "one weight turned round", "two channels swapped", "a kernel flipped", "the window moved by one",
)  # fmt: skip
MUTATIONS: dict[str, Corrupt | None] = {WEIGHT: _weight, CHANNELS: _channels, KERNEL: _kernel, WINDOW: None}


def try_all(network: str, opened: Opened, count: int, rng: np.random.Generator) -> list[Seen]:
    """Every corruption at `count` values of every node that it can be done to."""
    inside = Inside(opened)
    found = []
    for node in opened.graph.nodes:
        if node.operation is None:
            continue
        numbers = _numbers(inside, made_by(node)[0], count, rng)
        for kind, corrupt in MUTATIONS.items():
            seen = Seen(network, node.name, kind)
            moved = _moved(node.operation)
            for number in numbers:
                if corrupt is None:
                    if moved is None or not _uneven(number):
                        continue
                    wrong = _with(opened, node, moved, {})
                else:
                    array = corrupt(number, inside, rng)
                    if array is None:
                        continue
                    wrong = _with(opened, node, node.operation, {_weight_tensor(number): array})
                seen.tried += 1
                seen.seen += closes_within(Inside(wrong).open(number.place)) > 1
            if seen.tried:
                found.append(seen)
    return found


def _numbers(inside: Inside, tensor: str, count: int, rng: np.random.Generator) -> list[Number]:
    """Values that are not 0, as far as there are any."""
    array = inside.opened.values[tensor]
    flat = np.flatnonzero(array)
    flat = flat if len(flat) else np.arange(array.size)
    chosen = rng.choice(flat, min(count, len(flat)), replace=False)
    return [inside.open(inside.places.at(tensor, np.unravel_index(place, array.shape))) for place in chosen]


def _weight_tensor(number: Number) -> str:
    assert number.opening is not None and number.node is not None
    operand = next(part.weight_operand for part in number.opening.parts if part.weight_operand is not None)
    return number.node.inputs[operand]


def _moved(operation: Operation) -> Operation | None:
    """A convolution or pooling whose window stands one place to the left on its last axis."""
    if not isinstance(operation, Convolution | Pooling):
        return None
    before, after = operation.pads[-1]
    return replace(operation, pads=(*operation.pads[:-1], (before + 1, after - 1)))


def _uneven(number: Number) -> bool:
    """Whether there is something under the window that moving it would change."""
    opening = number.opening
    return opening is not None and any(len(np.unique(part.values)) > 1 for part in opening.parts)


def _with(opened: Opened, node: Node, operation: Operation, values: dict[str, NDArray[np.generic]]) -> Opened:
    """The same recorded values, under another operation or other weights."""
    graph = opened.graph
    nodes = tuple(replace(each, operation=operation) if each is node else each for each in graph.nodes)
    return replace(
        opened,
        graph=Graph(nodes, graph.inputs, graph.outputs, graph.constants),
        values=ChainMap(values, opened.values),  # type: ignore[arg-type]
    )


__all__: Sequence[str] = ["MUTATIONS", "Seen", "try_all"]
