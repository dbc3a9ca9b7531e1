"""What reaches what: both directions agree, and with poking (proof/fields.py does that at length)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.inside.field import box, picture_mask, reached_by, receptive_field
from pellucid.inside.number import Inside
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.opened import open_run
from pellucid.model.write import model_bytes
from pellucid.network import Network
from support.graphs import float32, inside, node
from support.networks import EVERY_LAYER, card_for, with_random_weights

PICTURE = np.random.default_rng(0).integers(0, 256, (1, 20, 26, 3), np.uint8)


@pytest.fixture(scope="module")
def every_layer():
    network = with_random_weights(Network.from_text(EVERY_LAYER, (3, 24, 20)))
    return Inside(open_run(OnnxFile(model_bytes(network, card_for(network))), {"image": PICTURE}, threads=1))


def a_place(found, data):
    tensor = data.draw(st.sampled_from(list(found.opened.graph.maker)))
    return found.places.at(tensor, [data.draw(st.integers(0, n - 1)) for n in found.places.shape(tensor)])


@settings(max_examples=150)
@given(st.data())
def test_what_reaches_a_value_is_what_it_is_reached_by(every_layer, data):
    place = a_place(every_layer, data)
    before = receptive_field(every_layer, place, weights=True)
    assert before.exact
    tensor = data.draw(st.sampled_from(sorted(before.masks)))
    mask = before.masks[tensor]
    other = every_layer.places.at(tensor, [data.draw(st.integers(0, n - 1)) for n in mask.shape])
    after = reached_by(every_layer, other)
    backwards = place.tensor in after.masks and bool(after.masks[place.tensor][place.full])
    assert backwards == bool(mask[other.full])


@settings(max_examples=15)
@given(st.data())
def test_every_term_of_a_value_is_in_its_field(every_layer, data):
    number = every_layer.open(a_place(every_layer, data))
    masks = receptive_field(every_layer, number.place, weights=True).masks
    for term in number.terms():
        assert masks[term.source.tensor][term.source.full]
        if term.weight_source is not None:
            assert masks[term.weight_source.tensor][term.weight_source.full]


def test_weights_are_left_out_unless_asked_for(every_layer):
    place = every_layer.places.find("conv3[3,0,0]")
    assert "conv3.weight" not in receptive_field(every_layer, place).masks
    masks = receptive_field(every_layer, place, weights=True).masks
    # The corner's window hangs over the border: the kernel's first row and column lie in the padding.
    taken = np.zeros((8, 8, 3, 3), bool)
    taken[3, :, 1:, 1:] = True
    np.testing.assert_array_equal(masks["conv3.weight"], taken)
    assert masks["conv3.bias"].tolist() == [k == 3 for k in range(8)]


def test_a_weight_reaches_its_own_channel_only(every_layer):
    found = reached_by(every_layer, every_layer.places.find("conv1.bias[2]"))
    reached = found.masks["conv1"][0].reshape(8, -1)
    assert reached.all(axis=1).tolist() == [k == 2 for k in range(8)] == reached.any(axis=1).tolist()


def test_a_residual_reaches_by_both_ways():
    nodes = [
        node("Conv", ["x", "k"], ["a"], "conv1", pads=[1, 1, 1, 1]),
        node("Slice", ["x", "start", "end", "axes"], ["b"], "cut"),
        node("Pad", ["b", "pads"], ["c"], "pad"),
        node("Add", ["a", "c"], ["y"], "add1"),
    ]
    weights = {
        "k": np.zeros((1, 1, 3, 3), np.float32), "start": np.array([4]), "end": np.array([9]),
        "axes": np.array([3]), "pads": np.array([0, 0, 0, 0, 0, 0, 0, 4]),
    }  # fmt: skip
    found = inside(nodes, {"x": float32(1, 1, 3, 9)}, weights)
    mask = receptive_field(found, found.places.find("add1[0,1,0]")).masks["x"][0, 0]
    wanted = np.zeros((3, 9), bool)
    wanted[:, :2] = True  # the convolution's window, though all its weights are 0
    wanted[1, 4] = True  # what was cut out and moved to the left
    np.testing.assert_array_equal(mask, wanted)


def test_an_unknown_operation_reaches_everything_and_says_so():
    nodes = [
        node("CumSum", ["x", "axis"], ["s"], "sums"), node("Relu", ["s"], ["y"], "relu1"),
        node("Neg", ["x"], ["z"], "neg1"),
    ]  # fmt: skip
    found = inside(nodes, {"x": float32(4)}, {"axis": np.array(0)})
    field = receptive_field(found, found.places.find("relu1[0]"))
    assert (field.exact, field.count("x")) == (False, 4)
    after = reached_by(found, found.places.find("x[3]"))
    assert (after.exact, after.count("y"), after.count("z")) == (False, 4, 1)
    assert receptive_field(found, found.places.find("neg1[0]")).exact


def test_the_masks_as_pixels_whatever_the_order_of_axes(every_layer):
    field = receptive_field(every_layer, every_layer.places.find("conv1[0,12,10]"))
    inner, raw = (picture_mask(every_layer, field, tensor) for tensor in ("input", "image"))
    assert inner is not None and raw is not None
    assert inner.shape == (24, 20) and raw.shape == (20, 26)
    assert box(inner) == ((11, 13), (9, 11))
    # As wide as the resizing's taps of those three rows and columns.
    (top, bottom), (left, right) = box(raw)
    assert top <= 11 * 20 / 24 and bottom >= 13 * 20 / 24 and left <= 9 * 26 / 20 and right >= 11 * 26 / 20
    assert raw[top : bottom + 1, left : right + 1].all() and raw.sum() < 40
    assert picture_mask(every_layer, field, "conv1.weight") is None
    assert picture_mask(every_layer, field, "dense1") is None


def test_what_a_pixel_does_not_reach_has_no_mask():
    nodes = [
        node("Split", ["x"], ["a", "b"], "cut", axis=1, num_outputs=2),
        node("Relu", ["b"], ["y"], "relu1"),
    ]
    found = inside(nodes, {"x": float32(1, 4)})
    reach = reached_by(found, found.places.find("x[0]"))
    assert (reach.count("a"), reach.count("b"), reach.count("y"), "y" in reach.masks) == (1, 0, 0, False)
