"""Small ONNX files as other tools write them: no card, one input for a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper

# For each class its weight on the mean of red, green and blue.
COLOURS = {"blue": (0, 0, 8), "green": (0, 8, 0), "red": (8, 0, 0)}


def foreign_file(
    path: Path,
    nodes: Sequence[NodeProto],
    weights: Mapping[str, NDArray[Any]],
    shape: Sequence[int | str],
    kind: int = onnx.TensorProto.FLOAT,
) -> Path:
    """Write a graph from the input x of this shape to the output y."""
    given = helper.make_tensor_value_info("x", kind, list(shape))
    answer = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(list(nodes), "other", [given], [answer], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def colour_file(path: Path, shape: Sequence[int | str] = (1, 3, 4, 4)) -> Path:
    """A network that tells blue, green and red: the mean of each channel, then a dense layer."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["mean"], name="mean"),
        helper.make_node("Flatten", ["mean"], ["flat"], name="flat"),
        helper.make_node("Gemm", ["flat", "colour.weight"], ["y"], name="colour", transB=1),
    ]
    return foreign_file(path, nodes, {"colour.weight": np.array(list(COLOURS.values()), np.float32)}, shape)
