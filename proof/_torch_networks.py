"""Small torch networks with what real ones are made of, exported by both of PyTorch's exporters."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 32


def _conv(inner: int, outer: int, kernel: int = 3, **more: int) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU."""
    made = nn.Conv2d(inner, outer, kernel, padding=kernel // 2, bias=False, **more)
    return nn.Sequential(made, nn.BatchNorm2d(outer), nn.ReLU())


class _Classifier(nn.Module):
    """A stem, some `body`, and a dense layer on what globally averaging leaves."""

    def __init__(self, body: nn.Module, channels: int):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.body = body
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(channels, 7)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.pool(self.body(self.stem(x))).flatten(1))


class _Residual(nn.Module):
    def __init__(self, inner: int, outer: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.down = nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.down(x))


class _Squeeze(nn.Module):
    """A depthwise convolution whose channels are weighed (squeeze and excitation), as in MobileNetV3."""

    def __init__(self, channels: int):
        super().__init__()
        self.wide = nn.Conv2d(channels, 2 * channels, 1, bias=False)
        self.depthwise = nn.Conv2d(2 * channels, 2 * channels, 5, 1, 2, groups=2 * channels, bias=False)
        self.bn = nn.BatchNorm2d(2 * channels)
        self.fc1 = nn.Conv2d(2 * channels, 8, 1)
        self.fc2 = nn.Conv2d(8, 2 * channels, 1)
        self.narrow = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.hardswish(self.bn(self.depthwise(F.hardswish(self.wide(x)))))
        weights = F.hardsigmoid(self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(y, 1)))))
        return x + self.narrow(y * weights)


class _Dense(nn.Module):
    """Every layer takes in all before it."""

    def __init__(self, channels: int, growth: int, count: int):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(channels + i * growth),
                nn.ReLU(),
                nn.Conv2d(channels + i * growth, growth, 3, 1, 1),
            )
            for i in range(count)
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return x


class _Inception(nn.Module):
    """Branches of other kernels; pooling that hangs over the border, leaves its padding out of the mean, or adapts."""

    def __init__(self, channels: int):
        super().__init__()
        self.shrink = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.one = _conv(channels, 8, 1)
        self.three = nn.Sequential(_conv(channels, 8, 1), _conv(8, 12, 3))
        self.mean = nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), _conv(channels, 8, 1))
        self.flat = nn.Conv2d(channels, 4, (1, 7), padding=(0, 3))
        self.last = nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.shrink(x)
        x = torch.cat([self.one(x), self.three(x), self.mean(x), self.flat(x)], 1)
        return self.last(F.adaptive_avg_pool2d(x, 4) + F.adaptive_max_pool2d(x, 4))


class _Norms(nn.Module):
    """Normalisations that work out their own mean, and the activations that newer networks have."""

    def __init__(self, channels: int):
        super().__init__()
        self.group = nn.GroupNorm(4, channels)
        self.instance = nn.InstanceNorm2d(channels, affine=True)
        self.layer = nn.LayerNorm(channels)
        self.mlp = nn.Linear(channels, 2 * channels)
        self.back = nn.Linear(2 * channels, channels)
        self.prelu = nn.PReLU(channels)
        self.local = nn.LocalResponseNorm(5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.prelu(self.group(x))
        x = F.silu(self.instance(x))
        y = self.back(F.gelu(self.mlp(self.layer(x.permute(0, 2, 3, 1)))))
        x = x + y.permute(0, 3, 1, 2)
        return self.local(F.elu(x) + F.mish(x))


class _Moved(nn.Module):
    """Values that are moved, enlarged, mirrored, shuffled and cut."""

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels
        self.up = nn.ConvTranspose2d(channels, channels, 3, 2, 1, output_padding=1, groups=2)
        self.pad = nn.ReflectionPad2d((1, 2, 2, 1))
        self.nearest = nn.Upsample(scale_factor=2, mode="nearest")
        self.bilinear = nn.Upsample(size=(20, 24), mode="bilinear", align_corners=False)
        self.corners = nn.Upsample(scale_factor=1.5, mode="bilinear", align_corners=True)
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.up(self.pad(x[:, :, 2:-2, 1::2])), 0.2)
        n, c, h, w = x.shape
        x = x.reshape(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)  # a channel shuffle
        x = self.corners(self.bilinear(F.max_pool2d(self.nearest(x), 2)))[:, :, :32, :32]
        x = F.pad(x, (0, 32 - x.shape[3], 0, 32 - x.shape[2]), value=0.5)
        one, two = self.shuffle(x).repeat(1, 4, 1, 1).chunk(2, 1)
        return torch.cat([torch.tanh(one), torch.sigmoid(two)], 1)


def _residual() -> nn.Module:
    return _Classifier(nn.Sequential(_Residual(16, 16, 1), _Residual(16, 24, 2)), 24)


def _squeeze() -> nn.Module:
    return _Classifier(nn.Sequential(_Squeeze(16), _Squeeze(16)), 16)


def _dense() -> nn.Module:
    return _Classifier(_Dense(16, 6, 3), 34)


def _inception() -> nn.Module:
    return _Classifier(_Inception(16), 32)


def _norms() -> nn.Module:
    return _Classifier(_Norms(16), 16)


def _moved() -> nn.Module:
    return _Classifier(_Moved(16), 16)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "residual": _residual,
    "squeeze": _squeeze,
    "dense": _dense,
    "inception": _inception,
    "norms": _norms,
    "moved": _moved,
}


def made(name: str, seed: int = 0) -> nn.Module:
    """A network with random weights and random statistics of its batch normalisations, ready to infer."""
    torch.manual_seed(seed)
    network = NETWORKS[name]().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.2)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.2, 0.6)  # type: ignore[arg-type]
        weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
        if isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm | nn.InstanceNorm2d):
            nn.init.uniform_(weight, 0.5, 1.5)  # type: ignore[arg-type]
            nn.init.normal_(bias, 0, 0.2)  # type: ignore[arg-type]
    return network


def export(name: str, path: Path, dynamo: bool, opset: int | None = None) -> None:
    """Write a network by PyTorch's newer (`dynamo`) or older exporter, its nodes as they are and nothing folded."""
    picture = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    folding = {} if dynamo else {"do_constant_folding": False}
    quiet = io.StringIO()
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                made(name), (picture,), str(path), dynamo=dynamo, opset_version=opset, input_names=["x"],
                external_data=False, **folding,
            )  # fmt: skip
    finally:
        logging.disable(logging.NOTSET)
