"""The one formula of everything that slides a window: floor((n + 2p - f)/s) + 1, axis by axis.

Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016), relationship 6;
with dilation the window's extent is d(f - 1) + 1 (relationship 15). "same" is ONNX's SAME_UPPER: ceil(n/s)
outputs, an odd pixel of padding goes after.
"""

from __future__ import annotations

from fractions import Fraction

from pellucid.errors import NetworkError
from pellucid.network.layers.base import Layer, Shape, Size, Window, needs_planes

Pads = tuple[tuple[int, int], ...]


class Sliding(Layer):
    """A layer that slides a window over every channel's plane: convolution and pooling."""

    stride: Size
    padding: str | Pads

    @property
    def extent(self) -> Size:
        """The window's reach on each axis, dilation counted."""
        raise NotImplementedError

    @property
    def window_name(self) -> str:
        """What the window is called in messages: kernel or window."""
        return "window"

    def pads(self, shape: Shape) -> Pads:
        """(before, after) for each spatial axis of this input."""
        if self.padding != "same":
            assert isinstance(self.padding, tuple)
            return self.padding
        pads = []
        for n, f, s in zip(shape[1:], self.extent, self.stride, strict=True):
            total = max((-(-n // s) - 1) * s + f - n, 0)
            pads.append((total // 2, total - total // 2))
        return tuple(pads)

    def slide(self, shape: Shape) -> Size:
        """The output's spatial sizes; NetworkError with formula and numbers where one would be below 1."""
        needs_planes(self.word, shape)
        outputs = []
        for n, f, s, (before, after) in zip(
            shape[1:], self.extent, self.stride, self.pads(shape), strict=True
        ):
            out = (n + before + after - f) // s + 1
            if n + before + after < f:
                spatial = " x ".join(str(size) for size in shape[1:])
                padded = f" padded to {n + before + after}" if before + after else ""
                raise NetworkError(
                    f"{self.window_name} {f} is larger than its {spatial} input{padded}: "
                    f"{output_formula(n, f, s, before, after)} = {out}"
                )
            outputs.append(out)
        return tuple(outputs)

    def windows(self, *inputs: Shape) -> tuple[Window, ...]:
        pads = self.pads(inputs[0])
        return tuple(
            Window(f, Fraction(s), before)
            for f, s, (before, _) in zip(self.extent, self.stride, pads, strict=True)
        )

    def shape_formula(self, *inputs: Shape) -> str:
        shape = inputs[0]
        axes = []
        for n, f, s, (before, after) in zip(
            shape[1:], self.extent, self.stride, self.pads(shape), strict=True
        ):
            text = f"{output_formula(n, f, s, before, after)} = {(n + before + after - f) // s + 1}"
            if text not in axes:
                axes.append(text)
        return ", ".join(axes)


def output_formula(n: int, f: int, s: int, before: int, after: int) -> str:
    """floor((n + 2p - f)/s) + 1 with the numbers in it; pads that differ are written one by one."""
    padding = f"2*{before}" if before == after else f"{before} + {after}"
    return f"floor(({n} + {padding} - {f})/{s}) + 1"
