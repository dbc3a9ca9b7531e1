"""Between two classes: the terms sum to the difference of the stored scores."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from pellucid.errors import ModelError, SettingsError
from pellucid.inside.difference import difference
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.opened import open_run
from pellucid.network import Network
from support.networks import with_random_weights
from support.opening import opened_on

PICTURE = np.random.default_rng(0).integers(0, 256, (9, 9, 1), np.uint8)


def network(text):
    return with_random_weights(Network.from_text(text, (1, 9, 9)))


def test_the_terms_are_the_differences_of_the_weights():
    made = network("conv 4 3x3, relu, flatten, dense 5, softmax")
    opened = opened_on(made, PICTURE, temperature=2.0)
    found = difference(opened, 3, 1)
    weight, bias = made.weights["dense1.weight"], made.weights["dense1.bias"]
    assert (found.layer, found.source) == ("dense1", "flatten1")
    # The temperature divides the scores, so it stands in the weights.
    factor = float(opened.values["calibrate/factor"])
    np.testing.assert_allclose(
        found.weights_a - found.weights_b, factor * (weight[3] - weight[1]), rtol=1e-5, atol=1e-7
    )
    np.testing.assert_array_equal(found.inputs, opened.values["flatten1"][0])
    assert (found.bias_a, found.bias_b) == pytest.approx((factor * bias[3], factor * bias[1]))
    logits = opened.values["calibrate"][0].astype(np.float64)
    assert abs(found.value - (logits[3] - logits[1])) <= 1e-6 * found.magnitude
    order = found.order()
    assert abs(found.products[order[0]]) == np.abs(found.products).max()


def test_classes_that_are_means_of_maps_have_other_inputs():
    opened = opened_on(network("conv 3 3x3, globalavgpool, flatten, softmax"), PICTURE)
    found = difference(opened, 0, 2)
    assert len(found.inputs) == 2 * 49  # both maps
    assert sorted(set(found.index[:, 1])) == [0, 2]
    assert abs(found.value - (found.score_a - found.score_b)) <= 1e-6 * found.magnitude


def test_what_has_no_difference_is_said():
    opened = opened_on(network("conv 3 3x3, globalavgpool, flatten, relu, softmax"), PICTURE)
    with pytest.raises(ModelError, match="the classes' scores aren't sums of one layer's values"):
        difference(opened, 0, 1)
    with pytest.raises(SettingsError, match="a class doesn't differ from itself"):
        difference(opened, 1, 1)
    with pytest.raises(SettingsError, match="there is no such class"):
        difference(opened, 0, 3)


def test_a_foreign_networks_scores_may_be_scaled_and_shifted_from_either_side():
    """x @ W, 2 times that, plus a bias, without a softmax."""
    weight = np.array([[1, 2, 3], [4, -5, 6]], np.float32)
    bias = np.array([0.5, -0.5, 0.25], np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "weight"], ["product"]),
            helper.make_node("Mul", ["two", "product"], ["doubled"]),
            helper.make_node("Add", ["bias", "doubled"], ["y"]),
        ],
        "dense",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [
            numpy_helper.from_array(array, name)
            for name, array in (("weight", weight), ("bias", bias), ("two", np.array(2, np.float32)))
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    opened = open_run(OnnxFile(model.SerializeToString()), {"x": np.array([[3, 7]], np.float32)})
    found = difference(opened, 1, 2)
    assert found.source == "x"
    assert found.inputs.tolist() == [3, 7]
    assert found.weights_a.tolist() == [4, -10]
    assert found.weights_b.tolist() == [6, 12]
    assert (found.bias_a, found.bias_b) == (-0.5, 0.25)
    assert found.value == found.score_a - found.score_b == 3 * -2 + 7 * -22 - 0.75
