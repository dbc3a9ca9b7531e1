"""A network with its weights run on values and opened, without a file or pictures' preprocessing between."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
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


def run_network(network: Network, values: ArrayLike) -> NDArray[np.float32]:
    """The last layer's values, channel first, of one input [channels, height, width] (or any shape it takes)."""
    session = Session(network_bytes(network), where="network")
    return np.asarray(session.run(_feeds(network, values), network.output), np.float32)[0]


def open_network(
    network: Network, values: ArrayLike, weights: Mapping[str, ArrayLike] | None = None
) -> Opened:
    """The network opened on one input, channel first and without a batch: every value of it.

    `weights` by name ("conv1.weight"), in any nesting with as many numbers as the layer has; the network's own unless
    given. They go through the layer writer and onnxruntime as those of any model do. Raises NetworkError where the
    input or a weight is of another size, or missing.
    """
    feeds = _feeds(network, values)
    given = network if weights is None else network.with_weights(_arrays(network, weights))
    return open_run(OnnxFile(network_bytes(given)), feeds, threads=1)


def _feeds(network: Network, values: ArrayLike) -> dict[str, NDArray[np.float32]]:
    array = np.ascontiguousarray(values, np.float32)
    if array.shape != tuple(network.input_shape):
        raise NetworkError("the values don't have the shape of the network's input", received=f"{array.shape}",
                           remedy=f"values of shape {tuple(network.input_shape)}")  # fmt: skip
    return {INPUT: array[None]}


def _arrays(network: Network, weights: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float32]]:
    arrays = {}
    for name, shape in {**network.parameter_shapes, **network.state_shapes}.items():
        if name not in weights:
            raise NetworkError(
                f"the network has no weights for {name}", remedy="give them, or train it first"
            )
        array = np.asarray(weights[name], np.float32)
        if array.size != int(np.prod(shape)):
            raise NetworkError(
                f"{name} has another size", received=f"{array.shape}", remedy=f"numbers of shape {shape}"
            )
        arrays[name] = array.reshape(shape)
    return arrays
