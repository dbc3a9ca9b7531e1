"""Normalisation by statistics, in torch: kept ones (batch), or those of the values themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.network.operations import Operation
from pellucid.network.operations.normalisation import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    LocalResponse,
    LpNormalization,
)

Tensors = Sequence[Tensor | None]


class NotDifferentiable(Exception):
    """This operation has no gradient here; the text says why."""


def given(operands: Tensors, number: int = 0) -> Tensor:
    """An operand that has to be there."""
    tensor = operands[number]
    assert tensor is not None
    return tensor


def _normalised(x: Tensor, axes: tuple[int, ...], epsilon: float) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon), both over these axes."""
    centred = x - x.mean(axes, keepdim=True)
    return centred / torch.sqrt((centred * centred).mean(axes, keepdim=True) + epsilon)


def _batch(operation: BatchNormalization, operands: Tensors, output: int) -> Tensor:
    if output:
        raise NotDifferentiable("running statistics are training's")
    x, *parameters = (given(operands, number) for number in range(5))
    if not operation.per_place:
        parameters = [each.reshape(-1, *(1,) * (x.ndim - 2)) for each in parameters]
    scale, shift, mean, variance = parameters
    if operation.training:
        return _normalised(x, (0, *range(2, x.ndim)), operation.epsilon) * scale + shift
    return (x - mean) / torch.sqrt(variance + operation.epsilon) * scale + shift


def _group(operation: GroupNormalization, operands: Tensors, output: int) -> Tensor:
    x, scale, shift = (given(operands, number) for number in range(3))
    groups = operation.groups or x.shape[1]
    apart = x.reshape(len(x), groups, -1)
    y = _normalised(apart, (2,), operation.epsilon).reshape(x.shape)
    if operation.per_group:
        size = x.shape[1] // groups
        scale, shift = scale.repeat_interleave(size), shift.repeat_interleave(size)
    ones = (1,) * (x.ndim - 2)
    return y * scale.reshape(-1, *ones) + shift.reshape(-1, *ones)


def _layer(operation: LayerNormalization, operands: Tensors, output: int) -> Tensor:
    x = given(operands)
    mean = x.mean(operation.axes, keepdim=True)
    if output == 1:
        return mean
    if output == 2:
        return 1 / torch.sqrt(((x - mean) ** 2).mean(operation.axes, keepdim=True) + operation.epsilon)
    y = _normalised(x, operation.axes, operation.epsilon)
    scale, shift = (operands[number] if number < len(operands) else None for number in (1, 2))
    y = y if scale is None else y * scale
    return y if shift is None else y + shift


def _lp(operation: LpNormalization, operands: Tensors, output: int) -> Tensor:
    x = given(operands)
    norm = torch.linalg.vector_norm(x, operation.p, operation.axis, keepdim=True)
    return x / torch.where(norm == 0, 1.0, norm)


def _local(operation: LocalResponse, operands: Tensors, output: int) -> Tensor:
    x, n = given(operands), operation.size
    squares = F.pad((x * x).reshape(len(x), 1, x.shape[1], -1), (0, 0, (n - 1) // 2, n // 2))
    sums = squares.unfold(2, n, 1).sum(-1).reshape(x.shape)
    return x / (operation.bias + operation.alpha / n * sums) ** operation.beta


NORMALISATION: dict[type[Operation], Callable[[Any, Tensors, int], Tensor]] = {
    BatchNormalization: _batch,
    GroupNormalization: _group,
    LayerNormalization: _layer,
    LocalResponse: _local,
    LpNormalization: _lp,
}
