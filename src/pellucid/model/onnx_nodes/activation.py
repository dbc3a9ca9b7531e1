"""Readers of what works on one operand, value by value: activations, functions, Cast."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from pellucid.model.onnx_nodes.source import CannotOpen, NodeSource, Read, Reader
from pellucid.network.operations.activation import (
    Clip,
    Elu,
    Gelu,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    Mish,
    Relu,
    Sigmoid,
    Softplus,
    Softsign,
    Swish,
    Tanh,
    ThresholdedRelu,
)
from pellucid.network.operations.pointwise import Cast, Function, Pointwise

# The largest number of each 8-bit float, where Cast and QuantizeLinear saturate (the ONNX table of Cast).
_LARGEST: dict[int, float] = {
    TensorProto.FLOAT8E4M3FN: 448.0,
    TensorProto.FLOAT8E4M3FNUZ: 240.0,
    TensorProto.FLOAT8E5M2: 57344.0,
    TensorProto.FLOAT8E5M2FNUZ: 57344.0,
}
_FLOAT32_MAX = float(np.finfo(np.float32).max)


def read_type(number: int, saturate: bool) -> tuple[np.dtype[Any], float | None]:
    """An ONNX number type as NumPy's, and where it saturates."""
    if number in (TensorProto.STRING, TensorProto.UNDEFINED, TensorProto.FLOAT8E8M0):
        raise CannotOpen(f"numbers of type {TensorProto.DataType.Name(number)}")
    return np.dtype(helper.tensor_dtype_to_np_dtype(number)), _LARGEST.get(number) if saturate else None


def _plain(kind: type[Pointwise]) -> Reader:
    """A reader for an operation whose fields are the node's attributes, by the same names."""

    def read(source: NodeSource) -> Read:
        given = {each.name: source.get(each.name) for each in fields(kind)}
        return kind(**{name: value for name, value in given.items() if value is not None}), (0,)

    return read


def _function(name: str) -> Reader:
    return lambda source: (Function(name), (0,))


def _elu(source: NodeSource) -> Read:
    return Elu(source.get("alpha", 1.0)), (0,)


def _selu(source: NodeSource) -> Read:
    # Opset 1 had its constants rounded; from 6 they are these, in float32.
    alpha, gamma = (1.6732, 1.0507) if source.opset < 6 else (1.6732632423543772, 1.0507009873554805)
    return Elu(
        source.get("alpha", float(np.float32(alpha))), source.get("gamma", float(np.float32(gamma)))
    ), (0,)


def _celu(source: NodeSource) -> Read:
    alpha = source.get("alpha", 1.0)
    return Elu(alpha, divisor=alpha), (0,)


def _gelu(source: NodeSource) -> Read:
    return Gelu(source.get("approximate", "none") == "tanh"), (0,)


def _clip(source: NodeSource) -> Read:
    """The limits are attributes up to opset 6, inputs from 11 on. float32's own limits limit nothing."""
    if source.opset < 11:
        low, high = source.get("min"), source.get("max")
    else:
        low, high = source.scalar(1), source.scalar(2)
    return Clip(
        None if low is None or low <= -_FLOAT32_MAX else low,
        None if high is None or high >= _FLOAT32_MAX else high,
    ), (0,)


def _cast(source: NodeSource) -> Read:
    to = source.get("to")
    if isinstance(to, str):  # opset 1: the type's name
        to = TensorProto.DataType.Value(to)
    return Cast(*read_type(to, bool(source.get("saturate", 1)))), (0,)


def _cast_like(source: NodeSource) -> Read:
    to = helper.np_dtype_to_tensor_dtype(source.array(1).dtype)
    return Cast(*read_type(to, bool(source.get("saturate", 1)))), (0,)


ACTIVATION: dict[str, Reader] = {
    "Abs": _function("abs"),
    "Cast": _cast,
    "CastLike": _cast_like,
    "Ceil": _function("ceil"),
    "Celu": _celu,
    "Clip": _clip,
    "Elu": _elu,
    "Erf": _function("erf"),
    "Exp": _function("exp"),
    "Floor": _function("floor"),
    "Gelu": _gelu,
    "HardSigmoid": _plain(HardSigmoid),
    "HardSwish": _plain(HardSwish),
    "LeakyRelu": _plain(LeakyRelu),
    "Log": _function("log"),
    "Mish": _plain(Mish),
    "Neg": _function("neg"),
    "Not": _function("not"),
    "Reciprocal": _function("reciprocal"),
    "Relu": _plain(Relu),
    "Round": _function("round"),
    "Selu": _selu,
    "Sigmoid": _plain(Sigmoid),
    "Sign": _function("sign"),
    "Softplus": _plain(Softplus),
    "Softsign": _plain(Softsign),
    "Sqrt": _function("sqrt"),
    "Swish": _plain(Swish),
    "Tanh": _plain(Tanh),
    "ThresholdedRelu": _plain(ThresholdedRelu),
}
