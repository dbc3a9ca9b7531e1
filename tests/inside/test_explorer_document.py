"""A network's document for the explorer: everything a view needs, and the weights as one run of bytes."""

import json
from dataclasses import replace

import numpy as np
import pytest
from onnx import helper

from pellucid.inside.explorer_document import described, plain
from pellucid.inside.explorer_schema import GraphDocument
from pellucid.inside.explorer_words import words
from pellucid.model import ForeignModel, ModelFile
from pellucid.model.card import Card
from pellucid.model.foreign import Wishes
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.preprocessing import Preprocessing
from pellucid.model.write import model_bytes
from pellucid.network import Network
from pellucid.network.layers import LAYERS
from pellucid.network.operations.activation import Clip
from pellucid.network.operations.pointwise import Cast
from support.foreign import foreign_file

RESIDUAL = (
    "conv 4 3x3 stride 2 pad 1, batchnorm, relu, maxpool 2, conv 4 3x3 pad same, batchnorm, relu, add pool1, "
    "globalavgpool, flatten, dense 3, softmax"
)


def ours(text=RESIDUAL, shape=(3, 12, 12), classes=("a", "<b>", "c"), seed=0):
    network = Network.from_text(text, shape)
    draws = np.random.default_rng(seed)
    shapes = network.parameter_shapes | network.state_shapes
    weights = {name: draws.uniform(0.1, 1, size).astype(np.float32) for name, size in shapes.items()}
    card = Card(
        classes=classes, network=network.text,
        preprocessing=Preprocessing(
            height=shape[1], width=shape[2], channels=shape[0],
            scale=(0.5,) * shape[0], shift=(-1.0,) * shape[0],
        ),
    )  # fmt: skip
    return ModelFile(model_bytes(network.with_weights(weights), card), "/some/folder/one.onnx", threads=1)


def foreign(tmp_path, nodes, weights, shape=(1, 3, 6, 6), **wishes):
    path = foreign_file(tmp_path / "x.onnx", nodes, weights, shape)
    return ForeignModel(OnnxFile.open(path), Wishes(**wishes), threads=1)


def test_layers_stand_in_columns_by_their_stage():
    found = described(ours()).document
    rows = [(layer.name, layer.stage, layer.column, layer.row, layer.inputs) for layer in found.layers]
    assert rows == [
        ("conv1", 0, 0, 0, ["input"]), ("norm1", 0, 0, 0, ["conv1"]), ("relu1", 0, 0, 0, ["norm1"]),
        ("pool1", 0, 0, 0, ["relu1"]),
        ("conv2", 1, 1, 0, ["pool1"]), ("norm2", 1, 1, 0, ["conv2"]), ("relu2", 1, 1, 0, ["norm2"]),
        ("add1", 2, 2, 0, ["relu2", "pool1"]), ("pool2", 3, 3, 0, ["add1"]),
        ("flatten1", 4, 4, 0, ["pool2"]), ("dense1", 4, 4, 0, ["flatten1"]), ("softmax1", 4, 4, 0, ["dense1"]),
    ]  # fmt: skip
    conv = found.layers[0]
    assert (conv.shape, conv.maps, conv.parameters) == ([6, 6, 4], [4, 6, 6], 112)
    assert conv.formulas.parameters == "(3 x 3 x 3 + 1) x 4 = 112" and conv.weights == [
        "conv1.weight",
        "conv1.bias",
    ]
    assert "4 small windows of 3 x 3" in conv.words
    # The temperature belongs to the softmax, whose tensor has another name in the file.
    last = found.layers[-1]
    assert (last.tensor, last.nodes, found.answer.scores) == (
        "probabilities",
        ["calibrate", "softmax1"],
        "calibrate",
    )
    assert found.parameters == sum(layer.parameters for layer in found.layers)


def test_branches_stand_under_one_another():
    text = (
        "conv 4 1x1, relu, conv 2 1x1, relu, conv 2 3x3 pad same, relu, conv 3 1x1 from relu1, concat relu3, flatten, "
        "dense 3, softmax"
    )
    places = {layer.name: (layer.column, layer.row) for layer in described(ours(text)).document.layers}
    assert places["conv2"] == (1, 0) and places["conv4"] == (1, 1) and places["conv3"] == (2, 0)
    assert places["concat1"][0] == 3


def test_weights_lie_where_the_document_says():
    model = ours()
    made = described(model)
    data = made.weights()
    assert len(data) == made.document.weight_bytes
    for about in made.document.weights:
        assert about.offset % 8 == 0
        size = int(np.prod(about.shape))
        array = np.frombuffer(data, "<f4" if about.stored == "float32" else "<f8", size, about.offset)
        expected = model.file.weights[about.tensor]
        np.testing.assert_array_equal(array.reshape(about.shape), expected)
    names = {about.tensor: about for about in made.document.weights}
    assert names["norm1.weight"].learned and not names["norm1.running_mean"].learned
    assert names["norm1.running_mean"].replayed and not names["calibrate/factor"].replayed


def test_a_snapshot_has_every_replayed_weight_at_half_its_offset():
    model = ours()
    made = described(model)
    other = {name: 2 * array for name, array in model.network.weights.items()}
    data = made.snapshot(other)
    assert len(data) == made.document.weight_bytes // 2
    for about in made.document.weights:
        half = np.frombuffer(data, "<f2", int(np.prod(about.shape)), about.offset // 2).reshape(about.shape)
        wanted = other[about.tensor].astype(np.float16) if about.replayed else np.zeros(about.shape)
        np.testing.assert_array_equal(half, wanted)


def test_the_document_is_json_of_the_schema_and_tells_which_file():
    model, again = ours(), ours()
    document = described(model).document
    text = document.model_dump_json()
    assert GraphDocument.model_validate(json.loads(text)) == document
    assert (document.file, document.classes, document.named) == ("one.onnx", ["a", "<b>", "c"], True)
    assert document.fingerprint == described(again).document.fingerprint
    assert document.fingerprint != described(ours(seed=1)).document.fingerprint
    assert document.input.mean == [2.0] * 3 and document.input.deviation == [2.0] * 3
    assert "/some" not in text  # a published page says nothing of its maker's folders


def test_nodes_have_their_attributes_and_begin_at_the_networks_input():
    document = described(ours()).document
    first = document.nodes[0]
    assert (first.operation, first.inputs) == (
        "convolution.Convolution",
        ["input", "conv1.weight", "conv1.bias"],
    )
    assert first.attributes == {
        "kernel": [3, 3], "stride": [2, 2], "pads": [[1, 1], [1, 1]], "dilation": [1, 1], "groups": 1,
    }  # fmt: skip
    tensors = {tensor.tensor: tensor for tensor in document.tensors}
    assert set(tensors) == {"input", *(name for node in document.nodes for name in node.outputs)}
    assert (tensors["conv1"].shape, tensors["conv1"].full, tensors["conv1"].axes) == (
        [4, 6, 6], [1, 4, 6, 6], ["channel", "row", "column"],
    )  # fmt: skip
    assert document.answer.layer == "add1" and document.answer.start == "input"


def test_attributes_are_plain_data():
    assert plain(Clip(None, float("inf"))) == {"low": None, "high": "Infinity"}
    assert plain(Cast(np.dtype(np.uint8))) == {"to": "uint8", "limit": None}


def test_a_foreign_file_says_what_was_assumed_and_numbers_its_classes(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], name="c"),
        helper.make_node("Sigmoid", ["c"], ["s"], name="s"),
        helper.make_node("Mul", ["c", "s"], ["m"], name="m"),
        helper.make_node("GlobalAveragePool", ["m"], ["g"], name="g"),
        helper.make_node("Flatten", ["g"], ["f"], name="f"),
        helper.make_node("Gemm", ["f", "w"], ["y"], name="d"),
    ]
    model = foreign(
        tmp_path, nodes, {"k": np.ones((4, 3, 3, 3), np.float32), "w": np.ones((4, 5), np.float32)}
    )
    document = described(model).document
    assert (document.named, document.classes) == (False, ["0", "1", "2", "3", "4"])
    assert any("1/255" in sentence for sentence in document.input.assumed)
    assert (document.answer.ending, document.answer.probabilities, document.network) == ("softmax", "y", None)
    # SiLU in two nodes is one bracket with its convolution.
    assert [layer.stage for layer in document.layers] == [0, 0, 0, 1, 2, 2]
    assert [layer.family for layer in document.layers][:4] == ["convolution", "activation", "join", "pooling"]


def test_an_unknown_operation_is_told_and_has_no_attributes(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], name="c"),
        helper.make_node("Det", ["c"], ["e"], name="determinants"),
        helper.make_node("Flatten", ["e"], ["y"], name="f"),
    ]
    document = described(foreign(tmp_path, nodes, {"k": np.ones((4, 3, 3, 3), np.float32)})).document
    node = next(node for node in document.nodes if node.name == "determinants")
    assert (node.operation, node.attributes) == (None, {}) and "Det isn't known" in (node.unknown or "")


def test_names_that_the_file_has_itself_are_given_away(tmp_path):
    nodes = [
        helper.make_node("Relu", ["x"], ["pixels"], name="relu"),
        helper.make_node("GlobalAveragePool", ["pixels"], ["g"], name="g"),
        helper.make_node("Flatten", ["g"], ["y"], name="f"),
    ]
    document = described(foreign(tmp_path, nodes, {})).document
    assert document.input.renamed == {"pixels": "picture/pixels"}


def test_classical_filters_come_for_the_kernels_that_there_are():
    document = described(ours()).document
    assert [(frame.height, frame.width) for frame in document.classical] == [(3, 3)]
    frame = document.classical[0]
    assert set(frame.thresholds) == {"1", "3", "4"} and frame.thresholds["1"] == pytest.approx(0.9, abs=0.02)
    for entry in frame.filters:
        assert np.square(entry.kernel).sum() == pytest.approx(1, abs=1e-6)


def test_every_layer_has_a_sentence():
    model = ours()
    for layer in described(model).document.layers:
        assert layer.words.endswith(".") and layer.words[0].isupper()
    for word in LAYERS:
        if word not in ("conv", "dense"):
            assert words(word, "other") != words("", "other"), word


def test_a_nameless_model_is_called_by_its_file():
    model = ours()
    assert described(model).document.title == "one"
    assert described(model, "Mine").document.title == "Mine"


def test_equal_graphs_have_equal_documents():
    one, two = described(ours()), described(ours())
    assert one.document == two.document and one.weights() == two.weights()
    assert replace(one, arrays=()).document == one.document
