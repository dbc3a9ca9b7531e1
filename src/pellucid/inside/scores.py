"""What an explanation starts from: the classes' scores, the network's input, the layer to look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ModelError, SettingsError
from pellucid.inside.places import Places
from pellucid.model.opened import Opened
from pellucid.network.operations import Graph, Index, Node, Shape
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.dense import Gemm, MatMul
from pellucid.network.operations.movement import Movement
from pellucid.network.operations.pointwise import Cast, Pointwise
from pellucid.network.operations.pooling import Pooling
from pellucid.network.operations.softmax import Softmax
from pellucid.network.operations.transposed import TransposedConvolution
from pellucid.storage import shown

Array = NDArray[Any]
# A class by its place, or (a, b): a and not b, the difference of their scores.
Target = int | tuple[int, int]
_WITH_WEIGHTS = (Convolution, TransposedConvolution, Gemm, MatMul)
_SLIDING = (Convolution, TransposedConvolution)


@dataclass(frozen=True, eq=False)
class Scores:
    """The classes' scores: the tensor `name` of this shape, its `values` [classes] as the runtime stored them.

    `softmax`: they go into a last softmax (they are logits); else they are the network's own output.
    """

    name: str
    shape: Shape
    values: NDArray[np.float64]
    softmax: bool

    def index(self, which: int) -> Index:
        """Where a class' score stands in the tensor. SettingsError for a class that isn't there."""
        if not 0 <= which < len(self.values):
            raise SettingsError(
                "there is no such class", where="class", received=str(which),
                remedy=f"one of 0 to {len(self.values) - 1}",
            )  # fmt: skip
        return tuple(int(n) for n in np.unravel_index(which, self.shape))

    def coefficients(self, target: Target) -> NDArray[np.float64]:
        """What the scores are multiplied by, in the tensor's shape, so that the sum is the target's."""
        found = np.zeros(self.shape)
        for which, sign in zip(target if isinstance(target, tuple) else (target,), (1.0, -1.0), strict=False):
            found[self.index(which)] += sign
        return found

    def of(self, target: Target) -> float:
        """The target's score."""
        return float((self.coefficients(target).ravel() * self.values).sum())


def find_scores(opened: Opened) -> Scores:
    """The logits that go into the last softmax, or the output where there is none. ModelError where the output isn't
    one score a class of one picture."""
    graph = opened.graph
    output = name = graph.outputs[0]
    softmax = False
    while name in graph.maker:
        node = graph.maker[name][0]
        moved = isinstance(node.operation, Movement | Cast) and opened.values[node.inputs[0]].size == (
            opened.values[name].size
        )
        if not moved and not isinstance(node.operation, Softmax):
            break
        name = node.inputs[0]
        if isinstance(node.operation, Softmax):
            softmax = True
            break
    name = name if softmax else output
    values = opened.values[name]
    if sum(n > 1 for n in values.shape) > 1 or not values.size:
        raise ModelError(
            "the network's output isn't one score for each class of one picture", where=opened.where,
            received=f"{shown(name)} {'x'.join(map(str, values.shape))}", remedy="open it on a single picture",
        )  # fmt: skip
    return Scores(name, values.shape, values.astype(np.float64).ravel(), softmax)


def find_input(opened: Opened, scores: Scores) -> str:
    """The tensor where the network proper begins: the last floating point one before the first weights that every way
    from the picture to the scores goes through."""
    graph = opened.graph
    first = next((node for node in graph.nodes if isinstance(node.operation, _WITH_WEIGHTS)), None)
    names = list(graph.inputs)
    for node in graph.nodes:
        if node is first:
            break
        names += [name for name in node.outputs if name]
    for name in reversed(names):
        array = opened.values[name]
        # A picture has places; flattened it couldn't be drawn.
        if array.dtype.kind == "f" and array.ndim >= 3 and not _way_round(graph, name, scores.name):
            return name
    raise ModelError(
        "no floating point picture goes into this network", where=opened.where,
        received=f"inputs {', '.join(shown(name) for name in graph.inputs)}",
        remedy="occlusion needs none and works with any network",
    )  # fmt: skip


def _way_round(graph: Graph, name: str, end: str) -> bool:
    """Whether something gets from the graph's inputs to `end` without going through the tensor `name`."""
    reached = set(graph.inputs) - {name}
    for node in graph.nodes:
        if reached & set(node.inputs):
            reached |= set(node.outputs) - {name}
    return end in reached - {""}


def way_to(graph: Graph, name: str) -> tuple[Node, ...]:
    """The nodes from the graph's inputs to a tensor, in order: how a picture's pixels come there."""
    needed, found = {name}, []
    for node in reversed(graph.nodes):
        if needed & set(node.outputs):
            found.append(node)
            needed |= set(node.inputs)
    return tuple(reversed(found))


def find_layer(opened: Opened, start: str, scores: Scores, name: str | None = None) -> str:
    """The tensor whose maps Grad-CAM weighs: of the node or tensor `name`, or else chosen.

    Chosen is the last convolution whose maps have more than one place, with all that follows it at the same size
    (normalisation, activation, the sum with a residual), before pooling or flattening; where pooling comes before the
    activation, that activation. SettingsError where `name` is
    unknown or has no places, ModelError where nothing has.
    """
    tensors = list(_between(opened, start, scores))
    if name is not None:
        return _named(opened, name, tensors)
    spatial: Shape | None = None
    found, active = None, True
    for each, node in tensors:
        shape = opened.values[each].shape
        if len(shape) < 3 or prod(shape[2:]) == 1:
            continue
        if isinstance(node.operation, _SLIDING):
            found, spatial, active = each, shape[2:], False
        elif not isinstance(node.operation, Pooling):
            activation = isinstance(node.operation, Pointwise)
            if shape[2:] == spatial or (activation and not active):
                found, spatial, active = each, shape[2:], active or activation
    if found is None:
        raise ModelError(
            "no convolution of this network has maps with places", where=opened.where,
            remedy="take occlusion or the input gradient instead",
        )  # fmt: skip
    return found


def _between(opened: Opened, start: str, scores: Scores) -> Iterator[tuple[str, Node]]:
    """The tensors that follow from `start` and lead to the scores, in order, each with its node."""
    needed = way_to(opened.graph, scores.name)
    moved = {start}
    for node in needed:
        if moved & set(node.inputs):
            names = [name for name in node.outputs if name]
            moved |= set(names)
            yield from ((name, node) for name in names)


def _named(opened: Opened, name: str, tensors: list[tuple[str, Node]]) -> str:
    tensor = Places(opened).tensor(name)
    shapes = {each: opened.values[each].shape for each, _ in tensors}
    known = [each for each, shape in shapes.items() if len(shape) >= 3 and prod(shape[2:]) > 1]
    if tensor not in known:
        raise SettingsError(
            "this has no maps with places on the way to the scores", where="layer", received=shown(name),
            remedy=f"one of {', '.join(shown(each) for each in known)}" if known else "take occlusion instead",
        )  # fmt: skip
    return tensor
