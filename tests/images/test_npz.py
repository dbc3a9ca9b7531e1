"""`.npz` files as NumPy writes them, and hostile ones."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pellucid.errors import DataError
from pellucid.images import ArraySource, npz, open_source

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 5, 4, 3), dtype=np.uint8)
LABELS = np.arange(12) % 3


def opened(path: Path) -> ArraySource:
    source = open_source(path)
    assert isinstance(source, ArraySource)
    return source


def refused(path: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        open_source(path)
    assert path.name in caught.value.where
    return caught.value


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("limit", [1 << 30, 100])
def test_one_set(tmp_path: Path, save, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz, "MAP_ABOVE", limit)
    save(tmp_path / "set.npz", x=IMAGES, y=LABELS)
    source = opened(tmp_path / "set.npz")
    assert np.array_equal(source.pixels, IMAGES)
    assert source.labels.tolist() == LABELS.tolist()
    assert source.classes == ("0", "1", "2")
    assert source.name == "set"
    mapped = isinstance(source.pixels.base, np.memmap) or isinstance(source.pixels, np.memmap)
    assert mapped == (save is np.savez or limit == 100)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_parts_of_medmnist_and_keras(tmp_path: Path, save) -> None:
    parts = {"train": slice(0, 6), "val": slice(6, 9), "test": slice(9, 12)}
    members = {f"{name}_images": IMAGES[rows] for name, rows in parts.items()}
    members |= {f"{name}_labels": LABELS[rows, None] for name, rows in parts.items()}
    save(tmp_path / "med.npz", **members)
    source = opened(tmp_path / "med.npz")
    assert np.array_equal(source.pixels, IMAGES)
    assert source.parts.tolist() == ["train"] * 6 + ["validation"] * 3 + ["test"] * 3
    save(tmp_path / "keras.npz", x_train=IMAGES[:8, ..., 0], y_train=LABELS[:8], x_test=IMAGES[8:, ..., 0],
         y_test=LABELS[8:])  # fmt: skip
    source = opened(tmp_path / "keras.npz")
    assert np.array_equal(source.pixels, IMAGES[..., :1])
    assert source.parts.tolist() == ["train"] * 8 + ["test"] * 4


def test_other_types_and_orders(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=IMAGES / 255, y=LABELS)
    assert np.array_equal(opened(tmp_path / "a.npz").pixels, IMAGES)
    np.savez(tmp_path / "a.npz", x=np.asfortranarray(IMAGES), y=LABELS)
    assert np.array_equal(opened(tmp_path / "a.npz").pixels, IMAGES)
    np.savez(tmp_path / "a.npz", x_train=IMAGES / 255, y_train=LABELS, x_test=IMAGES, y_test=LABELS)
    assert refused(tmp_path / "a.npz").what == "The arrays of pictures differ in type"


def test_pickles_are_never_read(tmp_path: Path) -> None:
    labels = np.array([open, "a"] * 6, dtype=object)
    np.savez(tmp_path / "a.npz", x=IMAGES, y=np.array([str(v) for v in labels], dtype=object))
    error = refused(tmp_path / "a.npz")
    assert error.what == "This array holds Python objects, and those are never read"
    assert error.where.endswith("a.npz, y.npy")


def test_a_bomb_and_a_lie_are_refused_before_inflating(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz, "BOMB_ABOVE", 1 << 20)
    monkeypatch.setattr(npz, "room", lambda size: pytest.fail("it was inflated"))
    np.savez_compressed(tmp_path / "a.npz", y=LABELS, x=np.zeros((12, 1000, 1000), np.uint8))
    assert refused(tmp_path / "a.npz").what == "This array would grow too much, like a ZIP bomb"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (12, 9999, 9999)}
    )
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(50))
        buffer = io.BytesIO()
        np.save(buffer, LABELS)
        archive.writestr("y.npy", buffer.getvalue())
    with pytest.raises(DataError, match="This array is not as it should be"):
        open_source(tmp_path / "b.npz", 10**9)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damage_and_cuts(tmp_path: Path, save) -> None:
    path = tmp_path / "a.npz"
    save(path, x=IMAGES, y=LABELS)
    data = path.read_bytes()
    for length in [*range(0, len(data), 97), len(data) - 1]:
        path.write_bytes(data[:length])
        refused(path)
    flipped = bytearray(data)
    flipped[500] ^= 1  # within the pixels
    path.write_bytes(flipped)
    refused(path)


def test_which_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", pictures=IMAGES, names=LABELS)
    error = refused(tmp_path / "a.npz")
    assert error.received == "pictures, names"
    np.savez(tmp_path / "a.npz", x=IMAGES, y=LABELS[:5])
    assert refused(tmp_path / "a.npz").what == "The number of labels differs from the number of pictures"
    np.savez(tmp_path / "a.npz", x=IMAGES.reshape(12, -1), y=LABELS)
    assert refused(tmp_path / "a.npz").remedy == "give images.reshape(n, height, width)"
