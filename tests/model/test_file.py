"""The model file: valid ONNX, read back the same, damaged or foreign files refused."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import ModelError
from pellucid.model import ModelFile, write_model
from pellucid.model.write import model_bytes, seal_holds
from pellucid.network import Network, zoo
from support.networks import EVERY_LAYER, card_for, with_random_weights


def every_layer(shape=(3, 21, 17)):
    return with_random_weights(Network.from_text(EVERY_LAYER, shape))


def small():
    return with_random_weights(Network.from_text("conv 2 3x3, relu, flatten, dense 3, softmax", (1, 6, 6)))


@pytest.mark.parametrize("shape", [(3, 21, 17), (1, 28, 28)])
def test_every_layer_passes_the_full_check_and_reads_back_the_same(shape):
    network = every_layer(shape)
    data = model_bytes(network, card_for(network))
    onnx.checker.check_model(onnx.load_model_from_string(data), full_check=True)
    model = ModelFile(data)
    assert model.network == network
    assert model.card == card_for(network)


@pytest.mark.parametrize("name", [name for name in zoo.names() if "vgg" not in name and name != "alexnet"])
def test_the_zoo_reads_back_the_same(name):
    network = with_random_weights(zoo.build(name, classes=7))
    data = model_bytes(network, card_for(network))
    assert ModelFile(data).network == network


def test_nodes_and_weights_carry_our_names():
    network = small()
    graph = onnx.load_model_from_string(model_bytes(network, card_for(network))).graph
    nodes = {node.name: node for node in graph.node}
    assert {"conv1", "relu1", "flatten1", "dense1", "softmax1", "resize", "normalise"} <= nodes.keys()
    assert list(nodes["conv1"].input) == ["input", "conv1.weight", "conv1.bias"]
    assert list(nodes["conv1"].output) == ["conv1"]
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for name, array in network.weights.items():
        assert np.array_equal(weights[name], array)


def test_input_and_output_are_raw_pixels_and_probabilities():
    network = small()
    session = onnxruntime.InferenceSession(
        model_bytes(network, card_for(network)), providers=["CPUExecutionProvider"]
    )
    (image,), (answer,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.type, image.shape) == (
        "image",
        "tensor(uint8)",
        ["N", "height", "width", "channels"],
    )
    assert (answer.name, answer.shape) == ("probabilities", ["N", 3])
    rows = session.run(None, {"image": np.zeros((4, 50, 9, 3), np.uint8)})[0]
    assert np.allclose(rows.sum(axis=1), 1)


def test_the_same_network_and_card_give_the_same_bytes():
    network = small()
    assert model_bytes(network, card_for(network)) == model_bytes(network, card_for(network))


@settings(max_examples=300)
@given(st.data())
def test_a_flipped_bit_is_refused(data):
    network = small()
    whole = model_bytes(network, card_for(network))
    place = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    damaged = bytearray(whole)
    damaged[place] ^= 1 << bit
    with pytest.raises(ModelError):
        ModelFile(bytes(damaged), "model.onnx")


def test_a_damaged_file_says_so(tmp_path):
    network = small()
    path = tmp_path / "model.onnx"
    write_model(path, network, card_for(network))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        ModelFile.read(path)
    assert caught.value.as_dict() == {
        "error": "ModelError",
        "what": "the model file is damaged: its contents don't match its own checksum",
        "where": str(path),
        "received": f"{len(data):,} bytes",
        "remedy": "copy it again from where it came, or train or export it again",
    }


@pytest.mark.parametrize("cut", [0, 1, 100, 0.5, 0.99])
def test_a_file_cut_short_is_refused(tmp_path, cut):
    data = model_bytes(small(), card_for(small()))
    path = tmp_path / "model.onnx"
    path.write_bytes(data[: int(cut * len(data)) if isinstance(cut, float) else cut])
    with pytest.raises(ModelError):
        ModelFile.read(path)


def test_missing_folder_and_foreign_files_each_have_their_sentence(tmp_path):
    with pytest.raises(ModelError, match="no such model file"):
        ModelFile.read(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="a folder"):
        ModelFile.read(tmp_path)
    text = tmp_path / "text.onnx"
    text.write_text("not a model")
    with pytest.raises(ModelError, match="no ONNX model"):
        ModelFile.read(text)
    foreign = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node("Relu", ["x"], ["y"])],
            "g",
            [onnx.helper.make_tensor_value_info("x", 1, [1])],
            [onnx.helper.make_tensor_value_info("y", 1, [1])],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 20)],
        ir_version=10,
    )
    path = tmp_path / "foreign.onnx"
    onnx.save(foreign, path)
    with pytest.raises(ModelError, match="no card"):
        ModelFile.read(path)


def resealed(change):
    """The bytes of a small model after `change(proto)`, sealed again: what a careful forger would do."""
    from pellucid.model.write import _UNSEALED, SEAL_KEY, seal

    proto = onnx.load_model_from_string(model_bytes(small(), card_for(small())))
    change(proto)
    for entry in proto.metadata_props:
        if entry.key == SEAL_KEY:
            entry.value = _UNSEALED.decode()
    return seal(proto.SerializeToString())


def test_a_graph_that_is_not_its_cards_network_is_refused():
    def change(proto):
        node = next(node for node in proto.graph.node if node.name == "relu1")
        node.op_type = "Sigmoid"

    data = resealed(change)
    assert seal_holds(data)
    with pytest.raises(ModelError, match="not the network that its card names"):
        _ = ModelFile(data).network


def test_weights_that_are_no_numbers_are_refused_by_name():
    def change(proto):
        tensor = next(tensor for tensor in proto.graph.initializer if tensor.name == "dense1.bias")
        tensor.CopyFrom(onnx.numpy_helper.from_array(np.full(3, np.nan, np.float32), "dense1.bias"))

    with pytest.raises(ModelError, match=r"dense1\.bias holds values that are no numbers"):
        _ = ModelFile(resealed(change)).network


def test_a_card_of_a_later_format_names_the_update():
    def change(proto):
        entry = next(entry for entry in proto.metadata_props if entry.key == "pellucid.card")
        entry.value = json.dumps(json.loads(entry.value) | {"format": 2})

    with pytest.raises(ModelError) as caught:
        ModelFile(resealed(change))
    assert "update pellucid" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "shape", "received"),
    [
        ("conv 2 3, flatten, dense 3, softmax", (1, 36), "network for 36 x 1"),
        ("conv 2 3, flatten, dense 3, softmax", (1, 6, 6, 6), "network for 6 x 6 x 6 x 1"),
        ("conv 2 3, flatten, dense 3, softmax", (1, 6, 7), "network for 6 x 7 x 1"),
    ],
)
def test_a_network_that_its_preprocessing_does_not_feed_is_no_model(text, shape, received):
    with pytest.raises(ModelError) as caught:
        model_bytes(with_random_weights(Network.from_text(text, shape)), card_for(small()))
    error = caught.value
    assert error.what == "a model file's preprocessing makes pictures, and the network takes something else"
    assert (error.received, error.remedy) == (received, "a network for 6 x 6 x 1")


def test_a_network_without_weights_is_no_model():
    network = small().without_weights()
    with pytest.raises(ModelError, match="without weights"):
        model_bytes(network, card_for(network))
