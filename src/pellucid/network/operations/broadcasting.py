"""NumPy's broadcasting, as ONNX uses it: from a place of the result to a place of an operand, and back for masks."""

from __future__ import annotations

import numpy as np

from pellucid.network.operations.base import Array, Index, Mask, Part, Shape


def place_in(index: Index, shape: Shape) -> Index:
    """Where an operand of this shape holds what enters the result at `index`: axes of size 1 are repeated."""
    last = index[len(index) - len(shape) :]
    return tuple(0 if n == 1 else i for i, n in zip(last, shape, strict=True))


def narrowed(mask: Mask, shape: Shape) -> Mask:
    """The values of an operand of this shape that enter marked values of the result."""
    spare = mask.ndim - len(shape)
    repeated = [spare + axis for axis, n in enumerate(shape) if n == 1 and mask.shape[spare + axis] != 1]
    found = mask.any(axis=(*range(spare), *repeated))
    return np.array(found).reshape(shape)


def widened(mask: Mask, shape: Shape) -> Mask:
    """The values of a result of this shape that marked values of an operand enter."""
    return np.broadcast_to(mask, shape).copy()


def one(operand: int, array: Array, place: Index, role: str = "x", weight: float | None = None) -> Part:
    """A part of one value: where it stands, and by what number of the operation's own it is multiplied."""
    return Part(
        operand,
        np.array([place], np.int64).reshape(1, len(place)),
        np.array([array[place]]).astype(np.float64),
        None if weight is None else np.array([weight]),
        role=role,
    )
