"""Transposed convolution against onnxruntime and torch: values, and what reaches what."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from support.openings import Opened

CLOSE = 1e-6


@st.composite
def nodes(draw):
    rank, groups = draw(st.integers(1, 2)), draw(st.sampled_from([1, 2]))
    kernel = [draw(st.integers(1, 3)) for _ in range(rank)]
    stride = [draw(st.integers(1, 3)) for _ in range(rank)]
    dilation = [draw(st.integers(1, 2)) for _ in range(rank)]
    extra = [draw(st.integers(0, s - 1)) for s in stride]
    pads = [draw(st.integers(0, d * (f - 1))) for f, d in zip(kernel, dilation, strict=True)] * 2
    spatial = [draw(st.integers(2, 4)) for _ in range(rank)]
    for axis in range(rank):  # the result keeps at least one place
        size = stride[axis] * (spatial[axis] - 1) + dilation[axis] * (kernel[axis] - 1) + 1 + extra[axis]
        if size - 2 * pads[axis] < 1:
            pads[axis] = pads[axis + rank] = 0
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.normal(size=(2, 2 * groups, *spatial)).astype(np.float32)
    weight = rng.normal(size=(2 * groups, 3, *kernel)).astype(np.float32)
    bias = rng.normal(size=3 * groups).astype(np.float32) if draw(st.booleans()) else None
    attributes = {
        "kernel_shape": kernel, "strides": stride, "dilations": dilation, "pads": pads, "output_padding": extra,
        "group": groups,
    }  # fmt: skip
    return x, weight, bias, attributes


@given(nodes())
@settings(max_examples=60, deadline=None)
def test_values_close(case):
    x, weight, bias, attributes = case
    rank = x.ndim - 2
    opened = Opened("ConvTranspose", x, weight, bias, **attributes)
    forward = {1: torch.nn.functional.conv_transpose1d, 2: torch.nn.functional.conv_transpose2d}[rank]
    expected = forward(
        torch.tensor(x, dtype=torch.float64),
        torch.tensor(weight, dtype=torch.float64),
        None if bias is None else torch.tensor(bias, dtype=torch.float64),
        attributes["strides"],
        attributes["pads"][:rank],
        attributes["output_padding"],
        attributes["group"],
        attributes["dilations"],
    )
    np.testing.assert_allclose(opened.values(), expected.numpy(), rtol=1e-12, atol=1e-12)
    assert opened.gap() < CLOSE


@given(nodes())
@settings(max_examples=20, deadline=None)
def test_terms_stand_where_they_say(case):
    x, weight, bias, attributes = case
    opened = Opened("ConvTranspose", x, weight, bias, **attributes)
    shape = opened.operation.result_shape(opened.operands)
    for index in np.ndindex(1, *shape[1:]):
        (part,) = opened.operation.open(opened.operands, index).parts
        assert (x[tuple(part.index.T)] == part.values).all()
        assert (weight[tuple(part.weight_index.T)] == part.weights).all()


@given(nodes())
@settings(max_examples=20, deadline=None)
def test_what_reaches_what(case):
    x, weight, bias, attributes = case
    ones = [None if a is None else np.ones_like(a) for a in (x[:1], weight, bias)]
    opened = Opened("ConvTranspose", *ones, **attributes)
    for operand, value in enumerate(ones):
        if value is not None:
            opened.check_structure(operand)


@pytest.mark.parametrize("auto", ["SAME_UPPER", "SAME_LOWER", "NOTSET"])
@pytest.mark.parametrize("wanted", [None, [7, 9], [8, 8], [6, 9]])
def test_a_wanted_shape_decides_the_padding(auto, wanted):
    rng = np.random.default_rng(0)
    x, weight = (rng.normal(size=s).astype(np.float32) for s in ((1, 2, 4, 4), (2, 1, 3, 3)))
    shape = {} if wanted is None else {"output_shape": wanted}
    opened = Opened("ConvTranspose", x, weight, None, strides=[2, 2], auto_pad=auto, **shape)
    assert opened.gap() < CLOSE
