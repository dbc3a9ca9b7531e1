"""Padding as a layer of its own: what lies outside a picture, where a convolution's own zeros won't do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.errors import NetworkError
from pellucid.network.layers.base import AXES, Argument, Form, Layer, Shape, Window, needs_planes
from pellucid.network.layers.window import Pads


@dataclass(frozen=True)
class Pad(Layer):
    """[c, *n] -> [c, *(before + n + after)]: every channel's plane with a border around it.

    `mode` says what stands there: `zero`; `reflect`, the picture mirrored at its outermost values, which aren't
    repeated (c b | a b c | b a); `replicate`, the outermost value again and again (a a | a b c | c c).
    """

    padding: Pads
    mode: str = "zero"

    word: ClassVar[str] = "pad"
    prefix: ClassVar[str] = "pad"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("padding", Form.PADDING),
        Argument("mode", Form.CHOICE, choices=("zero", "reflect", "replicate")),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.padding, tuple):
            raise NetworkError(
                "pad: a layer by itself has no window to be the same as",
                received=f"pad {self.padding}",
                remedy="pad 1, pad 1x2 or pad 0:1x0:1, before:after on each axis",
            )

    def output_shape(self, *inputs: Shape) -> Shape:
        needs_planes(self.word, inputs[0])
        spatial = inputs[0][1:]
        for n, (before, after), axis in zip(spatial, self.padding, AXES[len(spatial)], strict=True):
            if self.mode == "reflect" and max(before, after) >= n:
                most = max(before, after)
                raise NetworkError(
                    f"{axis} {n} can't be mirrored {most} place{'s' * (most > 1)} outwards: "
                    f"reflect reaches {n - 1} at most",
                    received=f"pad {before}:{after} reflect, {axis} {n}",
                    remedy="replicate or zero instead of reflect, or a larger picture",
                )
        return (inputs[0][0], *(n + sum(pads) for n, pads in zip(spatial, self.padding, strict=True)))

    def windows(self, *inputs: Shape) -> tuple[Window, ...]:
        return tuple(Window(1, before=before) for before, _ in self.padding)

    def shape_formula(self, *inputs: Shape) -> str:
        axes = [
            f"{before} + {n} + {after} = {before + n + after}"
            for n, (before, after) in zip(inputs[0][1:], self.padding, strict=True)
        ]
        return ", ".join(dict.fromkeys(axes))
