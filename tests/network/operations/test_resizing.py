"""Resizing against onnxruntime, value by value: every mode in float32, grey levels exactly, structure by poking."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from pellucid.model.onnx_nodes import CannotOpen
from pellucid.model.onnx_nodes.resizing import COORDINATES
from support.openings import Opened

CLOSE = 1e-6
EMPTY = np.array([], np.float32)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def resized(x, scales=None, sizes=None, roi=None, opset=19, **attributes):
    scales = None if scales is None else np.array(scales, np.float32)
    sizes = None if sizes is None else np.array(sizes, np.int64)
    return Opened("Resize", x, roi, scales, sizes, opset=opset, **attributes)


sides = st.integers(1, 12)


@given(sides, sides, sides, sides, st.sampled_from(COORDINATES[:-1]), st.sampled_from(["linear", "cubic"]))
@settings(max_examples=60, deadline=None)
def test_linear_and_cubic_by_sizes(height, width, new_height, new_width, coordinates, mode):
    x = normal(1, 2, height, width)
    opened = resized(
        x, sizes=[1, 2, new_height, new_width], mode=mode, coordinate_transformation_mode=coordinates
    )
    assert opened.gap() < CLOSE


@given(
    sides, sides, sides, sides, st.sampled_from(COORDINATES[:-1]),
    st.sampled_from(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_nearest_is_the_same_value(height, width, new_height, new_width, coordinates, nearest):
    x = normal(2, height, width)
    opened = resized(
        x,
        sizes=[2, new_height, new_width],
        mode="nearest",
        nearest_mode=nearest,
        coordinate_transformation_mode=coordinates,
    )
    assert opened.gap() == 0


@given(
    sides,
    sides,
    st.floats(0.25, 3.5, width=32),
    st.floats(0.25, 3.5, width=32),
    st.sampled_from(["nearest", "linear"]),
)
@settings(max_examples=60, deadline=None)
def test_by_any_scales(height, width, tall, wide, mode):
    if int(height * tall) < 1 or int(width * wide) < 1:
        return
    opened = resized(normal(1, 1, height, width), scales=[1, 1, tall, wide], mode=mode)
    assert opened.gap() < CLOSE


@given(sides, sides, sides, sides, st.sampled_from(["linear", "cubic"]), st.integers(0, 1), st.booleans())
@settings(max_examples=60, deadline=None)
def test_antialiased(height, width, new_height, new_width, mode, exclude, channels_last):
    old, new = (height, width), (new_height, new_width)
    shape, sizes = ((1, *old, 2), (1, *new, 2)) if channels_last else ((1, 2, *old), (1, 2, *new))
    opened = resized(normal(*shape), sizes=sizes, mode=mode, antialias=1, exclude_outside=exclude)
    assert opened.gap() < CLOSE


@pytest.mark.parametrize("exclude", [0, 1])
@pytest.mark.parametrize("a", [-0.75, -0.5])
def test_cubic_with_what_lies_outside_left_out(exclude, a):
    opened = resized(
        normal(1, 1, 5, 6), sizes=[1, 1, 8, 4], mode="cubic", cubic_coeff_a=a, exclude_outside=exclude
    )
    assert opened.gap() < CLOSE


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("sizes", [(1, 1, 5, 4), (1, 1, 3, 1)])
def test_a_crop_that_reaches_out(mode, sizes):
    roi = np.array([0, 0, 0.2, -0.3, 1, 1, 1.3, 0.8], np.float32)
    opened = resized(
        normal(1, 1, 6, 7),
        sizes=sizes,
        roi=roi,
        mode=mode,
        coordinate_transformation_mode="tf_crop_and_resize",
        extrapolation_value=7.5,
    )
    assert opened.gap() < CLOSE
    assert opened.values().max() == 7.5


def test_three_axes():
    opened = resized(normal(1, 1, 3, 4, 5), sizes=[1, 1, 5, 3, 7], mode="linear")
    assert opened.gap() < CLOSE


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
def test_proportions_kept(policy):
    opened = Opened(
        "Resize", normal(1, 1, 5, 8), None, None, np.array([7, 9]), opset=19, axes=[2, 3], mode="linear",
        keep_aspect_ratio_policy=policy,
    )  # fmt: skip
    assert opened.gap() < CLOSE


@pytest.mark.parametrize(("mode", "scale"), list(product(["nearest", "linear"], [(2, 2), (1.5, 3)])))
def test_upsample_and_the_first_resize(mode, scale):
    x = normal(1, 2, 4, 5)
    scales = np.array([1, 1, *scale], np.float32)
    assert Opened("Upsample", x, scales, opset=9, mode=mode).gap() < CLOSE
    assert Opened("Upsample", x, opset=7, mode=mode, scales=scales.tolist()).gap() < CLOSE
    assert Opened("Resize", x, scales, opset=10, mode=mode).gap() < CLOSE
    assert Opened("Resize", x, scales / 3, opset=10, mode="nearest").gap() == 0 if mode == "nearest" else True


@given(
    st.lists(sides, min_size=4, max_size=4),
    st.sampled_from([("linear", 0, 0), ("linear", 1, 1), ("linear", 1, 0), ("nearest", 0, 0)]),
)
@settings(max_examples=25, deadline=None)
def test_what_reaches_what(sizes, form):
    height, width, new_height, new_width = sizes
    mode, antialias, exclude = form
    opened = resized(
        normal(1, 1, height, width),
        sizes=[1, 1, new_height, new_width],
        mode=mode,
        antialias=antialias,
        exclude_outside=exclude,
    )
    opened.check_structure()


def levels(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@given(sides, sides, sides, sides, st.integers(1, 3), st.sampled_from(["linear", "cubic"]), st.integers(0, 1))
@settings(max_examples=60, deadline=None)
def test_grey_levels_antialiased_are_the_stored_ones(
    height, width, new_height, new_width, channels, mode, exclude
):
    opened = resized(
        levels(1, height, width, channels),
        sizes=[1, new_height, new_width, channels],
        mode=mode,
        antialias=1,
        exclude_outside=exclude,
    )
    assert opened.gap() == 0


@given(sides, sides, sides, sides, st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_grey_levels_between_neighbours_are_the_stored_ones(height, width, new_height, new_width, last, flat):
    old, new = (height, width), (new_height, new_width)
    shape, sizes = ((1, *old, 2), (1, *new, 2)) if last else ((1, 2, *old), (1, 2, *new))
    x = np.full(shape, 200, np.uint8) if flat else levels(*shape)
    assert resized(x, sizes=sizes, mode="linear").gap() == 0


PICTURES = {"astronaut": data.astronaut, "coffee": data.coffee, "cat": data.chelsea}


@pytest.mark.parametrize("size", [(28, 28), (32, 48), (224, 224), (7, 600), (700, 3), (451, 300)])
@pytest.mark.parametrize("name", PICTURES)
def test_photographs_as_our_own_preprocessing_resizes_them(name, size):
    x = PICTURES[name]()[None]
    opened = Opened(
        "Resize", x, None, None, np.array(size), mode="linear", antialias=1, exclude_outside=1, axes=[1, 2],
        coordinate_transformation_mode="half_pixel", opset=19,
    )  # fmt: skip
    stored = opened.run()[0]
    draws = np.random.default_rng(0)
    for _ in range(100):
        index = (0, int(draws.integers(size[0])), int(draws.integers(size[1])), int(draws.integers(3)))
        opening = opened.operation.open(opened.operands, index)
        assert opening.value == stored[index]
        (part,) = opening.parts
        assert (x[tuple(part.index.T)] == part.values).all()
        # Two roundings of half a level at most; the weights add up to 1.
        assert abs(part.products.sum() - opening.value) < 1.01
        assert part.products.sum() == pytest.approx(opening.facts["before rounding"], abs=1e-9)
        assert part.weights.sum() == pytest.approx(1, abs=1e-5)


def test_a_formula_states_its_roundings():
    x = np.array([[0, 10, 20, 40], [0, 10, 20, 41]], np.uint8)[None, :, :, None]
    opened = resized(x, sizes=[1, 1, 2, 1], mode="linear", antialias=1, exclude_outside=1)
    opening = opened.operation.open(opened.operands, (0, 0, 1, 0))
    assert opening.formula == "6 grey levels, 2 rounded to whole levels, weighted 27.5 -> 28"
    assert opening.count == 6
    flat = resized(x, sizes=[1, 2, 3, 1], mode="linear")
    assert flat.operation.open(flat.operands, (0, 0, 1, 0)).formula == "15, cut off to 15"


def test_what_cannot_be_read_is_said():
    with pytest.raises(CannotOpen, match="Resize of int8 values in mode 'linear'"):
        resized(np.ones((1, 1, 2, 2), np.int8), sizes=[1, 1, 3, 3], mode="linear")
    with pytest.raises(CannotOpen, match="neither scales nor sizes"):
        resized(normal(1, 1, 2, 2), mode="linear")
    with pytest.raises(CannotOpen, match="Resize in mode 'lanczos'"):
        resized(normal(1, 1, 2, 2), sizes=[1, 1, 3, 3], mode="lanczos")
