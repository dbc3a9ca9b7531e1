"""Filtered values as pictures: scikit-image's equalize_hist and rescale_intensity are the referees."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage import color, data, exposure

from pellucid.filters import apply
from pellucid.filters.showing import (
    clipped,
    ends,
    equalised,
    histogram,
    luminance,
    show,
    stretched,
)

GREY = {
    "camera": data.camera()[:, :, None],
    "dark": (data.camera()[:, :, None] // 3).astype(np.uint8),
    "edges": apply(data.camera(), "sobel-x"),
    "blurred": apply(data.camera(), "gaussian-5"),
}
VALUES = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3])),
    elements=st.floats(-1e4, 1e4, width=32),
)  # fmt: skip


@pytest.mark.parametrize("name", GREY)
def test_equalised_is_scikit_images_within_a_grey_level(name):
    values = GREY[name]
    wanted = 255 * exposure.equalize_hist(values[:, :, 0])
    assert np.abs(equalised(values)[:, :, 0] - wanted).max() <= 1


@pytest.mark.parametrize("name", GREY)
def test_stretched_is_scikit_images_within_a_grey_level(name):
    values = GREY[name]
    wanted = exposure.rescale_intensity(values.astype(np.float64), out_range=(0, 255))
    assert np.abs(stretched(values).astype(float) - wanted).max() <= 0.5 + 1e-6


def test_colour_is_equalised_by_its_luminance_and_keeps_its_colour_differences():
    picture = data.coffee() // 2 + 20
    made = equalised(picture)
    before, after = color.rgb2ycbcr(picture), color.rgb2ycbcr(made)
    whole = ((made > 0) & (made < 255)).all(2)  # nothing cut off
    assert whole.mean() > 0.7
    assert np.abs(before[whole][:, 1:] - after[whole][:, 1:]).max() < 0.8  # rounding's share
    wanted = 255 * exposure.equalize_hist(luminance(picture)[:, :, 0])
    assert np.abs(luminance(made)[:, :, 0] - wanted)[whole].max() <= 1


def test_luminance_is_scikit_images_of_the_same_weights():
    picture = data.astronaut()
    wanted = picture @ np.array([0.299, 0.587, 0.114])
    assert np.abs(luminance(picture)[:, :, 0] - wanted).max() < 0.01


@given(VALUES)
@settings(deadline=None)
def test_laws(values):
    assert np.array_equal(clipped(values), np.clip(np.rint(values), 0, 255).astype(np.uint8))
    low, high = ends(values)
    assert (low, high) == (values.min(), values.max())
    for how in ("clip", "stretch", "equalise"):
        made = show(values, how)
        assert made.dtype == np.uint8
        assert made.shape == values.shape
    if low < high:
        made = stretched(values)
        assert made[values == low].max() == 0
        assert made[values == high].min() == 255
        order = np.argsort(values, axis=None)
        assert (np.diff(made.ravel()[order].astype(int)) >= 0).all()
        if values.shape[2] == 1:
            assert (np.diff(equalised(values).ravel()[order].astype(int)) >= 0).all()
        assert histogram(values, low, high).sum() == values.size
    else:
        assert np.array_equal(stretched(values), clipped(values))
        assert np.array_equal(equalised(values), clipped(values))


def test_what_is_no_number_is_shown_and_not_counted():
    values = np.array([np.nan, np.inf, -np.inf, 3.0, 7.0], np.float32).reshape(1, 5, 1)
    assert clipped(values).ravel().tolist() == [0, 255, 0, 3, 7]
    assert ends(values) == (3, 7)
    assert histogram(values, 3, 7).sum() == 2
    assert ends(np.full((1, 1, 1), np.nan)) == (0.0, 0.0)


def test_many_rows_are_done_in_parts():
    values = np.random.default_rng(0).normal(size=(700, 3, 1)).astype(np.float32)
    low, high = float(values.min()), float(values.max())
    assert np.array_equal(histogram(values, low, high), np.histogram(values, 256, (low, high))[0])
