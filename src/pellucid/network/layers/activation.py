"""Activations: one value in, one value out, the same curve everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.network.layers.base import Argument, Form, Layer


@dataclass(frozen=True)
class ReLU(Layer):
    """max(0, x)."""

    word: ClassVar[str] = "relu"
    prefix: ClassVar[str] = "relu"


@dataclass(frozen=True)
class LeakyReLU(Layer):
    """x where x >= 0, else slope * x."""

    slope: float = 0.01

    word: ClassVar[str] = "leakyrelu"
    prefix: ClassVar[str] = "leakyrelu"
    arguments: ClassVar[tuple[Argument, ...]] = (Argument("slope", Form.NUMBER, "slope"),)


@dataclass(frozen=True)
class Sigmoid(Layer):
    """1 / (1 + exp(-x))."""

    word: ClassVar[str] = "sigmoid"
    prefix: ClassVar[str] = "sigmoid"


@dataclass(frozen=True)
class Tanh(Layer):
    """tanh(x)."""

    word: ClassVar[str] = "tanh"
    prefix: ClassVar[str] = "tanh"


@dataclass(frozen=True)
class GELU(Layer):
    """x * Phi(x) = x/2 * (1 + erf(x / sqrt 2)) (Hendrycks and Gimpel 2016, the exact form)."""

    word: ClassVar[str] = "gelu"
    prefix: ClassVar[str] = "gelu"


@dataclass(frozen=True)
class SiLU(Layer):
    """x / (1 + exp(-x)), also called swish."""

    word: ClassVar[str] = "silu"
    prefix: ClassVar[str] = "silu"


@dataclass(frozen=True)
class HardSwish(Layer):
    """x * min(max(x + 3, 0), 6) / 6 (Howard et al., MobileNetV3, 2019)."""

    word: ClassVar[str] = "hardswish"
    prefix: ClassVar[str] = "hardswish"


@dataclass(frozen=True)
class ReLU6(Layer):
    """min(max(0, x), 6)."""

    word: ClassVar[str] = "relu6"
    prefix: ClassVar[str] = "relu6_"
