"""Softmax against SciPy's and onnxruntime's, the old coerced form too."""

import numpy as np
import pytest
import scipy.special

from pellucid.network.operations.softmax import Hardmax, Softmax
from support.openings import Opened

CLOSE = 1e-6


def floats(*shape, seed=0, spread=3.0):
    return np.random.default_rng(seed).normal(scale=spread, size=shape).astype(np.float32)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
def test_along_one_axis(kind, axis):
    x = floats(2, 5, 4)
    opened = Opened(kind, x, axis=axis)
    function = scipy.special.softmax if kind == "Softmax" else scipy.special.log_softmax
    np.testing.assert_allclose(opened.values(), function(x.astype(float), axis=axis), rtol=1e-12)
    assert opened.gap() <= CLOSE


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax", "Hardmax"])
def test_over_all_axes_from_one_on_before_opset_13(kind, axis):
    opened = Opened(kind, floats(3, 2, 4), opset=11, axis=axis)
    assert opened.gap() <= CLOSE
    assert opened.operation.axes == {0: (0, 1, 2), 1: (1, 2), 2: (2,), -1: (2,)}[axis]


@pytest.mark.parametrize("spread", [0.01, 1, 30, 300])
@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
def test_logits_near_and_far_apart_close(kind, spread):
    opened = Opened(kind, floats(20, 1000, seed=1, spread=spread))
    stored = opened.run()[0]
    tiny = float(np.finfo(np.float32).tiny)
    for index in [(k, 37 * k) for k in range(20)] + [(k, int(stored[k].argmax())) for k in range(20)]:
        opening = opened.operation.open(opened.operands, index)
        assert abs(opening.value - stored[index]) <= CLOSE * opening.magnitude + tiny, opening


def test_every_exponent_and_the_sum():
    x = np.array([[1.0, 3.0, 2.0]])
    opening = Softmax((1,)).open([x], (0, 2))
    assert opening.formula == "exp(2 - 3) / 1.50321"
    assert opening.facts["maximum"] == 3
    assert opening.facts["sum"] == pytest.approx(np.exp(x - 3).sum())
    assert opening.parts[0].values.tolist() == [1, 3, 2]
    assert opening.parts[0].index.tolist() == [[0, 0], [0, 1], [0, 2]]
    assert Softmax((1,), logarithm=True).open([x], (0, 2)).formula == "2 - 3 - log(1.50321)"


def test_large_logits_do_not_overflow():
    x = np.array([[0.0, 1000.0]])
    assert Softmax((1,)).open([x], (0, 0)).value == 0
    assert Softmax((1,), logarithm=True).open([x], (0, 0)).value == -1000


def test_nan_spoils_the_group():
    x = np.array([[0.0, np.nan]])
    assert np.isnan(Softmax((1,)).open([x], (0, 0)).value)


def test_hardmax_takes_the_first_greatest():
    x = np.array([[1.0, 3, 3, 2]], np.float32)
    opened = Opened("Hardmax", x)
    assert opened.gap() == 0
    opening = Hardmax((1,)).open([x], (0, 2))
    assert opening.formula == "3 is not the first greatest of 4"
    assert opening.chosen == 1


def test_a_group_reaches_itself():
    # 1 among zeros changes every value of its group.
    x = np.zeros((2, 3, 4), np.float32)
    for axis in (0, 1, 2):
        Opened("Softmax", x, axis=axis).check_structure(poke=3)
    Opened("Softmax", x, opset=11, axis=1).check_structure(poke=3)
