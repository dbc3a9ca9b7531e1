"""One value opened: its terms and their places, and an equation that is seen not to close."""

from collections import ChainMap
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.inside.number import Inside, closes_within
from support.graphs import float32, inside, node

X = np.arange(1, 17, dtype=np.float32).reshape(1, 1, 4, 4)
KERNEL = np.array([[[[1, 2], [3, -4]]], [[[0, 1], [1, 0]]]], np.float32)
BIAS = np.array([0.5, -1], np.float32)


def convolved(x=X):
    return inside(
        [node("Conv", ["x", "k", "b"], ["conv"], "conv1"), node("Relu", ["conv"], ["y"], "relu1")],
        {"x": x}, {"k": KERNEL, "b": BIAS},
    )  # fmt: skip


def test_every_term_has_its_value_its_weight_and_both_places():
    number = convolved().at("conv1[0,1,2]")
    assert (number.kind, number.stored, number.sum, number.closes) == ("convolution", 8.5, 8.5, True)
    found = [(str(t.source), t.input, str(t.weight_source), t.weight, t.product) for t in number.terms()]
    assert found == [
        ("x[0,1,2]", 7, "k[0,0,0,0]", 1, 7), ("x[0,1,3]", 8, "k[0,0,0,1]", 2, 16),
        ("x[0,2,2]", 11, "k[0,0,1,0]", 3, 33), ("x[0,2,3]", 12, "k[0,0,1,1]", -4, -48),
    ]  # fmt: skip
    assert (str(number.bias_source), number.difference) == ("b[0]", 0)
    assert [number.term(*each).product for each in number.order] == [-48, 33, 16, 7]
    # 1e-6 of all absolute terms, the bias among them.
    assert number.allowed == pytest.approx(1e-6 * (7 + 16 + 33 + 48 + 0.5))


def test_what_nothing_computes_says_so():
    conv = convolved()
    given, weight = conv.at("x[0,1,2]"), conv.at("k[0,0,1,1]")
    assert (given.kind, given.stored, given.reason) == (
        "input",
        7,
        "an input of the graph: nothing computes it",
    )
    assert (weight.stored, weight.reason) == (-4, "a constant of the file: nothing computes it")
    for number in (given, weight):
        assert (number.sum, number.difference, number.closes, number.order) == (None, None, None, ())
        assert (number.allowed, closes_within(number), list(number.terms())) == (0, 0, [])


def test_an_unknown_operation_shows_its_value_and_its_name():
    x = float32(3, 3)
    found = inside([node("Det", ["x"], ["d"], "area"), node("Relu", ["d"], ["y"], "relu1")], {"x": x})
    number = found.at("area[]")
    assert number.stored == pytest.approx(np.linalg.det(x), rel=1e-5)
    assert (number.kind, number.reason, number.closes) == ("Det", "the operation Det isn't known", None)
    assert found.at("relu1[]").closes  # what stands around it works


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.01, -0.01, 1.0]))
def test_a_stored_value_that_is_wrong_is_seen(seed, by):
    found = convolved(float32(1, 1, 4, 4, seed=seed))
    stored = np.array(found.opened.values["conv"])
    place = found.places.find("conv1[1,2,0]")
    stored[place.full] += by
    wrong = Inside(replace(found.opened, values=ChainMap({"conv": stored}, found.opened.values)))
    assert found.open(place).closes and not wrong.open(place).closes
    assert wrong.open(place).difference == pytest.approx(-by, rel=1e-3)
    assert closes_within(wrong.open(place)) > 1 >= closes_within(found.open(place))


def test_the_winner_comes_first_and_order_has_every_term_once():
    found = inside([node("MaxPool", ["x"], ["y"], "pool1", kernel_shape=[2, 2])], {"x": -X})
    number = found.at("pool1[0,0,0]")
    assert [number.term(*each).input for each in number.order] == [-1, -6, -5, -2]
    assert str(number.term(*number.order[0]).source) == "x[0,0,0]"


def test_a_batch_normalisation_leads_to_its_input_and_not_to_its_scale():
    weights = {
        name: np.full(1, value, np.float32) for name, value in (("s", 50), ("b", 3), ("m", 7), ("v", 2))
    }
    found = inside(
        [node("Relu", ["x"], ["r"]), node("BatchNormalization", ["r", "s", "b", "m", "v"], ["y"], "norm1")],
        {"x": X / 100}, weights,
    )  # fmt: skip
    number = found.at("norm1[0,0,0]")
    assert number.closes and str(number.term(*number.order[0]).source) == "relu1[0,0,0]"
    assert {number.term(*each).role for each in number.order[1:]} == {"mean", "variance", "scale", "shift"}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_every_width_of_float_closes_at_its_own_closeness(dtype):
    x = float32(1, 64).astype(dtype)
    w = float32(64, 5, seed=1).astype(dtype)
    found = inside([node("MatMul", ["x", "w"], ["y"], "dense1")], {"x": x}, {"w": w})
    for k in range(5):
        number = found.at(f"dense1[{k}]")
        assert number.dtype == np.dtype(dtype).name and number.closes
        narrower = {"float64": 1e-12, "float32": 1e-6, "float16": 1e-3}[number.dtype]
        assert number.allowed == pytest.approx(
            narrower * np.abs(x[0].astype(float) * w[:, k]).sum(), rel=1e-6
        )


def test_whole_numbers_have_to_be_equal():
    found = inside([node("Add", ["x", "x"], ["y"], "add1")], {"x": np.array([3, -7], np.int32)})
    assert found.at("add1[1]").allowed == 0 and found.at("add1[1]").closes
    wrong = ChainMap({"y": np.array([6, -13], np.int32)}, found.opened.values)
    number = Inside(replace(found.opened, values=wrong)).at("add1[1]")
    assert (number.difference, number.closes, closes_within(number)) == (-1, False, np.inf)


def test_what_is_no_number_equals_itself_and_nothing_else():
    found = inside([node("Sqrt", ["x"], ["y"], "sqrt1")], {"x": np.array([-1, 4, np.inf], np.float32)})
    assert [found.at(f"sqrt1[{k}]").difference for k in range(3)] == [0, 0, 0]
    wrong = ChainMap({"y": np.array([1, np.nan, 5], np.float32)}, found.opened.values)
    changed = Inside(replace(found.opened, values=wrong))
    assert [changed.at(f"sqrt1[{k}]").closes for k in range(3)] == [False, False, False]
    assert not any(closes_within(changed.at(f"sqrt1[{k}]")) <= 1 for k in range(3))
