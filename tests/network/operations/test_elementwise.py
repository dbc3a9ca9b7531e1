"""Broadcast arithmetic of several tensors against onnxruntime: values, exact integers, and which reach which."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.network.operations.base import Formula, Linear
from pellucid.network.operations.elementwise import Addition, Extreme, Multiplication, ParametricRelu
from support.openings import Opened

CLOSE = 1e-6
SHAPES = [
    ((2, 3, 4), (2, 3, 4)),
    ((2, 3, 4), (3, 1)),
    ((4,), (2, 1, 4)),
    ((2, 1, 4), (1, 3, 1)),
    ((), (2, 2)),
]


def floats(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(("first", "second"), SHAPES, ids=str)
@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean", "Less", "Equal"])
def test_every_value_is_onnxruntimes(kind, first, second):
    opened = Opened(kind, floats(*first), floats(*second, seed=1))
    assert opened.gap() <= CLOSE
    assert opened.operation.linear == (kind in ("Add", "Sub", "Mul", "Sum", "Mean"))
    index = (0,) * len(opened.run()[0].shape)
    assert isinstance(
        opened.operation.open(opened.operands, index), Linear if opened.operation.linear else Formula
    )


@pytest.mark.parametrize("kind", ["Sum", "Mean", "Max", "Min"])
@pytest.mark.parametrize("count", [1, 3, 8])
def test_any_number_of_operands(kind, count):
    opened = Opened(kind, *(floats(2, 3, seed=seed) for seed in range(count)))
    assert opened.gap() <= CLOSE
    opening = opened.operation.open(opened.operands, (1, 2))
    assert sorted(part.operand for part in opening.parts) == list(range(count))
    for part in opening.parts:
        assert opened.operands[part.operand][tuple(part.index[0])] == part.values[0]


@given(
    st.sampled_from(["int8", "uint8", "int32", "int64", "uint64"]),
    st.sampled_from(["Add", "Sub", "Mul", "Div", "Max", "Min", "Mod", "Greater"]),
    st.integers(0, 1000),
)
@settings(max_examples=60)
def test_whole_numbers_are_exact(name, kind, seed):
    if kind == "Greater" and name not in ("int32", "int64"):
        return
    info = np.iinfo(name)
    draws = np.random.default_rng(seed)
    # Where float64 holds them: within 2^52.
    low, high = max(info.min, -(2**25)), min(info.max, 2**25)
    a, b = (draws.integers(low, high, 12, dtype=name, endpoint=True) for _ in (0, 1))
    if kind in ("Div", "Mod"):
        b[b == 0] = 3
    with np.errstate(over="ignore"):
        expected = {
            "Add": lambda: a + b,
            "Sub": lambda: a - b,
            "Mul": lambda: a * b,
            "Div": lambda: np.trunc(a.astype(np.float64) / b).astype(name),
            "Max": lambda: np.maximum(a, b),
            "Min": lambda: np.minimum(a, b),
            "Mod": lambda: np.mod(a, b),
            "Greater": lambda: a > b,
        }[kind]()
    opened = Opened(kind, a, b)
    if name == "uint64" and kind == "Sub":
        expected = expected.astype(np.float64)  # close to 2^64, which float64 has only rounded
    np.testing.assert_array_equal(opened.values(), expected)


def test_a_sum_that_wraps_says_by_how_much():
    opening = Opened("Add", np.uint8([200]), np.uint8([100])).operation.open(
        [np.uint8([200]), np.uint8([100])], (0,)
    )
    assert (opening.value, opening.bias, opening.formula) == (44, -256, "300 + -256")


@pytest.mark.parametrize("fmod", [0, 1])
def test_remainders_of_both_signs(fmod):
    a, b = np.array([7, -7, 7, -7, 6, 0], np.int32), np.array([3, 3, -3, -3, 3, -3], np.int32)
    assert Opened("Mod", a, b, fmod=fmod).gap() == 0
    opened = Opened("Mod", (a + 0.25).astype(np.float32), b.astype(np.float32), fmod=1)
    assert opened.gap() <= CLOSE
    # onnxruntime doesn't have floor division of floats yet.
    opened = Opened("Mod", (a + 0.25).astype(np.float32), b.astype(np.float32), opset=28)
    np.testing.assert_allclose(opened.values(), np.mod(a + 0.25, b.astype(np.float64)))


def test_powers():
    x = np.abs(floats(3, 5)) + np.float32(0.1)
    assert Opened("Pow", x, floats(5, seed=1) * 3).gap() <= CLOSE
    assert Opened("Pow", -x, np.float32(2)).gap() <= CLOSE
    assert Opened("Pow", np.arange(-4, 5), np.array(3)).gap() == 0
    assert Opened("Pow", np.arange(1, 9, dtype=np.int32), np.float32(-0.5)).gap() == 0
    # Not computed in full: 3^(2^40) has 10^11 digits. Odd, as every power of 3 is.
    assert Opened("Pow", np.array([3]), np.array([2**40])).values() % 2 in (0, 1)


def test_division_by_zero_is_infinite_or_nothing():
    opened = Opened("Div", np.float32([1, -1, 0]), np.float32(0))
    np.testing.assert_array_equal(opened.values(), opened.run()[0])


@pytest.mark.parametrize("slope", [(3, 1, 1), (1,), (2, 3, 4, 5), (5,)])
def test_prelu_has_its_slope_broadcast(slope):
    opened = Opened("PRelu", floats(2, 3, 4, 5), floats(*slope, seed=1))
    assert opened.gap() <= CLOSE
    x = floats(2, 3, 4, 5)
    low = tuple(np.argwhere(x < 0)[0])
    assert opened.operation.open(opened.operands, low).note == "the input is negative"


def test_the_greatest_is_the_first_part():
    opening = Extreme().open([np.float32([1]), np.float32([5]), np.float32([2])], (0,))
    assert (opening.parts[0].operand, opening.chosen) == (1, 0)
    assert opening.formula == "max(1, 5, 2)"
    assert Extreme(largest=False).open([np.float32([k]) for k in range(9)], (0,)).formula == (
        "min(0, 1, 2, 3, 4, ... 9 values)"
    )


def test_a_choice_moves_the_value_taken():
    condition, a, b = np.array([[True], [False]]), floats(2, 3), floats(3, seed=1)
    opened = Opened("Where", condition, a, b)
    assert opened.gap() == 0
    opening = opened.operation.open(opened.operands, (1, 2))
    assert isinstance(opening, Linear)
    assert [(part.operand, part.index.tolist(), part.weights) for part in opening.parts] == [(2, [[2]], None)]


@pytest.mark.parametrize("kind", ["And", "Or", "Xor"])
def test_connectives(kind):
    a, b = np.array([[True], [False]]), np.array([True, False])
    assert Opened(kind, a, b).gap() == 0


def test_a_product_names_its_weights():
    a, b = floats(2, 3), floats(3, seed=1)
    (part,) = Multiplication().open([a, b], (1, 2)).parts
    assert (part.weight_operand, part.weight_index.tolist(), part.weights[0]) == (1, [[2]], float(b[2]))


def test_an_axis_of_old_broadcasting():
    """Caffe2-style: the second operand's axes begin at axis 1 of the first's."""
    a, b = floats(2, 3, 4, 5), floats(3, seed=1)
    operation = Addition(tail=2)
    expected = a + b[:, None, None]
    assert operation.result_shape([a, b]) == expected.shape
    for index in np.ndindex(expected.shape):
        opening = operation.open([a, b], index)
        assert abs(opening.value - expected[index]) <= CLOSE * opening.magnitude
        assert opening.parts[1].index.tolist() == [[index[1]]]
    mask = np.zeros(expected.shape, bool)
    mask[0, 1, 2, 3] = mask[1, 1, 0, 0] = True
    of_a, of_b = operation.reach([a, b], mask)
    np.testing.assert_array_equal(of_a, mask)
    np.testing.assert_array_equal(of_b, [False, True, False])
    spread = operation.spread([a, b], 1, np.array([True, False, False]))
    assert spread[:, 0].all() and not spread[:, 1:].any()
    slope = np.float32([0.1, 0.2, 0.3])
    x = -np.ones((1, 3, 2), np.float32)
    assert ParametricRelu(1).open([x, slope], (0, 2, 1)).value == pytest.approx(-0.3)


@pytest.mark.parametrize(("first", "second"), SHAPES, ids=str)
def test_which_values_reach_which(first, second):
    # Every poke changes the result: ones everywhere, the poked one 5 (the greatest, too).
    for kind in ("Add", "Sub", "Mul", "Div", "Max"):
        opened = Opened(kind, np.ones(first, np.float32), np.ones(second, np.float32))
        opened.check_structure(0, base=1, poke=5)
        opened.check_structure(1, base=1, poke=5)
    opened = Opened("Where", np.ones(first, bool), np.ones(second, np.float32), np.zeros((), np.float32))
    opened.check_structure(0, base=True, poke=False)
    opened.check_structure(1, base=1, poke=5)
