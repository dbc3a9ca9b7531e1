"""The table of an opened graph against the table of the network that the file was written from, and against fields
followed value by value."""

import numpy as np
import pytest
from onnx import helper

from pellucid.inside.field import box, receptive_field
from pellucid.inside.number import Inside
from pellucid.inside.table import table_of
from pellucid.model import ModelFile, open_any, write_model
from pellucid.network import Network, zoo
from pellucid.network.table import rows, totals
from support.foreign import foreign_file
from support.networks import EVERY_LAYER, card_for, with_random_weights

FIGURES = ("output_shape", "values", "parameters", "mult_adds", "receptive_field")


@pytest.mark.parametrize("name", ["resnet18", "digits", "lenet5", "every layer"])
def test_a_file_of_ours_gives_the_networks_own_table(tmp_path, name):
    sizes = {"resnet18": (64, 64, 3, 10)}
    every = name == "every layer"
    network = with_random_weights(
        Network.from_text(EVERY_LAYER, (3, 17, 19)) if every else zoo.build(name, *sizes.get(name, ()))
    )
    path = tmp_path / "model.onnx"
    write_model(path, network, card_for(network))
    channels, height, width = network.input_shape
    inside = Inside(ModelFile.read(path).opened(np.zeros((height, width, channels), np.uint8)))
    of_graph = {row.name: row for row in table_of(inside, "input")}
    for row in rows(network):
        other = of_graph[row.name]
        # An adaptive pooling is slices, means and a concat there, whose fields aren't followed: all is an upper bound.
        left_out = ("receptive_field",) if "adaptive" in row.text else ()
        for figure in set(FIGURES) - set(left_out):
            assert getattr(other, figure) == getattr(row, figure), (row.name, figure)


def weight(*shape):
    return np.random.default_rng(len(shape)).uniform(0.1, 1, shape).astype(np.float32)


@pytest.fixture
def branches(tmp_path):
    """Strides, padding, dilation, groups, a shuffle of channels, a split, a transposed convolution, a join."""
    nodes = [
        helper.make_node("Pad", ["x", "pads"], ["padded"]),
        helper.make_node("Conv", ["padded", "w1", "b1"], ["c1"], strides=[2, 2]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("MaxPool", ["r1"], ["p1"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["p1", "w2"], ["c2"], group=2, dilations=[2, 2], pads=[2, 2, 2, 2]),
        helper.make_node("Add", ["p1", "c2"], ["a1"]),
        helper.make_node("Reshape", ["a1", "apart"], ["five"]),
        helper.make_node("Transpose", ["five"], ["swapped"], perm=[0, 2, 1, 3, 4]),
        helper.make_node("Reshape", ["swapped", "together"], ["shuffled"]),
        helper.make_node("Split", ["shuffled"], ["left", "right"], axis=1),
        helper.make_node("ConvTranspose", ["left", "w3"], ["up"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Mul", ["left", "half"], ["halved"]),
        helper.make_node("Concat", ["halved", "right"], ["joined"], axis=1),
        helper.make_node("GlobalAveragePool", ["joined"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w4", "b4"], ["y"], transB=1),
    ]
    height, width = 16, 18  # 63 and 71, padded by 3, through two strides of 2
    weights = {
        "pads": np.array([0, 0, 1, 1, 0, 0, 2, 2], np.int64), "w1": weight(4, 3, 3, 3), "b1": weight(4),
        "w2": weight(4, 2, 3, 3), "apart": np.array([1, 2, 2, height, width], np.int64),
        "together": np.array([1, 4, height, width], np.int64), "w3": weight(2, 3, 4, 4),
        "half": np.array(0.5, np.float32), "w4": weight(5, 4), "b4": weight(5),
    }  # fmt: skip
    path = foreign_file(tmp_path / "branches.onnx", nodes, weights, (1, 3, 63, 71))
    return Inside(open_any(path).opened(np.zeros((63, 71, 3), np.uint8)))


def test_fields_hold_what_reaches_a_value(branches):
    """Value by value, far from the border: the field's box has the size that the table says."""
    table = {row.name: row for row in table_of(branches, "x")}
    places = branches.places
    followed = 0
    for node in branches.opened.graph.nodes:
        tensor = next(name for name in node.outputs if name)
        if node.name not in table or places.shape(tensor)[-2:] == (1, 1) or len(places.shape(tensor)) < 4:
            continue
        size = table[node.name].receptive_field
        found = []
        for shift in (0, 1):  # a transposed convolution's neighbours see more and less
            shape = places.shape(tensor)
            middle = (*(0,) * (len(shape) - 2), shape[-2] // 2 + shift, shape[-1] // 2 + shift)
            mask = receptive_field(branches, places.at(tensor, middle)).masks["x"].any(axis=(0, 1))
            found.append([last - first + 1 for first, last in box(mask)])
        assert tuple(np.max(found, axis=0)) == size, node.name
        followed += 1
    assert followed >= 12
    assert table["dense1"].receptive_field == (63, 71)


def test_parameters_and_mult_adds(branches):
    """Counted by hand from the shapes: 3 x 3 x 3 x 4 + 4 and so on; a factor of 0.5 is no weight."""
    table = {row.text.split(" ")[0]: row for row in table_of(branches, "x") if row.parameters}
    assert table["dense"].parameters == 5 * 4 + 5
    assert table["dense"].mult_adds == 5 * 4
    assert table["transposed"].parameters == 2 * 3 * 4 * 4
    all_rows = table_of(branches, "x")
    assert totals(all_rows).parameters == (3 * 9 * 4 + 4) + 4 * 2 * 9 + 2 * 3 * 16 + 25
    left = next(row for row in all_rows if row.kind == "split").output_shape
    up = next(row for row in all_rows if row.kind == "transposed convolution")
    assert up.mult_adds == left[0] * left[1] * 2 * 3 * 16
    factor = next(row for row in all_rows if row.kind == "multiplication")
    assert factor.parameters == 0


def test_a_shared_weight_counts_once(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["one"], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["one", "w"], ["two"], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalMaxPool", ["two"], ["y"]),
    ]
    path = foreign_file(tmp_path / "shared.onnx", nodes, {"w": weight(3, 3, 3, 3)}, (1, 3, 63, 71))
    inside = Inside(open_any(path).opened(np.zeros((63, 71, 3), np.uint8)))
    assert [row.parameters for row in table_of(inside, "x")] == [81, 0, 0]


def test_an_unknown_operation_sees_the_whole_picture(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["one"], pads=[1, 1, 1, 1]),
        helper.make_node("CumSum", ["one", "axis"], ["sums"]),
        helper.make_node("GlobalMaxPool", ["sums"], ["y"]),
    ]
    path = foreign_file(
        tmp_path / "odd.onnx", nodes, {"w": weight(3, 3, 3, 3), "axis": np.array(3, np.int64)}, (1, 3, 63, 71)
    )
    table = table_of(Inside(open_any(path).opened(np.zeros((63, 71, 3), np.uint8))), "x")
    assert table[0].receptive_field == (3, 3)
    assert table[1].receptive_field == (63, 71)
    assert table[1].text == "CumSum, which can't be opened"


def test_places_of_channel_last_files(tmp_path):
    """What comes with the channels last is brought to the front by a transposition: sizes keep their order."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "w"], ["c"]),
        helper.make_node("Transpose", ["c"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("ReduceMean", ["last"], ["y"], axes=[1, 2], keepdims=0),
    ]
    path = foreign_file(tmp_path / "nhwc.onnx", nodes, {"w": weight(4, 3, 3, 5)}, (1, 12, 20, 3))
    inside = Inside(open_any(path).opened(np.zeros((12, 20, 3), np.uint8)))
    table = table_of(inside, "x")
    assert [row.output_shape for row in table] == [(12, 20, 3), (10, 16, 4), (10, 16, 4), (4,)]
    assert [row.receptive_field for row in table] == [(1, 1), (3, 5), (3, 5), (12, 20)]
