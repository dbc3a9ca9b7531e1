"""Small graphs of ONNX nodes, opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper

from pellucid.inside.number import Inside
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.opened import Opened, open_run

node = helper.make_node


def model(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, np.ndarray],
    weights: Mapping[str, Any] | None = None,
    outputs: Sequence[str] = (),
    opset: int = 20,
) -> onnx.ModelProto:
    """A model whose inputs have these values' types and shapes; its outputs are the last node's unless given."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for name, value in inputs.items()
        ],
        [helper.make_empty_tensor_value_info(name) for name in outputs or nodes[-1].output],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (weights or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def opened(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, np.ndarray],
    weights: Mapping[str, Any] | None = None,
    outputs: Sequence[str] = (),
    opset: int = 20,
    **settings: Any,
) -> Opened:
    """These nodes on these inputs, every value recorded."""
    file = OnnxFile(model(nodes, inputs, weights, outputs, opset).SerializeToString(), "test.onnx")
    return open_run(file, inputs, threads=1, **settings)


def inside(
    nodes: Sequence[NodeProto], inputs: Mapping[str, np.ndarray], weights: Mapping[str, Any] | None = None
) -> Inside:
    return Inside(opened(nodes, inputs, weights))


def float32(*shape: int, seed: int = 0) -> np.ndarray:
    """Values between -1 and 1."""
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)
