"""Filters over pictures against SciPy; the compiled way against NumPy's; and what is refused."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage, signal

from pellucid.errors import DataError, NetworkError
from pellucid.filters import Filter, apply, direction, magnitude
from pellucid.filters import applying as applying_module
from pellucid.native import native

SCIPYS = {"zero": "constant", "reflect": "mirror", "replicate": "nearest"}


def picture(seed, shape, whole):
    draw = np.random.default_rng(seed)
    return (
        draw.integers(0, 256, shape, dtype=np.uint8) if whole else draw.normal(size=shape).astype(np.float32)
    )


@st.composite
def cases(draw):
    """(pixels, filter) of any size, stride, dilation, padding and border that fit."""
    height, width, channels = (
        draw(st.integers(1, 40)),
        draw(st.integers(1, 40)),
        draw(st.sampled_from([1, 2, 3])),
    )
    kernel = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    two = st.tuples(st.integers(1, 3), st.integers(1, 3))
    dilation, border, volume = draw(two), draw(st.sampled_from(list(SCIPYS))), draw(st.booleans())
    most = min(height, width) - 1 if border == "reflect" else 9
    pads = draw(st.tuples(*[st.tuples(*[st.integers(0, min(most, 9))] * 2)] * 2))
    seed = draw(st.integers(0, 999))
    weights = np.random.default_rng(seed).normal(size=(channels if volume else 1, *kernel))
    made = Filter("random", weights, draw(two), pads, border, dilation, draw(st.booleans()), volume)
    return picture(seed, (height, width, channels), draw(st.booleans())), made


@given(cases())
def test_compiled_and_plain_agree(case):
    pixels, one = case
    try:
        one.output_size(*pixels.shape[:2])
    except NetworkError:
        with pytest.raises(NetworkError):
            apply(pixels, one)
        return
    planes = one.planes_for(pixels.shape[2]) if one.volume else one.sliding
    ours = applying_module.plain(pixels, one, planes, one.volume)
    scale = np.abs(pixels.astype(float)).max() * np.abs(planes).sum() + 1e-30
    for instructions in native.filter_instructions() if native else ():
        compiled = applying_module.quick(pixels, one, planes, one.volume, instructions)
        assert np.abs(compiled - ours).max() <= 1e-6 * scale, instructions


@pytest.mark.parametrize("border", SCIPYS)
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("size", [(3, 3), (5, 1), (7, 9)])
def test_same_is_scipy_s(border, flip, whole, size):
    pixels = picture(3, (31, 26, 3), whole)
    kernel = np.random.default_rng(4).normal(size=size)
    ours = apply(pixels, Filter("k", kernel, border=border, flip=flip))
    theirs = (ndimage.convolve if flip else ndimage.correlate)(
        pixels.astype(float), kernel[:, :, None], mode=SCIPYS[border]
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


def test_valid_and_volume_are_scipy_s():
    pixels = picture(5, (12, 15, 3), False)
    kernel = np.random.default_rng(6).normal(size=(3, 4, 2))
    theirs = sum(signal.correlate2d(pixels[:, :, c].astype(float), kernel[c], "valid") for c in range(3))
    np.testing.assert_allclose(
        apply(pixels, Filter("k", kernel, padding="valid"))[:, :, 0], theirs, rtol=1e-4, atol=1e-5
    )
    same = apply(pixels, "sharpen")
    np.testing.assert_allclose(apply(pixels, "sharpen", "volume")[:, :, 0], same.sum(2), rtol=1e-4, atol=1e-5)


def test_grey_is_pillow_s():
    pixels = picture(7, (40, 30, 3), True)
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    assert np.array_equal(apply(pixels, "identity", "grey")[:, :, 0], grey)
    as_float = apply(pixels.astype(np.float32), "identity", "grey")[:, :, 0]
    assert np.abs(as_float - grey).max() <= 0.51
    assert np.array_equal(apply(grey, "sobel-x", "grey"), apply(grey, "sobel-x"))


def test_the_gradient_has_a_length_and_points_to_the_light():
    y, x = np.mgrid[:9, :9].astype(np.float32)
    for degrees in (0, 30, 90, 135, -90):
        ramp = x * np.cos(np.radians(degrees)) + y * np.sin(np.radians(degrees))
        dx, dy = (apply(ramp.astype(np.float32), f"{name}/8 pad valid") for name in ("sobel-x", "sobel-y"))
        np.testing.assert_allclose(magnitude(dx, dy), 1, rtol=1e-5)
        np.testing.assert_allclose(direction(dx, dy), degrees, atol=1e-3)
    assert magnitude(dx, dy).dtype == direction(dx, dy).dtype == np.float32


def test_a_large_picture_goes_by_bands():
    pixels = picture(8, (1500, 900, 1), True)
    one = Filter("k", np.ones((5, 5)) / 25, stride=(2, 3))
    theirs = ndimage.uniform_filter(pixels[:, :, 0].astype(float), 5, mode="constant")
    rows = [i * 2 - one.pads((1, 1500, 900))[0][0] + 2 for i in range(750)]
    columns = [i * 3 - one.pads((1, 1500, 900))[1][0] + 2 for i in range(300)]
    ours = applying_module.plain(pixels, one, one.sliding, False)
    np.testing.assert_allclose(ours[:, :, 0], theirs[np.ix_(rows, columns)], rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(apply(pixels, one), ours, rtol=1e-5, atol=1e-3)


def test_one_pixel_and_a_panorama():
    assert apply(np.full((1, 1), 7, np.uint8), "sharpen").tolist() == [[[35.0]]]
    assert apply(np.full((1, 1), 7, np.uint8), "sharpen border replicate").tolist() == [[[7.0]]]
    wide = picture(9, (3, 20_000, 3), True)
    theirs = ndimage.correlate(wide.astype(float), np.array([[[-1], [0], [1]]]), mode="mirror")
    assert np.array_equal(apply(wide, "[-1 0 1] border reflect"), theirs)


def test_arrays_that_lie_otherwise_in_memory():
    pixels = picture(10, (20, 18, 3), True)
    for view in (pixels[::-1], pixels[:, ::2], pixels.transpose(1, 0, 2), pixels[:, :, ::-1]):
        assert np.array_equal(apply(view, "sobel-x"), apply(view.copy(), "sobel-x"))


@pytest.mark.parametrize(
    "pixels", [np.zeros((3, 3)), np.zeros((2, 2, 2, 2), np.uint8), np.zeros((0, 3), np.uint8), [[1, 2]], "x"]
)
def test_what_is_no_picture_is_refused(pixels):
    with pytest.raises(DataError, match="a picture to filter is uint8 or float32"):
        apply(pixels, "sharpen")


@pytest.mark.parametrize(
    ("kernel", "channels", "what"),
    [
        ("sobel-x + sobel-y", "each", "apply takes one filter"),
        ("sobel-x, relu", "each", "apply takes one filter"),
        ("relu", "each", "apply takes one filter"),
        ("sharpen", "red", "channels is each, grey or volume"),
        ("[1|2] pad valid", "each", "kernel has 2 planes, and what it slides over has 3 channels"),
        ("gaussian 9 pad valid", "each", "kernel 9 is larger than its 5 x 5 input"),
        ("gaussian 11 border reflect", "each", "can't be mirrored 5 places outwards"),
    ],
)
def test_what_does_not_fit_is_refused(kernel, channels, what):
    with pytest.raises(NetworkError) as caught:
        apply(np.zeros((5, 5, 3), np.uint8), kernel, channels)
    assert what in caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("weights", "options", "what"),
    [
        ([[1, 2], [3]], {}, "weights are rows of numbers"),
        ([1, 2], {}, "weights are [height, width]"),
        ([[np.nan]], {}, "holds a number that can't be"),
        ([[1]], {"stride": (0, 1)}, "stride is one or two whole numbers"),
        ([[1]], {"border": "wrap"}, "a border is zero, reflect or replicate"),
        ([[1, 2]], {}, "has no middle"),
    ],
)
def test_a_filter_that_can_t_be(weights, options, what):
    with pytest.raises(NetworkError) as caught:
        Filter("mine", weights, **options)
    assert what in caught.value.what


def test_it_works_without_the_compiled_part():
    code = (
        "import sys; sys.modules['pellucid._native'] = None; import numpy as np; import pellucid;"
        "print(pellucid.filters.apply(np.arange(9, dtype=np.uint8).reshape(3, 3), 'sobel-x pad valid'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[[[8.]]]\n", "")


X, K, OUT = np.zeros((4, 5, 3), np.uint8), np.ones((1, 3, 3), np.float32), np.zeros((4, 5, 3), np.float32)


@pytest.mark.skipif(native is None, reason="the compiled part was not built here")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((X, K, (1, 1), (1, 1), (1, 1), 3, False, OUT, 1), "a border is 0, 1 or 2"),
        ((X, K, (1, 1), (1, 1), (1, 1), 0, True, OUT, 1), "planes"),
        ((X, K, (1, 1), (1, 1), (1, 1), 0, False, OUT[:, :, :1].copy(), 1), "channels"),
        ((X, K, (0, 1), (1, 1), (1, 1), 0, False, OUT, 1), "rows"),
        ((X, K, (1, 1), (1, -1), (1, 1), 0, False, OUT, 1), "columns"),
        ((X, K, (1, 1), (4, 1), (1, 1), 1, False, OUT, 1), "rows"),
        ((X, K, (1, 3), (1, 1), (1, 1), 1, False, OUT, 1), "columns"),
        ((X[:0], K, (1, 1), (1, 1), (1, 1), 0, False, OUT, 1), "rows"),
        ((X, K, (1, 1), (1, 1), (1, 1), 0, False, OUT, 1, "AVX-1024"), "this processor has no AVX-1024"),
    ],
)
def test_the_compiled_part_refuses_what_does_not_fit(arguments, says):
    with pytest.raises(ValueError, match=says):
        native.correlate(*arguments)


@pytest.mark.skipif(native is None, reason="the compiled part was not built here")
@pytest.mark.parametrize("wrong", [X.astype(np.float64), X[:, ::2], X[0], "x"])
def test_the_compiled_part_refuses_other_arrays(wrong):
    with pytest.raises(TypeError):
        native.correlate(wrong, K, (1, 1), (1, 1), (1, 1), 0, False, OUT.copy(), 1)
