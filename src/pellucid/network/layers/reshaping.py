"""Reshaping: the same values in another order, nothing computed."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from pellucid.network.layers.base import Layer, Shape, Window


@dataclass(frozen=True)
class Flatten(Layer):
    """[c, *n] -> [c * n...], channel by channel, the last axis fastest: (c, y, x) goes to (c * h + y) * w + x."""

    word: ClassVar[str] = "flatten"
    prefix: ClassVar[str] = "flatten"

    def output_shape(self, *inputs: Shape) -> Shape:
        return (prod(inputs[0]),)

    def windows(self, *inputs: Shape) -> tuple[Window, ...]:
        return ()

    def shape_formula(self, *inputs: Shape) -> str:
        return f"{' x '.join(str(n) for n in (*inputs[0][1:], inputs[0][0]))} = {prod(inputs[0]):,}"
