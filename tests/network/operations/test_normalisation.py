"""Normalisation against onnxruntime, torch in float64, and by poking."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from pellucid.network.operations.normalisation import BatchNormalization, GroupNormalization
from support.openings import Opened

CLOSE = 1e-6


def floats(*shape, seed=0):
    return np.random.default_rng(seed).normal(1, 2, size=shape).astype(np.float32)


def poked(opened, operand, low=0, high=3):
    opened.check_structure(operand, base=low, poke=high)


def test_batch_normalisation():
    x, scale, shift, mean = floats(2, 3, 4, 5), floats(3), floats(3, seed=1), floats(3, seed=2)
    variance = np.abs(floats(3, seed=3))
    opened = Opened("BatchNormalization", x, scale, shift, mean, variance)
    assert opened.gap() <= CLOSE
    wide = [torch.tensor(each, dtype=torch.float64) for each in (x, mean, variance, scale, shift)]
    np.testing.assert_allclose(
        opened.values(), functional.batch_norm(*wide, eps=float(np.float32(1e-5))), rtol=1e-9
    )
    ones = [np.ones(3, np.float32) for _ in range(4)]
    opened = Opened("BatchNormalization", np.full((2, 3, 2, 2), 3, np.float32), *ones)
    poked(opened, 0)
    for operand in (1, 2, 3, 4):
        poked(opened, operand, 1, 9)


def test_batch_normalisation_says_its_numbers():
    two = [np.array([value]) for value in (2.0, 0.5, 1.0, 4.0)]
    opening = BatchNormalization(epsilon=0.0).open([np.array([[3.0]]), *two], (0, 0))
    assert opening.formula == "(3 - 1) / sqrt(4 + 0) × 2 + 0.5"
    assert opening.value == 2.5
    assert [part.role for part in opening.parts] == ["x", "mean", "variance", "scale", "shift"]


def test_batch_normalisation_in_training():
    x, channel = floats(3, 2, 4), [floats(2, seed=k) for k in range(3)]
    opened = Opened(
        "BatchNormalization", x, *channel, np.abs(floats(2, seed=9)), opset=15, outputs=3, training_mode=1
    )
    for output in range(3):
        assert opened.gap(output) <= CLOSE
    assert opened.operation.open(opened.operands, (1, 1, 2)).parts[0].values[0] == x[1, 1, 2]
    for output in (0, 1, 2):
        opened.check_structure(0, base=0, poke=3, output=output)
        for operand in (3, 4):
            opened.check_structure(operand, base=1, poke=9, output=output)


@pytest.mark.parametrize("groups", [None, 1, 2, 4])
def test_instances_and_groups(groups):
    x, scale, shift = floats(2, 4, 3, 5), floats(4), floats(4, seed=1)
    if groups is None:
        opened = Opened("InstanceNormalization", x, scale, shift)
    else:
        opened = Opened("GroupNormalization", x, scale, shift, num_groups=groups)
    assert opened.gap() <= CLOSE
    wide = [torch.tensor(each, dtype=torch.float64) for each in (x, scale, shift)]
    expected = functional.group_norm(wide[0], groups or 4, *wide[1:], eps=float(np.float32(1e-5)))
    np.testing.assert_allclose(opened.values(), expected, rtol=1e-9, atol=1e-12)
    ones = np.ones(4, np.float32)
    # The input isn't constant where scales are poked, so that they count.
    for operand, base, poke in ((0, 0, 3), (1, 1, 9), (2, 1, 9)):
        if groups is None:
            opened = Opened("InstanceNormalization", x, ones, ones)
        else:
            opened = Opened("GroupNormalization", x, ones, ones, num_groups=groups)
        poked(opened, operand, base, poke)


def test_a_scale_for_each_group_is_each_of_its_channels():
    x, scale, shift = floats(2, 4, 3), floats(2), floats(2, seed=1)
    old = GroupNormalization(1e-5, 2, per_group=True)
    new = GroupNormalization(1e-5, 2)
    wide = [x, np.repeat(scale, 2), np.repeat(shift, 2)]
    for index in np.ndindex(x.shape):
        assert old.open([x, scale, shift], index).value == new.open(wide, index).value
    mask = np.array([True, False])
    np.testing.assert_array_equal(
        old.spread([x, scale, shift], 1, mask), new.spread(wide, 1, np.repeat(mask, 2))
    )
    seen = np.zeros(x.shape, bool)
    seen[1, 3, 0] = True
    assert old.reach([x, scale, shift], seen)[1].tolist() == [False, True]


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_layers(axis):
    x = floats(2, 3, 4)
    scale, shift = floats(*x.shape[axis:]), floats(*x.shape[axis:], seed=1)
    opened = Opened("LayerNormalization", x, scale, shift, axis=axis, outputs=3)
    for output in range(3):
        assert opened.gap(output) <= CLOSE
        for operand in (0, 1, 2):
            opened.check_structure(operand, base=1, poke=5, output=output)
    assert Opened("LayerNormalization", x, scale, axis=axis).gap() <= CLOSE


@pytest.mark.parametrize("axes", [(0, 2, 3), (1, 2), (-1,)])
def test_mean_and_variance(axes):
    x = floats(2, 3, 4, 2)
    opened = Opened("MeanVarianceNormalization", x, axes=axes)
    wide = x.astype(np.float64)
    expected = (wide - wide.mean(axes, keepdims=True)) / wide.std(axes, keepdims=True)
    np.testing.assert_allclose(opened.values(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_norms(p, axis):
    opened = Opened("LpNormalization", floats(2, 3, 4), axis=axis, p=p)
    assert opened.gap() <= CLOSE
    opened.check_structure(0, base=1, poke=5)
    assert Opened("LpNormalization", np.zeros((2, 2), np.float32), p=p).values().tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_local_response(size):
    # An even size looks one channel further after than before; onnxruntime refuses those.
    x = floats(2, 6, 2, 2)
    # alpha / size is 0.5: onnxruntime slides its sum of squares along, and leaves rounding behind a poke otherwise.
    attributes = {"size": size, "alpha": size / 2, "beta": 0.75, "bias": 2.0}
    if size % 2:
        opened = Opened("LRN", x, **attributes)
        assert opened.gap() <= CLOSE
        opened.check_structure(0, base=1, poke=5)
    operation = Opened("LRN", x, **attributes).operation
    for index in np.ndindex(x.shape):
        near = x[index[0], max(index[1] - (size - 1) // 2, 0) : index[1] + size // 2 + 1, index[2], index[3]]
        expected = x[index] / (2 + 0.5 * np.square(near.astype(float)).sum()) ** 0.75
        assert operation.open([x], index).value == pytest.approx(expected, rel=1e-9)
