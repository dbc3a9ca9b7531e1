"""Normalisation by statistics: kept ones (batch), or those of the values themselves (instance, group, layer).

Where statistics come from the values, the first part has all that enter them, the value itself first. What rounding
is measured against are the absolute terms: |scale x / sd| + |scale mean / sd| + |shift|, and where the mean is a sum
of values, theirs in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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
    any_over,
    needed,
    number,
)
from pellucid.network.operations.broadcasting import narrowed, one, place_in, widened
from pellucid.network.operations.softmax import Group, group_of, indices_of

_X, _SCALE, _SHIFT, _MEAN, _VARIANCE = range(5)


def values_of(x: Array, group: Group, own: Index) -> Part:
    """A group's values as a part, the one at `own` first."""
    index = indices_of(group)
    shape = tuple(each.stop - each.start for each in group)
    first = int(np.ravel_multi_index([i - each.start for i, each in zip(own, group, strict=True)], shape))
    order = np.concatenate([[first], np.arange(first), np.arange(first + 1, len(index))])
    return Part(_X, index[order], x[group].ravel().astype(np.float64)[order])


def _along(mask: Mask, axes: tuple[int, ...]) -> Mask:
    """All values that have a marked one along these axes."""
    return np.broadcast_to(mask.any(axis=axes, keepdims=True), mask.shape).copy()


def _normalised(
    parts: tuple[Part, ...],
    epsilon: float,
    scale: float | None = None,
    shift: float | None = None,
    kept: tuple[float, float] | None = None,
) -> Formula:
    """(x - mean) / sqrt(variance + epsilon) scale + shift, of the first part's first value. Mean and variance are
    those of the first part, unless they are kept ones."""
    values = parts[0].values
    x = float(values[0])
    with np.errstate(all="ignore"):
        mean, variance = kept or (float(values.mean()), float(values.var()))
        deviation = float(np.sqrt(np.float64(variance) + epsilon))
        centred = np.float64(x - mean) / deviation
        terms = np.float64(abs(x) + (abs(mean) if kept else float(np.abs(values).mean()))) / deviation
    text = f"({number(x)} - {number(mean)}) / sqrt({number(variance)} + {number(epsilon)})"
    if scale is not None:
        text += f" × {number(scale)}"
    if shift is not None:
        text += f" + {number(shift)}"
    factor, shift = 1.0 if scale is None else scale, shift or 0.0
    facts = {"mean": mean, "variance": variance, "epsilon": epsilon, "standard deviation": deviation}
    return Formula(
        parts,
        result=float(centred * factor + shift),
        text=text,
        scale=float(abs(factor) * terms + abs(shift)),
        facts=facts if kept else facts | {"count": float(len(values))},
    )


@dataclass(frozen=True)
class BatchNormalization(Operation):
    """x [N, C, *n], scale, shift, mean, variance [C] -> (x - mean) / sqrt(variance + epsilon) scale + shift.

    In `training`, mean and variance are those of the channel, over the batch; results 1 and 2 are the running ones,
    old momentum + new (1 - momentum). With `per_place` (before opset 9) the parameters are [C, *n].
    """

    epsilon: float = 1e-5
    momentum: float = 0.9
    training: bool = False
    per_place: bool = False

    kind: ClassVar[str] = "batch normalisation"

    def open(self, operands: Operands, index: Index, output: int = 0) -> Formula:
        x = needed(operands, _X)
        if output:
            return self._running(operands, index[0], output)
        place = index[1:] if self.per_place else index[1:2]
        scale = one(_SCALE, needed(operands, _SCALE), place, "scale")
        shift = one(_SHIFT, needed(operands, _SHIFT), place, "shift")
        numbers = float(scale.values[0]), float(shift.values[0])
        if self.training:
            group = group_of(x.shape, index, self._others(x.ndim))
            return _normalised((values_of(x, group, index), scale, shift), self.epsilon, *numbers)
        mean = one(_MEAN, needed(operands, _MEAN), place, "mean")
        variance = one(_VARIANCE, needed(operands, _VARIANCE), place, "variance")
        kept = float(mean.values[0]), float(variance.values[0])
        return _normalised((one(_X, x, index), mean, variance, scale, shift), self.epsilon, *numbers, kept)

    def _running(self, operands: Operands, channel: int, output: int) -> Formula:
        x, place = needed(operands, _X), _MEAN if output == 1 else _VARIANCE
        role = "mean" if output == 1 else "variance"
        old = one(place, needed(operands, place), (channel,), role)
        own = (0, channel, *(0,) * (x.ndim - 2))
        part = values_of(x, group_of(x.shape, own, self._others(x.ndim)), own)
        new = float(part.values.mean() if output == 1 else part.values.var())
        before = float(old.values[0])
        text = f"{number(before)} × {number(self.momentum)} + {number(new)} × {number(1 - self.momentum)}"
        absolute = float(np.abs(part.values).mean() if output == 1 else np.square(part.values).mean())
        return Formula(
            (part, old),
            result=before * self.momentum + new * (1 - self.momentum),
            text=text,
            scale=abs(before * self.momentum) + absolute * (1 - self.momentum),
            facts={role: new, "momentum": self.momentum, "count": float(len(part))},
        )

    @staticmethod
    def _others(rank: int) -> tuple[int, ...]:
        return (0, *range(2, rank))

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        return needed(operands, _MEAN if output else _X).shape

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        x = needed(operands, _X)
        if output:
            everywhere = widened(mask.reshape(-1, *(1,) * (x.ndim - 2)), x.shape)
            return [everywhere, None, None, *([mask.copy(), None] if output == 1 else [None, mask.copy()])]
        seen = any_over(mask, 0) if self.per_place else any_over(mask, *self._others(x.ndim))
        if self.training:
            return [_along(mask, self._others(x.ndim)), seen, seen.copy(), None, None]
        return [mask.copy(), *(seen.copy() for _ in range(4))]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        x = needed(operands, _X)
        if output:
            own = number == (_MEAN if output == 1 else _VARIANCE)
            seen = any_over(mask, *self._others(x.ndim)) if number == _X else mask
            return seen.copy() if own or number == _X else np.zeros(len(seen), bool)
        if number == _X:
            return _along(mask, self._others(x.ndim)) if self.training else mask.copy()
        if self.training and number in (_MEAN, _VARIANCE):
            return np.zeros(x.shape, bool)
        return widened(mask if self.per_place else mask.reshape(-1, *(1,) * (x.ndim - 2)), x.shape)


@dataclass(frozen=True)
class GroupNormalization(Operation):
    """x [N, C, *n], scale and shift [C] -> each group of a picture's channels normalised by its own statistics.

    `groups` None: each channel by itself, which is instance normalisation. `per_group` (opset 18): scale and shift
    are [groups].
    """

    epsilon: float = 1e-5
    groups: int | None = None
    per_group: bool = False

    kind: ClassVar[str] = "group normalisation"

    def _size(self, x: Array) -> int:
        """Channels in a group."""
        return x.shape[1] // self.groups if self.groups else 1

    def open(self, operands: Operands, index: Index, output: int = 0) -> Formula:
        x = needed(operands, _X)
        size = self._size(x)
        first = index[1] // size * size
        group = (
            slice(index[0], index[0] + 1),
            slice(first, first + size),
            *(slice(0, n) for n in x.shape[2:]),
        )
        place = (index[1] // size if self.per_group else index[1],)
        scale = one(_SCALE, needed(operands, _SCALE), place, "scale")
        shift = one(_SHIFT, needed(operands, _SHIFT), place, "shift")
        parts = (values_of(x, group, index), scale, shift)
        return _normalised(parts, self.epsilon, float(scale.values[0]), float(shift.values[0]))

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        return needed(operands, _X).shape

    def _groups(self, x: Array, mask: Mask) -> Mask:
        """All values of the groups in which one is marked."""
        apart = mask.reshape(len(x), -1, self._size(x), *x.shape[2:])
        return _along(apart, tuple(range(2, apart.ndim))).reshape(x.shape)

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        x = needed(operands, _X)
        seen = any_over(mask, 0, *range(2, x.ndim))
        if self.per_group:
            seen = any_over(seen.reshape(-1, self._size(x)), 1)
        return [self._groups(x, mask), seen, seen.copy()]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        x = needed(operands, _X)
        if number == _X:
            return self._groups(x, mask)
        channels = np.repeat(mask, self._size(x)) if self.per_group else mask
        return widened(channels.reshape(-1, *(1,) * (x.ndim - 2)), x.shape)


@dataclass(frozen=True)
class LayerNormalization(Operation):
    """x, scale, shift or None (broadcast to x) -> x normalised along all axes from `axis` on, by their own statistics.

    Result 1 is the mean, result 2 is 1 / sqrt(variance + epsilon), both with those axes kept as 1. Without scale and
    shift, and along any `axes`, it is mean-variance normalisation.
    """

    axes: tuple[int, ...]
    epsilon: float = 1e-5

    kind: ClassVar[str] = "layer normalisation"

    def open(self, operands: Operands, index: Index, output: int = 0) -> Opening:
        x = needed(operands, _X)
        part = values_of(x, group_of(x.shape, index, self.axes), index)
        if output == 1:
            return Linear((part,), divisor=float(len(part)))
        if output == 2:
            return self._inverse(part)
        parts, numbers = [part], list[float | None]()
        for place, role in ((_SCALE, "scale"), (_SHIFT, "shift")):
            array = operands[place] if place < len(operands) else None
            if array is not None:
                parts.append(one(place, array, place_in(index, array.shape), role))
            numbers.append(None if array is None else float(parts[-1].values[0]))
        return _normalised(tuple(parts), self.epsilon, numbers[0], numbers[1])

    def _inverse(self, part: Part) -> Formula:
        values = part.values
        mean, variance = float(values.mean()), float(values.var())
        result = 1 / np.sqrt(np.float64(variance) + self.epsilon)
        # The squares' terms, whose rounding the root halves.
        squares = float((np.abs(values - mean) * (np.abs(values) + np.abs(values).mean())).mean())
        return Formula(
            (part,),
            result=float(result),
            text=f"1 / sqrt({number(variance)} + {number(self.epsilon)})",
            scale=float(result * (1 + squares / (variance + self.epsilon))),
            facts={"mean": mean, "variance": variance, "epsilon": self.epsilon, "count": float(len(part))},
        )

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        shape = needed(operands, _X).shape
        return tuple(1 if k in self.axes else n for k, n in enumerate(shape)) if output else shape

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        x = needed(operands, _X)
        if output:
            return [widened(mask, x.shape), *(None for _ in operands[1:])]
        others = [None if array is None else narrowed(mask, array.shape) for array in operands[1:]]
        return [_along(mask, self.axes), *others]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        shape = self.result_shape(operands, output)
        if number != _X:
            return np.zeros(shape, bool) if output else widened(mask, shape)
        return np.asarray(mask.any(axis=self.axes, keepdims=True)) if output else _along(mask, self.axes)


@dataclass(frozen=True)
class LpNormalization(Operation):
    """x / (sum of |x|^p along `axis`)^(1 / p), p 1 or 2; 0 where all are 0."""

    axis: int
    p: int = 2

    kind: ClassVar[str] = "Lp normalisation"

    def open(self, operands: Operands, index: Index, output: int = 0) -> Formula:
        x = needed(operands, _X)
        part = values_of(x, group_of(x.shape, index, (self.axis,)), index)
        norm = float(np.linalg.norm(part.values, self.p))
        result = float(part.values[0]) / norm if norm else 0.0
        text = f"{number(part.values[0])} / {number(norm)}"
        return Formula(
            (part,), result=result, text=text, scale=abs(result), facts={"norm": norm, "p": float(self.p)}
        )

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        return needed(operands, _X).shape

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        return [_along(mask, (self.axis,))]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        return _along(mask, (self.axis,))


@dataclass(frozen=True)
class LocalResponse(Operation):
    """x [N, C, *n] / (bias + alpha / size sum of x^2)^beta, the sum over `size` channels around the value's own:
    floor((size - 1) / 2) before it, ceil((size - 1) / 2) after."""

    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    bias: float = 1.0

    kind: ClassVar[str] = "local response normalisation"

    def open(self, operands: Operands, index: Index, output: int = 0) -> Formula:
        x = needed(operands, _X)
        first, last = index[1] - (self.size - 1) // 2, index[1] + self.size // 2
        channels = slice(max(first, 0), min(last + 1, x.shape[1]))
        group = (
            slice(index[0], index[0] + 1),
            channels,
            *(slice(place, place + 1) for place in index[2:]),
        )
        part = values_of(x, group, index)
        own, squares = float(part.values[0]), float(np.square(part.values).sum())
        result = own / (self.bias + self.alpha / self.size * squares) ** self.beta
        text = (
            f"{number(own)} / ({number(self.bias)} + {number(self.alpha)} / {self.size} × {number(squares)})"
            f" ^ {number(self.beta)}"
        )
        return Formula(
            (part,), result=result, text=text, scale=abs(result), facts={"sum of squares": squares}
        )

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        return needed(operands, _X).shape

    def _shifted(self, mask: Mask, before: int, after: int) -> Mask:
        """Marked from `before` channels before each marked one to `after` after it."""
        found, channels = np.zeros_like(mask), mask.shape[1]
        for d in range(-min(before, channels - 1), min(after, channels - 1) + 1):
            found[:, max(d, 0) : channels + min(d, 0)] |= mask[:, max(-d, 0) : channels + min(-d, 0)]
        return found

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        return [self._shifted(mask, (self.size - 1) // 2, self.size // 2)]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        return self._shifted(mask, self.size // 2, (self.size - 1) // 2)
