"""Quantisation against onnxruntime, to the last number, and by poking."""

import numpy as np
import pytest

from support.openings import Opened


def floats(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 3, size=shape).astype(np.float32)


@pytest.mark.parametrize("name", ["uint8", "int8", "uint16", "int16"])
def test_exactly_what_is_stored(name):
    x = np.concatenate([floats(200), np.float32([0.25, 0.75, -0.25, 1e9, -1e9, 0])])
    zero = np.array(3, name)
    assert Opened("QuantizeLinear", x, np.float32(0.5), zero).gap() == 0
    assert Opened("QuantizeLinear", x, np.float32(0.013), zero).gap() == 0


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_a_scale_for_each_place_of_an_axis(axis):
    x = floats(2, 3, 4)
    scale, zero = np.abs(floats(x.shape[axis], seed=1)) / 20, np.arange(x.shape[axis], dtype=np.int8)
    assert Opened("QuantizeLinear", x, scale, zero, axis=axis).gap() == 0
    whole = np.random.default_rng(0).integers(-128, 128, x.shape, dtype=np.int8)
    opened = Opened("DequantizeLinear", whole, scale, zero, axis=axis)
    assert opened.gap() <= 1e-6
    one = Opened("DequantizeLinear", whole, np.ones_like(scale), zero * 0, axis=axis)
    one.check_structure(0, base=1, poke=5)
    one = Opened("DequantizeLinear", np.full_like(whole, 9), np.ones_like(scale), zero * 0, axis=axis)
    one.check_structure(1, base=1, poke=5)
    one.check_structure(2, base=1, poke=5)


def test_blocks():
    x, scale = floats(3, 6), np.abs(floats(3, 2, seed=1)) / 20
    zero = np.zeros((3, 2), np.int8)
    assert Opened("QuantizeLinear", x, scale, zero, axis=1, block_size=3).gap() == 0
    whole = np.full((3, 6), 9, np.int8)
    opened = Opened("DequantizeLinear", whole, scale, zero, axis=1, block_size=3)
    assert opened.gap() <= 1e-6
    opened.check_structure(1, base=1, poke=5)


def test_no_zero_point_and_a_limit_that_is_said():
    opened = Opened("QuantizeLinear", np.float32([300, 1.5]), np.float32(1))
    assert opened.gap() == 0
    opening = opened.operation.open(opened.operands, (0,))
    assert (opening.formula, opening.note) == ("round(300 / 1) + 0", "limited to 0 to 255")
    assert opened.values().tolist() == [255, 2]


def test_back_is_a_sum_of_two_products():
    opened = Opened("DequantizeLinear", np.uint8([131]), np.float32(0.5), np.uint8(128))
    opening = opened.operation.open(opened.operands, (0,))
    assert [(part.operand, part.products.tolist()) for part in opening.parts] == [(0, [65.5]), (2, [-64])]
    assert opening.value == 1.5
