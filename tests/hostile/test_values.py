"""What a person may mistype: a name, an index, a file that is no picture."""

import numpy as np
import pytest

from pellucid.errors import DataError, SettingsError
from pellucid.inside.number import Inside
from pellucid.model.foreign import ForeignModel, Wishes
from pellucid.model.onnx_file import OnnxFile
from support.hostile import whole

PICTURE = np.zeros((8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def model():
    return ForeignModel(OnnxFile(whole().SerializeToString(), "m.onnx"), Wishes(), 1)


@pytest.fixture(scope="module")
def inside(model):
    return Inside(model.opened(PICTURE))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("conf1[0,0,0]", "conv1?"),
        ("", "a name and an index"),
        ("[0]", "nothing of this name"),
        ("conv1", "which value of conv1? Indices are from 0: channel 0 to 11, row 0 to 7, column 0 to 7"),
        ("conv1[12,0,0]", "channel 12 is outside conv1: indices are from 0"),
        ("conv1[0,8,0]", "row 8 is outside"),
        ("conv1[0,-1,0]", "row -1 is outside"),
        ("conv1[0,0]", "3 axes without the batch, the index has 2"),
        ("conv1[0,0,0,0,0]", "3 axes without the batch, the index has 5"),
        ("conv1[a,b,c]", "whole numbers"),
        ("conv1[0,0,0.5]", "whole numbers"),
        ("conv1[]", "the index has 0"),
        ("conv1[0,0,99999999999999999999]", "whole numbers"),
        ("conv1[0,0,0", "nothing of this name"),
        ("conv1[0:2,0,0]", "whole numbers"),
        ("\x1b[31mred", "nothing of this name"),
        ("x" * 100_000, "nothing of this name"),
        ("../../etc/passwd[0]", "nothing of this name"),
    ],
)  # fmt: skip
def test_a_wrong_name_or_index(inside, text, says):
    with pytest.raises(SettingsError) as caught:
        inside.at(text)
    said = str(caught.value)
    assert says in said
    assert caught.value.remedy
    assert said.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3), np.float32), np.zeros((8,), np.uint8),
        np.zeros((0, 8, 3), np.uint8), np.zeros((8, 8, 2), np.uint16), np.array("picture"), None,
        np.full((8, 8, 3), np.nan),
    ],
    ids=repr,
)  # fmt: skip
def test_an_array_of_the_wrong_kind(model, picture):
    with pytest.raises(DataError) as caught:
        model.predict(picture)
    assert caught.value.remedy
    assert caught.value.received


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("text.png", b"this is no picture"),
        ("empty.png", b""),
        ("half.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
        ("model.png", whole().SerializeToString()),
        ("zeros.jpg", bytes(10_000)),
    ],
)
def test_a_file_that_is_no_picture(model, tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError) as caught:
        model.predict(tmp_path / name)
    assert name in str(caught.value)
    with pytest.raises(DataError):
        model.predict(tmp_path / "none.png")
    with pytest.raises(DataError):
        model.predict(tmp_path)


def test_pixels_that_are_none_of_a_picture(model):
    for pixels in (
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.int32),
        np.zeros((0, 8, 3), np.uint8),
    ):
        with pytest.raises(DataError):
            model.opened(pixels)
