"""Reductions: a sum, mean, product, norm or extreme over some axes."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, log, prod, sqrt
from typing import ClassVar, Literal

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
    grid_of,
    needed,
    number,
)

# A value of a float32 formula is as good as its last step: half a unit in the last place, relative.
_STEP = 2.0**-24


@dataclass(frozen=True)
class Reduction(Operation):
    """x [*n] -> the axes `axes` (not negative) gone, or kept with one place each (`keep`)."""

    axes: tuple[int, ...]
    keep: bool = True

    kind: ClassVar[str] = "reduction"

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        shape = needed(operands, 0).shape
        if self.keep:
            return tuple(1 if axis in self.axes else n for axis, n in enumerate(shape))
        return tuple(n for axis, n in enumerate(shape) if axis not in self.axes)

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        kept = mask if self.keep else np.expand_dims(mask, self.axes)
        return [np.array(np.broadcast_to(kept, needed(operands, 0).shape))]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        return np.asarray(mask.any(axis=self.axes, keepdims=self.keep))

    def reduced(self, operands: Operands, index: Index) -> tuple[Array, Part]:
        """The values that one value of the result is made of, as they are stored and as a part."""
        x = needed(operands, 0)
        rest = iter(index)
        places = []
        for axis, n in enumerate(x.shape):
            if axis not in self.axes:
                places.append(np.array([next(rest)]))
                continue
            places.append(np.arange(n))
            if self.keep:
                next(rest)
        values = x[grid_of(*places)].ravel()
        where = np.meshgrid(*places, indexing="ij")
        count = values.size
        points = (
            np.stack([axis.ravel() for axis in where], axis=1) if where else np.zeros((count, 0), np.int64)
        )
        return values, Part(0, points, values.astype(np.float64))


@dataclass(frozen=True)
class Sum(Reduction):
    """The sum, or with `mean` the sum divided by the count. Whole numbers stay whole: the mean is cut off."""

    mean: bool = False

    kind: ClassVar[str] = "sum over axes"

    def open(self, operands: Operands, index: Index, output: int = 0) -> Opening:
        values, part = self.reduced(operands, index)
        if not self.mean:
            return Linear((part,))
        if values.dtype.kind not in "iu":
            return Linear((part,), divisor=float(len(part)))
        total = int(values.astype(object).sum())
        result = float(abs(total) // len(part) * (1 if total >= 0 else -1))
        text = f"{total} / {len(part)}, cut off to {number(result)}"
        return Formula((part,), result=result, text=text, scale=abs(result))


@dataclass(frozen=True)
class Extreme(Reduction):
    """The largest or smallest value; the first of equals. With `place`, its place on the (one) axis instead, or the
    last of equals' with `last`."""

    largest: bool = True
    place: bool = False
    last: bool = False

    kind: ClassVar[str] = "extreme over axes"

    def open(self, operands: Operands, index: Index, output: int = 0) -> Formula:
        values, part = self.reduced(operands, index)
        name = "max" if self.largest else "min"
        if not len(part):  # the neutral one
            sign = -1.0 if self.largest else 1.0
            least = sign * float("inf") if values.dtype.kind == "f" else _limit(values, not self.largest)
            return Formula((part,), result=least, text=f"{name} of nothing", scale=0.0)
        ordered = part.values[::-1] if self.last else part.values
        at = int(np.argmax(ordered) if self.largest else np.argmin(ordered))
        chosen = len(part) - 1 - at if self.last else at
        best = float(part.values[chosen])
        if self.place:
            text = f"place {chosen} of {len(part)}, {name} = {number(best)}"
            return Formula((part,), result=float(chosen), text=text, scale=float(chosen), chosen=chosen)
        text = f"{name} of {len(part)} values = {number(best)}"
        return Formula((part,), result=best, text=text, scale=abs(best), chosen=chosen)


def _limit(values: Array, largest: bool) -> float:
    if values.dtype.kind == "b":
        return float(largest)
    limits = np.iinfo(values.dtype) if values.dtype.kind in "iu" else np.finfo(values.dtype)
    return float(limits.max if largest else limits.min)


Form = Literal["prod", "L1", "L2", "sum square", "log sum", "log sum exp"]


@dataclass(frozen=True)
class Norm(Reduction):
    """A product, a norm or a logarithm of a sum, by `form`."""

    form: Form = "L2"

    kind: ClassVar[str] = "norm over axes"

    def open(self, operands: Operands, index: Index, output: int = 0) -> Formula:
        values, part = self.reduced(operands, index)
        x = part.values
        count = len(x)
        match self.form:
            case "prod":
                result = float(prod(x.tolist()))
                # Each multiplication rounds, relative to the product so far.
                text, scale = f"product of {count} values", abs(result) * max(1.0, count * _STEP * 1e6)
            case "L1":
                result = fsum(np.abs(x))
                text, scale = f"sum of {count} absolute values", result
            case "L2":
                total = fsum(x * x)
                result = sqrt(total)
                text, scale = f"sqrt({number(total)})", result
            case "sum square":
                result = fsum(x * x)
                text, scale = f"sum of {count} squares", result
            case "log sum":
                total = fsum(x)
                result = log(total) if total > 0 else float("-inf") if total == 0 else float("nan")
                # The sum is off by a share of its absolute terms, which the logarithm passes on as a difference.
                share = fsum(np.abs(x)) / abs(total) if total else 0.0
                text, scale = f"log({number(total)})", abs(result) + share if count else 0.0
            case "log sum exp":
                top = float(x.max()) if count else float("-inf")
                if not np.isfinite(top):
                    result = top
                    text, scale = f"log of a sum of {count} exponentials", 0.0
                else:
                    total = fsum(np.exp(x - top))
                    result = top + log(total)
                    # x - max loses a unit of the larger; the share of e^that passes on as a difference, so do
                    # the sum's roundings.
                    text = f"{number(top)} + log({number(total)})"
                    scale = abs(top) + abs(log(total)) + 1.0
        if values.dtype.kind in "iu":
            result = float(int(result))
        return Formula((part,), result=result, text=text, scale=scale)
