"""Softmax and its kin: every value is made of a whole group, along one axis or over several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.network.operations.base import (
    Formula,
    Index,
    Mask,
    Numbers,
    Operands,
    Operation,
    Part,
    Shape,
    needed,
    number,
)

Group = tuple[slice, ...]


def group_of(shape: Shape, index: Index, axes: tuple[int, ...]) -> Group:
    """The values that lie along these axes through `index`."""
    return tuple(slice(0, n) if k in axes else slice(index[k], index[k] + 1) for k, n in enumerate(shape))


def indices_of(group: Group) -> NDArray[np.int64]:
    """The index of each of a group's values, in order: [n, rank]."""
    axes = [np.arange(each.start, each.stop) for each in group]
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)


@dataclass(frozen=True)
class _Grouped(Operation):
    """The group are the values along `axes`. Before opset 13 these are all from the node's axis on."""

    axes: tuple[int, ...]

    def group(self, operands: Operands, index: Index) -> tuple[Part, int]:
        """All values of the group, and the place among them of the one at `index`."""
        x = needed(operands, 0)
        group = group_of(x.shape, index, self.axes)
        shape = tuple(each.stop - each.start for each in group)
        own = int(np.ravel_multi_index([i - each.start for i, each in zip(index, group, strict=True)], shape))
        return Part(0, indices_of(group), x[group].ravel().astype(np.float64), role="logit"), own

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        return [np.broadcast_to(mask.any(axis=self.axes, keepdims=True), mask.shape).copy()]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        return np.broadcast_to(mask.any(axis=self.axes, keepdims=True), mask.shape).copy()

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        return needed(operands, 0).shape


@dataclass(frozen=True)
class Softmax(_Grouped):
    """e^(x - max) / sum over the group of e^(x - max), or its logarithm.

    The part has every logit of the group; the facts, the greatest of them, which is subtracted, and the sum.
    """

    logarithm: bool = False

    kind: ClassVar[str] = "softmax"

    def open(self, operands: Operands, index: Index, output: int = 0) -> Formula:
        part, own = self.group(operands, index)
        x = float(part.values[own])
        with np.errstate(all="ignore"):
            greatest = float(part.values.max())
            below: Numbers = part.values - greatest
            exponents = np.exp(below)
            total = float(exponents.sum())
            depth = greatest - x
            # x - max is rounded before it is exponentiated: e^d comes out wrong by |d| roundings, relatively, and
            # the sum by the mean of those, weighted as its terms are, besides one rounding of each result.
            weight = np.where(exponents > 0, -below, 0)
            of_sum = 1 + float((exponents * weight).sum()) / total
        facts = {"maximum": greatest, "sum": total, "count": float(len(part))}
        if self.logarithm:
            result = x - greatest - float(np.log(total))
            text = f"{number(x)} - {number(greatest)} - log({number(total)})"
            scale = depth + abs(float(np.log(total))) + of_sum
        else:
            result = float(exponents[own]) / total
            text = f"exp({number(x)} - {number(greatest)}) / {number(total)}"
            scale = result * (depth + of_sum) if result else 0.0
        return Formula((part,), result=result, text=text, scale=scale, facts=facts)


@dataclass(frozen=True)
class Hardmax(_Grouped):
    """1 for the first greatest value of the group, 0 for the others."""

    kind: ClassVar[str] = "hardmax"

    def open(self, operands: Operands, index: Index, output: int = 0) -> Formula:
        part, own = self.group(operands, index)
        winner = int(part.values.argmax())
        text = f"{number(part.values[own])} {'is' if own == winner else 'is not'} the first greatest of {len(part)}"
        return Formula((part,), result=float(own == winner), text=text, scale=1.0, chosen=winner)
