"""Old and new forms of a node are read as the same operation."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from pellucid.model.onnx_nodes import READERS, CannotOpen, NodeSource
from pellucid.network.operations.activation import Clip, Elu
from pellucid.network.operations.pointwise import Cast

LARGEST = np.finfo(np.float32).max


def read(kind, *inputs, opset, **attributes):
    names = [f"x{k}" if value is not None else "" for k, value in enumerate(inputs)]
    values = dict(zip(names, map(np.asarray, inputs), strict=True))
    node = helper.make_node(kind, names, ["y"], **attributes)
    return READERS[kind](NodeSource(node, opset, values.__getitem__))


X = np.zeros(3, np.float32)


def test_limits_as_attributes_and_as_inputs():
    relu6 = (Clip(0.0, 6.0), (0,))
    assert read("Clip", X, opset=6, min=0.0, max=6.0) == relu6
    assert read("Clip", X, np.float32(0), np.float32(6), opset=13) == relu6
    lower = (Clip(0.0, None), (0,))
    assert read("Clip", X, opset=6, min=0.0) == lower
    assert read("Clip", X, opset=6, min=0.0, max=float(LARGEST)) == lower
    assert read("Clip", X, np.float32(0), opset=13) == lower
    assert read("Clip", X, np.float32(0), np.float32(LARGEST), opset=13) == lower
    assert read("Clip", X, None, np.float32(6), opset=11) == (Clip(None, 6.0), (0,))


def test_selu_and_celu_are_forms_of_elu():
    alpha, gamma = float(np.float32(1.6732632423543772)), float(np.float32(1.0507009873554805))
    assert read("Selu", X, opset=6) == (Elu(alpha, gamma), (0,))
    assert read("Selu", X, opset=1)[0] == Elu(float(np.float32(1.6732)), float(np.float32(1.0507)))
    assert read("Celu", X, opset=12, alpha=2.0) == (Elu(2.0, divisor=2.0), (0,))


def test_a_type_by_number_and_by_name():
    expected = (Cast(np.dtype("int64")), (0,))
    assert read("Cast", X, opset=13, to=TensorProto.INT64) == expected
    assert read("Cast", X, opset=1, to="INT64") == expected
    assert read("CastLike", X, np.zeros(1, np.int64), opset=15) == expected


def test_text_is_not_a_number():
    with pytest.raises(CannotOpen, match="numbers of type STRING"):
        read("Cast", X, opset=13, to=TensorProto.STRING)
