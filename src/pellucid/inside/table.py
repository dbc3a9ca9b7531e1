"""The summary of an opened graph, whoever made it: the rows of `pellucid summary` for a file of another tool.

Shapes are those of one run; parameters are the constants that a node multiplies or adds; receptive fields follow from
the operations alone, as `network.receptive` has them for networks of our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, prod

from pellucid.inside.equation import sizes_text, sliding_text
from pellucid.inside.number import Inside, kind_of
from pellucid.inside.places import TO_FIRST, TO_LAST, Places
from pellucid.network.layers import Size, Window
from pellucid.network.operations import Node, Operation, Shape
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.dense import Gemm, MatMul
from pellucid.network.operations.elementwise import Elementwise, ParametricRelu
from pellucid.network.operations.movement import Concat, Identity, Pad, Reshape, Slice, Split, Transpose
from pellucid.network.operations.normalisation import BatchNormalization, LocalResponse
from pellucid.network.operations.pointwise import Pointwise
from pellucid.network.operations.pooling import Pooling
from pellucid.network.operations.quantisation import Dequantize, Quantize
from pellucid.network.operations.sliding import Slide
from pellucid.network.operations.softmax import Softmax
from pellucid.network.operations.transposed import TransposedConvolution
from pellucid.network.receptive import Sight, hull
from pellucid.network.table import Formulas, Row, Summary

_RUNNING = (3, 4)  # a batch normalisation's mean and variance: measured, not learned


@dataclass(frozen=True)
class _Seen:
    """What a tensor's values see: a Sight for each axis, none where it is the whole picture. `flat` values no longer
    lie in rows and columns."""

    axes: tuple[Sight, ...] = ()
    flat: bool = False

    def size(self, picture: Size) -> Size:
        """(height, width), in places of the picture."""
        return tuple(ceil(sight.size) for sight in self.axes) if self.axes else picture


_WHOLE = _Seen()


def table_of(inside: Inside, start: str) -> Summary:
    """A row for each node after the tensor `start`, the network's own input [1, channels, height, width] or channel
    last, whose places the receptive fields count.

    A weight that several nodes share is counted with the first of them.
    """
    places, graph = inside.places, inside.opened.graph
    picture = spatial(places, start)
    pixel = Sight(Fraction(1), Fraction(1), Fraction(0), Fraction(1))
    seen: dict[str, _Seen] = {start: _Seen((pixel,) * len(picture))}
    counted: set[str] = set()
    table = Summary()
    for node in graph.nodes:
        sources = [name for name in node.inputs if name in seen]
        if not sources:
            continue  # it stands before the network, or is no part of it
        found = _seen(places, node, [seen[name] for name in sources], sources)
        seen |= {name: found for name in node.outputs if name}
        weights = [name for name in _weights(places, node) if name not in counted]
        counted |= set(weights)
        table.append(_row(places, node, weights, found.size(picture), table[-1].name if table else ""))
    return table


def _row(places: Places, node: Node, weights: list[str], field: Size, previous: str) -> Row:
    made = _made(node)
    shape = _on_screen(places, made)
    inputs = tuple(places.names[name] for name in node.inputs if name and not places.is_constant(name))
    value = places.value(made)
    parameters = sum(places.value(name).size for name in weights)
    parameter_text = " + ".join(" x ".join(str(n) for n in places.shape(name)) or "1" for name in weights)
    products, product_text = _mult_adds(places, node, made)
    kind = kind_of(node)
    return Row(
        name=node.name,
        kind=kind,
        text=_text(node, kind, inputs, previous),
        inputs=inputs,
        output_shape=shape,
        values=value.size,
        parameters=parameters,
        mult_adds=products,
        receptive_field=field,
        parameter_bytes=sum(places.value(name).nbytes for name in weights),
        value_bytes=value.nbytes,
        formulas=Formulas(
            shape=" x ".join(str(n) for n in shape),
            parameters=f"{parameter_text} = {parameters:,}" if weights else "none",
            mult_adds=f"{product_text} = {products:,}" if products else "none",
            receptive_field=" x ".join(str(n) for n in field),
        ),
    )


def _text(node: Node, kind: str, inputs: tuple[str, ...], previous: str) -> str:
    """Its kind with its settings, and what it takes in where that isn't the row before."""
    operation = node.operation
    if operation is None:
        text = f"{kind}, which can't be opened"
    elif node.type.startswith("Global"):
        text = f"{kind} of the whole plane"
    elif isinstance(operation, Convolution | TransposedConvolution | Pooling):
        text = f"{kind} {sizes_text(operation.kernel)}{sliding_text(operation)}"
    else:
        text = kind
    if len(inputs) > 1:
        return f"{text} of {', '.join(inputs)}"
    return text if not previous or previous in inputs else f"{text} from {', '.join(inputs)}"


def _weights(places: Places, node: Node) -> list[str]:
    """The constants that a node takes in and that training learns, as far as a file tells."""
    operation = node.operation
    if isinstance(operation, Quantize | Dequantize):
        return []
    left_out = _RUNNING if isinstance(operation, BatchNormalization) else ()
    names = [
        name
        for number, name in enumerate(node.inputs)
        if name and number not in left_out and places.is_constant(name)
    ]
    names = [name for name in names if places.value(name).dtype.kind == "f"]
    if isinstance(operation, Elementwise) and not isinstance(operation, ParametricRelu):
        # A single number is a part of a formula (x / 6, 0.5 x), no weight.
        names = [name for name in names if places.value(name).size > 1]
    return list(dict.fromkeys(names))


def learned_weights(places: Places, nodes: Sequence[Node]) -> set[str]:
    """The constants of all these nodes that training learns, as far as a file tells."""
    return {name for node in nodes for name in _weights(places, node)}


def _mult_adds(places: Places, node: Node, made: str) -> tuple[int, str]:
    """Multiplications of a value by a weight: convolution and dense layers."""
    operation = node.operation
    if isinstance(operation, Convolution):
        values, weight = places.value(made).size, places.shape(node.inputs[1])
        return values * prod(weight[1:]), f"{values:,} values x {' x '.join(str(n) for n in weight[1:])}"
    if isinstance(operation, TransposedConvolution):
        values, weight = places.value(node.inputs[0]).size, places.shape(node.inputs[1])
        return values * prod(weight[1:]), f"{values:,} inputs x {' x '.join(str(n) for n in weight[1:])}"
    if isinstance(operation, Gemm | MatMul):
        values, shape = places.value(made).size, places.shape(node.inputs[0])
        n = shape[-2 if isinstance(operation, Gemm) and operation.transposed_a else -1]
        return values * n, f"{values:,} values x {n:,}"
    return 0, ""


def _seen(places: Places, node: Node, sources: list[_Seen], names: list[str]) -> _Seen:
    """What a node's values see, whose inputs see that."""
    operation, first, made = node.operation, sources[0], _made(node)
    if operation is None or not all(source.axes for source in sources):
        return _WHOLE
    if isinstance(
        operation, Pointwise | Identity | Quantize | Dequantize | BatchNormalization | LocalResponse
    ):
        return first
    if first.flat:  # each value by itself, or all of them: nothing between is known
        alone = isinstance(operation, Elementwise | Reshape) and all(source == first for source in sources)
        return first if alone else _WHOLE
    if isinstance(operation, Convolution | Pooling) and not node.type.startswith("Global"):
        return _through(first, _windows(operation.slide))
    if isinstance(operation, TransposedConvolution):
        return _Seen(tuple(_spread(sight, operation.slide, axis) for axis, sight in enumerate(first.axes)))
    if isinstance(operation, Pad):
        pads = operation.pads[1:-1] if names[0] in places.channel_last else operation.pads[-len(first.axes) :]
        return _through(first, [Window(1, Fraction(1), before) for before, _ in pads])
    keeps = spatial(places, made) == spatial(places, names[0])
    if isinstance(operation, Reshape):
        return first if keeps else _Seen(first.axes, flat=True)
    if keeps and (isinstance(operation, Elementwise) or _along_channels(places, operation, made)):
        sizes = enumerate(spatial(places, made))
        return _Seen(tuple(hull([source.axes[axis] for source in sources], n) for axis, n in sizes))
    return _WHOLE


def _along_channels(places: Places, operation: Operation, made: str) -> bool:
    """Whether it only mixes, parts or reorders the channels of each place, and lets the places be."""
    rank = len(places.shape(made))
    channel = rank - 1 if made in places.channel_last else 1
    if isinstance(operation, Concat | Split):
        return operation.axis % rank == channel
    if isinstance(operation, Softmax):
        return {axis % rank for axis in operation.axes} == {channel}
    if isinstance(operation, Slice):
        return {axis % rank for axis, *_ in operation.slices} == {channel}
    if isinstance(operation, Transpose):
        return operation.permutation in (TO_FIRST, TO_LAST) or operation.permutation[-2:] == (
            rank - 2,
            rank - 1,
        )
    return False


def _through(seen: _Seen, windows: Sequence[Window]) -> _Seen:
    return _Seen(tuple(sight.through(window) for sight, window in zip(seen.axes, windows, strict=True)))


def _windows(slide: Slide) -> list[Window]:
    return [
        Window(d * (f - 1) + 1, Fraction(s), before)
        for f, s, (before, _), d in zip(slide.kernel, slide.stride, slide.pads, slide.dilation, strict=True)
    ]


def _spread(sight: Sight, slide: Slide, axis: int) -> Sight:
    """Through a transposed convolution: output o meets the inputs i with 0 <= o + before - i stride < extent."""
    extent = slide.dilation[axis] * (slide.kernel[axis] - 1) + 1
    stride, before = slide.stride[axis], slide.pads[axis][0]
    return Sight(
        size=sight.size + (ceil(Fraction(extent, stride)) - 1) * sight.jump,
        jump=sight.jump / stride,
        start=sight.start + Fraction(before - extent + 1, stride) * sight.jump,
        end=sight.end + Fraction(before, stride) * sight.jump,
    )


def spatial(places: Places, tensor: str) -> Size:
    """(height, width) of a tensor [1, .., height, width] or [1, height, width, channels], () of any other."""
    shape = places.shape(tensor)
    if len(shape) < 4:
        return ()
    return shape[1:-1] if tensor in places.channel_last else shape[-2:]


def _on_screen(places: Places, tensor: str) -> Shape:
    """The shape without the batch, channel last."""
    shape = places.short(tensor)
    if len(shape) < 2 or tensor in places.channel_last:
        return shape
    return (*shape[1:], shape[0])


def _made(node: Node) -> str:
    """The first tensor that a node makes."""
    return next(name for name in node.outputs if name)
