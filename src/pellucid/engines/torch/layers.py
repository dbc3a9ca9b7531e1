"""A torch module for each layer kind. Values run as [n, c, *spatial] kept channel last in memory.

torch has an operation of its own for each number of spatial axes, so modules pick theirs when they are made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pellucid.engines.torch.narrow import conv_of_few_channels, pads_by_hand
from pellucid.network import layers as kinds
from pellucid.network.layers import Layer, Shape
from pellucid.network.layers.window import Pads

CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}  # by the number of spatial axes
MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVG_POOL = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
ADAPTIVE_AVG_POOL = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}
ADAPTIVE_MAX_POOL = {1: nn.AdaptiveMaxPool1d, 2: nn.AdaptiveMaxPool2d, 3: nn.AdaptiveMaxPool3d}
MOMENTUM = 0.1  # of batch normalisation's running statistics, a step


class Convolution(nn.Module):
    """Convolution with any padding. `narrow` is set where double columns are to be used (see narrow.py)."""

    def __init__(self, layer: kinds.Conv, shape: Shape):
        super().__init__()
        self.layer = layer
        self.weight = nn.Parameter(torch.empty(layer.weight_shapes(shape)["weight"]))
        self.bias = nn.Parameter(torch.empty(layer.channels)) if layer.bias else None
        self.pads = layer.pads(shape)
        self.narrow = False
        self.convolve = CONVOLVE[len(shape) - 1]

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        if self.narrow and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu"):
            return conv_of_few_channels(pads_by_hand(x, self.pads), self.weight, self.bias)
        x, padding = _padded(x, self.pads)
        return self.convolve(x, self.weight, self.bias, layer.stride, padding, layer.dilation, layer.groups)


class BatchNormalisation(nn.Module):
    """Batch normalisation whose statistics are those of the piece that it is given.

    In training `running_mean` and `running_var` take the piece's own statistics; the trainer blends them, piece by
    piece in order, into the network's.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, layer: kinds.BatchNorm, shape: Shape):
        super().__init__()
        self.epsilon = layer.epsilon
        self.weight = nn.Parameter(torch.ones(shape[0]))
        self.bias = nn.Parameter(torch.zeros(shape[0]))
        self.register_buffer("running_mean", torch.zeros(shape[0]))
        self.register_buffer("running_var", torch.ones(shape[0]))

    def forward(self, x: Tensor) -> Tensor:
        # A single value a channel has no spread to learn from: it is normalised as in the finished model.
        training = self.training and x.numel() > x.shape[1]
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, training, 1.0, self.epsilon
        )


class Dropping(nn.Module):
    """Dropout whose mask comes from `generator`, seeded for each piece of each step by the trainer."""

    def __init__(self, layer: kinds.Dropout, shape: Shape):
        super().__init__()
        self.rate = layer.rate
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        mask = torch.empty_like(x).bernoulli_(1 - self.rate, generator=self.generator)
        return x * mask.div_(1 - self.rate)


class Pooling(nn.Module):
    """Max or mean pooling with any padding."""

    def __init__(self, layer: kinds.MaxPool | kinds.AvgPool, shape: Shape):
        super().__init__()
        self.layer = layer
        self.pads = layer.pads(shape)
        self.max_pool, self.avg_pool = MAX_POOL[len(shape) - 1], AVG_POOL[len(shape) - 1]
        # torch pads both sides alike, by at most half the window.
        self.by_hand = any(
            before != after or 2 * before > window
            for (before, after), window in zip(self.pads, layer.window, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        padding = [0 if self.by_hand else before for before, _ in self.pads]
        if isinstance(layer, kinds.MaxPool):
            padded = pads_by_hand(x, self.pads, -torch.inf) if self.by_hand else x
            return self.max_pool(padded, layer.window, layer.stride, padding)
        if not self.by_hand:
            return self.avg_pool(
                x, layer.window, layer.stride, padding, count_include_pad=layer.count_include_pad
            )
        mean = self.avg_pool(pads_by_hand(x, self.pads), layer.window, layer.stride)
        if layer.count_include_pad:
            return mean
        inside = pads_by_hand(torch.ones_like(x[:1, :1]), self.pads)
        return mean / self.avg_pool(inside, layer.window, layer.stride)


class Curve(nn.Module):
    """Anything without weights: a function of its inputs."""

    def __init__(self, function: Callable[..., Tensor]):
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)


def _border(layer: kinds.Pad, shape: Shape) -> nn.Module:
    last_axis_first = [pad for pair in reversed(layer.padding) for pad in pair]
    mode = "constant" if layer.mode == "zero" else layer.mode
    return Curve(lambda x: F.pad(x, last_axis_first, mode=mode))


def dense(layer: kinds.Dense, shape: Shape) -> nn.Module:
    """torch's own dense layer, its weights not yet set: drawing them would be for nothing."""
    linear = nn.Linear(prod(shape), layer.units, bias=layer.bias, device="meta")
    return linear.to_empty(device=torch.get_default_device())


def _curve(function: Callable[..., Tensor]) -> Callable[[Layer, Shape], nn.Module]:
    return lambda layer, shape: Curve(function)


def _local_response(layer: kinds.LocalResponseNorm, shape: Shape) -> nn.Module:
    return Curve(lambda x: F.local_response_norm(x, layer.size, layer.alpha, layer.beta, layer.k))


# To add a layer: its line here.
BUILD: dict[type[Layer], Callable[..., nn.Module]] = {
    kinds.Conv: Convolution,
    kinds.Pad: _border,
    kinds.MaxPool: Pooling,
    kinds.AvgPool: Pooling,
    kinds.GlobalAvgPool: _curve(lambda x: x.mean(tuple(range(2, x.ndim)), keepdim=True)),
    kinds.GlobalMaxPool: lambda layer, shape: ADAPTIVE_MAX_POOL[len(shape) - 1](1),
    kinds.AdaptiveAvgPool: lambda layer, shape: ADAPTIVE_AVG_POOL[len(shape) - 1](layer.size),
    kinds.AdaptiveMaxPool: lambda layer, shape: ADAPTIVE_MAX_POOL[len(shape) - 1](layer.size),
    kinds.ReLU: lambda layer, shape: nn.ReLU(),
    kinds.LeakyReLU: lambda layer, shape: nn.LeakyReLU(layer.slope),
    kinds.Sigmoid: lambda layer, shape: nn.Sigmoid(),
    kinds.Tanh: lambda layer, shape: nn.Tanh(),
    kinds.GELU: lambda layer, shape: nn.GELU(),
    kinds.SiLU: lambda layer, shape: nn.SiLU(),
    kinds.HardSwish: lambda layer, shape: nn.Hardswish(),
    kinds.ReLU6: lambda layer, shape: nn.ReLU6(),
    kinds.BatchNorm: BatchNormalisation,
    kinds.LocalResponseNorm: _local_response,
    kinds.Dropout: Dropping,
    kinds.Flatten: lambda layer, shape: nn.Flatten(),
    kinds.Dense: dense,
    kinds.Softmax: lambda layer, shape: nn.Softmax(dim=1),
    kinds.Add: _curve(lambda *inputs: reduce(torch.add, inputs)),
    kinds.Concat: _curve(lambda *inputs: torch.cat(inputs, 1)),
}


def build(layer: Layer, shape: Shape) -> nn.Module:
    """The module of one layer for an input of this shape (the first input's, where it takes several)."""
    return BUILD[type(layer)](layer, shape)


def _padded(x: Tensor, pads: Pads) -> tuple[Tensor, list[int]]:
    """torch pads both sides alike; where they differ the input is padded first."""
    if all(before == after for before, after in pads):
        return x, [before for before, _ in pads]
    return pads_by_hand(x, pads), [0] * len(pads)
