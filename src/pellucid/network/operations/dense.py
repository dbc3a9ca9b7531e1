"""Dense layers: Gemm, with its bias and factors, and MatMul of any ranks. Every value takes in a whole row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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
    any_over,
    needed,
)
from pellucid.network.operations.broadcasting import narrowed, place_in, widened
from pellucid.network.operations.pointwise import wrapped

_A, _B, _C = 0, 1, 2


def _line(before: Index, n: int, after: Index) -> NDArray[np.int64]:
    """The index of n values in a line: [n, rank]."""
    index = np.empty((n, len(before) + 1 + len(after)), np.int64)
    index[:, : len(before)] = before
    index[:, len(before)] = np.arange(n)
    index[:, len(before) + 1 :] = after
    return index


def _wrap(a: Array, b: Array, row: NDArray[np.int64], column: NDArray[np.int64]) -> float:
    """What an integer type adds to a sum of products so that it fits."""
    if a.dtype.kind not in "iu":
        return 0.0
    exact = sum(int(p) * int(q) for p, q in zip(a[tuple(row.T)], b[tuple(column.T)], strict=True))
    return float(wrapped(exact, a.dtype) - exact)


@dataclass(frozen=True)
class Gemm(Operation):
    """a [M, K], b [K, N], c broadcast to [M, N] or None -> alpha a b + beta c [M, N]; a or b transposed first if so
    said. alpha is in the weights, beta in the bias."""

    alpha: float = 1.0
    beta: float = 1.0
    transposed_a: bool = False
    transposed_b: bool = False

    kind: ClassVar[str] = "dense"
    linear: ClassVar[bool] = True

    def open(self, operands: Operands, index: Index, output: int = 0) -> Linear:
        a, b, c = needed(operands, _A), needed(operands, _B), operands[_C]
        m, n = index
        if self.transposed_a:
            count, row = len(a), _line((), len(a), (m,))
        else:
            count, row = a.shape[1], _line((m,), a.shape[1], ())
        column = _line((n,), count, ()) if self.transposed_b else _line((), count, (n,))
        values = (a[:, m] if self.transposed_a else a[m]).astype(np.float64)
        weights = (b[n] if self.transposed_b else b[:, n]).astype(np.float64)
        part = Part(_A, row, values, weights if self.alpha == 1 else self.alpha * weights, _B, column)
        facts = {name: value for name, value in (("alpha", self.alpha), ("beta", self.beta)) if value != 1}
        if c is None:
            return Linear((part,), facts=facts)
        place = place_in(index, c.shape)
        return Linear(
            (part,), bias=self.beta * float(c[place]), bias_operand=_C, bias_index=place, facts=facts
        )

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        a, b = needed(operands, _A).shape, needed(operands, _B).shape
        return (a[1] if self.transposed_a else a[0], b[0] if self.transposed_b else b[1])

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        a, b, c = needed(operands, _A), needed(operands, _B), operands[_C]
        rows, columns = any_over(mask, 1), any_over(mask, 0)
        return [
            widened(rows if self.transposed_a else rows[:, None], a.shape),
            widened(columns[:, None] if self.transposed_b else columns, b.shape),
            None if c is None else narrowed(mask, c.shape),
        ]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        if number == _A:
            mask = any_over(mask, 0 if self.transposed_a else 1)[:, None]
        elif number == _B:
            mask = any_over(mask, 1 if self.transposed_b else 0)
        return widened(mask, self.result_shape(operands))


@dataclass(frozen=True)
class MatMul(Operation):
    """a [..., M, K], b [..., K, N] -> [..., M, N], the axes before them broadcast; an operand of one axis is a row (a)
    or a column (b), whose axis isn't in the result. As numpy.matmul. b's values are taken as the weights."""

    kind: ClassVar[str] = "matrix product"
    linear: ClassVar[bool] = True

    def open(self, operands: Operands, index: Index, output: int = 0) -> Linear:
        a, b = needed(operands, _A), needed(operands, _B)
        batch = index[: len(index) - (a.ndim > 1) - (b.ndim > 1)]
        m = index[len(batch) : len(batch) + (a.ndim > 1)]
        n = index[len(index) - 1 :] if b.ndim > 1 else ()
        of_a, of_b = place_in(batch, a.shape[:-2]) + m, place_in(batch, b.shape[:-2])
        row = _line(of_a, a.shape[-1], ())
        column = _line(of_b, a.shape[-1], n)
        values, weights = a[of_a].astype(np.float64), b[(*of_b, slice(None), *n)].astype(np.float64)
        return Linear((Part(_A, row, values, weights, _B, column),), bias=_wrap(a, b, row, column))

    def _full(self, operands: Operands) -> tuple[Shape, Shape, Shape]:
        """The two shapes with two axes at least, and the result's before axes are dropped."""
        a, b = needed(operands, _A).shape, needed(operands, _B).shape
        a, b = (1, *a) if len(a) == 1 else a, (*b, 1) if len(b) == 1 else b
        return a, b, (*np.broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-1])

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        *batch, m, n = self._full(operands)[2]
        rows, columns = needed(operands, _A).ndim > 1, needed(operands, _B).ndim > 1
        return (*batch, *((m,) if rows else ()), *((n,) if columns else ()))

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        a, b, full = self._full(operands)
        mask = mask.reshape(full)
        rows = narrowed(any_over(mask, -1)[..., None], (*a[:-1], 1))
        columns = narrowed(any_over(mask, -2)[..., None, :], (*b[:-2], 1, b[-1]))
        return [
            widened(rows, a).reshape(needed(operands, _A).shape),
            widened(columns, b).reshape(needed(operands, _B).shape),
        ]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        a, b, full = self._full(operands)
        rows = number == _A
        seen = (
            any_over(mask.reshape(a), -1)[..., None] if rows else any_over(mask.reshape(b), -2)[..., None, :]
        )
        return widened(seen, full).reshape(self.result_shape(operands))
