"""Does it fit? Named layers, one after the other, each given its inputs' shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pellucid.errors import NetworkError
from pellucid.network.layers import Layer, Shape

INPUT = "input"
NAME = re.compile(r"(?!from$)[a-z_][a-z0-9_]*")  # `from` is a word of the text form
MOST_LAYERS = 10_000


@dataclass(frozen=True)
class Node:
    """A layer in its place: its name and the names of what it takes in (`input` is the network's own)."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Misfit:
    """The first layer that doesn't fit: its place, why, and all that fitted before it."""

    index: int
    error: NetworkError
    nodes: tuple[Node, ...]
    shapes: Mapping[str, Shape]


@dataclass(frozen=True)
class Fit:
    """Every layer with sizes given for each axis, and every shape by name."""

    nodes: tuple[Node, ...]
    shapes: Mapping[str, Shape]


def fit(input_shape: Shape, nodes: Sequence[Node]) -> Fit | Misfit:
    """Work out every shape, or find the first layer that doesn't fit."""
    shapes: dict[str, Shape] = {INPUT: input_shape}
    fitted: list[Node] = []
    for index, node in enumerate(nodes):
        try:
            if index >= MOST_LAYERS:
                raise NetworkError(f"a network has at most {MOST_LAYERS:,} layers", remedy="fewer layers")
            check_names(node, shapes)
            inputs = tuple(shapes[name] for name in node.inputs)
            layer = node.layer.for_rank(len(inputs[0]) - 1) if len(inputs[0]) > 1 else node.layer
            shape = layer.output_shape(*inputs)
        except NetworkError as error:
            return Misfit(index, error, tuple(fitted), shapes)
        fitted.append(replace(node, layer=layer))
        shapes[node.name] = shape
    return Fit(tuple(fitted), shapes)


def check_names(node: Node, known: Mapping[str, object]) -> None:
    """The node's own name is new and well formed, and its inputs are there before it."""
    if not NAME.fullmatch(node.name):
        raise NetworkError(
            "a layer's name is small letters, digits and _, not starting with a digit, and not 'from'",
            received=repr(node.name),
            remedy="another name, as in stem: conv 8 3x3",
        )
    if node.name in known:
        raise NetworkError(
            f"the name {node.name} is taken by an earlier layer", remedy="give one of them another name"
        )
    unknown = [name for name in node.inputs if name not in known]
    if unknown:
        raise NetworkError(
            f"takes in {unknown[0]}, but no layer before it has that name",
            remedy=f"one of: {', '.join(list(known)[-12:])}",
        )
    least = 2 if node.layer.joins else 1
    if len(node.inputs) < least or (not node.layer.joins and len(node.inputs) > 1):
        wanted = "two inputs or more" if node.layer.joins else "one input"
        remedy = f"{node.layer.word} NAME, where NAME is an earlier layer" if node.layer.joins else ""
        raise NetworkError(f"{node.layer.word} takes {wanted}, got {len(node.inputs)}", remedy=remedy)
