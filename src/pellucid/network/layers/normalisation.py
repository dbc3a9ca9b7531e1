"""Normalisation: batch normalisation (learned) and local response normalisation (AlexNet's)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.errors import NetworkError
from pellucid.network.layers.base import Argument, Form, Layer, Shape, needs_planes


@dataclass(frozen=True)
class BatchNorm(Layer):
    """(x - mean) / sqrt(variance + epsilon) * weight + bias, channel by channel (Ioffe and Szegedy 2015).

    In training mean and variance are the batch's; in the finished model the running ones.
    Weights: `weight` [c], `bias` [c]; running statistics `running_mean` [c], `running_var` [c].
    """

    epsilon: float = 1e-5

    word: ClassVar[str] = "batchnorm"
    prefix: ClassVar[str] = "norm"
    arguments: ClassVar[tuple[Argument, ...]] = (Argument("epsilon", Form.NUMBER, "epsilon"),)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.epsilon <= 0:
            raise NetworkError("batchnorm: epsilon must be above 0", received=repr(self.epsilon))

    def weight_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        return {"weight": inputs[0][:1], "bias": inputs[0][:1]}

    def state_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        return {"running_mean": inputs[0][:1], "running_var": inputs[0][:1]}

    def parameter_formula(self, *inputs: Shape) -> str:
        return f"2 x {inputs[0][0]} = {2 * inputs[0][0]:,}"


@dataclass(frozen=True)
class LocalResponseNorm(Layer):
    """x / (k + alpha/size * sum of squares over `size` neighbouring channels) ^ beta.

    Krizhevsky et al. 2012, section 3.3, with alpha divided by size as ONNX and PyTorch do. The size is odd: of an
    even one ONNX and PyTorch take different neighbours.
    """

    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    word: ClassVar[str] = "lrn"
    prefix: ClassVar[str] = "lrn"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("size", Form.COUNT),
        Argument("alpha", Form.NUMBER, "alpha"),
        Argument("beta", Form.NUMBER, "beta"),
        Argument("k", Form.NUMBER, "k"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % 2 == 0:
            raise NetworkError(
                "lrn: size must be odd, so that it reaches as far on both sides",
                received=str(self.size),
                remedy=f"lrn {self.size + 1}",
            )

    def output_shape(self, *inputs: Shape) -> Shape:
        needs_planes(self.word, inputs[0])
        return inputs[0]
