"""Pictures of values as files: NumPy, Pillow and tifffile read what is written, and write what is read."""

import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from pellucid.errors import DataError
from pellucid.images.values import read_values, write_float_tiff, write_npy


@pytest.fixture(params=[1, 3])
def values(request):
    return np.random.default_rng(0).normal(size=(13, 7, request.param)).astype(np.float32) * 300


def test_what_is_written_others_read(tmp_path, values):
    write_npy(tmp_path / "a.npy", values)
    write_float_tiff(tmp_path / "a.tiff", values)
    assert np.array_equal(np.load(tmp_path / "a.npy"), values)
    found = tifffile.imread(tmp_path / "a.tiff")
    assert found.dtype == np.float32
    assert np.array_equal(found.reshape(values.shape), values)
    assert np.array_equal(read_values(tmp_path / "a.npy"), values)
    assert np.array_equal(read_values(tmp_path / "a.tiff"), values)
    if values.shape[2] == 1:
        assert np.array_equal(np.asarray(Image.open(tmp_path / "a.tiff")), values[:, :, 0])


@pytest.mark.parametrize("order", "<>")
def test_what_others_write_is_read(tmp_path, values, order):
    tifffile.imwrite(tmp_path / "b.tif", values.squeeze(), byteorder=order, rowsperstrip=4)
    assert np.array_equal(read_values(tmp_path / "b.tif"), values)
    np.save(tmp_path / "b.npy", np.asfortranarray(values.squeeze().astype(f"{order}f8")))
    assert np.array_equal(read_values(tmp_path / "b.npy"), values)
    whole = (values[:, :, 0] > 0).astype(np.uint8) * 255
    Image.fromarray(whole).save(tmp_path / "b.png")
    assert np.array_equal(read_values(tmp_path / "b.png"), whole[:, :, None])
    Image.fromarray(whole).save(tmp_path / "c.tif")
    assert read_values(tmp_path / "c.tif").dtype == np.uint8


def test_damaged_and_foreign_files_are_refused(tmp_path, values):
    write_float_tiff(tmp_path / "a.tiff", values)
    write_npy(tmp_path / "a.npy", values)
    for name in ("a.tiff", "a.npy"):
        data = (tmp_path / name).read_bytes()
        for length in (4, 9, 40, 100, len(data) - 1):
            (tmp_path / "cut").write_bytes(data[:length])
            with pytest.raises(DataError):
                read_values(tmp_path / "cut")
    tifffile.imwrite(tmp_path / "d.tif", values.squeeze(), compression="zlib")
    with pytest.raises(DataError, match="not compressed"):
        read_values(tmp_path / "d.tif")
    np.save(tmp_path / "o.npy", np.array([[None]]), allow_pickle=True)
    with pytest.raises(DataError, match="an array of numbers"):
        read_values(tmp_path / "o.npy")
    np.save(tmp_path / "f.npy", np.zeros((2, 3, 4, 5)))
    with pytest.raises(DataError, match="an array of numbers"):
        read_values(tmp_path / "f.npy")
    with pytest.raises(DataError, match="more than 10 pixels"):
        read_values(tmp_path / "a.npy", max_pixels=10)
    with pytest.raises(DataError, match="more than 10 pixels"):
        read_values(tmp_path / "a.tiff", max_pixels=10)


def test_a_header_that_lies_takes_no_memory(tmp_path):
    head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (6000, 6000, 4000), }\n"
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head)
    with pytest.raises(DataError, match="cut short"):
        read_values(tmp_path / "x.npy")
