"""Joining: several inputs into one, by adding them or by setting their channels side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.errors import NetworkError
from pellucid.network.layers.base import Layer, Shape, size_text


@dataclass(frozen=True)
class Add(Layer):
    """The sum of inputs of one shape, value by value."""

    word: ClassVar[str] = "add"
    prefix: ClassVar[str] = "add"
    joins: ClassVar[bool] = True

    def output_shape(self, *inputs: Shape) -> Shape:
        if len(set(inputs)) > 1:
            shapes = " and ".join(size_text(shape) for shape in inputs)
            raise NetworkError(f"add needs inputs of one shape, these are {shapes}")
        return inputs[0]

    def shape_formula(self, *inputs: Shape) -> str:
        return f"the shape of its {len(inputs)} inputs"


@dataclass(frozen=True)
class Concat(Layer):
    """The inputs' channels one after the other; all else must agree."""

    word: ClassVar[str] = "concat"
    prefix: ClassVar[str] = "concat"
    joins: ClassVar[bool] = True

    def output_shape(self, *inputs: Shape) -> Shape:
        if len({shape[1:] for shape in inputs}) > 1:
            raise NetworkError(
                "concat needs inputs that differ in their channels alone, these are "
                + " and ".join(size_text(shape) for shape in inputs)
            )
        return (sum(shape[0] for shape in inputs), *inputs[0][1:])

    def shape_formula(self, *inputs: Shape) -> str:
        channels = [shape[0] for shape in inputs]
        return f"{' + '.join(str(n) for n in channels)} = {sum(channels)} channels"
