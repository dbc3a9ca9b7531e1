"""Pictures into the network's input, and augmentation against SciPy's affine_transform."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import affine_transform

from pellucid.engines.contract import Augmentation
from pellucid.engines.torch.pictures import Pictures, whole_places

CPU = torch.device("cpu")


def some(n=6, height=9, width=12, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, height, width, channels), dtype=np.uint8)


def same(n, **changed):
    """Augmentation that changes nothing, but for these arrays."""
    parts = {
        "affine": np.tile(np.eye(2, 3, dtype=np.float32), (n, 1, 1)),
        "gain": np.ones(n, np.float32),
        "offset": np.zeros(n, np.float32),
        "erase": np.zeros((n, 4), np.int32),
    } | changed
    return Augmentation(**parts)


def opened(pixels, scale=None, shift=None):
    channels = pixels.shape[3]
    scale = np.ones(channels, np.float32) if scale is None else scale
    shift = np.zeros(channels, np.float32) if shift is None else shift
    return Pictures(pixels, scale, shift, CPU)


def by_scipy(picture, affine):
    """Each channel moved by SciPy: it counts from the corner, the contract from the centre."""
    centre = (np.array(picture.shape[:2]) - 1) / 2
    matrix = affine[:, :2].astype(np.float64)
    offset = affine[:, 2] + centre - matrix @ centre
    planes = [
        affine_transform(picture[..., c].astype(np.float64), matrix, offset, order=1, mode="nearest")
        for c in range(picture.shape[2])
    ]
    return np.stack(planes)


def test_plain_is_scaled_by_channel():
    pixels = some()
    scale, shift = np.array([0.5, 1, 2], np.float32), np.array([1, 0, -3], np.float32)
    got = opened(pixels, scale, shift).plain(torch.tensor([4, 0, 4]))
    expected = (pixels[[4, 0, 4]] * scale.astype(np.float64) + shift).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-6)
    assert got.is_contiguous(memory_format=torch.channels_last)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    size=st.tuples(st.integers(2, 14), st.integers(2, 14)),
    channels=st.sampled_from([1, 3]),
)
def test_affine_is_scipys(seed, size, channels):
    rng = np.random.default_rng(seed)
    pixels = some(4, *size, channels, seed)
    affine = (np.eye(2, 3) + rng.normal(0, 0.4, (4, 2, 3)) * [1, 1, 4]).astype(np.float32)
    affine[2:, :, 1] *= -1  # a mirror
    got = opened(pixels).varied(torch.arange(4), same(4, affine=affine)).numpy()
    for index in range(4):
        np.testing.assert_allclose(got[index], by_scipy(pixels[index], affine[index]), atol=0.02)


@settings(max_examples=60)
@given(
    shifts=st.lists(
        st.tuples(st.integers(-9, 9), st.integers(-9, 9), st.booleans(), st.booleans()),
        min_size=1,
        max_size=5,
    ),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
)
def test_whole_shifts_and_flips_move_bytes_exactly(shifts, size):
    pixels = some(len(shifts), *size, 3)
    affine = np.zeros((len(shifts), 2, 3), np.float32)
    for index, (down, across, upset, mirrored) in enumerate(shifts):
        affine[index] = [[-1 if upset else 1, 0, down], [0, -1 if mirrored else 1, across]]
    assert whole_places(affine, *size) is not None
    got = opened(pixels).varied(torch.arange(len(shifts)), same(len(shifts), affine=affine)).numpy()
    for index, (down, across, upset, mirrored) in enumerate(shifts):
        picture = pixels[index][:: -1 if upset else 1, :: -1 if mirrored else 1]
        # Reading from y + down before the flip is reading from y - down (or + down) after it.
        down, across = -down if upset else down, -across if mirrored else across
        padded = np.pad(picture, ((9, 9), (9, 9), (0, 0)), mode="edge")
        expected = padded[9 + down : 9 + down + size[0], 9 + across : 9 + across + size[1]]
        np.testing.assert_array_equal(got[index], expected.transpose(2, 0, 1))


def test_a_fraction_of_a_pixel_or_a_turn_is_not_whole():
    affine = np.tile(np.eye(2, 3, dtype=np.float32), (3, 1, 1))
    assert whole_places(affine, 5, 5) is not None
    for place, value in (((0, 0), 0.5), ((1, 0), 0.1), ((0, 2), 0.25)):
        changed = affine.copy()
        changed[(1, *place)] = value
        assert whole_places(changed, 5, 5) is None


def test_gain_and_offset_stay_within_bytes():
    pixels = some(2)
    gain, offset = np.array([2, 0.5], np.float32), np.array([-50, 30], np.float32)
    got = opened(pixels).varied(torch.arange(2), same(2, gain=gain, offset=offset)).numpy()
    expected = np.clip(
        pixels * gain[:, None, None, None].astype(np.float64) + offset[:, None, None, None], 0, 255
    )
    np.testing.assert_allclose(got, expected.transpose(0, 3, 1, 2), rtol=1e-5)


def test_an_erased_box_is_zero_for_the_network():
    pixels = some(3)
    shift = np.array([1, 2, 3], np.float32)
    erase = np.array([[2, 3, 5, 12], [0, 0, 0, 0], [0, 0, 9, 12]], np.int32)
    got = opened(pixels, shift=shift).varied(torch.arange(3), same(3, erase=erase)).numpy()
    expected = (pixels + shift).transpose(0, 3, 1, 2)
    expected[0, :, 2:5, 3:12] = 0
    expected[2] = 0
    np.testing.assert_array_equal(got, expected)


def test_a_read_only_map_of_a_file_is_read(tmp_path, recwarn):
    pixels = some(5)
    np.save(tmp_path / "pixels.npy", pixels)
    mapped = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    got = opened(mapped).plain(torch.tensor([3]))
    np.testing.assert_array_equal(got[0].numpy(), pixels[3].transpose(2, 0, 1))
    assert not recwarn.list


@pytest.mark.parametrize("channels", [1, 3])
def test_the_two_ways_agree_where_both_apply(channels):
    pixels = some(2, channels=channels)
    affine = np.tile(np.array([[1, 0, 2], [0, -1, -3]], np.float32), (2, 1, 1))
    exact = opened(pixels).varied(torch.arange(2), same(2, affine=affine))
    affine[1, 0, 2] = np.nextafter(np.float32(2), np.float32(3))  # one picture off the grid by a hair
    turned = opened(pixels).varied(torch.arange(2), same(2, affine=affine))
    torch.testing.assert_close(exact, turned, atol=0.01, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_inputs_lie_channel_last_in_memory(channels):
    """By their strides: with one channel `is_contiguous` says yes to both, but torch chooses kernels by strides."""
    pictures = opened(some(channels=channels))
    turned = same(2, affine=np.tile(np.array([[1, 0.1, 0], [0, 1, 0]], np.float32), (2, 1, 1)))
    for x in (
        pictures.plain(torch.arange(2)),
        pictures.varied(torch.arange(2), same(2)),
        pictures.varied(torch.arange(2), turned),
        pictures.varied(torch.arange(2), same(2, gain=np.full(2, 1.5, np.float32))),
    ):
        assert x.stride() == (9 * 12 * channels, 1, 12 * channels, channels)
