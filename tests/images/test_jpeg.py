"""The fast JPEG decoder gives Pillow's pixels, and reads exactly the files that Pillow reads."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from pellucid.errors import DataError
from pellucid.images import jpeg, read_picture

simplejpeg = pytest.importorskip("simplejpeg", reason="simplejpeg (pellucid[fast]) is not installed")

ASTRONAUT = data.astronaut()


def saved(pixels: np.ndarray, mode: str = "RGB", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def answers(content: bytes, monkeypatch) -> tuple[object, object]:
    """What reading gives with the fast decoder and without it: pixels, or the error's sentence."""

    def answer() -> object:
        try:
            return read_picture(content)
        except DataError as error:
            return error.what

    fast = answer()
    with monkeypatch.context() as context:
        context.setattr(jpeg, "_AVAILABLE", False)
        return fast, answer()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (17, 8), (201, 333)])
@pytest.mark.parametrize("quality", [20, 90])
def test_the_same_pixels(height, width, subsampling, progressive, quality):
    content = saved(
        ASTRONAUT[:height, :width], quality=quality, subsampling=subsampling, progressive=progressive
    )
    with Image.open(io.BytesIO(content)) as picture:
        fast = jpeg.fast_pixels(picture, content)
        assert fast is not None
        np.testing.assert_array_equal(fast, np.asarray(picture))
    np.testing.assert_array_equal(read_picture(content), fast)


def test_grey_has_one_channel():
    content = saved(ASTRONAUT[:40, :50], "L")
    with Image.open(io.BytesIO(content)) as picture:
        fast = jpeg.fast_pixels(picture, content)
        assert fast is not None and fast.shape == (40, 50, 1)
        np.testing.assert_array_equal(fast[:, :, 0], np.asarray(picture))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_are_undone_as_without_it(orientation, monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = orientation
    fast, plain = answers(saved(ASTRONAUT[:30, :50], exif=exif), monkeypatch)
    np.testing.assert_array_equal(fast, plain)


def test_what_it_does_not_know_is_left_to_pillow(monkeypatch):
    for content in (saved(ASTRONAUT[:20, :20], "CMYK"), saved(ASTRONAUT[:20, :20], keep_rgb=True)):
        with Image.open(io.BytesIO(content)) as picture:
            assert jpeg.fast_pixels(picture, content) is None
        fast, plain = answers(content, monkeypatch)
        np.testing.assert_array_equal(fast, plain)


WHOLE = saved(ASTRONAUT[:60, :80], quality=85, subsampling=2)


@settings(max_examples=300)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_as_without_it(data):
    content = bytearray(WHOLE)
    for place in data.draw(st.lists(st.integers(0, len(WHOLE) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    content = bytes(content[: data.draw(st.integers(len(WHOLE) // 2, len(WHOLE)))])
    with pytest.MonkeyPatch.context() as monkeypatch:
        fast, plain = answers(content, monkeypatch)
    if isinstance(plain, str):
        assert fast == plain
    else:
        np.testing.assert_array_equal(fast, plain)


def test_its_version_is_told():
    assert jpeg.decoder_version() == f"simplejpeg {simplejpeg.__version__}"
