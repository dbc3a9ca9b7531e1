"""What reaches what, exactly: the pixels that a value depends on, and the values that a pixel or a weight reaches.

By structure, not by value: a weight of zero and the losers of a maximum count. Branches and residual additions are
followed along every way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.inside.number import Inside
from pellucid.inside.places import Place

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Reach:
    """`masks`: for each tensor on the way, which of its values (its own shape, batch included). `exact` is False where
    an operation isn't known, and all its inputs are taken to reach all its outputs."""

    start: Place
    masks: Mapping[str, Mask]
    exact: bool

    def count(self, tensor: str) -> int:
        """How many values of a tensor."""
        return int(self.masks[tensor].sum()) if tensor in self.masks else 0


def receptive_field(inside: Inside, place: Place, weights: bool = False) -> Reach:
    """Everything that reaches one value: masks of all tensors before it, the picture among them.

    With `weights`, also which weights and constants take part.
    """
    mask = _one(inside.opened.values[place.tensor].shape, place.full)
    return field_of(inside, place, mask, weights)


def field_of(inside: Inside, place: Place, mask: Mask, weights: bool = False) -> Reach:
    """Everything that reaches any of the marked values of the tensor of `place`."""
    graph, values = inside.opened.graph, inside.opened.values
    masks: dict[str, Mask] = {place.tensor: mask}
    exact = True
    for node in reversed(graph.nodes):
        for output, name in enumerate(node.outputs):
            if name not in masks:
                continue
            if node.operation is None:
                exact = False
                found = [np.ones(values[each].shape, bool) if each else None for each in node.inputs]
            else:
                found = node.operation.reach(inside.operands(node), masks[name], output)
            for each, reached in zip(node.inputs, found, strict=True):
                if each and reached is not None and (weights or each not in graph.constants):
                    masks[each] = masks[each] | reached if each in masks else reached
    return Reach(place, masks, exact)


def reached_by(inside: Inside, place: Place) -> Reach:
    """Everything that a pixel, a value or a weight reaches: masks of all tensors after it."""
    graph, values = inside.opened.graph, inside.opened.values
    masks: dict[str, Mask] = {place.tensor: _one(values[place.tensor].shape, place.full)}
    exact = True
    for node in graph.nodes:
        marked = [(number, name) for number, name in enumerate(node.inputs) if name in masks]
        for output, made in enumerate(node.outputs if marked else ()):
            if not made:
                continue
            if node.operation is None:
                exact = False
                masks[made] = np.ones(values[made].shape, bool)
                continue
            operands = inside.operands(node)
            found = [node.operation.spread(operands, number, masks[name], output) for number, name in marked]
            mask = np.logical_or.reduce(found)
            if mask.any():
                masks[made] = mask
    return Reach(place, masks, exact)


def picture_mask(inside: Inside, reach: Reach, tensor: str) -> Mask | None:
    """[height, width]: the pixels of a picture's tensor that take part, whatever their channel."""
    if tensor not in reach.masks or reach.masks[tensor].ndim != 4:
        return None
    axis = 3 if tensor in inside.places.channel_last else 1
    return np.asarray(reach.masks[tensor].any(axis=(0, axis)))


def box(mask: Mask) -> tuple[tuple[int, int], ...]:
    """For each axis the first and last marked position."""
    return tuple(
        _ends(np.asarray(mask.any(axis=tuple(_others(axis, mask.ndim))))) for axis in range(mask.ndim)
    )


def _others(axis: int, rank: int) -> Iterable[int]:
    return (each for each in range(rank) if each != axis)


def _ends(marked: Mask) -> tuple[int, int]:
    places = np.flatnonzero(marked)
    return int(places[0]), int(places[-1])


def _one(shape: tuple[int, ...], index: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, bool)
    mask[index] = True
    return mask
