"""Dense layers: every output is a weighted sum of all inputs, plus a bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.errors import NetworkError
from pellucid.network.layers.base import Argument, Form, Layer, Shape, size_text


@dataclass(frozen=True)
class Dense(Layer):
    """[n] -> [units]. Weights: `weight` [units, n], `bias` [units]; `frozen`: training leaves them as they are."""

    units: int
    bias: bool = True
    frozen: bool = False

    word: ClassVar[str] = "dense"
    prefix: ClassVar[str] = "dense"
    sees_all: ClassVar[bool] = True
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("units", Form.COUNT),
        Argument("bias", Form.FLAG, "nobias"),
        Argument("frozen", Form.FLAG, "frozen"),
    )

    def output_shape(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) != 1:
            raise NetworkError(
                f"dense needs a row of values, its input is {size_text(inputs[0])}",
                remedy=f"flatten, dense {self.units}",
            )
        return (self.units,)

    def weight_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        return {"weight": (self.units, inputs[0][0])} | ({"bias": (self.units,)} if self.bias else {})

    def mult_adds(self, *inputs: Shape) -> int:
        return self.units * inputs[0][0]

    def shape_formula(self, *inputs: Shape) -> str:
        return f"{self.units:,} units, as asked"

    def parameter_formula(self, *inputs: Shape) -> str:
        n = inputs[0][0]
        frozen = ", frozen" * self.frozen
        if self.bias:
            return f"({n:,} + 1) x {self.units:,} = {(n + 1) * self.units:,}{frozen}"
        return f"{n:,} x {self.units:,} = {n * self.units:,}{frozen}"

    def mult_add_formula(self, *inputs: Shape) -> str:
        return f"{inputs[0][0]:,} x {self.units:,} = {self.mult_adds(*inputs):,}"
