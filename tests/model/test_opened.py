"""A graph opened on one input: every value as the runtime stored it, constants folded, contradictions refused."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from pellucid.errors import EngineError, ModelError
from pellucid.inside.number import Inside, closes_within
from pellucid.model.foreign import ForeignModel, Wishes
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.opened import open_run
from pellucid.network import Network
from support.graphs import float32, model, node, opened
from support.networks import with_random_weights
from support.opening import model_of

FOREIGN = sorted((Path(__file__).parents[1] / "data" / "foreign").glob("*.onnx"))
PICTURE = np.random.default_rng(0).integers(0, 256, (37, 41, 3), np.uint8)
CONV = [
    node("Conv", ["x", "k"], ["c"], "conv1"),
    node("Relu", ["c"], ["r"], "relu1"),
    node("Flatten", ["r"], ["y"], "flat"),
]
KERNEL = {"k": float32(2, 1, 3, 3, seed=1)}
X = float32(1, 1, 6, 6)


@pytest.mark.parametrize("path", FOREIGN, ids=lambda path: path.stem)
def test_every_node_of_other_tools_files_opens_and_closes(path):
    found = ForeignModel(OnnxFile.open(path), Wishes(), threads=1).opened(PICTURE)
    assert not found.unknown
    inside = Inside(found)
    rng = np.random.default_rng(0)
    for made in found.graph.nodes:
        assert made.operation is not None
        for output, tensor in enumerate(made.outputs):
            if not tensor:
                continue
            array = found.values[tensor]
            assert made.operation.result_shape(inside.operands(made), output) == array.shape
            for flat in rng.choice(array.size, min(array.size, 8), replace=False):
                number = inside.open(inside.places.at(tensor, np.unravel_index(flat, array.shape)))
                assert closes_within(number) <= 1, str(number.place)


@pytest.mark.parametrize("path", FOREIGN, ids=lambda path: path.stem)
def test_the_answer_has_the_bits_of_a_plain_run(path):
    foreign = ForeignModel(OnnxFile.open(path), Wishes(), threads=1)
    found = foreign.opened(PICTURE)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {foreign.intake.name: found.values[foreign.intake.name]})
    np.testing.assert_allclose(found.values[found.graph.outputs[0]], answer, rtol=1e-5, atol=1e-6)


def test_what_follows_from_constants_and_shapes_is_folded():
    nodes = [
        node("Shape", ["x"], ["s"]), node("Gather", ["s", "zero"], ["batch"], axis=0),
        node("Unsqueeze", ["batch", "axes"], ["rows"]), node("Concat", ["rows", "minus"], ["shape"], axis=0),
        node("Mul", ["w", "two"], ["w2"]), node("Reshape", ["x", "shape"], ["flat"], "flat"),
        node("MatMul", ["flat", "w2"], ["y"], "dense"),
    ]  # fmt: skip
    weights = {
        "zero": np.array(0), "axes": np.array([0]), "minus": np.array([-1]), "w": float32(36, 2),
        "two": np.float32(2),
    }  # fmt: skip
    found = opened(nodes, {"x": X}, weights)
    assert [made.name for made in found.graph.nodes] == ["flat", "dense"]
    assert {"s", "batch", "rows", "shape", "w2", "w"} <= set(found.graph.constants)
    np.testing.assert_array_equal(found.values["w2"], 2 * weights["w"])
    number = Inside(found).at("dense[1]")
    assert number.closes and str(number.term(0, 3).weight_source) == "w2[3,1]"


def test_fetching_one_by_one_gives_the_same_values():
    at_once, lazy = opened(CONV, {"x": X}, KERNEL), opened(CONV, {"x": X}, KERNEL, budget=200)
    assert (at_once.lazy, lazy.lazy) == (False, True)
    for tensor in ("c", "r", "y", "c", "x", "k"):
        np.testing.assert_array_equal(at_once.values[tensor], lazy.values[tensor])
    assert Inside(lazy).at("conv1[1,2,3]").closes


def test_one_graph_after_another_is_one():
    first = opened([node("Mul", ["x", "f"], ["m"], "mul1")], {"x": X}, {"f": np.float32(2)})
    second = opened([node("Conv", ["m", "k"], ["c"], "conv1")], {"m": first.values["m"]}, KERNEL)
    both = first.then(second)
    assert [made.name for made in both.graph.nodes] == ["mul1", "conv1"]
    assert (both.graph.inputs, both.graph.outputs) == (("x",), ("c",))
    inside = Inside(both)
    number = inside.at("conv1[0,0,0]")
    assert str(number.term(0, 0).source) == "mul1[0,0,0]" and inside.open(number.term(0, 0).source).closes


def test_a_node_that_cannot_be_opened_says_why_and_the_others_open():
    nodes = [
        node("Det", ["x"], ["d"], "area"), node("Add", ["d", "d"], ["y"], "add1"),
    ]  # fmt: skip
    found = opened(nodes, {"x": float32(2, 2)})
    assert found.unknown == {"area": "the operation Det isn't known"}
    assert Inside(found).at("add1[]").closes


def file_of(nodes, weights=None, inputs=None):
    return OnnxFile(model(nodes, inputs or {"x": X}, weights).SerializeToString(), "bad.onnx")


@pytest.mark.parametrize(
    ("nodes", "what", "received"),
    [
        ([node("Relu", ["b"], ["a"], "one"), node("Relu", ["a"], ["b"], "two")],
         "the graph goes in a circle, or its nodes are out of order", "Relu one needs b"),
        ([node("Relu", ["nothing"], ["a"], "one")], "the graph takes in a tensor that nothing makes",
         "Relu one needs nothing"),
        ([node("Relu", ["x"], ["a"]), node("Neg", ["x"], ["a"])], "two nodes make the same tensor", "a"),
        ([node("Relu", ["x"], ["x"])], "two nodes make the same tensor", "x"),
    ],
)  # fmt: skip
def test_a_graph_that_contradicts_itself(nodes, what, received):
    with pytest.raises(ModelError) as caught:
        open_run(file_of(nodes), {"x": X})
    assert (caught.value.what, caught.value.received, caught.value.where) == (what, received, "bad.onnx")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers(value):
    kernel = KERNEL["k"].copy()
    kernel[1, 0, 2, 2] = value
    with pytest.raises(ModelError) as caught:
        open_run(file_of(CONV, {"k": kernel}), {"x": X})
    assert caught.value.what == "the weight k holds values that are no numbers (NaN or infinite)"
    assert caught.value.received == "1 of 18 values"
    assert "learning rate" in caught.value.remedy


def test_what_the_runtime_cannot_do_is_an_error_of_ours():
    with pytest.raises(ModelError, match="onnxruntime can't load this model"):
        open_run(file_of([node("NoSuchThing", ["x"], ["y"])]), {"x": X})
    with pytest.raises(EngineError) as caught:
        shape = {"s": np.array([5, 5])}
        open_run(file_of([node("Reshape", ["x", "s"], ["y"])], shape, {"x": float32(0, 1, 6, 6)}), {"x": X})
    assert "x float32 [1, 1, 6, 6]" in caught.value.received


def test_a_graph_within_the_graph_is_not_opened_but_around_it_all_is():
    inner = helper.make_graph(
        [node("Neg", ["c"], ["n"])], "inner", [], [helper.make_empty_tensor_value_info("n")]
    )
    other = helper.make_graph(
        [node("Abs", ["c"], ["m"])], "other", [], [helper.make_empty_tensor_value_info("m")]
    )
    nodes = [
        node("Conv", ["x", "k"], ["c"], "conv1"),
        node("If", ["yes"], ["i"], "which", then_branch=inner, else_branch=other),
        node("Relu", ["i"], ["y"], "relu1"),
    ]
    found = opened(nodes, {"x": X}, KERNEL | {"yes": np.array(True)})
    assert found.unknown == {"which": "the operation If isn't known"}
    np.testing.assert_array_equal(found.values["i"], -found.values["c"])
    assert Inside(found).at("relu1[0,1,1]").closes


def test_sparse_weights_are_refused():
    proto = model([node("MatMul", ["x", "w"], ["y"], "dense1")], {"x": float32(1, 3)}, {})
    values = numpy_helper.from_array(np.array([2, -1], np.float32), "w")
    places = numpy_helper.from_array(np.array([[0, 1], [2, 0]], np.int64), "w_places")
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [3, 2]))
    with pytest.raises(ModelError, match="sparse tensors") as caught:
        OnnxFile(proto.SerializeToString())
    assert caught.value.remedy == "export it with dense weights"


def test_a_model_that_was_loaded_serves_again_and_no_other_does():
    network = with_random_weights(Network.from_text("conv 3 3x3, relu, flatten, dense 4, softmax", (1, 8, 8)))
    file = model_of(network).file
    first, second = np.random.default_rng(3).integers(0, 256, (2, 1, 8, 8, 1), np.uint8)
    before = open_run(file, {"image": first})
    again, fresh = open_run(file, {"image": second}, again=before), open_run(file, {"image": second})
    assert again.recording.is_again and not fresh.recording.is_again
    for name in fresh.graph.maker:
        np.testing.assert_array_equal(again.values[name], fresh.values[name])
    weights = {"conv1.weight": file.weights["conv1.weight"] * 2}
    other = open_run(file.changed(weights), {"image": second}, again=before)
    assert not other.recording.is_again
    assert not np.array_equal(other.values["conv1"], fresh.values["conv1"])
