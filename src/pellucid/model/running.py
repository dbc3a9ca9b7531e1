"""A network with its weights run on values, without pictures' preprocessing: for filters and small networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pellucid.engines.onnxruntime import Session
from pellucid.errors import NetworkError
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.onnx_layers import add_layer
from pellucid.model.opened import Opened, open_run
from pellucid.model.preprocessing import Nodes
from pellucid.model.write import small_model
from pellucid.network import Network

INPUT = "input"


def network_bytes(network: Network) -> bytes:
    """The network alone as an ONNX model: float32 "input" [1, *shape] -> its last layer [1, *shape].

    NetworkError where it has weights to learn and none are there.
    """
    if network.parameter_count and not network.weights:
        raise NetworkError(
            "the network has no weights yet, so there is nothing to run", received=network.text[:200],
            remedy="filters alone have theirs; train a network with dense or conv layers first",
        )  # fmt: skip
    nodes = Nodes()
    for node in network.nodes:
        add_layer(nodes, node.layer, node.name, list(node.inputs), node.name, network.inputs_of(node))
    weights = [numpy_helper.from_array(np.asarray(array), name) for name, array in network.weights.items()]
    taken = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, *network.input_shape])
    made = helper.make_tensor_value_info(network.output, TensorProto.FLOAT, [1, *network.output_shape])
    constants = [*nodes.constants, *weights]
    return small_model(helper.make_graph(nodes.nodes, "pellucid-network", [taken], [made], constants))


def run_network(network: Network, values: NDArray[Any]) -> NDArray[np.float32]:
    """The last layer's values, channel first, of one input [channels, height, width] (or any shape it takes)."""
    session = Session(network_bytes(network), where="network")
    feeds = {INPUT: np.ascontiguousarray(values, np.float32)[None]}
    return np.asarray(session.run(feeds, network.output), np.float32)[0]


def open_network(network: Network, values: NDArray[Any]) -> Opened:
    """The network opened on one input, channel first: every value of it."""
    file = OnnxFile(network_bytes(network))
    return open_run(file, {INPUT: np.ascontiguousarray(values, np.float32)[None]}, threads=1)
