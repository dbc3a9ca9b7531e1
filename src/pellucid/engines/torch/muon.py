"""Muon's steps in torch, in float32: see `pellucid.engines.muon`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from pellucid.engines.muon import COEFFICIENTS, EPSILON, RATE, TIMES


class Muon:
    """Steps of filters [rows, ...], each as a matrix [rows, all else], which hold their gradients."""

    def __init__(self, filters: Mapping[str, nn.Parameter], momentum: float, decay: float):
        self.filters, self.momentum, self.decay = dict(filters), momentum, decay
        self.buffers: dict[str, Tensor] = {}

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One step; the rate is RATE times this one."""
        for name, weight in self.filters.items():
            gradient = weight.grad
            if gradient is None:
                continue
            buffer = self.buffers.setdefault(name, torch.zeros_like(weight))
            buffer.mul_(self.momentum).add_(gradient)
            way = orthogonal(gradient.add(buffer, alpha=self.momentum).flatten(1))
            rows, columns = way.shape
            weight.mul_(1 - rate * self.decay)
            weight.sub_(way.reshape(weight.shape), alpha=RATE * rate * max(1, rows / columns) ** 0.5)


def orthogonal(matrix: Tensor) -> Tensor:
    """The matrix [rows, columns] with the same singular vectors and singular values of about 1 (0.7 to 1.2)."""
    high = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if high else matrix
    x = x / (x.norm() + EPSILON)
    linear, cubic, quintic = COEFFICIENTS
    for _ in range(TIMES):
        once = x @ x.T
        x = linear * x + (cubic * once + quintic * once @ once) @ x
    return x.T if high else x
