"""Where a value's receptive field lies over the network's input, padding included: it may stick out of it.

`field.py` says which values take part, all of them inside. What of the field lies outside, where padding stands, is
worked out here, window by window: a place o of a layer with stride s, padding p and kernel k looks at o s - p up to
o s - p + (k - 1) d. Source: Araujo, Norris and Sim, Computing receptive fields of convolutional neural networks,
Distill 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.errors import ModelError, SettingsError
from pellucid.inside.field import box, picture_mask, receptive_field
from pellucid.inside.number import Inside
from pellucid.inside.places import Place
from pellucid.inside.scores import find_input, find_scores
from pellucid.model.opened import Opened
from pellucid.network.operations import Mask, Node
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.movement import Gather, Pad
from pellucid.network.operations.pooling import Pooling
from pellucid.storage import shown

Span = tuple[int, int]  # the first and the last, from 0; negative before the border


@dataclass(frozen=True, eq=False)
class Window:
    """What one value sees of a picture.

    `rows` and `columns`: the first and last in the network's input, negative or beyond its end where the field sticks
    out (`sticks_out_known` is False where that can't be told, and only the part inside is given). `seen`, bool [height,
    width] of the network's input: the pixels that take part. `own_rows`, `own_columns`: the first and last that take
    part in the picture itself, before it was resized. `exact`: False where an operation isn't known.
    """

    rows: Span
    columns: Span
    seen: Mask
    own_rows: Span
    own_columns: Span
    exact: bool
    sticks_out_known: bool

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels of the network's input, what sticks out included."""
        return self.rows[1] - self.rows[0] + 1, self.columns[1] - self.columns[0] + 1


@dataclass(frozen=True)
class Entrance:
    """Where a picture comes into the network: `pixels`, the uint8 tensor [1, height, width, channels] of the network's
    size; `numbers`, the same as floating point numbers from 0 to 255; `start`, the network's input proper; `reversed`,
    whether blue comes first in `numbers`. `numbers` is "" where the network takes whole numbers."""

    pixels: str
    numbers: str
    start: str
    reversed: bool


def find_entrance(opened: Opened) -> Entrance:
    """Where the picture comes in. ModelError where that isn't a tensor of pixels."""
    graph = opened.graph
    start = find_input(opened, find_scores(opened))
    sides = sorted(opened.values[start].shape[1:])
    pixels = numbers = ""
    turned = False
    for name in (each for node in graph.nodes for each in node.outputs if each):
        array = opened.values[name]
        if array.ndim != 4 or sorted(array.shape[1:]) != sides:
            continue
        maker = graph.maker[name][0]
        if array.dtype == np.uint8 and isinstance(maker.operation, Gather):
            turned = True
        elif array.dtype == np.uint8 and array.shape[3] in (1, 3):
            pixels = name
        elif pixels and not numbers and array.dtype == np.float32 and maker.type == "Cast":
            numbers = name
        if name == start:
            break
    if not pixels:
        raise ModelError("no picture of the network's size goes into it", where=opened.where,
                         received=f"its input is {shown(start)}", remedy="a network for pictures")  # fmt: skip
    return Entrance(pixels, numbers, start, turned)


def layer_tensor(inside: Inside, entrance: Entrance, name: str) -> str:
    """The tensor of a layer by name whose values are channels [1, C] or maps [1, C, height, width]; SettingsError with
    those there are."""
    tensor = inside.places.tensor(name)
    known = list(_layers(inside, entrance))
    if tensor not in known:
        names = [inside.places.names[each] for each in known]
        raise SettingsError(
            "this is no layer with channels, behind the network's input", where="LAYER", received=shown(name),
            remedy=f"one of {', '.join(shown(each) for each in names[:60])}"
            + (f" and {len(names) - 60:,} more" if len(names) > 60 else ""),
        )  # fmt: skip
    return tensor


def _layers(inside: Inside, entrance: Entrance) -> Sequence[str]:
    graph = inside.opened.graph
    moved, found = {entrance.start}, []
    for node in graph.nodes:
        if moved & set(node.inputs):
            made = [name for name in node.outputs if name]
            moved |= set(made)
            found += [
                name
                for name in made
                if inside.places.shape(name)[0] == 1 and len(inside.places.shape(name)) in (2, 4)
            ]
    return found


def window_of(inside: Inside, entrance: Entrance, place: Place) -> Window:
    """What the value at `place` sees of the picture that `inside` is opened on."""
    reach = receptive_field(inside, place)
    seen = picture_mask(inside, reach, entrance.pixels)
    own = picture_mask(inside, reach, inside.opened.graph.inputs[0])
    if seen is None or own is None or not seen.any():
        raise ModelError("no pixel of the picture reaches this value", where=inside.opened.where,
                         received=shown(str(place)), remedy="a layer behind the network's input")  # fmt: skip
    within = box(seen)
    spans = _spans(inside, entrance.start, place)
    sides = seen.shape
    agrees = spans is not None and all(
        max(low, 0) <= first
        and last <= min(high, n - 1)  # a dilated window may leave the border's pixels out
        for (low, high), (first, last), n in zip(spans, within, sides, strict=True)
    )
    rows, columns = spans if spans is not None and agrees else within
    own_rows, own_columns = box(own)
    return Window(rows, columns, seen, own_rows, own_columns, reach.exact, agrees)


def _spans(inside: Inside, start: str, place: Place) -> tuple[Span, Span] | None:
    """Rows and columns of the tensor `start` under a value, with what lies outside; None where that can't be told."""
    values = inside.opened.values
    spans: dict[str, tuple[Span, Span]] = {}
    if len(place.full) == 4:
        y, x = place.full[2:]
        spans[place.tensor] = ((y, y), (x, x))
    whole = {place.tensor}  # what takes part, wherever it lies
    for node in reversed(inside.opened.graph.nodes):
        for name in node.outputs:
            if name not in whole:
                continue
            for each in (each for each in node.inputs if each and each not in inside.opened.graph.constants):
                whole.add(each)
                shape = values[each].shape
                if len(shape) != 4:
                    continue
                span = _through(node, spans.get(name), values[name].shape, shape)
                before = spans.get(each, span)
                spans[each] = (_hull(before[0], span[0]), _hull(before[1], span[1]))
                if each == start and isinstance(node.operation, Pad) and node.operation.mode != "constant":
                    return None
    return spans.get(start)


def _through(
    node: Node, span: tuple[Span, Span] | None, made: tuple[int, ...], taken: tuple[int, ...]
) -> tuple[Span, Span]:
    """What of an operand [N, C, height, width] lies under this span of the result."""
    everything = ((0, taken[2] - 1), (0, taken[3] - 1))
    operation = node.operation
    if span is None or len(made) != 4:
        return everything
    if isinstance(operation, Convolution | Pooling):
        slide = operation.slide
        axes = zip(span, slide.kernel, slide.stride, slide.pads, slide.dilation, strict=True)
        rows, columns = (
            (low * s - before, high * s - before + (k - 1) * d)
            for (low, high), k, s, (before, _), d in axes
        )  # fmt: skip
        return rows, columns
    if isinstance(operation, Pad):
        rows, columns = (
            (low - before, high - before)
            for (low, high), (before, _) in zip(span, operation.pads[2:], strict=True)
        )
        return rows, columns
    if (
        made[2:] == taken[2:]
    ):  # value by value, or channels joined; window_of holds it against the exact field
        return span
    return everything


def _hull(one: Span, other: Span) -> Span:
    return min(one[0], other[0]), max(one[1], other[1])
