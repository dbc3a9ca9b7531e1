"""What a node of an opened graph computes, as a function of torch tensors: differentiable, nothing in place.

Tensors have one floating type throughout (float32 or float64); conditions are boolean. What has no useful gradient
(rounding, choosing a place, whole numbers) is refused: a gradient of 0 everywhere would say that nothing matters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.engines.torch.layers import CONVOLVE, MAX_POOL
from pellucid.engines.torch.normalisation import NORMALISATION, NotDifferentiable, Tensors, given
from pellucid.network.operations import Operation, activation, dense, elementwise, pointwise, pooling
from pellucid.network.operations import reduction as reductions
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.movement import (
    Concat,
    DepthToSpace,
    Expand,
    Gather,
    GatherElements,
    Identity,
    Movement,
    Pad,
    Reshape,
    Slice,
    SpaceToDepth,
    Split,
    Tile,
    Transpose,
)
from pellucid.network.operations.resizing import Resize
from pellucid.network.operations.sliding import Slide
from pellucid.network.operations.softmax import Softmax
from pellucid.network.operations.transposed import TransposedConvolution

CONVOLVE_TRANSPOSED: dict[int, Callable[..., Tensor]] = {
    1: F.conv_transpose1d,
    2: F.conv_transpose2d,
    3: F.conv_transpose3d,
}


def apply(operation: Operation, operands: Tensors, output: int = 0) -> Tensor:
    """Result number `output` of the operation. Raises NotDifferentiable."""
    function = FUNCTIONS.get(type(operation))
    if function is None:
        raise NotDifferentiable(f"{operation.kind} has no gradient here")
    return function(operation, operands, output)


def _rank(table: dict[int, Callable[..., Tensor]], rank: int) -> Callable[..., Tensor]:
    if rank not in table:
        raise NotDifferentiable(f"torch has no window over {rank} spatial axes")
    return table[rank]


# --- windows ----------------------------------------------------------------------------------------------


def _padded(x: Tensor, pads: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
    """The last axes with (before, after) more places each; a negative number cuts off."""
    flat = [side for pair in reversed(pads) for side in pair]
    return F.pad(x, flat, value=value) if any(flat) else x


def _convolution(operation: Convolution, operands: Tensors, output: int) -> Tensor:
    x, weight = given(operands), given(operands, 1)
    convolve = _rank(CONVOLVE, x.ndim - 2)
    x = _padded(x, operation.pads)
    return convolve(x, weight, operands[2], operation.stride, 0, operation.dilation, operation.groups)


def _transposed(operation: TransposedConvolution, operands: Tensors, output: int) -> Tensor:
    x, weight, bias = given(operands), given(operands, 1), operands[2]
    convolve = _rank(CONVOLVE_TRANSPOSED, x.ndim - 2)
    whole = convolve(x, weight, None, operation.stride, 0, 0, operation.groups, operation.dilation)
    edges = [
        (-before, extra - after)
        for (before, after), extra in zip(operation.pads, operation.output_padding, strict=True)
    ]
    y = _padded(whole, edges)
    return y if bias is None else y + bias.reshape(-1, *(1,) * (x.ndim - 2))


def _under_windows(x: Tensor, slide: Slide, value: float) -> Tensor:
    """The input with `value` around it as far as the windows go, the ones that hang over the end, too."""
    pads = []
    for n, size, f, s, d, (before, _) in zip(
        x.shape[2:], slide.sizes(tuple(x.shape[2:])), slide.kernel, slide.stride, slide.dilation, slide.pads,
        strict=True,
    ):  # fmt: skip
        pads.append((before, (size - 1) * s + d * (f - 1) + 1 - n - before))
    return _padded(x, pads, value)


def _max_pooling(operation: pooling.MaxPooling, operands: Tensors, output: int) -> Tensor:
    if output:
        raise NotDifferentiable("the winner's place is a whole number")
    x = given(operands)
    pool = _rank(MAX_POOL, x.ndim - 2)
    x = _under_windows(x, operation.slide, -math.inf)
    return pool(x, operation.kernel, operation.stride, 0, operation.dilation)


def _window_sums(x: Tensor, slide: Slide) -> Tensor:
    """The sum of what lies under each window, channel by channel: a convolution with ones."""
    planes = _under_windows(x, slide, 0.0).flatten(0, 1).unsqueeze(1)
    ones = torch.ones((1, 1, *slide.kernel), dtype=x.dtype)
    sums = _rank(CONVOLVE, x.ndim - 2)(planes, ones, None, slide.stride, 0, slide.dilation)
    return sums.reshape(*x.shape[:2], *sums.shape[2:])


def _average_pooling(operation: pooling.AveragePooling, operands: Tensors, output: int) -> Tensor:
    x, slide = given(operands), operation.slide
    spatial = tuple(x.shape[2:])
    if operation.kernel == spatial and not any(map(any, operation.pads)):
        return x.mean(tuple(range(2, x.ndim)), keepdim=True)
    counts = np.ones((), np.int64)
    for axis, (n, size) in enumerate(zip(spatial, slide.sizes(spatial), strict=True)):
        before, after = operation.pads[axis]
        starts = np.arange(size) * operation.stride[axis] - before
        taps = starts[:, None] + operation.dilation[axis] * np.arange(operation.kernel[axis])
        first, last = (-before, n + after) if operation.count_include_pad else (0, n)
        counts = np.multiply.outer(counts, ((taps >= first) & (taps < last)).sum(axis=1))
    return _window_sums(x, slide) / torch.from_numpy(np.maximum(counts, 1)).to(x.dtype)


def _lp_pooling(operation: pooling.LpPooling, operands: Tensors, output: int) -> Tensor:
    return _window_sums(given(operands).abs() ** operation.p, operation.slide) ** (1 / operation.p)


# --- what moves or mixes places ---------------------------------------------------------------------------


def _movement(operation: Movement, operands: Tensors, output: int) -> Tensor:
    """A gather: each value of the result by its place among all operands; the constant stands after them."""
    tensors = [given(operands, number) for number in range(len(operands))]
    route = operation.route(tuple(tuple(x.shape) for x in tensors), output)
    places = torch.from_numpy(route.astype(np.int64).ravel())
    flat = [x.reshape(-1) for x in tensors]
    constant = torch.full((1,), operation.constant, dtype=tensors[0].dtype)
    values = torch.cat([*flat, constant])
    places = torch.where(places < 0, len(values) - 1, places)
    return values.index_select(0, places).reshape(route.shape)


def _resize(operation: Resize, operands: Tensors, output: int) -> Tensor:
    """Axis by axis with the matrix of its weights."""
    y, outside = given(operands), torch.zeros((), dtype=torch.bool)
    for number, axis in enumerate(operation.axes):
        if axis.same:
            continue
        matrix = np.zeros((axis.new, axis.old))
        beyond = np.zeros(axis.new, bool)
        for place in range(axis.new):
            taps = axis.taps(place)
            matrix[place, taps.places] = taps.weights
            beyond[place] = taps.outside
        weights = torch.from_numpy(matrix).to(y.dtype)
        y = (y.movedim(number, -1) @ weights.T).movedim(-1, number)
        line = torch.from_numpy(beyond).reshape(-1, *(1,) * (y.ndim - number - 1))
        outside = outside | line
    return torch.where(outside, torch.tensor(operation.extrapolation, dtype=y.dtype), y)


# --- value by value ---------------------------------------------------------------------------------------


def _of_one(function: Callable[[Any, Tensor], Tensor]) -> Callable[[Any, Tensors, int], Tensor]:
    return lambda operation, operands, output: function(operation, given(operands))


def _elu(operation: activation.Elu, x: Tensor) -> Tensor:
    # The side that isn't taken is held at 0, so that its exponential can't make the gradient infinite.
    below = operation.gamma * operation.alpha * torch.expm1(torch.clamp(x, max=0) / operation.divisor)
    return torch.where(x < 0, below, operation.gamma * x)


_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "abs": torch.abs,
    "erf": torch.erf,
    "exp": torch.exp,
    "log": torch.log,
    "neg": torch.neg,
    "reciprocal": torch.reciprocal,
    "sqrt": torch.sqrt,
}


def _function(operation: pointwise.Function, x: Tensor) -> Tensor:
    if operation.name not in _FUNCTIONS:
        raise NotDifferentiable(f"{operation.name} has the gradient 0 wherever it has one")
    return _FUNCTIONS[operation.name](x)


def _cast(operation: pointwise.Cast, x: Tensor) -> Tensor:
    if operation.to.kind != "f":
        raise NotDifferentiable(f"it makes {operation.to.name} numbers")
    return x


def _broadcast(operation: elementwise.Elementwise, operands: Tensors) -> list[Tensor]:
    tensors = [given(operands, number) for number in range(len(operands))]
    if operation.tail:
        tensors[1] = tensors[1].reshape(*tensors[1].shape, *(1,) * operation.tail)
    return tensors


def _of_several(function: Callable[..., Tensor]) -> Callable[[Any, Tensors, int], Tensor]:
    return lambda operation, operands, output: function(operation, *_broadcast(operation, operands))


def _extreme(operation: elementwise.Extreme, *xs: Tensor) -> Tensor:
    return reduce(torch.maximum if operation.largest else torch.minimum, xs)


_LOGIC: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "=": torch.eq,
    "<": torch.lt,
    "≤": torch.le,
    ">": torch.gt,
    "≥": torch.ge,
    "and": torch.logical_and,
    "or": torch.logical_or,
    "xor": torch.logical_xor,
}


# --- products and sums ------------------------------------------------------------------------------------


def _gemm(operation: dense.Gemm, operands: Tensors, output: int) -> Tensor:
    a, b, c = given(operands), given(operands, 1), operands[2]
    y = operation.alpha * (a.T if operation.transposed_a else a) @ (b.T if operation.transposed_b else b)
    return y if c is None else y + operation.beta * c


def _softmax(operation: Softmax, operands: Tensors, output: int) -> Tensor:
    x = given(operands)
    logarithm = x - torch.logsumexp(x, operation.axes, keepdim=True)
    return logarithm if operation.logarithm else torch.exp(logarithm)


def _reduction(function: Callable[[Any, Tensor], Tensor]) -> Callable[[Any, Tensors, int], Tensor]:
    """Over no axis each value stays; torch would take all axes then."""

    def reduced(operation: reductions.Reduction, operands: Tensors, output: int) -> Tensor:
        x = given(operands)
        if operation.axes:
            return function(operation, x)
        kept = function(type(operation)(**{**vars(operation), "axes": (x.ndim,), "keep": True}), x[..., None])
        return kept[..., 0]

    return reduced


def _sum(operation: reductions.Sum, x: Tensor) -> Tensor:
    return (torch.mean if operation.mean else torch.sum)(x, operation.axes, operation.keep)


def _extreme_over(operation: reductions.Extreme, x: Tensor) -> Tensor:
    if operation.place:
        raise NotDifferentiable("a place is a whole number")
    if not x.numel():
        raise NotDifferentiable("an extreme of nothing is a constant")
    return (torch.amax if operation.largest else torch.amin)(x, operation.axes, operation.keep)


def _norm(operation: reductions.Norm, x: Tensor) -> Tensor:
    axes, keep = operation.axes, operation.keep
    match operation.form:
        case "prod":
            for axis in sorted(axes, reverse=True):
                x = torch.prod(x, axis, keep)
            return x
        case "L1":
            return x.abs().sum(axes, keep)
        case "L2":
            return torch.linalg.vector_norm(x, 2, axes, keep)
        case "sum square":
            return (x * x).sum(axes, keep)
        case "log sum":
            return x.sum(axes, keep).log()
        case "log sum exp":
            return torch.logsumexp(x, axes, keep)


# To add an operation: its line here.
FUNCTIONS: dict[type[Operation], Callable[[Any, Tensors, int], Tensor]] = {
    Convolution: _convolution,
    TransposedConvolution: _transposed,
    pooling.MaxPooling: _max_pooling,
    pooling.AveragePooling: _average_pooling,
    pooling.LpPooling: _lp_pooling,
    Identity: _movement,
    Reshape: _movement,
    Transpose: _movement,
    Slice: _movement,
    Gather: _movement,
    GatherElements: _movement,
    Concat: _movement,
    Split: _movement,
    Pad: _movement,
    Expand: _movement,
    Tile: _movement,
    DepthToSpace: _movement,
    SpaceToDepth: _movement,
    Resize: _resize,
    activation.Relu: _of_one(lambda op, x: F.relu(x)),
    activation.LeakyRelu: _of_one(lambda op, x: F.leaky_relu(x, op.alpha)),
    activation.ThresholdedRelu: _of_one(lambda op, x: torch.where(x > op.alpha, x, 0.0 * x)),
    activation.Clip: _of_one(
        lambda op, x: x if op.low is None and op.high is None else torch.clamp(x, op.low, op.high)
    ),
    activation.Elu: _of_one(_elu),
    activation.Sigmoid: _of_one(lambda op, x: torch.sigmoid(x)),
    activation.HardSigmoid: _of_one(lambda op, x: torch.clamp(op.alpha * x + op.beta, 0, 1)),
    activation.HardSwish: _of_one(lambda op, x: F.hardswish(x)),
    activation.Tanh: _of_one(lambda op, x: torch.tanh(x)),
    activation.Gelu: _of_one(lambda op, x: F.gelu(x, approximate="tanh" if op.tanh else "none")),
    activation.Softplus: _of_one(lambda op, x: F.softplus(x)),
    activation.Softsign: _of_one(lambda op, x: F.softsign(x)),
    activation.Mish: _of_one(lambda op, x: F.mish(x)),
    activation.Swish: _of_one(lambda op, x: x * torch.sigmoid(op.alpha * x)),
    pointwise.Function: _of_one(_function),
    pointwise.Cast: _of_one(_cast),
    elementwise.Addition: _of_several(lambda op, a, *rest: reduce(lambda s, b: s + op.sign * b, rest, a)),
    elementwise.Mean: _of_several(lambda op, *xs: reduce(torch.add, xs) / len(xs)),
    elementwise.Multiplication: _of_several(lambda op, a, b: a * b),
    elementwise.Division: _of_several(lambda op, a, b: a / b),
    elementwise.Power: _of_several(lambda op, a, b: a**b),
    elementwise.Remainder: _of_several(
        lambda op, a, b: torch.fmod(a, b) if op.truncated else torch.remainder(a, b)
    ),
    elementwise.Logic: _of_several(lambda op, a, b: _LOGIC[op.sign](a, b)),
    elementwise.ParametricRelu: _of_several(lambda op, a, b: torch.where(a < 0, a * b, a)),
    elementwise.Extreme: _of_several(_extreme),
    elementwise.Choice: _of_several(lambda op, holds, a, b: torch.where(holds.bool(), a, b)),
    dense.Gemm: _gemm,
    dense.MatMul: lambda op, operands, output: given(operands) @ given(operands, 1),
    Softmax: _softmax,
    reductions.Sum: _reduction(_sum),
    reductions.Extreme: _reduction(_extreme_over),
    reductions.Norm: _reduction(_norm),
    **NORMALISATION,
}
