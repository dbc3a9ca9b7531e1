"""Readers of softmax and its kin. Before opset 13 the input counts as a matrix: all from `axis` on is one group."""

from __future__ import annotations

from functools import partial

from pellucid.model.onnx_nodes.source import NodeSource, Read, Reader
from pellucid.network.operations.softmax import Hardmax, Softmax


def _axes(source: NodeSource) -> tuple[int, ...]:
    rank = source.array(0).ndim
    axis = source.get("axis", -1 if source.opset >= 13 else 1)
    axis = axis + rank if axis < 0 else axis
    return (axis,) if source.opset >= 13 else tuple(range(axis, rank))


def _softmax(source: NodeSource, logarithm: bool) -> Read:
    return Softmax(_axes(source), logarithm), (0,)


def _hardmax(source: NodeSource) -> Read:
    return Hardmax(_axes(source)), (0,)


SOFTMAX: dict[str, Reader] = {
    "Hardmax": _hardmax,
    "LogSoftmax": partial(_softmax, logarithm=True),
    "Softmax": partial(_softmax, logarithm=False),
}
