"""Readers of reductions. The axes are an attribute, or an input from opset 18 on (ReduceSum: 13)."""

from __future__ import annotations

from pellucid.model.onnx_nodes.source import CannotOpen, NodeSource, Read, Reader
from pellucid.network.operations.base import Operation
from pellucid.network.operations.movement import Identity
from pellucid.network.operations.reduction import Extreme, Form, Norm, Reduction, Sum

_NORMS: dict[str, Form] = {
    "ReduceProd": "prod",
    "ReduceL1": "L1",
    "ReduceL2": "L2",
    "ReduceSumSquare": "sum square",
    "ReduceLogSum": "log sum",
    "ReduceLogSumExp": "log sum exp",
}


def _reduce(source: NodeSource) -> Read:
    rank = source.array(0).ndim
    given = source.ints(1) if source.has(1) else source.get("axes")
    keep = bool(source.get("keepdims", 1))
    if not given:
        if source.get("noop_with_empty_axes", 0):
            return _nothing_reduced(source, rank, keep), (0,)
        given = range(rank)
    axes = tuple(sorted({axis % rank for axis in given}))
    return _of_axes(source, axes, keep), (0,)


def _of_axes(source: NodeSource, axes: tuple[int, ...], keep: bool) -> Reduction:
    kind = source.proto.op_type
    if kind in _NORMS:
        return Norm(axes, keep, _NORMS[kind])
    if kind in ("ReduceSum", "ReduceMean"):
        return Sum(axes, keep, mean=kind == "ReduceMean")
    return Extreme(axes, keep, largest=kind == "ReduceMax")


def _nothing_reduced(source: NodeSource, rank: int, keep: bool) -> Operation:
    """No axes and `noop_with_empty_axes`: each value is the reduction of itself alone."""
    if source.proto.op_type in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"):
        return Identity()
    return _of_axes(source, (), keep)


def _place(source: NodeSource) -> Read:
    x = source.array(0)
    if x.ndim == 0:
        raise CannotOpen(f"{source.proto.op_type} of one number")
    axis = source.get("axis", 0) % x.ndim
    operation = Extreme(
        (axis,),
        bool(source.get("keepdims", 1)),
        largest=source.proto.op_type == "ArgMax",
        place=True,
        last=bool(source.get("select_last_index", 0)),
    )
    return operation, (0,)


REDUCTION: dict[str, Reader] = {
    "ArgMax": _place,
    "ArgMin": _place,
    "ReduceL1": _reduce,
    "ReduceL2": _reduce,
    "ReduceLogSum": _reduce,
    "ReduceLogSumExp": _reduce,
    "ReduceMax": _reduce,
    "ReduceMean": _reduce,
    "ReduceMin": _reduce,
    "ReduceProd": _reduce,
    "ReduceSum": _reduce,
    "ReduceSumSquare": _reduce,
}
