"""The preprocessing graph, run by onnxruntime, against plain NumPy and Pillow."""

import io

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pellucid.model import Preprocessing, preprocessing_bytes, scale_and_shift

rng = np.random.default_rng(0)


def prepare(pixels, height, width, channels, fit="stretch"):
    preprocessing = Preprocessing(
        height=height,
        width=width,
        channels=channels,
        fit=fit,
        scale=(1.0,) * channels,
        shift=(0.0,) * channels,
    )
    data = preprocessing_bytes(preprocessing)
    onnx.checker.check_model(onnx.load_model_from_string(data), full_check=True)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session.run(None, {"image": pixels})[0]


def triangle_weights(n, m):
    """[m, n]: the linear filter, stretched where it shrinks, cut off and made whole again at the border."""
    scale = n / m
    support = max(1.0, scale)
    weights = np.zeros((m, n))
    for i in range(m):
        centre = (i + 0.5) * scale
        for j in range(n):
            weights[i, j] = max(0.0, 1 - abs(j + 0.5 - centre) / support)
        weights[i] /= weights[i].sum()
    return weights


def resized(plane, height, width):
    return (
        triangle_weights(plane.shape[0], height)
        @ plane.astype(float)
        @ triangle_weights(plane.shape[1], width).T
    )


@given(
    st.integers(1, 90), st.integers(1, 90), st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_resizing_is_the_area_weighted_triangle_filter(h, w, height, width, channels, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (1, h, w, channels), dtype=np.uint8)
    got = prepare(pixels, height, width, 3)
    for channel in range(3):
        exact = resized(pixels[0, :, :, channel % channels], height, width)
        assert np.abs(got[0, :, :, channel] - exact).max() <= 1.01  # rounded once for each axis


def test_resizing_is_close_to_pillow_on_a_photograph():
    from skimage import data

    photo = data.astronaut()
    got = prepare(photo[None], 64, 48, 3)[0].astype(int)
    pillow = np.asarray(Image.fromarray(photo).resize((48, 64), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(got - pillow).max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_of_the_right_size_is_not_touched(channels):
    pixels = rng.integers(0, 256, (5, 28, 31, channels), dtype=np.uint8)
    assert np.array_equal(prepare(pixels, 28, 31, channels), pixels)


def test_grey_is_pillows_luminance():
    pixels = rng.integers(0, 256, (1, 100, 100, 3), dtype=np.uint8)
    got = prepare(pixels, 100, 100, 1)[0, :, :, 0]
    assert np.array_equal(got, np.asarray(Image.fromarray(pixels[0]).convert("L")))


def test_grey_in_grey_out_and_grey_in_three_equal_channels():
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    assert np.array_equal(prepare(pixels, 16, 16, 1), pixels)
    assert np.array_equal(prepare(pixels, 16, 16, 3), np.repeat(pixels, 3, axis=3))


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 33), st.integers(1, 33))
def test_pad_keeps_the_proportions_and_repeats_the_border(h, w, height, width):
    pixels = rng.integers(0, 256, (1, h, w, 1), dtype=np.uint8)
    got = prepare(pixels, height, width, 1, "pad")[0, :, :, 0]
    factor = min(height / h, width / w)
    inner = (min(max(int(h * factor + 0.5), 1), height), min(max(int(w * factor + 0.5), 1), width))
    before = [(target - size) // 2 for target, size in zip((height, width), inner, strict=True)]
    after = [
        target - size - first for target, size, first in zip((height, width), inner, before, strict=True)
    ]
    exact = np.pad(resized(pixels[0, :, :, 0], *inner), list(zip(before, after, strict=True)), mode="edge")
    assert np.abs(got - exact).max() <= 1.01


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 33), st.integers(1, 33))
def test_crop_keeps_the_proportions_and_the_middle(h, w, height, width):
    pixels = rng.integers(0, 256, (1, h, w, 1), dtype=np.uint8)
    got = prepare(pixels, height, width, 1, "crop")[0, :, :, 0]
    factor = max(height / h, width / w)
    outer = (max(int(h * factor + 0.5), height), max(int(w * factor + 0.5), width))
    top, left = (outer[0] - height) // 2, (outer[1] - width) // 2
    exact = resized(pixels[0, :, :, 0], *outer)[top : top + height, left : left + width]
    assert np.abs(got - exact).max() <= 1.01


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 2999)])
def test_extreme_shapes_come_out_whole(fit, size):
    pixels = np.full((1, *size, 3), 200, np.uint8)
    got = prepare(pixels, 32, 32, 1, fit)
    assert got.shape == (1, 32, 32, 1)
    assert (got == 200).all()


def test_scale_and_shift_bring_mean_and_deviation_to_0_and_1():
    pixels = rng.integers(0, 256, (10_000, 2)).astype(float) * [1.0, 0.3]
    scale, shift = scale_and_shift(pixels.mean(axis=0), pixels.std(axis=0))
    normal = pixels * scale + shift
    assert np.allclose(normal.mean(axis=0), 0, atol=1e-5)
    assert np.allclose(normal.std(axis=0), 1, atol=1e-5)


def test_a_constant_channel_is_not_divided_by_zero():
    scale, shift = scale_and_shift(np.array([7.0]), np.array([0.0]))
    assert scale == (pytest.approx(1 / 255),)
    assert 7 * scale[0] + shift[0] == pytest.approx(0, abs=1e-6)


def test_decoding_at_full_size_and_the_graph_agree_with_a_jpeg_read_by_pillow():
    from skimage import data

    buffer = io.BytesIO()
    Image.fromarray(data.chelsea()).save(buffer, "JPEG")
    pixels = np.asarray(Image.open(io.BytesIO(buffer.getvalue())))
    pillow = np.asarray(Image.fromarray(pixels).resize((64, 64), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(prepare(pixels[None], 64, 64, 3)[0].astype(int) - pillow).max() <= 1
