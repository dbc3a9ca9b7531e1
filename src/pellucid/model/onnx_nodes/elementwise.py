"""Readers of what joins tensors value by value. Before opset 7 broadcasting was an attribute with an axis."""

from __future__ import annotations

from functools import partial

from pellucid.model.onnx_nodes.source import CannotOpen, NodeSource, Read, Reader
from pellucid.network.operations.elementwise import (
    Addition,
    Choice,
    Division,
    Elementwise,
    Extreme,
    Logic,
    Mean,
    Multiplication,
    ParametricRelu,
    Power,
    Remainder,
)


def _tail(source: NodeSource) -> int:
    """How many axes of the first operand come after the second's."""
    axis = source.get("axis") if source.opset < 7 and source.get("broadcast", 0) else None
    if axis is None:
        return 0
    first, second = source.array(0), source.array(1)
    return 0 if second.size == 1 else first.ndim - axis % first.ndim - second.ndim


def _two(make: partial[Elementwise] | type[Elementwise]) -> Reader:
    return lambda source: (make(tail=_tail(source)), (0, 1))


def _several(make: partial[Elementwise] | type[Elementwise]) -> Reader:
    return lambda source: (make(), tuple(range(source.count)))


def _compared(source: NodeSource, sign: str) -> Read:
    if source.array(0).dtype.kind not in "iufbV":
        raise CannotOpen("a comparison of text")
    return Logic(tail=_tail(source), sign=sign), (0, 1)


def _remainder(source: NodeSource) -> Read:
    return Remainder(truncated=bool(source.get("fmod", 0))), (0, 1)


def _prelu(source: NodeSource) -> Read:
    """Before opset 7 a slope of one axis was one for each channel, wherever the channels stood."""
    tail = 0
    if source.opset < 7:
        x, slope = source.array(0), source.array(1)
        tail = x.ndim - 2 if slope.ndim == 1 and slope.size > 1 else 0
    return ParametricRelu(tail), (0, 1)


ELEMENTWISE: dict[str, Reader] = {
    "Add": _two(Addition),
    "And": _two(partial(Logic, sign="and")),
    "Div": _two(Division),
    "Equal": partial(_compared, sign="="),
    "Greater": _two(partial(Logic, sign=">")),
    "GreaterOrEqual": _two(partial(Logic, sign="≥")),
    "Less": _two(partial(Logic, sign="<")),
    "LessOrEqual": _two(partial(Logic, sign="≤")),
    "Max": _several(Extreme),
    "Mean": _several(Mean),
    "Min": _several(partial(Extreme, largest=False)),
    "Mod": _remainder,
    "Mul": _two(Multiplication),
    "Or": _two(partial(Logic, sign="or")),
    "PRelu": _prelu,
    "Pow": _two(Power),
    "Sub": _two(partial(Addition, sign=-1)),
    "Sum": _several(Addition),
    "Where": lambda source: (Choice(), (0, 1, 2)),
    "Xor": _two(partial(Logic, sign="xor")),
}
