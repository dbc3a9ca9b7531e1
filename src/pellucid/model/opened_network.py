"""A network with its weights, run on one input and opened, without a file or preprocessing between."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

from pellucid.errors import NetworkError
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.onnx_layers import add_layer
from pellucid.model.opened import Opened, open_run
from pellucid.model.preprocessing import Nodes
from pellucid.model.write import small_model
from pellucid.network import Network

INPUT = "input"


def open_network(
    network: Network, values: ArrayLike, weights: Mapping[str, ArrayLike] | None = None
) -> Opened:
    """Run a network on `values`, float32 of its input shape (channel first, without a batch), and open it.

    `weights` by name ("conv1.weight"), in any nesting with as many numbers as the layer has; the network's own unless
    given. They go through the layer writer and onnxruntime as those of any model do. Raises NetworkError where the
    input or a weight is of another size, or missing.
    """
    array = np.asarray(values, np.float32)
    if array.shape != tuple(network.input_shape):
        raise NetworkError("the values don't have the shape of the network's input", received=f"{array.shape}",
                           remedy=f"values of shape {tuple(network.input_shape)}")  # fmt: skip
    shapes = {**network.parameter_shapes, **network.state_shapes}
    given = _arrays(shapes, network.weights if weights is None else weights)
    nodes = Nodes()
    for node in network.nodes:
        add_layer(nodes, node.layer, node.name, list(node.inputs), node.name, network.inputs_of(node))
    constants = [*nodes.constants, *(numpy_helper.from_array(each, name) for name, each in given.items())]
    taken = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, *array.shape])
    made = helper.make_tensor_value_info(network.output, TensorProto.FLOAT, [1, *network.output_shape])
    file = OnnxFile(small_model(helper.make_graph(nodes.nodes, "network", [taken], [made], constants)))
    return open_run(file, {INPUT: array[None]}, threads=1)


def _arrays(
    shapes: Mapping[str, tuple[int, ...]], weights: Mapping[str, ArrayLike]
) -> dict[str, NDArray[np.float32]]:
    arrays = {}
    for name, shape in shapes.items():
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
