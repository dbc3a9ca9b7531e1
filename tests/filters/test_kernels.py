"""The classical kernels against the course's numbers, SciPy and scikit-image."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage, signal
from skimage.filters import gabor_kernel

from pellucid.filters import KERNELS, gabor

COURSE = json.loads((Path(__file__).parents[1] / "data" / "worked_examples.json").read_text())["kernels"]


@pytest.mark.parametrize(
    ("name", "course"),
    [
        ("sharpen", "sharpen"),
        ("edge-8", "edge"),
        ("sobel-x", "sobel_x"),
        ("prewitt-x", "vertical"),
        ("prewitt-y", "horizontal"),
    ],
)
def test_the_numbers_are_the_course_s(name, course):
    assert np.array_equal(KERNELS[name].array, COURSE[course])


def test_high_pass_is_the_course_s_over_nine():
    assert np.allclose(KERNELS["high-pass"].array, np.array(COURSE["high_pass_ninths"]) / 9, rtol=0, atol=0)


def answer(kernel) -> np.ndarray:
    """The impulse answer of a SciPy filter as the kernel that slides without flipping: the answer, flipped."""
    impulse = np.zeros((5, 5))
    impulse[2, 2] = 1
    return kernel(impulse)[::-1, ::-1]


@pytest.mark.parametrize(
    ("name", "scipys"),
    [
        ("sobel-x", lambda picture: ndimage.sobel(picture, axis=1)),
        ("sobel-y", lambda picture: ndimage.sobel(picture, axis=0)),
        ("prewitt-x", lambda picture: ndimage.prewitt(picture, axis=1)),
        ("prewitt-y", lambda picture: ndimage.prewitt(picture, axis=0)),
        ("laplacian", ndimage.laplace),
        ("box-blur", lambda picture: ndimage.uniform_filter(picture, 3)),
        ("identity", lambda picture: picture),
    ],
)
def test_the_kernels_are_scipy_s(name, scipys):
    assert np.allclose(np.pad(KERNELS[name].array, 1), answer(scipys), atol=1e-15)


@pytest.mark.parametrize(("name", "size"), [("gaussian-3", 3), ("gaussian-5", 5)])
def test_the_gaussians_are_binomials(name, size):
    row = np.array([math.comb(size - 1, k) for k in range(size)])
    assert np.array_equal(KERNELS[name].array, np.outer(row, row) / 4 ** (size - 1))


def test_scharr_is_scipy_s_complex_one():
    example = np.array(
        [[-3 - 3j, -10j, 3 - 3j], [-10, 0, 10], [-3 + 3j, 10j, 3 + 3j]]
    )  # scipy.signal.convolve2d
    assert np.array_equal(KERNELS["scharr-x"].array, example.real)
    assert np.array_equal(KERNELS["scharr-y"].array, example.imag)


@pytest.mark.parametrize(
    ("name", "total"),
    [("identity", 1), ("box-blur", 1), ("gaussian-3", 1), ("gaussian-5", 1), ("sharpen", 1), ("emboss", 1)],
)
def test_what_keeps_the_brightness_sums_to_one_all_else_to_nought(name, total):
    assert KERNELS[name].array.sum() == pytest.approx(total, abs=1e-15)
    rest = KERNELS.keys() - {"identity", "box-blur", "gaussian-3", "gaussian-5", "sharpen", "emboss"}
    assert all(abs(KERNELS[other].array.sum()) < 1e-15 for other in rest)


def test_y_is_x_turned_and_the_lines_are_each_other_s_mirrors():
    for name in ("sobel", "prewitt", "scharr"):
        assert np.array_equal(KERNELS[f"{name}-x"].array.T, KERNELS[f"{name}-y"].array)
    assert np.array_equal(KERNELS["vertical-line"].array.T, KERNELS["horizontal-line"].array)
    assert np.array_equal(KERNELS["falling-line"].array[:, ::-1], KERNELS["rising-line"].array)
    assert np.array_equal(KERNELS["diagonal-down"].array[::-1], KERNELS["diagonal-up"].array)


def brighter(towards: tuple[int, int]) -> np.ndarray:
    """A ramp 9 x 9, brighter towards (rows, columns)."""
    y, x = np.mgrid[:9, :9]
    return (towards[0] * y + towards[1] * x).astype(float)


@pytest.mark.parametrize(
    ("name", "towards"),
    [
        ("sobel-x", (0, 1)),
        ("prewitt-x", (0, 1)),
        ("scharr-y", (1, 0)),
        ("sobel-y", (1, 0)),
        ("diagonal-down", (1, 1)),
        ("diagonal-up", (-1, 1)),
    ],
)
def test_a_positive_answer_means_brighter_that_way(name, towards):
    kernel = KERNELS[name].array
    assert (signal.correlate2d(brighter(towards), kernel, "valid") > 0).all()
    across = brighter((-towards[1], towards[0]))
    assert np.allclose(signal.correlate2d(across, kernel, "valid"), 0)


@pytest.mark.parametrize("angle", [0, 30, 90, 135])
@pytest.mark.parametrize("phase", [0, -90, 40])
def test_gabors_are_scikit_image_s(angle, phase):
    theirs = gabor_kernel(
        1 / 4, theta=np.radians(angle), sigma_x=2, sigma_y=2, n_stds=2, offset=np.radians(phase)
    ).real
    ours = gabor(len(theirs), 4, angle, phase)
    assert np.allclose(ours / np.linalg.norm(ours), theirs / np.linalg.norm(theirs), atol=1e-12)


def test_an_odd_gabor_is_an_edge_and_an_even_one_a_line():
    edge, line = gabor(7, 7, 0, -90), gabor(7, 4, 0)
    assert edge[3, 4] > 0 > edge[3, 2]
    assert line[3, 3] == 1 and line[3, 1] < 0
