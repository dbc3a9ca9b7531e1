"""To whole numbers and back: x / scale + zero point, rounded and saturated; (x - zero point) scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pellucid.network.operations.base import (
    Array,
    Formula,
    Index,
    Linear,
    Mask,
    Opening,
    Operands,
    Operation,
    Part,
    Shape,
    needed,
    number,
)
from pellucid.network.operations.broadcasting import one

_X, _SCALE, _ZERO = 0, 1, 2


@dataclass(frozen=True)
class _Scaled(Operation):
    """x, scale, zero point or None: one for the tensor, for each place of `axis`, or for each `block` of places."""

    axis: int = 1
    block: int = 0

    def place(self, index: Index, parameter: Array) -> Index:
        """Where a parameter holds what belongs to the value at `index`."""
        if parameter.size == 1:
            return (0,) * parameter.ndim
        if self.block:
            return tuple(i // self.block if k == self.axis else i for k, i in enumerate(index))
        return (index[self.axis],)

    def _own(self, shape: Shape, parameter: Array) -> tuple[np.ndarray[Any, Any], ...]:
        """For every value of x, where the parameter stands: index arrays that broadcast to x's shape."""
        grid = np.ogrid[tuple(slice(0, n) for n in shape)]
        if parameter.size == 1:
            return tuple(np.zeros((1,) * len(shape), np.int64) for _ in range(parameter.ndim))
        if self.block:
            return tuple(axis // self.block if k == self.axis else axis for k, axis in enumerate(grid))
        return (grid[self.axis],)

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        found: list[Mask | None] = [mask.copy()]
        for array in operands[1:]:
            if array is None:
                found.append(None)
                continue
            seen = np.zeros(array.shape, bool)
            places = np.broadcast_arrays(mask, *self._own(mask.shape, array))[1:]
            seen[tuple(place[mask] for place in places) if places else ()] = bool(mask.any())
            found.append(seen)
        return found

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        shape = needed(operands, _X).shape
        if number == _X:
            return mask.copy()
        return np.broadcast_to(mask[self._own(shape, mask)], shape).copy()

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        return needed(operands, _X).shape


@dataclass(frozen=True)
class Quantize(_Scaled):
    """round(x / scale) + zero point, limited to what the type holds; halves go to the even neighbour.

    Exactly what is stored: the quotient is rounded to the scale's own number type first, as the runtime does.
    """

    low: int = 0
    high: int = 255

    kind: ClassVar[str] = "quantisation"

    def open(self, operands: Operands, index: Index, output: int = 0) -> Formula:
        x, scale, zero = needed(operands, _X), needed(operands, _SCALE), operands[_ZERO]
        of_scale = self.place(index, scale)
        parts = [one(_X, x, index), one(_SCALE, scale, of_scale, "scale")]
        shift = 0
        if zero is not None:
            parts.append(one(_ZERO, zero, self.place(index, zero), "zero point"))
            shift = int(parts[-1].values[0])
        with np.errstate(all="ignore"):
            quotient = float(x[index].astype(scale.dtype) / scale[of_scale])
        free = float(np.rint(quotient)) + shift
        result = min(max(free, float(self.low)), float(self.high))
        text = f"round({number(float(x[index]))} / {number(float(scale[of_scale]))}) + {shift}"
        note = f"limited to {self.low} to {self.high}" if result != free else ""
        return Formula(
            tuple(parts), result=result, text=text, scale=abs(result), note=note, facts={"quotient": quotient}
        )


@dataclass(frozen=True)
class Dequantize(_Scaled):
    """(x - zero point) scale = x scale - zero point scale."""

    kind: ClassVar[str] = "dequantisation"
    linear: ClassVar[bool] = True

    def open(self, operands: Operands, index: Index, output: int = 0) -> Opening:
        x, scale, zero = needed(operands, _X), needed(operands, _SCALE), operands[_ZERO]
        of_scale = self.place(index, scale)
        factor = np.array([scale[of_scale]]).astype(np.float64)
        where = np.array([of_scale], np.int64).reshape(1, len(of_scale))
        value = one(_X, x, index)
        parts = [Part(_X, value.index, value.values, factor, _SCALE, where)]
        if zero is not None:
            shift = one(_ZERO, zero, self.place(index, zero))
            parts.append(Part(_ZERO, shift.index, shift.values, -factor, _SCALE, where, "zero point"))
        return Linear(tuple(parts))
