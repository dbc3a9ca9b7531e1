"""Dense layers against onnxruntime and numpy.matmul, and their structure against poking."""

import numpy as np
import pytest

from pellucid.network.operations.dense import MatMul
from support.openings import Opened

CLOSE = 1e-6


def floats(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("c", [None, (), (1,), (5,), (1, 5), (3, 1), (3, 5)], ids=str)
@pytest.mark.parametrize("transposed", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("factors", [{}, {"alpha": 0.5, "beta": -2.0}])
def test_gemm_in_all_its_forms(c, transposed, factors):
    a, b = floats(3, 4), floats(4, 5, seed=1)
    a, b = (a.T.copy() if transposed[0] else a), (b.T.copy() if transposed[1] else b)
    bias = None if c is None else floats(*c, seed=2)
    opened = Opened("Gemm", a, b, bias, transA=transposed[0], transB=transposed[1], **factors)
    assert opened.operands[2] is bias
    assert opened.gap() <= CLOSE
    opening = opened.operation.open(opened.operands, (2, 1))
    part = opening.parts[0]
    np.testing.assert_array_equal(a[tuple(part.index.T)], part.values)
    np.testing.assert_allclose(b[tuple(part.weight_index.T)] * factors.get("alpha", 1), part.weights)
    assert opening.facts == factors
    if bias is not None:
        assert opening.bias == pytest.approx(float(bias[opening.bias_index]) * factors.get("beta", 1))


def test_gemm_of_ones_reaches_rows_and_columns():
    for transposed in ((0, 0), (1, 1)):
        shapes = ((4, 3), (5, 4)) if transposed[0] else ((3, 4), (4, 5))
        a, b = (np.ones(shape, np.float32) for shape in shapes)
        for c in ((3, 1), (5,), (1,)):
            opened = Opened("Gemm", a, b, np.zeros(c, np.float32), transA=transposed[0], transB=transposed[1])
            for operand in (0, 1, 2):
                opened.check_structure(operand)


MATRICES = [
    ((3, 4), (4, 5)),
    ((2, 3, 4), (4, 5)),
    ((2, 3, 4), (2, 4, 5)),
    ((2, 1, 3, 4), (3, 4, 2)),
    ((4,), (4, 5)),
    ((4,), (2, 4, 3)),
    ((2, 3, 4), (4,)),
    ((4,), (4,)),
]


@pytest.mark.parametrize(("first", "second"), MATRICES, ids=str)
def test_matmul_of_any_ranks(first, second):
    a, b = floats(*first), floats(*second, seed=1)
    opened = Opened("MatMul", a, b)
    assert opened.gap() <= CLOSE
    np.testing.assert_allclose(opened.values(), np.matmul(a.astype(float), b.astype(float)), atol=1e-12)
    opening = opened.operation.open(opened.operands, (0,) * len(opened.run()[0].shape))
    part = opening.parts[0]
    np.testing.assert_array_equal(a[tuple(part.index.T)], part.values)
    np.testing.assert_array_equal(b[tuple(part.weight_index.T)], part.weights)
    ones = Opened("MatMul", np.ones(first, np.float32), np.ones(second, np.float32))
    ones.check_structure(0)
    ones.check_structure(1)


def test_whole_numbers_wrap():
    a, b = np.array([[2**30, 2**30]], np.int32), np.array([[2], [5]], np.int32)
    assert MatMul().open([a, b], (0, 0)).value == (a @ b)[0, 0]
