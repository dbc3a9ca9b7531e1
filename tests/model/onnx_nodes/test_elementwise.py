"""Old and new forms of a node are read as the same operation."""

import numpy as np
import pytest
from onnx import helper

from pellucid.model.onnx_nodes import READERS, CannotOpen, NodeSource
from pellucid.network.operations.elementwise import Addition, Multiplication, ParametricRelu


def read(kind, *inputs, opset, **attributes):
    names = [f"x{k}" for k in range(len(inputs))]
    values = dict(zip(names, map(np.asarray, inputs), strict=True))
    node = helper.make_node(kind, names, ["y"], **attributes)
    return READERS[kind](NodeSource(node, opset, values.__getitem__))


X, CHANNELS, ROWS = np.zeros((2, 3, 4, 5)), np.zeros(3), np.zeros((4, 5))


def test_broadcasting_by_attribute():
    assert read("Add", X, CHANNELS, opset=6, broadcast=1, axis=1) == (Addition(2), (0, 1))
    assert read("Add", X, CHANNELS, opset=6, broadcast=1, axis=-3) == (Addition(2), (0, 1))
    assert read("Mul", X, CHANNELS[:2], opset=6, broadcast=1, axis=0)[0] == Multiplication(3)
    now = read("Add", X, ROWS, opset=14)
    assert now == (Addition(), (0, 1))
    for attributes in ({"broadcast": 1}, {"broadcast": 1, "axis": 2}, {}):
        assert read("Add", X, ROWS, opset=6, **attributes) == now
    assert read("Add", X, np.zeros(1), opset=6, broadcast=1, axis=0) == now


def test_a_slope_for_each_channel():
    old = read("PRelu", X, CHANNELS, opset=6)
    assert old == (ParametricRelu(2), (0, 1))
    assert read("PRelu", X, np.zeros((3, 1, 1)), opset=16) == (ParametricRelu(), (0, 1))
    assert read("PRelu", X, np.zeros(1), opset=6) == (ParametricRelu(), (0, 1))


def test_as_many_operands_as_there_are():
    assert read("Sum", X, X, X, opset=13) == (Addition(), (0, 1, 2))
    assert read("Sub", X, X, opset=13) == (Addition(sign=-1), (0, 1))


def test_text_is_not_compared():
    with pytest.raises(CannotOpen, match="a comparison of text"):
        read("Equal", np.array(["a"]), np.array(["b"]), opset=19)
