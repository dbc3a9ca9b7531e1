"""Thumbnails against Pillow: small pictures pixel for pixel, large ones within the side and near the original."""

import io

import numpy as np
import pytest
from PIL import Image

from pellucid.images.thumbnail import thumbnail


def decoded(found):
    picture = Image.open(io.BytesIO(found.data))
    assert Image.MIME[picture.format] == found.media
    assert picture.size == (found.width, found.height)
    return np.asarray(picture)


@pytest.mark.parametrize("shape", [(1, 1, 1), (28, 28, 1), (40, 7, 3)])
def test_small_pictures_are_exact(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(decoded(thumbnail(pixels)).reshape(shape), pixels)


@pytest.mark.parametrize(
    ("shape", "size"), [((300, 600, 3), (96, 48)), ((2000, 2, 1), (1, 96)), ((60, 50, 3), (50, 60))]
)
def test_large_pictures_are_shrunk(shape, size):
    across = np.linspace(0, 255, shape[1])[None, :, None] * np.ones(shape)
    found = thumbnail(across.astype(np.uint8))
    assert (found.width, found.height) == size
    pixels = decoded(found).reshape(size[1], size[0], -1)
    expected = np.linspace(0, 255, size[0]) if size[0] > 1 else [across.mean()]
    assert np.abs(pixels.mean(axis=(0, 2)) - expected).max() < 6
