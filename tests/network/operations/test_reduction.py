"""Reductions against onnxruntime: values, places, and what reaches what by poking."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.model.onnx_nodes.reduction import REDUCTION
from pellucid.network.operations.movement import Identity
from support.openings import Opened

CLOSE = 1e-6
REDUCE = sorted(kind for kind in REDUCTION if kind.startswith("Reduce"))


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@st.composite
def cases(draw):
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    axes = draw(st.permutations(range(len(shape))))[: draw(st.integers(1, len(shape)))]
    signs = [axis - len(shape) if draw(st.booleans()) else axis for axis in axes]
    return shape, signs, draw(st.integers(0, 1)), draw(st.integers(0, 99))


@pytest.mark.parametrize("kind", REDUCE)
@given(cases())
@settings(max_examples=20, deadline=None)
def test_any_axes(kind, case):
    shape, axes, keep, seed = case
    x = normal(*shape, seed=seed)
    if kind == "ReduceLogSum":
        x = np.abs(x) + np.float32(0.1)
    new = Opened(kind, x, np.array(axes), opset=18, keepdims=keep)
    old = Opened(kind, x, opset=11, keepdims=keep, axes=axes)
    assert new.operation == old.operation
    assert new.gap() < CLOSE


@pytest.mark.parametrize("kind", ["ArgMax", "ArgMin"])
@given(cases(), st.integers(0, 1))
@settings(max_examples=40, deadline=None)
def test_the_place_of_an_extreme_and_of_equals(kind, case, last):
    shape, axes, keep, seed = case
    x = np.random.default_rng(seed).integers(0, 3, shape).astype(np.float32)
    opened = Opened(kind, x, opset=13, axis=axes[0], keepdims=keep, select_last_index=last)
    assert opened.gap() == 0
    for index in np.ndindex(opened.run()[0].shape):
        opening = opened.operation.open(opened.operands, index)
        assert opening.parts[0].index[opening.chosen][axes[0]] == opening.value


@pytest.mark.parametrize("kind", REDUCE)
def test_all_axes_and_none(kind):
    x = np.abs(normal(2, 3, 2)) + np.float32(0.5)
    assert Opened(kind, x, opset=18).gap() < CLOSE
    assert Opened(kind, x, opset=18, keepdims=0).gap() < CLOSE
    empty = np.array([], np.int64)
    assert Opened(kind, x, empty, opset=18).gap() < CLOSE


def test_no_axes_can_mean_nothing_to_do():
    opened = Opened("ReduceSum", normal(2, 3), np.array([], np.int64), opset=13, noop_with_empty_axes=1)
    assert opened.operation == Identity()
    assert opened.gap() == 0


@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize(
    ("kind", "base", "poke"),
    [
        ("ReduceSum", 0, 1), ("ReduceMean", 0, 1), ("ReduceMax", 0, 1), ("ReduceMin", 0, -1), ("ReduceProd", 1, 2),
        ("ReduceL1", 0, 1), ("ReduceL2", 0, 1), ("ReduceSumSquare", 0, 1), ("ReduceLogSum", 1, 2),
        ("ReduceLogSumExp", 0, 1),
    ],
)  # fmt: skip
def test_what_reaches_what(kind, base, poke, keep):
    opened = Opened(kind, normal(2, 3, 4), np.array([0, 2]), opset=18, keepdims=keep)
    opened.check_structure(base=base, poke=poke)


@pytest.mark.parametrize("keep", [0, 1])
def test_all_values_of_the_axis_reach_a_place(keep):
    x = normal(2, 3, 4)
    opened = Opened("ArgMax", x, axis=1, keepdims=keep)
    largest = Opened("ReduceMax", x, np.array([1]), opset=18, keepdims=keep)
    opened.check_structure(referee=largest)


@pytest.mark.parametrize("kind", ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"])
def test_whole_numbers_stay_whole(kind):
    x = np.random.default_rng(0).integers(-9, 9, (3, 5)).astype(np.int32)
    assert Opened(kind, x, np.array([1]), opset=18).gap() == 0


def test_openings_say_their_numbers():
    x = np.array([[1, -3, 2]], np.float32)

    def text(kind, **more):
        opened = Opened(kind, x, np.array([1]), opset=18, keepdims=0, **more)
        return opened.operation.open(opened.operands, (0,)).formula

    assert text("ReduceMean") == "0 / 3"
    assert text("ReduceMax") == "max of 3 values = 2"
    assert text("ReduceMin") == "min of 3 values = -3"
    assert text("ReduceProd") == "product of 3 values"
    assert text("ReduceL2") == "sqrt(14)"
    assert text("ReduceLogSumExp") == "2 + log(1.37462)"
    place = Opened("ArgMax", x, axis=1)
    assert place.operation.open(place.operands, (0, 0)).formula == "place 2 of 3, max = 2"
