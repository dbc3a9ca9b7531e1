"""Pooling against onnxruntime's values and pokes, and torch's max_pool's winners."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.network.operations.pooling import AveragePooling
from support.openings import Opened

CLOSE = 1e-6


@st.composite
def windows(draw):
    """x of one or two spatial axes, and the attributes of a window that fits."""
    rank = draw(st.integers(1, 2))
    attributes = {"kernel_shape": [], "strides": [], "dilations": [], "pads": [], "ends": []}
    spatial = []
    for _ in range(rank):
        kernel, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2))
        attributes["kernel_shape"].append(kernel)
        attributes["strides"].append(draw(st.integers(1, 3)))
        attributes["dilations"].append(dilation)
        attributes["pads"].append(draw(st.integers(0, kernel - 1)))
        attributes["ends"].append(draw(st.integers(0, kernel - 1)))
        spatial.append(draw(st.integers(dilation * (kernel - 1) + 1, 9)))
    attributes["pads"] += attributes.pop("ends")
    attributes["ceil_mode"] = draw(st.integers(0, 1))
    seed = draw(st.integers(0, 99))
    x = np.random.default_rng(seed).normal(size=(2, 2, *spatial)).astype(np.float32)
    return x, attributes


@given(windows())
@settings(max_examples=40, deadline=None)
def test_the_largest_under_any_window(case):
    x, attributes = case
    opened = Opened("MaxPool", x, outputs=2, **attributes)
    if not all(np.isfinite(result).all() for result in opened.run()):
        return
    assert opened.gap() == 0
    assert opened.gap(1) == 0
    for index in np.ndindex(opened.run()[0].shape):
        opening = opened.operation.open(opened.operands, index)
        if opening.count:
            assert opening.parts[0].values[opening.chosen] == opening.value


@given(windows(), st.integers(0, 1))
@settings(max_examples=40, deadline=None)
def test_the_mean_under_any_window(case, include):
    x, attributes = case
    opened = Opened("AveragePool", x, count_include_pad=include, **attributes)
    assert opened.gap() < CLOSE


@given(windows(), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_the_norm_under_any_window(case, p):
    x, attributes = case
    assert Opened("LpPool", x, p=p, **attributes).gap() < CLOSE


@given(windows(), st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID"]))
@settings(max_examples=30, deadline=None)
def test_padding_by_name(case, auto):
    x, attributes = case
    kernel = attributes["kernel_shape"]  # the runtime takes no stride above it here
    rest = {
        "kernel_shape": kernel,
        "strides": [min(*pair) for pair in zip(kernel, attributes["strides"], strict=True)],
    }
    assert Opened("MaxPool", x, auto_pad=auto, **rest).gap() == 0
    assert Opened("AveragePool", x, auto_pad=auto, **rest).gap() < CLOSE


@given(windows())
@settings(max_examples=20, deadline=None)
def test_what_reaches_a_window_and_what_it_reaches(case):
    x, attributes = case
    for kind in ("MaxPool", "LpPool", "AveragePool"):
        Opened(kind, x[:1], **attributes).check_structure()


@pytest.mark.parametrize("kind", ["GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool"])
@pytest.mark.parametrize("spatial", [(5,), (3, 4), (2, 3, 2)])
def test_global_pooling_is_a_window_of_the_whole_plane(kind, spatial):
    x = np.random.default_rng(0).normal(size=(2, 3, *spatial)).astype(np.float32)
    opened = Opened(kind, x)
    assert opened.gap() < CLOSE
    opening = opened.operation.open(opened.operands, (1, 2, *(0 for _ in spatial)))
    assert opening.count == np.prod(spatial)
    assert opening.window.cells.shape == (1, *spatial)
    opened.check_structure()


def test_the_winner_is_torchs_and_the_first_of_equals():
    x = np.random.default_rng(1).integers(0, 3, (2, 3, 9, 8)).astype(np.float32)
    opened = Opened("MaxPool", x, outputs=2, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    _, places = torch.nn.functional.max_pool2d(torch.tensor(x), 3, 2, 1, return_indices=True)
    for index in np.ndindex(*places.shape):
        opening = opened.operation.open(opened.operands, index)
        row, column = opening.parts[0].index[opening.chosen][2:]
        assert row * 8 + column == int(places[index])


def test_a_window_shows_its_cells_and_the_border_as_minus_one():
    x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    opened = Opened("AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    opening = opened.operation.open(opened.operands, (0, 0, 0, 3))
    assert opening.window.start == (-1, 2)
    assert opening.window.cells.tolist() == [[[-1, -1, -1], [0, 1, -1], [2, 3, -1]]]
    assert (opening.divisor, opening.formula) == (4, "18 / 4")
    whole = Opened("AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    assert whole.operation.open(whole.operands, (0, 0, 0, 3)).divisor == 9


def test_whole_numbers_have_a_largest_too():
    x = np.random.default_rng(0).integers(0, 255, (1, 2, 6, 6)).astype(np.uint8)
    assert Opened("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]).gap() == 0


def test_a_window_beside_the_input_has_nothing_to_pool():
    x = np.ones((1, 1, 2), np.float32)
    opened = Opened("MaxPool", x, kernel_shape=[2], dilations=[3], pads=[1, 1])
    opening = opened.operation.open(opened.operands, (0, 0, 0))
    assert (opening.count, opening.formula) == (0, "nothing under the window")
    assert opening.value == opened.run()[0][0, 0, 0]


def test_a_global_window_of_a_photograph_is_quick_enough_to_mark():
    x = np.broadcast_to(np.float32(1), (1, 2, 500, 400))
    operation = AveragePooling((500, 400), (1, 1), ((0, 0), (0, 0)), (1, 1))
    mask = np.array([[[[True]], [[False]]]])
    reached = operation.reach([x], mask)[0]
    assert reached[0, 0].all()
    assert not reached[0, 1].any()
