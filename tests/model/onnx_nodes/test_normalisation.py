"""Old and new forms of a node are read as the same operation, and what isn't known is refused."""

import numpy as np
import pytest
from onnx import helper

from pellucid.model.onnx_nodes import READERS, CannotOpen, NodeSource
from pellucid.network.operations.normalisation import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
)
from pellucid.network.operations.quantisation import Quantize
from pellucid.network.operations.softmax import Softmax


def read(kind, *inputs, opset, outputs=("y",), **attributes):
    names = [f"x{k}" for k in range(len(inputs))]
    values = dict(zip(names, map(np.asarray, inputs), strict=True))
    node = helper.make_node(kind, names, outputs, **attributes)
    return READERS[kind](NodeSource(node, opset, values.__getitem__))


X, CHANNELS = np.zeros((2, 3, 4, 5), np.float32), np.zeros(3, np.float32)
FIVE = (X, CHANNELS, CHANNELS, CHANNELS, CHANNELS)


def test_batch_normalisation_of_every_opset():
    now = read("BatchNormalization", *FIVE, opset=15)
    assert now[1] == (0, 1, 2, 3, 4)
    for opset, attributes in ((1, {"is_test": 1}), (6, {"is_test": 1}), (7, {}), (9, {}), (14, {})):
        assert read("BatchNormalization", *FIVE, opset=opset, **attributes) == now
    trained = read("BatchNormalization", *FIVE, opset=15, training_mode=1)[0]
    assert isinstance(trained, BatchNormalization) and trained.training
    with pytest.raises(CannotOpen, match="training, in the form before opset 14"):
        read("BatchNormalization", *FIVE, opset=9, outputs=["y", "mean", "var"])
    with pytest.raises(CannotOpen, match="spatial=0"):
        read("BatchNormalization", *FIVE, opset=7, spatial=0)


def test_a_scale_for_each_group_before_opset_21():
    for opset, per_group in ((18, True), (21, False)):
        operation, _ = read(
            "GroupNormalization", X, CHANNELS, CHANNELS, opset=opset, num_groups=3, epsilon=0.5
        )
        assert operation == GroupNormalization(0.5, 3, per_group)


def test_axes_are_counted_from_the_front():
    for axis in (2, -2):
        operation, _ = read("LayerNormalization", X, np.zeros((4, 5)), opset=17, axis=axis, epsilon=0.5)
        assert operation == LayerNormalization((2, 3), 0.5)
        assert read("Softmax", X, opset=13, axis=axis)[0] == Softmax((2,))
    assert read("Softmax", X, opset=11)[0] == Softmax((1, 2, 3))
    assert read("Softmax", X[:, :, 0, 0], opset=11) == read("Softmax", X[:, :, 0, 0], opset=13)


def test_the_type_to_quantise_to():
    assert read("QuantizeLinear", X, np.float32(1), opset=10)[0] == Quantize()
    assert read("QuantizeLinear", X, np.float32(1), np.int8(0), opset=13)[0] == Quantize(low=-128, high=127)
    by_attribute = read("QuantizeLinear", X, np.float32(1), opset=21, output_dtype=3)[0]
    assert by_attribute == Quantize(low=-128, high=127)
    with pytest.raises(CannotOpen, match="quantisation to float8_e4m3fn"):
        read("QuantizeLinear", X, np.float32(1), opset=21, output_dtype=17)
