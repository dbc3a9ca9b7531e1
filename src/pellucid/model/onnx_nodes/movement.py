"""Readers of what merely moves values: shapes, slices, pads, splits. What configures may come as attribute or input."""

from __future__ import annotations

import numpy as np

from pellucid.model.onnx_nodes.source import CannotOpen, NodeSource, Read, Reader
from pellucid.network.operations.base import Shape
from pellucid.network.operations.movement import (
    Concat,
    DepthToSpace,
    Expand,
    Gather,
    GatherElements,
    Identity,
    Pad,
    Reshape,
    Slice,
    SpaceToDepth,
    Split,
    Tile,
    Transpose,
)


def _given(numbers: tuple[int, ...] | None, name: str) -> tuple[int, ...]:
    """Numbers that a node can't do without, be they attribute or input."""
    if numbers is None:
        raise CannotOpen(f"its {name} are given neither as attribute nor as input")
    return tuple(numbers)


def _identity(source: NodeSource) -> Read:
    return Identity(), (0,)


def _dropout(source: NodeSource) -> Read:
    # Until opset 11 a file says nothing of training; from 12 on the input does, and the ratio may be none.
    if source.has(2) and bool(np.ravel(source.array(2))[0]) and source.scalar(1) != 0:
        raise CannotOpen("Dropout in training mode draws at random")
    return Identity(), (0,)


def _reshape(source: NodeSource) -> Read:
    shape = source.ints(1) if source.has(1) else source.get("shape")
    return Reshape(_given(shape, "sizes"), bool(source.get("allowzero", 0))), (0,)


def _fixed(shape: Shape) -> Read:
    """A reshape whose sizes are all known."""
    return Reshape(shape, allow_zero=True), (0,)


def _flatten(source: NodeSource) -> Read:
    shape = source.array(0).shape
    axis = source.get("axis", 1)
    axis += len(shape) if axis < 0 else 0
    return _fixed((int(np.prod(shape[:axis])), int(np.prod(shape[axis:]))))


def _axes(source: NodeSource) -> tuple[int, ...] | None:
    """Axes as input 1 (opset 13 on) or as attribute; None: not given."""
    axes = source.ints(1) if source.has(1) else source.get("axes")
    return None if axes is None else tuple(axes)


def _squeeze(source: NodeSource) -> Read:
    shape = source.array(0).shape
    axes = _axes(source)
    gone = (
        {axis for axis, n in enumerate(shape) if n == 1}
        if axes is None
        else {axis % len(shape) for axis in axes}
    )
    return _fixed(tuple(n for axis, n in enumerate(shape) if axis not in gone))


def _unsqueeze(source: NodeSource) -> Read:
    shape = source.array(0).shape
    return _fixed(np.expand_dims(np.empty(shape, bool), _axes(source) or ()).shape)


def _transpose(source: NodeSource) -> Read:
    rank = source.array(0).ndim
    return Transpose(tuple(source.get("perm", tuple(reversed(range(rank)))))), (0,)


def _slice(source: NodeSource) -> Read:
    shape = source.array(0).shape
    if source.has(1):
        starts, ends, axes, steps = (source.ints(place) for place in (1, 2, 3, 4))
    else:
        starts, ends, axes, steps = source.get("starts"), source.get("ends"), source.get("axes"), None
    starts, ends = _given(starts, "starts"), _given(ends, "ends")
    axes = tuple(range(len(starts))) if axes is None else axes
    steps = (1,) * len(starts) if steps is None else steps
    slices = []
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        n = shape[axis]
        # As the specification clamps, which isn't as Python does where a start lies before a backward slice.
        low, high = (0, n) if step > 0 else (-1, n - 1)
        first = min(max(start + (n if start < 0 else 0), 0), high)
        last = min(max(end + (n if end < 0 else 0), low), high)
        if not range(first, last, step):
            first = last = 0  # nothing, without a -1 that would count from the end
        slices.append((axis % len(shape), first, None if last < 0 else last, step))
    return Slice(tuple(slices)), (0,)


def _indices(source: NodeSource) -> tuple[int, tuple[int, ...], Shape]:
    """axis, the indices flattened, their shape."""
    indices = source.array(1)
    return source.get("axis", 0), tuple(int(n) for n in indices.ravel()), indices.shape


def _gather(source: NodeSource) -> Read:
    return Gather(*_indices(source)), (0,)


def _gather_elements(source: NodeSource) -> Read:
    axis, indices, shape = _indices(source)
    size = source.array(0).shape[axis]
    return GatherElements(axis, tuple(n % size for n in indices), shape), (0,)


def _concat(source: NodeSource) -> Read:
    return Concat(source.get("axis", 1)), source.operands(*range(source.count))


def _split(source: NodeSource) -> Read:
    axis = source.get("axis", 0)
    sizes = source.ints(1) if source.has(1) else source.get("split")
    if sizes is None:
        # As even as can be: all of the size rounded up, the last takes the rest.
        n, parts = source.array(0).shape[axis], source.get("num_outputs", len(source.proto.output))
        size = -(-n // parts)
        sizes = (size,) * (parts - 1) + (n - size * (parts - 1),)
        if sizes[-1] < 0:
            raise CannotOpen(f"Split of {n} into {parts} parts leaves the last less than nothing")
    return Split(axis, tuple(sizes)), (0,)


def _pad(source: NodeSource) -> Read:
    rank = source.array(0).ndim
    flat = source.ints(1) if source.has(1) else source.get("pads", source.get("paddings"))
    flat = _given(flat, "pads")
    axes = source.ints(3) or tuple(range(rank))
    pads = [(0, 0)] * rank
    for axis, before, after in zip(axes, flat[: len(axes)], flat[len(axes) :], strict=True):
        pads[axis] = (before, after)
    value = source.scalar(2) if source.has(2) else source.get("value", 0.0)
    mode = source.get("mode", "constant")
    if mode not in ("constant", "edge", "reflect", "wrap"):
        raise CannotOpen(f"Pad in mode {mode!r}")
    return Pad(tuple(pads), mode, value or 0.0), (0,)


def _expand(source: NodeSource) -> Read:
    return Expand(source.ints(1) or ()), (0,)


def _tile(source: NodeSource) -> Read:
    return Tile(source.ints(1) or ()), (0,)


def _depth_to_space(source: NodeSource) -> Read:
    return DepthToSpace(source.get("blocksize"), source.get("mode", "DCR")), (0,)


def _space_to_depth(source: NodeSource) -> Read:
    return SpaceToDepth(source.get("blocksize"), source.get("mode", "DCR")), (0,)


MOVEMENT: dict[str, Reader] = {
    "Concat": _concat,
    "DepthToSpace": _depth_to_space,
    "Dropout": _dropout,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "Identity": _identity,
    "Pad": _pad,
    "Reshape": _reshape,
    "Slice": _slice,
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
