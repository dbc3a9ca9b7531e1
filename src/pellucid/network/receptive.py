"""Receptive fields: how many places of the input (a picture's pixels) each value of a layer depends on.

Layer by layer, axis by axis: size = size before + (window - 1) x jump, jump = jump before x stride, where the
jump is the distance in pixels between the fields of two neighbouring values. Source: Araujo, Norris and Sim,
Computing receptive fields of convolutional neural networks, Distill 2019. Sizes are theoretical: they count
padding, so deep layers have fields larger than the picture; what a border mirrors or repeats counts where it stands,
not where it was taken from. Where every value sees every pixel (dense layers,
global pooling, and all that follows), the size is the picture's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from pellucid.network.fitting import INPUT, Node
from pellucid.network.graph import Network
from pellucid.network.layers import Concat, Shape, Size, Softmax, Window

_AXES = {2: ("rows", "columns"), 3: ("slices", "rows", "columns")}


@dataclass(frozen=True)
class Sight:
    """One axis: value i depends on nothing outside start + i jump <= pixel < end + i jump.

    `size` is the longest stretch that a value sees. It is end - start except behind an adaptive pooling
    whose windows aren't all of one length: there it is an upper bound, and may be a fraction.
    """

    size: Fraction
    jump: Fraction
    start: Fraction
    end: Fraction

    def through(self, window: Window) -> Sight:
        """What a layer sees whose windows lie on values that see this."""
        drift = Fraction(window.stride.denominator - 1, window.stride.denominator)  # a start is rounded down
        return Sight(
            size=self.size + (window.size - 1) * self.jump,
            jump=self.jump * window.stride,
            start=self.start - (window.before + drift) * self.jump,
            end=self.end + (window.size - 1 - window.before) * self.jump,
        )


@dataclass(frozen=True)
class Field:
    """A layer's receptive field: its `size` in pixels on each axis of the picture, and how that comes about.

    `axes` is empty where the layer sees the whole picture. `flat` values keep their sizes, but no longer
    lie in rows and columns.
    """

    size: Size
    formula: str
    axes: tuple[Sight, ...] = ()
    flat: bool = False


def fields(network: Network) -> dict[str, Field]:
    """The receptive field of every layer by name, and of the input itself."""
    shape = network.input_shape
    picture = shape[1:] or shape
    pixel = Sight(Fraction(1), Fraction(1), Fraction(0), Fraction(1))
    found = {INPUT: Field((1,) * len(picture), "one pixel", (pixel,) * len(picture), flat=len(shape) == 1)}
    for node in network.nodes:
        sources = [found[name] for name in node.inputs]
        found[node.name] = _field(node, sources, network.inputs_of(node), picture)
    return found


def _field(node: Node, sources: list[Field], shapes: tuple[Shape, ...], picture: Size) -> Field:
    layer = node.layer
    whole = Field(picture, f"the whole input: {_size_text(picture)}", flat=len(shapes[0]) == 1)
    if not all(source.axes for source in sources):
        return whole
    first = sources[0]
    if first.flat:
        if layer.sees_all or isinstance(layer, Softmax):
            return whole
        if all(source.axes == first.axes for source in sources):
            return replace(first, formula=f"{_size_text(first.size)}, as its input")
        if isinstance(layer, Concat):
            size = tuple(max(sizes) for sizes in zip(*(source.size for source in sources), strict=True))
            return replace(first, size=size, formula=f"{_size_text(size)}, the largest of its inputs")
        return whole
    if layer.sees_all:
        return whole
    if layer.joins:
        return _hull(node, sources, shapes[0])
    windows = layer.windows(*shapes)
    if not windows or all(window == Window(1) for window in windows):
        return replace(first, formula=f"{_size_text(first.size)}, as its input", flat=not windows)
    axes = tuple(sight.through(window) for sight, window in zip(first.axes, windows, strict=True))
    texts = [
        f"{sight.size} + ({window.size} - 1) x {sight.jump} = {_rounded(seen.size)}"
        for sight, window, seen in zip(first.axes, windows, axes, strict=True)
    ]
    return Field(_size(axes), _by_axis(texts), axes)


def _hull(node: Node, sources: list[Field], shape: Shape) -> Field:
    """What a join sees: on each axis from the first start to the last end of its inputs."""
    axes = tuple(
        hull([source.axes[axis] for source in sources], places) for axis, places in enumerate(shape[1:])
    )
    seen = " and ".join(
        f"{_size_text(source.size)} ({name})" for source, name in zip(sources, node.inputs, strict=True)
    )
    return Field(_size(axes), f"the hull of {seen}: {_size_text(_size(axes))}", axes)


def hull(sights: Sequence[Sight], places: int) -> Sight:
    """On one axis of so many places: from the first start to the last end of what these see."""
    if all(sight == sights[0] for sight in sights):
        return sights[0]
    jump = max(sight.jump for sight in sights)
    # Where the jumps differ, the inputs drift apart from place to place: furthest at the first or the last.
    starts = [sight.start + i * (sight.jump - jump) for sight in sights for i in (0, places - 1)]
    ends = [sight.end + i * (sight.jump - jump) for sight in sights for i in (0, places - 1)]
    hulls = [
        max(sight.end + i * sight.jump for sight in sights)
        - min(sight.start + i * sight.jump for sight in sights)
        for i in (0, places - 1)
    ]
    return Sight(max(hulls), jump, min(starts), max(ends))


def _size(axes: Sequence[Sight]) -> Size:
    return tuple(ceil(sight.size) for sight in axes)


def _size_text(size: Size) -> str:
    return " x ".join(str(n) for n in size)


def _rounded(size: Fraction) -> str:
    return str(size) if size.denominator == 1 else f"{size}, rounded up {ceil(size)}"


def _by_axis(texts: list[str]) -> str:
    if len(set(texts)) == 1:
        return texts[0]
    return "; ".join(f"{axis}: {text}" for axis, text in zip(_AXES[len(texts)], texts, strict=True))
