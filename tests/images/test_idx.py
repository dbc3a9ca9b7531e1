"""IDX files and the built-in MNIST, against a reader that is a plain loop over struct."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

import pellucid.images.builtin
from pellucid.errors import DataError
from pellucid.images import ArraySource, open_source

BUILTIN = Path(pellucid.images.builtin.__file__).parent / "mnist"
TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def idx(array: np.ndarray) -> bytes:
    return (
        struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    )


def plain_loop(path: Path) -> list[list[list[int]]]:
    """IDX as its page describes it, value by value."""
    with gzip.open(path) as file:
        zero, kind, axes = struct.unpack(">HBB", file.read(4))
        assert (zero, kind) == (0, 8)
        lengths = struct.unpack(f">{axes}I", file.read(4 * axes))
        first = [
            [struct.unpack("B", file.read(1))[0] for _ in range(lengths[1])] for _ in range(lengths[2] * 3)
        ]
        return [first[i * lengths[1] : (i + 1) * lengths[1]] for i in range(3)]


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (9, 4, 6), dtype=np.uint8), np.array([1, 2, 10] * 3, dtype=np.uint8)


def write(folder: Path, name: str, images: np.ndarray, labels: np.ndarray, gz: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    end = ".gz" if gz else ""
    for kind, array in [("images-idx3", images), ("labels-idx1", labels)]:
        data = idx(array)
        (folder / f"{name}{kind}-ubyte{end}").write_bytes(gzip.compress(data) if gz else data)
    return folder / f"{name}images-idx3-ubyte{end}"


def refused(path: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        open_source(path)
    assert caught.value.where
    return caught.value


def test_mnist() -> None:
    source = open_source("mnist")
    assert isinstance(source, ArraySource)
    assert source.describe() == "MNIST · 70,000 pictures 28x28 grey · 10 classes"
    assert source.classes == tuple("0123456789")
    assert source.pixels.shape == (70_000, 28, 28, 1)
    assert source.pixels.dtype == np.uint8
    assert source.labels.dtype == np.int64
    train, test = source.parts == "train", source.parts == "test"
    assert np.bincount(source.labels[train]).tolist() == TRAIN_COUNTS
    assert np.bincount(source.labels[test]).tolist() == TEST_COUNTS
    assert train[:60_000].all() and test[60_000:].all()
    assert source.pixels[:3, :, :, 0].tolist() == plain_loop(BUILTIN / "train-images-idx3-ubyte.gz")
    assert source.pixels[60_000:60_003, :, :, 0].tolist() == plain_loop(BUILTIN / "t10k-images-idx3-ubyte.gz")
    assert source.labels[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    assert source.labels[60_000:60_004].tolist() == [7, 2, 1, 0]
    assert source.fingerprint == open_source(BUILTIN).fingerprint


@pytest.mark.parametrize("gz", [False, True])
def test_a_folder_and_a_file(tmp_path: Path, pair: tuple[np.ndarray, np.ndarray], gz: bool) -> None:
    images, labels = pair
    write(tmp_path / "set", "train-", images, labels, gz)
    file = write(tmp_path / "set", "t10k-", images[:4] // 2, labels[:4], gz)
    source = open_source(tmp_path / "set")
    assert isinstance(source, ArraySource)
    assert source.name == "set"
    assert source.classes == ("1", "2", "10")
    assert source.labels.tolist() == [0, 1, 2] * 3 + [0, 1, 2, 0]
    assert source.parts.tolist() == ["train"] * 9 + ["test"] * 4
    assert np.array_equal(source.pixels[..., 0], np.concatenate([images, images[:4] // 2]))
    assert np.array_equal(source.read(2)[..., 0], images[2])
    alone = open_source(file)
    assert alone.parts.tolist() == [""] * 4
    assert alone.labels.tolist() == [0, 1, 2, 0]


def test_names_as_people_have_them(tmp_path: Path, pair: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = pair
    (tmp_path / "train-images.idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "train-labels.idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    assert len(open_source(tmp_path)) == 9
    (tmp_path / "train-images.idx3-ubyte").rename(tmp_path / "other-images.idx3-ubyte")
    error = refused(tmp_path)
    assert error.what == "The labels of these pictures are missing"
    assert error.received == "no other-labels.idx1-ubyte or other-labels.idx1-ubyte.gz beside it"


def test_colour_with_four_axes(tmp_path: Path, pair: tuple[np.ndarray, np.ndarray]) -> None:
    images = np.stack([pair[0]] * 3, axis=-1)
    (tmp_path / "images-idx4-ubyte").write_bytes(idx(images))
    (tmp_path / "labels-idx1-ubyte").write_bytes(idx(pair[1]))
    source = open_source(tmp_path)
    assert isinstance(source, ArraySource)
    assert np.array_equal(source.pixels, images)


def test_several_sets_in_one_folder(tmp_path: Path, pair: tuple[np.ndarray, np.ndarray]) -> None:
    write(tmp_path, "letters-train-", *pair)
    file = write(tmp_path, "digits-train-", *pair)
    error = refused(tmp_path)
    assert error.what == "Which of these IDX files is meant?"
    assert error.received == "digits-train-images-idx3-ubyte and letters-train-images-idx3-ubyte"
    assert len(open_source(file)) == 9


def test_only_test(tmp_path: Path, pair: tuple[np.ndarray, np.ndarray]) -> None:
    write(tmp_path, "t10k-", *pair)
    assert refused(tmp_path).what == "There are no IDX files of pictures to train on here"


def test_classes_only_in_test(tmp_path: Path, pair: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = pair
    write(tmp_path, "train-", images, labels)
    write(tmp_path, "test-", images, labels + 1)
    error = refused(tmp_path)
    assert error.what == "These classes are in test but not in train"
    assert error.received == "only in test: 3, 11; in train: 1, 2, 10"


def corrupted(field: str, pictures: bytes) -> tuple[bytes, str, str]:
    """A file of 9 pictures of 4 x 6 with one thing wrong, the field's name, and what the error received."""
    says = "bytes of values; the header says"
    expected = "expected 0x00000803 or 0x00000804"
    most = b"\xff\xff\xff\xff"
    return {
        "type": (pictures[:2] + b"\x0d" + pictures[3:], "magic number", f"0x00000d03; {expected}"),
        "start": (b"\x01" + pictures[1:], "magic number", f"0x01000803; {expected}"),
        "axes": (pictures[:3] + b"\x01" + pictures[4:], "magic number", f"0x00000801; {expected}"),
        "none": (pictures[:4] + bytes(4) + pictures[8:], "number of pictures", "0; expected at least 1"),
        "rows": (
            pictures[:8] + most + pictures[12:],
            "rows x columns",
            "4,294,967,295 x 6; at most 40,000,000",
        ),
        "count": (
            pictures[:4] + most + pictures[8:],
            "size",
            f"216 {says} 4,294,967,295 x 4 x 6 = 103,079,215,080",
        ),
        "cut": (pictures[:-1], "size", f"215 {says} 9 x 4 x 6 = 216"),
        "long": (pictures + b"x", "size", f"217 {says} 9 x 4 x 6 = 216"),
        "header": (pictures[:9], "rows", "the file ends after 1 of its 4 bytes"),
        "empty": (b"", "magic number", "the file ends after 0 of its 4 bytes"),
    }[field]


@pytest.mark.parametrize(
    "field", ["type", "start", "axes", "none", "rows", "count", "cut", "long", "header", "empty"]
)
@pytest.mark.parametrize("gz", [False, True])
def test_bad_files_name_the_field_and_the_numbers(
    tmp_path: Path, pair: tuple[np.ndarray, np.ndarray], field: str, gz: bool
) -> None:
    file = write(tmp_path, "train-", *pair, gz=gz)
    pictures, name, received = corrupted(field, idx(pair[0]))
    file.write_bytes(gzip.compress(pictures) if gz else pictures)
    error = refused(tmp_path)
    assert error.what == f"This IDX file is not as it should be: {name}"
    assert error.where == str(file)
    if not gz or field not in ("count", "long"):
        assert error.received == received
    elif field == "count":  # compressed, only a bound on the size is known before reading
        assert "too few for the header's 4,294,967,295 x 4 x 6" in error.received
    else:
        assert error.received == "more than 216 bytes of values; the header says 9 x 4 x 6 = 216"


def test_labels_count(tmp_path: Path, pair: tuple[np.ndarray, np.ndarray]) -> None:
    write(tmp_path, "train-", pair[0], pair[1][:8])
    error = refused(tmp_path)
    assert error.what == "The number of labels differs from the number of pictures"
    assert error.received == "9 pictures, 8 labels"


def test_sizes_differ(tmp_path: Path, pair: tuple[np.ndarray, np.ndarray]) -> None:
    write(tmp_path, "train-", *pair)
    write(tmp_path, "test-", pair[0][:, 1:], pair[1])
    assert refused(tmp_path).received == "3x6 and 4x6"


def test_damaged_gzip(tmp_path: Path, pair: tuple[np.ndarray, np.ndarray]) -> None:
    file = write(tmp_path, "train-", *pair, gz=True)
    whole = file.read_bytes()
    for length in range(0, len(whole), 7):
        file.write_bytes(whole[:length])
        assert refused(tmp_path).where == str(file)
    generator = np.random.default_rng(0)
    for _ in range(100):
        broken = bytearray(whole)
        broken[generator.integers(len(whole))] ^= int(generator.integers(1, 256))
        file.write_bytes(broken)
        try:
            assert len(open_source(tmp_path)) == 9  # a harmless byte of gzip's own header
        except DataError as error:
            assert error.where.startswith(str(file))


def test_a_file_that_expands_without_end_is_not_read_to_its_end(
    tmp_path: Path, pair: tuple[np.ndarray, np.ndarray]
) -> None:
    file = write(tmp_path, "train-", *pair, gz=True)
    file.write_bytes(gzip.compress(idx(pair[0]) + bytes(50_000_000)))
    assert refused(tmp_path).received.startswith("more than 216 bytes")
