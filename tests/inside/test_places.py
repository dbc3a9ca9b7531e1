"""A value is found by every name that a person may know it by; a wrong one gets the list and the nearest."""

import numpy as np
import pytest

from pellucid.errors import SettingsError
from pellucid.inside.number import Inside
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.opened import open_run
from pellucid.model.write import model_bytes
from pellucid.network import Network
from support.graphs import float32, inside, node
from support.networks import card_for, with_random_weights

PICTURE = np.random.default_rng(0).integers(0, 256, (1, 9, 11, 3), np.uint8)


@pytest.fixture(scope="module")
def ours():
    network = with_random_weights(
        Network.from_text("conv 4 3x3, relu, maxpool 2, flatten, dense 3, softmax", (3, 10, 8))
    )
    return Inside(open_run(OnnxFile(model_bytes(network, card_for(network))), {"image": PICTURE}, threads=1))


def refused(found, text):
    with pytest.raises(SettingsError) as caught:
        found.at(text)
    return caught.value


def test_layers_pictures_and_weights_by_name(ours):
    place = ours.places.find("conv1[3,4,5]")
    assert (place.tensor, place.full, place.axes) == ("conv1", (0, 3, 4, 5), ("channel", "row", "column"))
    pixel = ours.places.find("image[8,10,2]")
    assert (pixel.full, pixel.axes) == ((0, 8, 10, 2), ("row", "column", "channel"))
    assert ours.at("image[8,10,2]").stored == PICTURE[0, 8, 10, 2]
    assert ours.places.find("conv1.weight[3,2,1,0]").full == (3, 2, 1, 0)
    assert ours.places.find("dense1[2]").axes == ("value",)


@pytest.mark.parametrize("text", ["conv1[0,3,4,5]", " conv1 [ 3 , 4 , 5 ] ", "CONV1[3,4,5]"])
def test_spaces_capitals_and_the_batch_do_not_matter(ours, text):
    assert ours.places.find(text).full == (0, 3, 4, 5)


def test_where_channels_stand_is_followed_through_transpositions(ours):
    assert {"image", "normalise"} <= ours.places.channel_last
    assert "input" not in ours.places.channel_last and "conv1" not in ours.places.channel_last


def test_a_wrong_name_gets_the_nearest_and_the_list(ours):
    error = refused(ours, "covn1[0,0,0]")
    assert (error.what, error.received) == ("the network has nothing of this name", "covn1")
    assert error.remedy.startswith("conv1? There are ")
    assert "conv1, relu1, pool1, flatten1, dense1" in error.remedy
    assert refused(ours, "zzzzzzzz[0]").remedy.startswith("There are ")


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("conv1", "which value of conv1? Indices are from 0: channel 0 to 3, row 0 to 7, column 0 to 5",
         "conv1[2,4,3]"),
        ("conv1[4,0,0]", "channel 4 is outside conv1: indices are from 0",
         "conv1[2,4,3]: channel 0 to 3, row 0 to 7, column 0 to 5"),
        ("conv1[0,8,0]", "row 8 is outside conv1: indices are from 0", None),
        ("conv1[0,0,-1]", "column -1 is outside conv1: indices are from 0", None),
        ("conv1[1,2]", "conv1 has 3 axes without the batch, the index has 2 numbers", None),
        ("conv1[1]", "conv1 has 3 axes without the batch, the index has 1 number", None),
        ("conv1[]", "conv1 has 3 axes without the batch, the index has 0 numbers", None),
        ("conv1[1,1,1,1]", "conv1 has 3 axes without the batch, the index has 4 numbers", None),
        ("dense1[1,1]", "dense1 has 1 axis without the batch, the index has 2 numbers", "dense1[1]: value 0 to 2"),
        ("conv1.weight[1,1,1]", "conv1.weight has 4 axes, the index has 3 numbers", None),
        ("conv1[1,a,2]", "an index is whole numbers, from 0", None),
        ("conv1[1.5,0,0]", "an index is whole numbers, from 0", None),
        ("conv1[1,,2]", "an index is whole numbers, from 0", None),
        (f"conv1[{10**30},0,0]", "an index is whole numbers, from 0", None),
        ("image[9,0,0]", "row 9 is outside image: indices are from 0",
         "image[4,5,1]: row 0 to 8, column 0 to 10, channel 0 to 2"),
        ("", "a value has a name and an index", "softmax1[0]"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_index(ours, text, what, remedy):
    error = refused(ours, text)
    assert error.what == what
    assert remedy is None or error.remedy == remedy


def test_the_example_that_is_named_can_be_typed(ours):
    for name in ("conv1", "dense1", "image", "conv1.weight", "softmax1"):
        assert ours.at(refused(ours, name).remedy).stored is not None


def test_every_value_of_every_tensor_is_found_by_its_own_text(ours):
    for tensor in ours.places.names:
        array = ours.opened.values[tensor]
        for flat in {0, array.size // 2, array.size - 1}:
            place = ours.places.at(tensor, np.unravel_index(flat, array.shape))
            assert ours.places.find(str(place)).full == place.full


def test_a_name_of_a_file_that_is_no_plain_text_is_shown_harmlessly():
    found = inside([node("Relu", ["x"], ["y"], "a\x1b[31m\n<b>")], {"x": float32(1, 3)})
    for text in ("nothing[0]", "a\x1b[31m\n<b>[9]", "\x1b[0]"):
        error = str(refused(found, text))
        assert "\x1b" not in error and error.count("\n") <= 3
    assert found.at("a\x1b[31m\n<b>[1]").closes


def test_a_batch_of_several_keeps_its_axis():
    found = inside([node("Relu", ["x"], ["y"], "relu1")], {"x": float32(2, 3, 4, 4)})
    assert found.at("relu1[1,2,3,3]").place.full == (1, 2, 3, 3)
    assert refused(found, "relu1[1,2]").what == "relu1 has 4 axes, the index has 2 numbers"


def test_a_node_with_several_results_has_them_by_their_own_names():
    found = inside([node("Split", ["x"], ["a", "b"], "cut", axis=1, num_outputs=2)], {"x": float32(1, 4)})
    assert found.places.find("cut[0]").tensor == "a"
    assert found.places.find("b[1]").tensor == "b"
    assert found.places.node("b").name == "cut"
    with pytest.raises(SettingsError, match="this is no layer: nothing computes it"):
        found.places.node("x")
