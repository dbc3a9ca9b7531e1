"""Readers of QuantizeLinear and DequantizeLinear: for a tensor, an axis, or blocks of it."""

from __future__ import annotations

from pellucid.model.onnx_nodes.activation import read_type
from pellucid.model.onnx_nodes.source import CannotOpen, NodeSource, Read, Reader
from pellucid.network.operations.quantisation import Dequantize, Quantize

# What the whole number types hold, by NumPy's (and ml_dtypes') names.
_RANGES = {
    "int2": (-2, 1),
    "uint2": (0, 3),
    "int4": (-8, 7),
    "uint4": (0, 15),
    "int8": (-128, 127),
    "uint8": (0, 255),
    "int16": (-32768, 32767),
    "uint16": (0, 65535),
}


def _grain(source: NodeSource) -> tuple[int, int]:
    """The axis, counted from the front, and the block; one scale for all needs neither."""
    if source.array(1).size == 1:
        return 1, 0
    return source.get("axis", 1) % source.array(0).ndim, source.get("block_size", 0)


def _quantize(source: NodeSource) -> Read:
    if source.get("precision", 0):
        raise CannotOpen("a precision of the division by attribute")
    given = source.array(2).dtype if source.has(2) else read_type(source.get("output_dtype", 0) or 2, True)[0]
    name = given.name  # 2, where neither says it: uint8
    if name not in _RANGES:
        raise CannotOpen(f"quantisation to {name}")
    return Quantize(*_grain(source), *_RANGES[name]), source.operands(0, 1, 2)


def _dequantize(source: NodeSource) -> Read:
    return Dequantize(*_grain(source)), source.operands(0, 1, 2)


QUANTISATION: dict[str, Reader] = {
    "DequantizeLinear": _dequantize,
    "QuantizeLinear": _quantize,
}
