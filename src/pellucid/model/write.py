"""Network + preprocessing + card -> one ONNX file, written straight, sealed with a checksum.

The seal is the sha256 of the whole file with the seal's own 64 hexadecimal digits as zeros, so that any changed byte
shows, whatever library reads the file.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from pellucid import __version__
from pellucid.errors import ModelError
from pellucid.model.card import CARD_KEY, SEAL_KEY, Card
from pellucid.model.onnx_file import LARGEST_FILE, Bytes
from pellucid.model.onnx_layers import add_layer
from pellucid.model.preprocessing import IMAGE, INPUT, PIXELS, Nodes, Preprocessing, add_normalise, add_pixels
from pellucid.network import Network
from pellucid.network.layers import Softmax, size_text
from pellucid.storage import write_atomically

OPSET, IR_VERSION = 20, 10  # onnxruntime 1.17 and later
PROBABILITIES = "probabilities"
_UNSEALED = b"0" * 64


def write_model(path: Path, network: Network, card: Card) -> None:
    """Write the model file, atomically. The network ends in a softmax and has its weights."""
    write_atomically(path, model_bytes(network, card))


def model_bytes(network: Network, card: Card) -> bytes:
    """The file's bytes: equal bytes for equal network and card."""
    if not network.nodes or not isinstance(network.nodes[-1].layer, Softmax):
        raise ModelError("a model's network has to end in a softmax", received=network.text[-80:])
    if not network.weights:
        raise ModelError("a network without weights can't become a model file", remedy="train it first")
    made = card.preprocessing
    if network.input_shape != (made.channels, made.height, made.width):
        raise ModelError(
            "a model file's preprocessing makes pictures, and the network takes something else",
            received=f"network for {size_text(network.input_shape)}",
            remedy=f"a network for {made.height} x {made.width} x {made.channels}",
        )
    graph = model_graph(network, card.preprocessing, card.temperature)
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in network.weights.items())
    metadata = {CARD_KEY: card.model_dump_json(), SEAL_KEY: _UNSEALED.decode()}
    return seal(_model(graph, metadata))


def model_graph(network: Network, preprocessing: Preprocessing, temperature: float) -> onnx.GraphProto:
    """The whole graph without the network's weights: nodes and the constants that follow from the layers."""
    nodes = Nodes()
    add_pixels(nodes, preprocessing)
    add_normalise(nodes, preprocessing)
    for node in network.nodes:
        inputs, output = list(node.inputs), node.name
        if node.name == network.output:
            output = PROBABILITIES
            factor = nodes.constant("calibrate/factor", 1 / temperature, np.float32)
            inputs = [nodes.add("Mul", [*inputs, factor], "calibrate")]
        add_layer(nodes, node.layer, node.name, inputs, output, network.inputs_of(node))
    image = helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, ["N", "height", "width", "channels"])
    answer = helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, ["N", *network.output_shape])
    return helper.make_graph(nodes.nodes, "pellucid", [image], [answer], nodes.constants)


def preprocessing_bytes(preprocessing: Preprocessing) -> bytes:
    """The first half alone, `image` -> `pixels`, as a model: what fills training's cache."""
    nodes = Nodes()
    add_pixels(nodes, preprocessing)
    shape = ["N", preprocessing.height, preprocessing.width, preprocessing.channels]
    graph = helper.make_graph(
        nodes.nodes,
        "pellucid-preprocessing",
        [helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, ["N", "height", "width", "channels"])],
        [helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, shape)],
        nodes.constants,
    )
    return small_model(graph)


def small_model(graph: onnx.GraphProto) -> bytes:
    """A graph as a model without a card."""
    return _model(graph, {})


def seal(data: bytes) -> bytes:
    """The bytes with the digest of the unsealed bytes in the seal's place."""
    place = seal_place(data)
    if place is None:
        raise ModelError("the file has no place for its seal")
    return data[:place] + hashlib.sha256(data).hexdigest().encode() + data[place + 64 :]


def seal_place(data: Bytes) -> int | None:
    """Where the seal's 64 digits stand: after the metadata's key, as protobuf writes a string of 64 bytes."""
    marker = SEAL_KEY.encode() + b"\x12\x40"
    found = data.rfind(marker)
    return None if found < 0 else found + len(marker)


def seal_holds(data: Bytes) -> bool | None:
    """Whether the bytes are as they were sealed; None where there is no seal."""
    place = seal_place(data)
    if place is None:
        return None
    unsealed = hashlib.sha256(memoryview(data)[:place])
    unsealed.update(_UNSEALED)
    unsealed.update(memoryview(data)[place + 64 :])
    return unsealed.hexdigest().encode() == data[place : place + 64]


def _model(graph: onnx.GraphProto, metadata: dict[str, str]) -> bytes:
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="pellucid",
        producer_version=__version__,
    )
    helper.set_model_props(model, metadata)
    size = model.ByteSize()
    if size > LARGEST_FILE:
        raise ModelError(
            "the network is too large for one ONNX file",
            received=f"{size:,} bytes",
            remedy=f"{LARGEST_FILE:,} at most",
        )
    return model.SerializeToString()


__all__ = ["INPUT", "model_bytes", "model_graph", "preprocessing_bytes", "seal_holds", "write_model"]
