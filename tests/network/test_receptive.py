"""Receptive fields against brute force: every pixel poked in turn through a network of positive weights."""

from fractions import Fraction
from math import ceil, prod

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pellucid.errors import NetworkError
from pellucid.network import Network, zoo
from pellucid.network.layers import Add, Concat, Sliding
from pellucid.network.receptive import fields


def poked(network, name):
    """For each place of a layer, the (first, past the last) of its pixels on each axis: [*places, rank, 2].

    One input for each pixel, 1 there and 0 elsewhere, goes through plain loops: with positive weights, a
    value is above 0 exactly where that pixel matters, for the mean as for the largest of a window.
    """
    _, *sizes = network.input_shape
    values = {"input": np.eye(prod(sizes)).reshape(-1, *sizes)}
    for node in network.nodes:
        inputs = [values[source] for source in node.inputs]
        layer, places = node.layer, network.shapes[node.name][1:]
        if isinstance(layer, Sliding):
            dilation = getattr(layer, "dilation", (1,) * len(sizes))
            padded = np.pad(inputs[0], ((0, 0), *layer.pads(network.shapes[node.inputs[0]])))
            windows = [
                [range(i * s, i * s + f, d) for i in range(n)]
                for n, s, f, d in zip(places, layer.stride, layer.extent, dilation, strict=True)
            ]
            out = summed(padded, windows)
        elif hasattr(layer, "spans"):
            spans = layer.spans(network.shapes[node.inputs[0]])
            out = summed(inputs[0], [[range(*span) for span in axis] for axis in spans])
        elif isinstance(layer, Add | Concat):
            out = sum(inputs)
        else:
            out = inputs[0]
        values[node.name] = out
    places = network.shapes[name][1:]
    seen = values[name].reshape(*sizes, *places) > 0
    boxes = np.zeros((*places, len(sizes), 2), int)
    for place in np.ndindex(*places):
        for axis, found in enumerate(np.nonzero(seen[(..., *place)])):
            if len(found):
                boxes[(*place, axis)] = found.min(), found.max() + 1
    return boxes


def summed(values, windows):
    """The sums of values [n, *spatial] over windows: for each axis, for each place, the cells."""
    out = np.zeros((len(values), *map(len, windows)))
    for place in np.ndindex(*out.shape[1:]):
        cells = [axis[i] for axis, i in zip(windows, place, strict=True)]
        out[(slice(None), *place)] = values[np.ix_(range(len(values)), *cells)].sum(
            axis=tuple(range(1, values.ndim))
        )
    return out


side = st.integers(1, 3)


def windows_of(rank):
    """Texts of layers that slide windows over so many axes, or change nothing."""
    sizes = st.tuples(*[side] * rank).map(lambda each: "x".join(map(str, each)))
    uneven = {1: "2:0", 2: "2:0x1", 3: "2:0x1x0"}[rank]
    return st.one_of(
        st.builds("conv 1 {} pad {}".format, sizes, st.sampled_from(["valid", "same", "1", "0:2", uneven])),
        st.builds("conv 1 {} stride {}".format, side, sizes),
        st.builds("conv 1 3 dilation {} stride {}".format, side, st.integers(1, 2)),
        st.builds("maxpool {} stride {} pad same".format, side, side),
        st.builds("avgpool {}".format, sizes),
        st.sampled_from(["relu", "batchnorm", "dropout"]),
    )


# Branches that keep the size, joined again.
def blocks_of(rank):
    return st.builds(
        "{}, a{n}: conv 1 3 pad same, conv 1 {f} pad same, {join} a{n}".format,
        windows_of(rank),
        f=st.sampled_from([1, 3, 5]),
        join=st.sampled_from(["add", "concat"]),
        n=st.just("_N"),
    )


# Inputs of each rank: sides that leave something inside, and few enough pixels to poke each.
SIDES = {1: st.integers(9, 40), 2: st.integers(9, 16), 3: st.integers(5, 8)}
ranks = st.sampled_from([1, 2, 3])


def numbered(texts):
    return ", ".join(text.replace("_N", str(i)) for i, text in enumerate(texts))


@settings(max_examples=90)
@given(ranks, st.data())
def test_windows_see_exactly_what_brute_force_sees(rank, data):
    texts = data.draw(st.lists(windows_of(rank) | blocks_of(rank), min_size=1, max_size=4))
    sizes = data.draw(st.tuples(*[SIDES[rank]] * rank))
    try:
        network = Network.from_text(numbered(texts), (1, *sizes))
    except NetworkError:
        assume(False)
        return
    field = fields(network)[network.output]
    boxes = poked(network, network.output)
    for index in np.ndindex(*boxes.shape[:rank]):
        expected = [
            (sight.start + i * sight.jump, sight.end + i * sight.jump)
            for sight, i in zip(field.axes, index, strict=True)
        ]
        assert tuple(end - start for start, end in expected) == field.size
        found = [tuple(pair) for pair in boxes[index]]
        if all(start >= 0 and end <= n for (start, end), n in zip(expected, sizes, strict=True)):
            assert found == expected
        else:  # at the border it may see padding, and the holes of dilated windows
            for (low, high), (start, end) in zip(found, expected, strict=True):
                assert low == high or start <= low < high <= end


@settings(max_examples=90)
@given(ranks, st.sampled_from(["adaptiveavgpool", "adaptivemaxpool"]), st.data())
def test_behind_adaptive_pooling_nothing_lies_outside(rank, word, data):
    before, after = (data.draw(st.lists(windows_of(rank), max_size=most)) for most in (2, 1))
    sizes = data.draw(st.tuples(*[SIDES[rank]] * rank))
    pooled = "x".join(str(n) for n in data.draw(st.tuples(*[st.integers(2, 7 if rank < 3 else 4)] * rank)))
    try:
        network = Network.from_text(", ".join([*before, f"{word} {pooled}", *after]), (1, *sizes))
    except NetworkError:
        assume(False)
        return
    field = fields(network)[network.output]
    boxes = poked(network, network.output)
    for index in np.ndindex(*boxes.shape[:rank]):
        for axis, place in enumerate(index):
            low, high = boxes[(*index, axis)]
            sight = field.axes[axis]
            assert high - low <= field.size[axis] == ceil(sight.size)
            if low < high:  # else it lies on padding alone
                assert sight.start + place * sight.jump <= low
                assert high <= sight.end + place * sight.jump


@pytest.mark.parametrize(("n", "m"), [(12, 6), (13, 6), (9, 4), (5, 7), (16, 1), (7, 7)])
def test_the_size_of_an_adaptive_window_is_its_largest(n, m):
    network = Network.from_text(f"adaptiveavgpool {m}", (1, n, n))
    boxes = poked(network, "pool1")
    assert fields(network)["pool1"].size[0] == (boxes[..., 0, 1] - boxes[..., 0, 0]).max()


@pytest.mark.parametrize(
    "text",
    [
        "a: maxpool 2, adaptiveavgpool 6 from input, add a",
        "a: maxpool 2, adaptiveavgpool 6 from input, add a, conv 1 2x2",
        "a: maxpool 1 stride 3, conv 1 9x9 from input, add a",
        "a: conv 1 9x9, maxpool 1 stride 3 from input, concat a, conv 1 2x2",
    ],
)
def test_a_join_sees_the_hull_where_strides_differ(text):
    network = Network.from_text(text, (1, 13, 13))
    field, boxes = fields(network)[network.output], poked(network, network.output)
    (sight, _) = field.axes
    assert field.size[0] >= (boxes[..., 0, 1] - boxes[..., 0, 0]).max()
    for place in range(network.output_shape[1]):
        start, end = boxes[place, 0, 0]
        assert sight.start + place * sight.jump <= start
        assert end <= sight.end + place * sight.jump


# Araujo, Norris and Sim 2019 give 195 for AlexNet, 212 for VGG-16, 483 for ResNet-50 with its strides in the
# first 1x1 convolutions (v1); in the 3x3 ones (v1.5, ours) it is 427, worked out by their formula by hand:
# 7 -> 11 -> 35 -> 91 -> 267 -> 427. Likewise ResNet-18: 7 -> 11 -> 43 -> 99 -> 211 -> 435.
@pytest.mark.parametrize(
    ("name", "layer", "size"),
    [
        ("alexnet", "pool3", 195),
        ("vgg16", "pool5", 212),
        ("resnet50", "add16", 427),
        ("resnet50", "add13", 267),
        ("resnet18", "add8", 435),
        ("lenet5", "conv2", 14),
        ("lenet5", "pool2", 16),
        ("simple", "conv3", 19),
    ],
)
def test_known_networks(name, layer, size):
    assert fields(zoo.build(name))[layer].size == (size, size)


def test_resnet_50_with_the_strides_of_2015():
    """The v1 network's text, made from ours by moving each stride to the 1x1 before it: 483 as published."""
    text = zoo.build("resnet50").text
    moved = text
    for c in (128, 256, 512):
        moved = moved.replace(
            f"conv {c} 1x1 nobias, batchnorm, relu, conv {c} 3x3 stride 2 pad 1",
            f"conv {c} 1x1 stride 2 nobias, batchnorm, relu, conv {c} 3x3 pad 1",
        )
    assert moved != text
    assert fields(Network.from_text(moved, (3, 224, 224)))["add16"].size == (483, 483)


def test_the_formulas():
    network = Network.from_text(
        "conv 8 3x5, relu, maxpool 2, a: conv 8 3x3 pad 1, conv 8 1x1, add a, "
        "adaptiveavgpool 2, flatten, dense 4",
        (1, 14, 16),
    )
    assert {name: field.formula for name, field in fields(network).items()} == {
        "input": "one pixel",
        "conv1": "rows: 1 + (3 - 1) x 1 = 3; columns: 1 + (5 - 1) x 1 = 5",
        "relu1": "3 x 5, as its input",
        "pool1": "rows: 3 + (2 - 1) x 1 = 4; columns: 5 + (2 - 1) x 1 = 6",
        "a": "rows: 4 + (3 - 1) x 2 = 8; columns: 6 + (3 - 1) x 2 = 10",
        "conv3": "8 x 10, as its input",
        "add1": "the hull of 8 x 10 (conv3) and 8 x 10 (a): 8 x 10",
        "pool2": "rows: 8 + (3 - 1) x 2 = 12; columns: 10 + (3 - 1) x 2 = 14",
        "flatten1": "12 x 14, as its input",
        "dense1": "the whole input: 14 x 16",
    }


def test_a_fraction_is_rounded_up_and_says_so():
    network = Network.from_text("adaptiveavgpool 6, conv 1 2", (1, 13, 13))
    field = fields(network)["conv1"]
    assert field.axes[0].size == Fraction(31, 6)
    assert field.size == (6, 6)
    assert field.formula == "3 + (2 - 1) x 13/6 = 31/6, rounded up 6"


def test_softmax_over_flat_values_sees_all_and_over_channels_does_not():
    flat = Network.from_text("conv 4 3x3, softmax, flatten, relu, softmax", (1, 8, 8))
    found = fields(flat)
    assert [found[name].size for name in ("softmax1", "flatten1", "relu1", "softmax2")] == [
        (3, 3), (3, 3), (3, 3), (8, 8)
    ]  # fmt: skip


def test_all_that_follows_a_layer_that_sees_all_sees_all():
    network = Network.from_text("conv 4 3x3, globalavgpool, conv 4 1x1, flatten, relu", (1, 9, 7))
    found = fields(network)
    assert found["conv1"].size == (3, 3)
    for name in ("pool1", "conv2", "flatten1", "relu1"):
        assert found[name].size == (9, 7)
        assert not found[name].axes


def test_flat_joins():
    text = "conv 1 3x3, a: flatten, conv 1 5x5 from input, b: flatten, concat a, relu, dense 3"
    found = fields(Network.from_text(text, (1, 9, 9)))
    assert found["concat1"].size == found["relu1"].size == (5, 5)
    text = "conv 1 3x3 pad 1, a: flatten, conv 1 5x5 pad 2 from input, b: flatten, add a"
    assert fields(Network.from_text(text, (1, 9, 9)))["add1"].size == (
        9,
        9,
    )  # who knows which pixel meets which
    assert fields(Network.from_text("a: flatten, relu, add a", (1, 9, 9)))["add1"].size == (1, 1)


def test_other_ranks():
    signal = fields(Network.from_text("conv 1 3, maxpool 2, flatten, dense 2", (1, 20)))
    assert {name: field.formula for name, field in signal.items()} == {
        "input": "one pixel",
        "conv1": "1 + (3 - 1) x 1 = 3",
        "pool1": "3 + (2 - 1) x 1 = 4",
        "flatten1": "4, as its input",
        "dense1": "the whole input: 20",
    }
    volume = fields(Network.from_text("conv 1 3x1x5, maxpool 2x1x2, conv 1 2", (1, 9, 9, 9)))
    assert [volume[name].size for name in ("conv1", "pool1", "conv2")] == [(3, 1, 5), (4, 1, 6), (6, 2, 8)]
    assert volume["conv2"].formula == (
        "slices: 4 + (2 - 1) x 2 = 6; rows: 1 + (2 - 1) x 1 = 2; columns: 6 + (2 - 1) x 2 = 8"
    )
    assert fields(Network.from_text("relu, dense 3", (20,)))["relu1"].size == (1,)
    assert fields(Network.from_text("relu, dense 3", (20,)))["dense1"].size == (20,)
    assert fields(Network.from_text("conv 1 3", (1, 9, 9, 9)))["conv1"].size == (3, 3, 3)
