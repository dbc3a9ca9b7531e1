"""Sharing and sparsity as drawn: found again by poking a plain convolution, and counted as the table counts."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import NetworkError
from pellucid.network import Network
from pellucid.network.connections import NONE, Connections, example
from pellucid.network.sharing import called, sharing
from pellucid.network.table import against_dense, against_local
from support.svg import SVG, Drawing, overlap

NETWORKS = {
    "5x5": ("conv 8 5x5", (3, 32, 32)),
    "padded": ("conv 8 3x3 pad 1", (3, 32, 32)),
    "a side": ("conv 8 3x3 pad 0:1x1:0 stride 2", (3, 9, 12)),
    "alexnet's": ("conv 64 11x11 stride 4 pad 2", (3, 224, 224)),
    "dilated": ("conv 8 3x3 dilation 2", (3, 32, 32)),
    "depthwise": ("conv 6 3x3 groups 6 pad same nobias", (6, 20, 20)),
    "1x1": ("conv 4 1x1", (3, 8, 8)),
    "tall": ("conv 4 3x1 stride 1x2", (3, 9, 9)),
    "a signal": ("conv 8 5 dilation 2 stride 2 pad same nobias", (3, 128)),
    "a volume": ("conv 8 3x2x3 groups 2", (2, 8, 9, 10)),
    "tiny": ("conv 2 3x3", (1, 3, 3)),
    "second": ("maxpool 2, conv 2 3x3, relu, conv 4 5x5", (1, 30, 30)),
}


def plainly(image: np.ndarray, kernel: np.ndarray, stride: tuple, dilation: tuple, pads: tuple) -> np.ndarray:
    """A convolution written out: sums of kernel x padded input, place by place."""
    padded = np.pad(image, pads)
    extents = [d * (f - 1) + 1 for f, d in zip(kernel.shape, dilation, strict=True)]
    sizes = [(n - e) // s + 1 for n, e, s in zip(padded.shape, extents, stride, strict=True)]
    made = np.zeros(sizes)
    for place in np.ndindex(*sizes):
        window = tuple(
            slice(p * s, p * s + e, d) for p, s, e, d in zip(place, stride, extents, dilation, strict=True)
        )
        made[place] = (padded[window] * kernel).sum()
    return made


def poked(each: Connections) -> np.ndarray:
    """[outputs, inputs] the weight by which an input reaches an output, found by setting one input to 1 at a time;
    weight k has the value k + 1, so 0 says that nothing joins them."""
    layer = each.network.nodes[0].layer
    shape = each.network.input_shape[1:]
    pads = layer.pads(each.network.input_shape)
    kernel = np.arange(1.0, np.prod(layer.kernel) + 1).reshape(layer.kernel)
    columns = []
    for place in np.ndindex(*shape):
        image = np.zeros(shape)
        image[place] = 1
        columns.append(plainly(image, kernel, layer.stride, layer.dilation, pads).ravel())
    return np.stack(columns, axis=1)


def check(each: Connections) -> None:
    found = poked(each)
    assert each.weights.shape == (found.shape[0], each.inside.size)
    assert np.array_equal(each.weights[:, each.inside] + 1, found)
    # Each output uses each weight once, padding counted.
    taps = int(np.prod(each.network.nodes[0].layer.kernel))
    assert all(sorted(row[row != NONE]) == list(range(taps)) for row in each.weights)
    # The others: the same places with numbers of their own; all inputs.
    assert np.array_equal(each.own != NONE, each.weights != NONE)
    assert sorted(each.own[each.own != NONE]) == list(range(each.local.other_mult_adds))
    assert np.array_equal(each.full != NONE, np.broadcast_to(each.inside, each.full.shape))
    assert sorted(each.full[each.full != NONE]) == list(range(each.dense.other_mult_adds))


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_joined_is_what_a_poke_finds(name):
    text, shape = NETWORKS[name]
    shown = example(Network.from_text(text, shape))
    check(shown.cut)
    if shown.whole is not None:
        check(shown.whole)
    assert (shown.whole is None) == (name in ("a signal", "alexnet's"))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(0, 2),
    st.integers(1, 2),
    st.integers(9, 20),
)
def test_any_convolution(high, wide, stride, pad, dilation, n):
    network = Network.from_text(
        f"conv 2 {high}x{wide} stride {stride} pad {pad} dilation {dilation}", (2, n, n)
    )
    shown = example(network)
    for each in (shown.cut, shown.whole):
        if each is not None:
            check(each)
            layer = each.network.nodes[0].layer
            rank = len(layer.kernel)
            assert layer.kernel == (high, wide)[-rank:]
            assert (layer.stride, layer.dilation) == ((stride,) * rank, (dilation,) * rank)
            assert layer.padding == ((pad, pad),) * rank


@pytest.mark.parametrize("name", NETWORKS)
def test_the_drawing_is_the_matrix(name):
    """Read back from the SVG: cells by place, letters, colours; lines by their ends; counts in words."""
    text, shape = NETWORKS[name]
    network = Network.from_text(text, shape)
    svg = sharing(network)
    assert svg == sharing(network)
    drawn = Drawing(svg)
    shown = example(network)
    matrix = shown.whole or shown.cut
    layers = {
        each.attrib["data-layer"]: each for each in drawn.root.iter(f"{SVG}g") if "data-layer" in each.attrib
    }
    assert list(layers) == ["dense", "locally connected", "convolution"]
    for kind, weights, lines in (
        ("dense", matrix.full, shown.cut.full),
        ("locally connected", matrix.own, shown.cut.own),
        ("convolution", matrix.weights, shown.cut.weights),
    ):
        shared = kind == "convolution"
        names, colours = cells(layers[kind])
        count = int(weights.max()) + 1
        wanted = {
            (row, column): called(int(weights[row, column]), count, shared)
            for row, column in zip(*np.nonzero(weights != NONE), strict=True)
        }
        assert names == wanted
        # Equal names have equal colours; where nothing is shared all colours and names differ.
        colour_of = {name: colours[place] for place, name in names.items()}
        assert all(colour_of[name] == colours[place] for place, name in names.items())
        if not shared:
            assert len(set(names.values())) == len(names)
            assert count > 120 or len(set(colours.values())) == len(names)
        ends = Counter(
            path.attrib["data-ends"] for path in layers[kind].iter(f"{SVG}path") if "data-ends" in path.attrib
        )
        assert ends == Counter(f"{c}>{r}" for r, c in zip(*np.nonzero(lines != NONE), strict=True))
    styles: dict[int, set[tuple[str, str]]] = {}
    for path in layers["convolution"].iter(f"{SVG}path"):
        if "data-ends" in path.attrib:
            column, row = (int(n) for n in path.attrib["data-ends"].split(">"))
            style = path.attrib["stroke"], path.attrib["stroke-dasharray"]
            styles.setdefault(int(shown.cut.weights[row, column]), set()).add(style)
    assert all(len(each) == 1 for each in styles.values())
    assert len({style for each in styles.values() for style in each}) == len(styles)
    words = " ".join(text for text, _ in drawn.texts)
    dense, local = against_dense(network)[0], against_local(network)[0]
    for number in (dense.other_parameters, local.other_parameters, dense.parameters):
        assert f"{number:,}" in words
    assert f"= {against_dense(matrix.network)[0].other_mult_adds:,} weights" in words
    assert f"= {against_local(matrix.network)[0].other_mult_adds:,} weights" in words
    taps = int(np.prod(matrix.network.nodes[0].layer.kernel))
    assert f"{taps} weights, each used {matrix.weights.shape[0]} times" in words
    assert bool(re.search(r"\bbias(es)?\b", words)) == ("nobias" not in text)
    width, height = drawn.size
    for number, (said, box) in enumerate(drawn.texts):
        assert box[0] >= 0 and box[1] >= 0 and box[2] <= width and box[3] <= height, said
        for other, beside in drawn.texts[number + 1 :]:
            assert not overlap(box, beside, 0.5) or box == beside, (said, other)
    assert len(svg) < 400_000


def cells(layer) -> tuple[dict, dict]:
    """(row, column) -> what stands in a cell, and its colour, by the cells' places on the page."""
    rects = list(layer.iter(f"{SVG}rect"))
    xs = sorted({float(each.attrib["x"]) for each in rects})
    ys = sorted({float(each.attrib["y"]) for each in rects})
    size = float(rects[0].attrib["width"])
    colours = {
        (ys.index(float(each.attrib["y"])), xs.index(float(each.attrib["x"]))): each.attrib["fill"]
        for each in rects
        if each.attrib["class"] == "cell"
    }
    names = {}
    for text in layer.iter(f"{SVG}text"):
        if text.attrib.get("class") == "mark":
            column = round((float(text.attrib["x"]) - xs[0]) / size - 0.5)
            row = int((float(text.attrib["y"]) - ys[0]) // size)
            names[row, column] = text.text
    assert names.keys() == colours.keys()
    return names, colours


def test_one_of_several_and_what_cannot_be_drawn():
    network = Network.from_text("conv 4 3x3, relu, conv 8 5x5, conv 2 40x40 pad 20", (1, 64, 64))
    assert example(network, "conv2").layer.kernel == (5, 5)
    assert "conv2: conv 8 5x5" in sharing(network, "conv2")
    with pytest.raises(NetworkError, match="reaches over 40 values") as raised:
        sharing(network, "conv3")
    assert raised.value.received == "kernel 40, dilation 1"
    with pytest.raises(NetworkError, match="no convolution called conv9") as raised:
        sharing(network, "conv9")
    assert raised.value.remedy == "one of conv1, conv2, conv3"
    with pytest.raises(NetworkError, match="no convolution to be drawn"):
        sharing(Network.from_text("relu", (1, 4, 4)))
