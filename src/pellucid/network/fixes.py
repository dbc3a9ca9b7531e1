"""What to change when a layer doesn't fit. Every fix offered has been tried: with it the network fits,
or, where more than one layer is wrong, at least this one does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from math import gcd
from typing import Any

from pellucid.errors import NetworkError
from pellucid.network.fitting import INPUT, Fit, Misfit, Node, fit
from pellucid.network.layers import Conv, Layer, Shape, Sliding, on_screen
from pellucid.network.layers.pooling import _Pool, with_window
from pellucid.network.text import layer_text

LARGEST_INPUT = 1024
MOST_TRIED = 60  # changes before the layer: each fits the whole network anew
MOST_FITTED = 20_000  # layers, over all of these trials


@dataclass(frozen=True)
class Fix:
    """What to change, in words, and the layers and input as they are then."""

    text: str
    nodes: tuple[Node, ...]
    input_shape: Shape


def suggest(input_shape: Shape, nodes: tuple[Node, ...], misfit: Misfit) -> str:
    """The fixes as a sentence's end; empty where none was found."""
    return ", or ".join(fix.text for fix in find(input_shape, nodes, misfit))


def find(input_shape: Shape, nodes: tuple[Node, ...], misfit: Misfit) -> list[Fix]:
    """One fix at the layer itself and one before it, after which all fits; or else a larger input; or else
    changes that at least get past this layer, so that the next misfit is told. May be empty."""
    at = misfit.index
    tries = max(4, min(MOST_TRIED, MOST_FITTED // len(nodes)))

    def first(enough: Callable[[Shape, tuple[Node, ...], int], bool]) -> list[Fix]:
        candidates = (_here(nodes, misfit), islice(_before(input_shape, nodes, at), tries))
        found = [
            next((change for change in group if enough(input_shape, change[1], at)), None)
            for group in candidates
        ]
        return [Fix(*change, input_shape) for change in found if change is not None]

    larger = [] if (fixed := first(_fits)) else larger_input(input_shape, nodes, at)
    return fixed or larger or first(_gets_past)


def _fits(input_shape: Shape, nodes: tuple[Node, ...], at: int) -> bool:
    return isinstance(fit(input_shape, nodes), Fit)


def _gets_past(input_shape: Shape, nodes: tuple[Node, ...], at: int) -> bool:
    """What stood at `at` fits now; something after it is wrong too, and will be told next."""
    found = fit(input_shape, nodes)
    return isinstance(found, Fit) or found.index > at


def _here(nodes: tuple[Node, ...], misfit: Misfit) -> Iterator[tuple[str, tuple[Node, ...]]]:
    node = nodes[misfit.index]
    shape = misfit.shapes[node.inputs[0]] if node.inputs and node.inputs[0] in misfit.shapes else ()
    layer = node.layer
    if len(shape) < 2:
        return
    rank = len(shape) - 1
    ranked = _of_rank(layer, rank)
    if ranked != layer:
        yield layer_text(ranked), _with(nodes, misfit.index, ranked)
        layer = ranked
    try:
        full = layer.for_rank(rank)
    except NetworkError:  # more is wrong with it than the number of axes
        return
    if isinstance(full, _Pool) and isinstance(layer, _Pool):
        window = full.window
        smaller = with_window(layer, tuple(min(f, n) for f, n in zip(window, shape[1:], strict=True)))
        yield layer_text(smaller), _with(nodes, misfit.index, smaller)
    if isinstance(full, Conv) and isinstance(layer, Conv):
        groups = gcd(shape[0], layer.channels, layer.groups)
        if groups != layer.groups:
            regrouped = replace(layer, groups=groups)
            yield layer_text(regrouped), _with(nodes, misfit.index, regrouped)
        padded = replace(layer, padding="same")
        text = layer_text(padded) if layer != node.layer else f"{node.name} with pad same"
        yield text, _with(nodes, misfit.index, padded)
        kernel = full.kernel
        smaller = replace(layer, kernel=tuple(min(f, n) for f, n in zip(kernel, shape[1:], strict=True)))
        yield layer_text(smaller), _with(nodes, misfit.index, smaller)


def _before(input_shape: Shape, nodes: tuple[Node, ...], at: int) -> Iterator[tuple[str, tuple[Node, ...]]]:
    """The nearest earlier layer first: stride 1, then padding, then without the pooling."""
    for index in range(at - 1, -1, -1):
        node = nodes[index]
        if not isinstance(node.layer, Sliding):
            continue
        if isinstance(node.layer, Conv) and set(node.layer.stride) != {1}:
            changed = _with(nodes, index, replace(node.layer, stride=(1,)))
            yield f"{node.name} with stride 1{_gives(input_shape, changed, index)}", changed
        if isinstance(node.layer, Conv) and node.layer.padding != "same":
            changed = _with(nodes, index, replace(node.layer, padding="same"))
            yield f"{node.name} with pad same{_gives(input_shape, changed, index)}", changed
        if isinstance(node.layer, _Pool):
            yield f"leave out {node.name}", _without(nodes, index)


def _gives(input_shape: Shape, nodes: tuple[Node, ...], index: int) -> str:
    found = fit(input_shape, nodes[: index + 1])
    shape = found.shapes.get(nodes[index].name, ())
    return f" (gives {' x '.join(str(n) for n in shape[1:])})" if shape else ""


def _of_rank(layer: Layer, rank: int) -> Layer:
    """The layer for so many axes: sizes given for more are cut, their last is repeated where they are too few.

    Where no size is given for a wrong number of axes, it is the layer itself.
    """
    wrong = {name: value for name, value in _sizes(layer).items() if len(value) not in (1, rank)}
    return replace(
        layer, **{name: value[:rank] + value[-1:] * (rank - len(value)) for name, value in wrong.items()}
    )


def _sizes(layer: Layer) -> dict[str, tuple[Any, ...]]:
    """The hyperparameters that are given for each axis."""
    named = {argument.field: getattr(layer, argument.field) for argument in layer.arguments}
    return {name: value for name, value in named.items() if isinstance(value, tuple)}


def _with(nodes: tuple[Node, ...], index: int, layer: Layer) -> tuple[Node, ...]:
    return (*nodes[:index], replace(nodes[index], layer=layer), *nodes[index + 1 :])


def _without(nodes: tuple[Node, ...], index: int) -> tuple[Node, ...]:
    gone = nodes[index]
    return tuple(
        replace(node, inputs=tuple(gone.inputs[0] if name == gone.name else name for name in node.inputs))
        for node in (*nodes[:index], *nodes[index + 1 :])
    )


def larger_input(input_shape: Shape, nodes: tuple[Node, ...], at: int) -> list[Fix]:
    """The smallest input of the same channels, at least as large on each axis, that all of it fits."""
    if not isinstance(nodes[at].layer, Sliding) or len(input_shape) < 2:
        return []
    small, large = 0, 1
    while not _fits(_grown(input_shape, large), nodes, at):
        small, large = large, large * 2
        if max(_grown(input_shape, large)[1:]) > LARGEST_INPUT:
            return []
    while large - small > 1:
        middle = (small + large) // 2
        small, large = (small, middle) if _fits(_grown(input_shape, middle), nodes, at) else (middle, large)
    size = "x".join(str(n) for n in on_screen(_grown(input_shape, large)))
    return [Fix(f"a larger {INPUT}: {size} fits", nodes, _grown(input_shape, large))]


def _grown(shape: Shape, by: int) -> Shape:
    return (shape[0], *(n + by for n in shape[1:]))
