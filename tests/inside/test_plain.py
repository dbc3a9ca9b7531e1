"""One value as one line of arithmetic: what is written, and that it comes to what stands behind the equals sign."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.inside.plain import LONGEST, in_line
from support.worked import evaluated, run


@given(
    st.integers(1, 3), st.integers(1, 4), st.integers(1, 2), st.integers(0, 2), st.booleans(),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_a_convolution_written_out_comes_to_its_value(channels, kernel, stride, pad, padding, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(-9, 10, (channels, 6, 6))
    weights = rng.integers(-9, 10, (2, channels, kernel, kernel))
    bias = rng.integers(-9, 10, 2)
    inside = run(f"conv 2 {kernel}x{kernel} stride {stride} pad {pad}", image,
                 {"conv1.weight": weights, "conv1.bias": bias})  # fmt: skip
    number = inside.at("conv1[1,0,0]")
    equation = in_line(inside, number, padding)
    left, right = evaluated(equation)
    padded = np.pad(image, ((0, 0), (pad, pad), (pad, pad)))
    assert left == right == (padded[:, :kernel, :kernel] * weights[1]).sum() + bias[1]
    if padding:
        assert equation.count("*") == channels * kernel**2


def test_the_order_is_channel_by_channel_and_row_by_row():
    inside = run("conv 1 2x2 nobias", np.arange(8).reshape(2, 2, 2), {"conv1.weight": np.arange(10, 18)})
    assert in_line(inside, inside.at("conv1[0,0,0]")) == "0*10+1*11+2*12+3*13+4*14+5*15+6*16+7*17 = 420"


def test_negative_numbers_stand_in_brackets():
    inside = run("conv 1 1x2", [[[-1, -2]]], {"conv1.weight": [[[[-3, 4]]]], "conv1.bias": [-5]})
    assert in_line(inside, inside.at("conv1[0,0,0]")) == "-1*(-3)+(-2)*4+(-5) = -10"


def test_cells_over_the_border_are_written_where_asked():
    inside = run("conv 1 3x3 pad 1 nobias", [[[7]]], {"conv1.weight": np.arange(9) - 4})
    number = inside.at("conv1[0,0,0]")
    assert in_line(inside, number) == "7*0 = 0"
    written = "0*(-4)+0*(-3)+0*(-2)+0*(-1)+7*0+0*1+0*2+0*3+0*4 = 0"
    assert in_line(inside, number, padding=True) == written


def test_a_mean_has_its_divisor():
    inside = run("avgpool 2", [[[1, 2], [3, -4]]])
    assert in_line(inside, inside.at("pool1[0,0,0]")) == "(1+2+3+(-4))/4 = 0.5"


def test_a_maximum_and_a_softmax_are_written_out():
    inside = run("maxpool 2, flatten, softmax", [[[1, -2, 5, 5], [0, 1, 1, 1]]])
    assert in_line(inside, inside.at("pool1[0,0,0]")) == "max(1, -2, 0, 1) = 1"
    assert in_line(inside, inside.at("softmax1[1]")) == "e^5/(e^1+e^5) = 0.982014"
    assert evaluated(in_line(inside, inside.at("softmax1[0]")))[0] == pytest.approx(0.017986, abs=1e-6)


def test_what_merely_moved_names_its_source():
    inside = run("flatten", np.arange(8).reshape(2, 2, 2))
    assert in_line(inside, inside.at("flatten1[5]")) == "input[1,0,1] = 5"


def test_an_input_says_that_nothing_computes_it():
    inside = run("flatten", [[[3]]])
    assert in_line(inside, inside.at("input[0,0,0]")) == "3 (an input of the graph: nothing computes it)"


def test_the_middle_of_a_long_sum_is_given_as_its_own_sum():
    inside = run(
        "dense 1", np.ones(LONGEST + 44), {"dense1.weight": np.full(LONGEST + 44, 2), "dense1.bias": [1]}
    )
    equation = in_line(inside, inside.at("dense1[0]"))
    assert "+(44 more: 88)+" in equation
    assert equation.endswith("1*2+1 = 289")
    assert equation.count("1*2") == LONGEST


def test_a_stored_value_that_reads_otherwise_stands_beside():
    picture = [[[105, 102, 100], [103, 99, 103], [101, 98, 104]]]
    kernel = np.array([-1, -1, -1, -1, 8, -1, -1, -1, -1]) / 9
    inside = run("conv 1 3x3 nobias", picture, {"conv1.weight": kernel})
    number = inside.at("conv1[0,0,0]")
    equation = in_line(inside, number)
    assert f" = {number.sum:.6g}" in equation
    if f"{number.sum:.6g}" != f"{number.stored:.6g}":
        assert equation.endswith(f"(stored: {number.stored:.6g})")
