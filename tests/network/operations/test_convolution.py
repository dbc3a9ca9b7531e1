"""Convolution against onnxruntime and torch: values, where the terms stand, and what reaches what."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from support.openings import Opened

CLOSE = 1e-6


@st.composite
def nodes(draw):
    rank, groups = draw(st.integers(1, 3)), draw(st.sampled_from([1, 2]))
    kernel = [draw(st.integers(1, 3)) for _ in range(rank)]
    stride = [draw(st.integers(1, 3)) for _ in range(rank)]
    dilation = [draw(st.integers(1, 2)) for _ in range(rank)]
    pads = [draw(st.integers(0, 2)) for _ in range(2 * rank)]
    least = [d * (f - 1) + 1 for d, f in zip(dilation, kernel, strict=True)]
    spatial = [draw(st.integers(n, n + 3)) for n in least]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.normal(size=(2, 2 * groups, *spatial)).astype(np.float32)
    weight = rng.normal(size=(3 * groups, 2, *kernel)).astype(np.float32)
    bias = rng.normal(size=3 * groups).astype(np.float32) if draw(st.booleans()) else None
    return x, weight, bias, {"strides": stride, "dilations": dilation, "pads": pads, "group": groups}


@given(nodes())
@settings(max_examples=40, deadline=None)
def test_values_close(case):
    x, weight, bias, attributes = case
    rank = x.ndim - 2
    pads = attributes["pads"]
    before_after = [n for axis in reversed(range(rank)) for n in (pads[axis], pads[axis + rank])]
    expected = [torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d][rank - 1](
        torch.nn.functional.pad(torch.tensor(x, dtype=torch.float64), before_after),
        torch.tensor(weight, dtype=torch.float64),
        None if bias is None else torch.tensor(bias, dtype=torch.float64),
        attributes["strides"],
        0,
        attributes["dilations"],
        attributes["group"],
    )
    opened = Opened("Conv", x, weight, bias, **attributes)
    np.testing.assert_allclose(opened.values(), expected.numpy(), rtol=1e-12, atol=1e-12)
    assert opened.gap() < CLOSE


@given(nodes())
@settings(max_examples=20, deadline=None)
def test_terms_and_cells_stand_where_they_say(case):
    x, weight, bias, attributes = case
    opened = Opened("Conv", x, weight, bias, **attributes)
    for index in np.ndindex(1, *opened.operation.result_shape(opened.operands)[1:]):
        opening = opened.operation.open(opened.operands, index)
        (part,) = opening.parts
        assert (x[tuple(part.index.T)] == part.values).all()
        assert (weight[tuple(part.weight_index.T)] == part.weights).all()
        cells = opening.window.cells
        assert sorted(cells[cells >= 0]) == list(range(len(part)))
        for cell in zip(*np.nonzero(cells >= 0), strict=True):
            term = part.index[cells[cell]]
            assert term[1] == opening.window.channels[cell[0]]
            steps = np.array(cell[1:]) * opening.window.step
            assert tuple(term[2:]) == tuple(np.array(opening.window.start) + steps)
        if bias is not None:
            assert opening.bias == bias[opening.bias_index]


@given(nodes())
@settings(max_examples=20, deadline=None)
def test_what_reaches_what(case):
    x, weight, bias, attributes = case
    ones = [None if a is None else np.ones_like(a) for a in (x[:1], weight, bias)]
    opened = Opened("Conv", *ones, **attributes)
    for operand, value in enumerate(ones):
        if value is not None:
            opened.check_structure(operand)


@pytest.mark.parametrize("auto", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [5, 6, 7])
def test_padding_by_name(auto, stride, size):
    rng = np.random.default_rng(0)
    x, weight = (rng.normal(size=s).astype(np.float32) for s in ((1, 2, size, size + 1), (3, 2, 3, 4)))
    assert Opened("Conv", x, weight, None, auto_pad=auto, strides=[stride, stride]).gap() < CLOSE
