"""Our own preprocessing, node by node: each opened value of each node is the one that onnxruntime stored."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from skimage import data

from pellucid.model.onnx_nodes import READERS, NodeSource
from pellucid.model.preprocessing import IMAGE, Nodes, Preprocessing, add_normalise, add_pixels

VALUES = 60  # of each node
CHECKED = {"Resize", "Expand", "Pad", "Slice", "Concat", "ReduceSum", "Transpose"}
PICTURES = {"photograph": data.chelsea(), "tall": data.coffee()[:, 100:160], "tiny": data.coffee()[:3, :5]}


def recorded(preprocessing, picture):
    """The nodes, and every tensor by name."""
    nodes = Nodes()
    add_pixels(nodes, preprocessing)
    add_normalise(nodes, preprocessing)
    names = [name for node in nodes.nodes for name in node.output]
    graph = helper.make_graph(
        nodes.nodes,
        "preprocessing",
        [helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, [1, "h", "w", "c"])],
        [helper.make_empty_tensor_value_info(name) for name in names],
        nodes.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in nodes.constants} | {
        IMAGE: picture[None]
    }
    values |= dict(zip(names, session.run(names, {IMAGE: picture[None]}), strict=True))
    return nodes.nodes, values


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
def test_every_opened_value_is_the_stored_one(fit, channels, picture):
    preprocessing = Preprocessing(
        height=32, width=24, channels=channels, fit=fit, scale=(0.017,) * channels, shift=(-2.1,) * channels
    )
    nodes, values = recorded(preprocessing, picture)
    draws = np.random.default_rng(0)
    seen = set()
    for node in nodes:
        if node.op_type not in CHECKED:
            continue
        operation, places = READERS[node.op_type](NodeSource(node, 18, values.__getitem__))
        operands = [None if place is None else values[node.input[place]] for place in places]
        stored = values[node.output[0]]
        assert operation.result_shape(operands) == stored.shape
        for flat in draws.integers(stored.size, size=VALUES):
            index = tuple(int(n) for n in np.unravel_index(flat, stored.shape))
            assert operation.open(operands, index).value == stored[index], (node.name, index)
        seen.add(node.op_type)
    assert {"Resize", "Expand", "Transpose"} <= seen
