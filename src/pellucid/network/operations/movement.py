"""What merely moves values: each value of the result is one value of an operand, or a constant.

Such an operation is defined by `move` alone, in NumPy. Moving the operands' places instead of their values gives the
route: for each value of the result, which value it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.network.operations.base import (
    Array,
    Index,
    Linear,
    Mask,
    Operands,
    Operation,
    Part,
    Shape,
    needed,
)

# Routes are as large as their tensors: a few are kept.
_KEPT = 16


@dataclass(frozen=True)
class Movement(Operation):
    """An operation whose values are its operands' values, moved, copied or left out, or the constant `fill`."""

    kind: ClassVar[str] = "movement"
    linear: ClassVar[bool] = True

    @property
    def constant(self) -> float:
        """What stands where no value is moved to."""
        return 0.0

    def move(self, arrays: Sequence[Array], fill: float, output: int) -> Array:
        """The result number `output` of these operands, with `fill` for the constant."""
        raise NotImplementedError

    def route(self, shapes: tuple[Shape, ...], output: int = 0) -> NDArray[np.signedinteger]:
        """For each value of the result, its place in all operands of these shapes, flattened and put one after
        another; -1: the constant. [*result's shape], read-only."""
        return _route(self, shapes, output)

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        return self.route(_shapes(operands), output).shape

    def open(self, operands: Operands, index: Index, output: int = 0) -> Linear:
        place = int(self.route(_shapes(operands), output)[index])
        if place < 0:
            return Linear((), bias=self.constant)
        operand = 0
        while place >= needed(operands, operand).size:
            place -= needed(operands, operand).size
            operand += 1
        x = needed(operands, operand)
        where = np.unravel_index(place, x.shape)
        part = Part(operand, np.array([where], np.int64).reshape(1, x.ndim), np.array([x[where]], np.float64))
        return Linear((part,))

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        shapes = _shapes(operands)
        marked = np.zeros(sum(map(prod, shapes)) + 1, bool)  # the last: the constant
        marked[self.route(shapes, output)[mask]] = True
        starts = _starts(shapes)
        return [
            marked[start : start + prod(shape)].reshape(shape)
            for start, shape in zip(starts, shapes, strict=True)
        ]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        shapes = _shapes(operands)
        marked = np.zeros(sum(map(prod, shapes)) + 1, bool)
        start = _starts(shapes)[number]
        marked[start : start + mask.size] = mask.ravel()
        return marked[self.route(shapes, output)]


def _shapes(operands: Operands) -> tuple[Shape, ...]:
    return tuple(needed(operands, number).shape for number in range(len(operands)))


def _starts(shapes: tuple[Shape, ...]) -> list[int]:
    """Where each operand begins among all, flattened."""
    starts = [0]
    for shape in shapes:
        starts.append(starts[-1] + prod(shape))
    return starts[:-1]


@lru_cache(maxsize=_KEPT)
def _route(operation: Movement, shapes: tuple[Shape, ...], output: int) -> NDArray[np.signedinteger]:
    # Half the memory wherever it will do.
    dtype = np.int32 if sum(map(prod, shapes)) <= np.iinfo(np.int32).max else np.int64
    places = [
        np.arange(start, start + prod(shape), dtype=dtype).reshape(shape)
        for start, shape in zip(_starts(shapes), shapes, strict=True)
    ]
    route = operation.move(places, -1, output).view()
    route.flags.writeable = False
    return route


@dataclass(frozen=True)
class Identity(Movement):
    """The same value at the same place: Identity, and Dropout outside training. Result 1 is Dropout's mask: all
    kept."""

    kind: ClassVar[str] = "identity"

    @property
    def constant(self) -> float:
        return 1.0

    def move(self, arrays: Sequence[Array], fill: float, output: int) -> Array:
        return arrays[0] if output == 0 else np.full_like(arrays[0], fill)


@dataclass(frozen=True)
class Reshape(Movement):
    """The same values in the same order in another shape: Reshape, Flatten, Squeeze, Unsqueeze.

    In `shape` 0 keeps the operand's axis and -1 (once) takes what is left; with `allow_zero` 0 is a size of none.
    """

    shape: Shape
    allow_zero: bool = False

    kind: ClassVar[str] = "reshape"

    def move(self, arrays: Sequence[Array], fill: float, output: int) -> Array:
        old = arrays[0].shape
        if self.allow_zero:
            return arrays[0].reshape(self.shape)
        return arrays[0].reshape([n if n else old[axis] for axis, n in enumerate(self.shape)])


@dataclass(frozen=True)
class Transpose(Movement):
    """Axes in another order: axis i of the result is axis permutation[i] of the operand."""

    permutation: tuple[int, ...]

    kind: ClassVar[str] = "transpose"

    def move(self, arrays: Sequence[Array], fill: float, output: int) -> Array:
        return arrays[0].transpose(self.permutation)


@dataclass(frozen=True)
class Slice(Movement):
    """Every step-th value of some axes: (axis, start, end, step) each, as Python slices, with the operand's sizes
    put in; `end` None goes to the last."""

    slices: tuple[tuple[int, int, int | None, int], ...]

    kind: ClassVar[str] = "slice"

    def move(self, arrays: Sequence[Array], fill: float, output: int) -> Array:
        index = [slice(None)] * arrays[0].ndim
        for axis, start, end, step in self.slices:
            index[axis] = slice(start, end, step)
        return arrays[0][tuple(index)]


@dataclass(frozen=True)
class Gather(Movement):
    """Some places of one axis, in any order: `indices`, flattened, of shape `shape`, which takes the axis' place."""

    axis: int
    indices: tuple[int, ...]
    shape: Shape

    kind: ClassVar[str] = "gather"

    def move(self, arrays: Sequence[Array], fill: float, output: int) -> Array:
        return np.take(arrays[0], np.array(self.indices, np.int64).reshape(self.shape), self.axis)


@dataclass(frozen=True)
class GatherElements(Movement):
    """As Gather, but with an index for each value of the result: `indices`, flattened, of shape `shape`."""

    axis: int
    indices: tuple[int, ...]
    shape: Shape

    kind: ClassVar[str] = "gather"

    def move(self, arrays: Sequence[Array], fill: float, output: int) -> Array:
        indices = np.array(self.indices, np.int64).reshape(self.shape)
        # The operand may be larger than the indices on the other axes: its beginning is meant.
        begin = tuple(
            slice(None) if axis == self.axis % len(self.shape) else slice(n)
            for axis, n in enumerate(self.shape)
        )
        return np.take_along_axis(arrays[0][begin], indices, self.axis)


@dataclass(frozen=True)
class Concat(Movement):
    """Operands one after another along one axis."""

    axis: int

    kind: ClassVar[str] = "concat"

    def move(self, arrays: Sequence[Array], fill: float, output: int) -> Array:
        return np.concatenate(arrays, self.axis)


@dataclass(frozen=True)
class Split(Movement):
    """One axis cut into parts of these sizes, one result each."""

    axis: int
    sizes: tuple[int, ...]

    kind: ClassVar[str] = "split"

    def move(self, arrays: Sequence[Array], fill: float, output: int) -> Array:
        return np.split(arrays[0], np.cumsum(self.sizes)[:-1], self.axis)[output]


@dataclass(frozen=True)
class Pad(Movement):
    """(before, after) places more on each axis; a negative number cuts off instead. They hold a constant, or repeat
    the border (edge), mirror without it (reflect), or begin again (wrap)."""

    pads: tuple[tuple[int, int], ...]
    mode: Literal["constant", "edge", "reflect", "wrap"] = "constant"
    value: float = 0.0

    kind: ClassVar[str] = "padding"

    @property
    def constant(self) -> float:
        return self.value

    def move(self, arrays: Sequence[Array], fill: float, output: int) -> Array:
        more = tuple((max(before, 0), max(after, 0)) for before, after in self.pads)
        cut = tuple(
            slice(max(-before, 0), n - max(-after, 0))
            for n, (before, after) in zip(arrays[0].shape, self.pads, strict=True)
        )
        # Cut first: what is cut off is not mirrored.
        if self.mode == "constant":
            return np.pad(arrays[0][cut], more, constant_values=fill)
        return np.pad(arrays[0][cut], more, mode=self.mode)


@dataclass(frozen=True)
class Expand(Movement):
    """Axes of one value repeated until the operand has a shape that broadcasts with `shape`."""

    shape: Shape

    kind: ClassVar[str] = "expand"

    def move(self, arrays: Sequence[Array], fill: float, output: int) -> Array:
        shape = np.broadcast_shapes(arrays[0].shape, self.shape)
        # A copy: a broadcast view would be one array, but flags and strides of it surprise.
        return np.array(np.broadcast_to(arrays[0], shape))


@dataclass(frozen=True)
class Tile(Movement):
    """The whole operand repeated along each axis."""

    repeats: tuple[int, ...]

    kind: ClassVar[str] = "tile"

    def move(self, arrays: Sequence[Array], fill: float, output: int) -> Array:
        return np.tile(arrays[0], self.repeats)


@dataclass(frozen=True)
class DepthToSpace(Movement):
    """[N, C block^2, H, W] -> [N, C, H block, W block]: channels become the places of small squares. `order`: DCR, the
    square's place is the slower part of a channel's number; CRD, the quicker."""

    block: int
    order: Literal["DCR", "CRD"] = "DCR"

    kind: ClassVar[str] = "depth to space"

    def move(self, arrays: Sequence[Array], fill: float, output: int) -> Array:
        n, channels, height, width = arrays[0].shape
        b, depth = self.block, channels // self.block**2
        if self.order == "DCR":
            cells = arrays[0].reshape(n, b, b, depth, height, width).transpose(0, 3, 4, 1, 5, 2)
        else:
            cells = arrays[0].reshape(n, depth, b, b, height, width).transpose(0, 1, 4, 2, 5, 3)
        return cells.reshape(n, depth, height * b, width * b)


@dataclass(frozen=True)
class SpaceToDepth(Movement):
    """[N, C, H, W] -> [N, C block^2, H / block, W / block]: the places of small squares become channels, in the order
    that DepthToSpace takes them back."""

    block: int
    order: Literal["DCR", "CRD"] = "DCR"

    kind: ClassVar[str] = "space to depth"

    def move(self, arrays: Sequence[Array], fill: float, output: int) -> Array:
        n, channels, height, width = arrays[0].shape
        b = self.block
        cells = arrays[0].reshape(n, channels, height // b, b, width // b, b)
        cells = cells.transpose((0, 3, 5, 1, 2, 4) if self.order == "DCR" else (0, 1, 3, 5, 2, 4))
        return cells.reshape(n, channels * b * b, height // b, width // b)
