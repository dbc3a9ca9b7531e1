"""The nearest classical filter: found again scaled, moved, noisy and enlarged, and denied where nothing is near."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, signal

from pellucid.filters import KERNELS, gabor
from pellucid.inside.classical import NEAR, _by_chance, nearest_filters

# Each stands for the same direction as another one in the table, which is named instead.
SAME = {"high-pass": "edge-8"}


def nearest(kernel):
    """Of one kernel [height, width] or [channels, height, width]."""
    kernel = np.asarray(kernel)
    return nearest_filters(kernel[None, None] if kernel.ndim == 2 else kernel[None])[0]


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("factor", [1, 0.003, -7])
def test_a_classic_times_a_factor_is_itself_or_its_inverse(name, factor):
    found = nearest(factor * KERNELS[name].array)
    inverse = {"edge-4": "laplacian", "laplacian": "edge-4"}  # upright is named before inverted
    expected = inverse[name] if factor < 0 and name in inverse else SAME.get(name, name)
    assert found.name == expected
    assert found.similarity == pytest.approx(1 if factor > 0 or name in inverse else -1)
    assert found.shift == (0, 0) and not found.enlarged and found.is_near


@pytest.mark.parametrize("name", ["sobel-x", "laplacian", "vertical-line", "gaussian-3", "sharpen"])
@pytest.mark.parametrize(("down", "right"), [(0, 0), (1, 0), (-1, 1), (2, -2)])
def test_a_classic_anywhere_in_a_larger_kernel(name, down, right):
    kernel = np.zeros((7, 7))
    kernel[2 + down : 5 + down, 2 + right : 5 + right] = KERNELS[name].array
    found = nearest(kernel)
    assert (found.name, found.shift, found.similarity) == (name, (down, right), 1.0)
    if (down, right) == (-1, 1):
        assert found.words == f"{KERNELS[name].title}, moved by (-1, +1)"


def test_a_single_weight_is_identity_moved():
    kernel = np.zeros((3, 3))
    kernel[0, 2] = -2
    found = nearest(kernel)
    assert (found.name, found.shift, found.similarity) == ("identity", (-1, 1), -1)
    assert found.text == "identity, inverted, moved by (-1, +1): similarity -1.00"
    assert found.caption == "identity, inverted -1.00"


@pytest.mark.parametrize("name", ["sobel-x", "prewitt-y", "vertical-line", "edge-8", "diagonal-down"])
@pytest.mark.parametrize("size", [4, 6, 9])
def test_an_enlarged_classic_against_scipy_s_zoom(name, size):
    large = ndimage.zoom(KERNELS[name].array, size / 3, order=1, mode="nearest", grid_mode=True)
    found = nearest(large)
    assert (found.name, found.enlarged) == (name, True)
    assert found.similarity == pytest.approx(1)
    assert found.words.endswith(", enlarged")


def test_the_similarity_is_the_correlation_of_the_answers_on_noise():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(400, 400))
    kernel = KERNELS["sobel-x"].array + rng.normal(size=(3, 3)) * 0.4
    found = nearest(kernel)
    answers = [
        signal.correlate2d(noise, rows, "valid").ravel() for rows in (kernel, KERNELS[found.name].array)
    ]
    assert found.similarity == pytest.approx(np.corrcoef(*answers)[0, 1], abs=0.01)


@pytest.mark.parametrize("name", ["sobel-y", "laplacian", "box-blur", "rising-line"])
def test_noise_lowers_the_similarity_not_the_name(name):
    kernel = KERNELS[name].array / np.linalg.norm(KERNELS[name].array)
    noise = np.random.default_rng(1).normal(size=(3, 3))
    found = nearest(kernel + 0.2 * noise / np.linalg.norm(noise))
    assert found.name == name
    assert 0.9 < found.similarity < 1


def test_a_gabor_of_another_wavelength_keeps_its_kind_and_angle():
    found = nearest(gabor(11, 6, 67.5, -90))
    assert found.name == "gabor" and found.is_near
    assert found.title == "Gabor edge, 67.5 degrees, wavelength 5.5"


def test_colour_edges_are_found_with_their_weights():
    weights = np.array([0.8, -0.6, 0.1])
    found = nearest(weights[:, None, None] * KERNELS["sobel-x"].array)
    assert (found.name, found.similarity) == ("sobel-x", pytest.approx(1))
    assert np.allclose(found.weights, weights / np.linalg.norm(weights))
    inverse = nearest(-weights[:, None, None] * KERNELS["sobel-x"].array)
    assert inverse.similarity == pytest.approx(1)
    assert np.allclose(inverse.weights, -np.array(found.weights))
    assert found.text == "Sobel x, times (+0.80, -0.60, +0.10): similarity 1.00"


def test_channels_with_unlike_patterns_are_like_nothing_together():
    kernel = np.array([KERNELS[name].array for name in ("sobel-x", "sobel-y", "laplacian")])
    unit = kernel / np.linalg.norm(kernel, axis=(1, 2), keepdims=True)
    assert nearest(unit).similarity < 0.65
    assert not nearest(unit).is_near
    alone = nearest_filters(unit.reshape(3, 1, 3, 3))
    assert [found.name for found in alone] == ["sobel-x", "sobel-y", "laplacian"]


def test_nothing_near_is_said_with_the_numbers():
    kernel = np.array([[0, 3, 1], [1, -1, 0], [3, 0, 0.0]])
    found = nearest(kernel)
    assert not found.is_near
    assert found.caption == "nothing near"
    assert found.text == (
        f"no classical filter is near; the nearest is {found.words}: similarity {found.similarity:.2f}, "
        f"near from {found.threshold:.2f} on"
    )


def test_zeros_are_no_filter():
    found = nearest(np.zeros((3, 3)))
    assert (found.name, found.similarity, found.is_near, found.text) == ("", 0, False, "all zeros, no filter")
    assert found.caption == "all zeros"


def test_tiny_and_huge_numbers_are_compared_as_well():
    kernel = KERNELS["sobel-x"].array.astype(np.float32)
    assert nearest(kernel * np.float32(1e-30)).similarity == 1
    assert nearest(kernel * np.float32(1e30)).similarity == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 1), (2, 2), (1, 7), (4, 5), (25, 25)])
def test_any_shape_has_an_answer(shape):
    found = nearest(np.random.default_rng(2).normal(size=shape))
    assert 0 < abs(found.similarity) <= 1


def test_one_in_a_hundred_random_kernels_is_near():
    """Drawn here with another generator than the threshold's own."""
    random = np.random.default_rng(3).normal(size=(4000, 1, 3, 3))
    found = nearest_filters(random)
    assert found[0].threshold == pytest.approx(0.902, abs=0.005)
    assert 10 <= sum(one.is_near for one in found) <= 80


@pytest.mark.parametrize("shape", [(1, 5, 5), (3, 3, 3), (1, 1, 25), (1, 7, 7)])
def test_from_25_numbers_on_chance_stays_below_the_floor(shape):
    assert _by_chance(*shape) < NEAR


@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 6), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_a_positive_factor_changes_nothing_a_negative_one_the_sign(seed, channels, height, width):
    kernel = np.random.default_rng(seed).normal(size=(channels, height, width))
    one, other, inverse = (nearest(factor * kernel) for factor in (1, 4, -1))
    assert channels == 1 or one.similarity > 0
    assert (one.name, one.similarity, one.shift) == (other.name, other.similarity, other.shift)
    assert abs(inverse.similarity) == pytest.approx(abs(one.similarity), abs=2e-9)
    assert sum(weight**2 for weight in one.weights) == pytest.approx(1)
