"""Convolution as machine learning uses the word: cross-correlation, each channel with its own kernel."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from pellucid.errors import NetworkError
from pellucid.network.layers.base import Argument, Form, Shape, Size, size_text
from pellucid.network.layers.window import Pads, Sliding


@dataclass(frozen=True)
class Conv(Sliding):
    """[c, *n] -> [channels, *n']: each output channel is a kernel over its group's channels and a bias.

    `n` is (length,), (height, width) or (depth, height, width).
    Weights: `weight` [channels, c / groups, *kernel], `bias` [channels]; `frozen`: training leaves them as they are.
    """

    channels: int
    kernel: Size
    stride: Size = (1,)
    padding: str | Pads = ((0, 0),)
    dilation: Size = (1,)
    groups: int = 1
    bias: bool = True
    frozen: bool = False

    word: ClassVar[str] = "conv"
    prefix: ClassVar[str] = "conv"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("channels", Form.COUNT),
        Argument("kernel", Form.SIZE),
        Argument("stride", Form.SIZE, "stride"),
        Argument("padding", Form.PADDING, "pad"),
        Argument("dilation", Form.SIZE, "dilation"),
        Argument("groups", Form.COUNT, "groups"),
        Argument("bias", Form.FLAG, "nobias"),
        Argument("frozen", Form.FLAG, "frozen"),
    )

    @property
    def extent(self) -> Size:
        return tuple(d * (f - 1) + 1 for f, d in zip(self.kernel, self.dilation, strict=True))

    @property
    def window_name(self) -> str:
        return "kernel" if set(self.dilation) == {1} else "dilated kernel"

    def output_shape(self, *inputs: Shape) -> Shape:
        spatial = self.slide(inputs[0])
        for count, what in ((inputs[0][0], "input channels"), (self.channels, "output channels")):
            if count % self.groups:
                raise NetworkError(
                    f"{count} {what} don't divide into {self.groups} groups: "
                    f"{count}/{self.groups} = {count / self.groups:g}"
                )
        return (self.channels, *spatial)

    def weight_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        weight = (self.channels, inputs[0][0] // self.groups, *self.kernel)
        return {"weight": weight} | ({"bias": (self.channels,)} if self.bias else {})

    def mult_adds(self, *inputs: Shape) -> int:
        return prod(self.output_shape(*inputs)) * (inputs[0][0] // self.groups) * prod(self.kernel)

    def parameter_formula(self, *inputs: Shape) -> str:
        total = sum(prod(shape) for shape in self.weight_shapes(*inputs).values())
        terms = self._kernel_text(inputs[0])
        each = f"({terms} + 1)" if self.bias else terms
        return f"{each} x {self.channels} = {total:,}{', frozen' * self.frozen}"

    def mult_add_formula(self, *inputs: Shape) -> str:
        values = size_text(self.output_shape(*inputs))
        return f"{values} values x {self._kernel_text(inputs[0])} = {self.mult_adds(*inputs):,}"

    def _kernel_text(self, shape: Shape) -> str:
        return " x ".join(str(n) for n in (*self.kernel, shape[0] // self.groups))
