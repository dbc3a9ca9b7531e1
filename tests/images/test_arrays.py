"""NumPy arrays as a source."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from pellucid.errors import DataError
from pellucid.images import ArraySource, class_order, open_source

FACES = (data.lfw_subset() * 255).astype(np.uint8)
LABELS = np.array([1] * 100 + [0] * 100)


def opened(images: object, labels: object) -> ArraySource:
    source = open_source((images, labels))
    assert isinstance(source, ArraySource)
    return source


def refused(images: object, labels: object) -> DataError:
    with pytest.raises(DataError) as caught:
        open_source((images, labels))
    return caught.value


def test_uint8_is_used_without_a_copy() -> None:
    source = opened(FACES, LABELS)
    assert np.shares_memory(source.pixels, FACES)
    assert source.pixels.shape == (200, 25, 25, 1)
    assert source.classes == ("0", "1")
    assert source.labels.tolist() == LABELS.tolist()
    assert source.parts.tolist() == [""] * 200
    assert source.path(7) == "7"
    assert np.array_equal(source.read(7)[..., 0], FACES[7])
    assert source.describe() == "arrays · 200 pictures 25x25 grey · 2 classes"


@pytest.mark.parametrize(
    ("labels", "classes", "places"),
    [
        ([10, 2, 2, 10], ("2", "10"), [1, 0, 0, 1]),
        (np.array([-1, 5, 5, 300], dtype=np.int16), ("-1", "5", "300"), [0, 1, 1, 2]),
        (["b10", "b2", "a", "a"], ("a", "b2", "b10"), [2, 1, 0, 0]),
        (np.array(["x", "y", "x", "y"], dtype=object), ("x", "y"), [0, 1, 0, 1]),
        (np.array([3, 4, 3, 4], dtype=object), ("3", "4"), [0, 1, 0, 1]),
        ([True, False, True, True], ("False", "True"), [1, 0, 1, 1]),
        ([[1], [0], [1], [0]], ("0", "1"), [1, 0, 1, 0]),
        (np.array([2**63, 1, 1, 1], dtype=np.uint64), ("1", str(2**63)), [1, 0, 0, 0]),
    ],
)
def test_labels_of_many_kinds(labels: object, classes: tuple[str, ...], places: list[int]) -> None:
    source = opened(FACES[:4], labels)
    assert source.classes == classes
    assert source.labels.tolist() == places
    assert source.labels.dtype == np.int64


def test_pixels_of_many_kinds() -> None:
    images, labels = FACES[:4], [0, 1, 0, 1]
    expected = images[..., None]
    for same in [images.astype(np.int64), images.astype(np.float32), images / 255, images.tolist()]:
        assert np.array_equal(opened(same, labels).pixels, expected)
    assert np.array_equal(opened(images > 99, labels).pixels, (expected > 99) * 255)
    assert opened(np.stack([images] * 3, axis=-1), labels).pixels.shape == (4, 25, 25, 3)


@pytest.mark.parametrize(
    ("images", "what", "remedy"),
    [
        (FACES.reshape(200, -1), "Images are [n, height, width]", "reshape"),
        (np.zeros((200, 3, 25, 25), np.uint8), "Images have 1 or 3 channels, last", "transpose(0, 2, 3, 1)"),
        (np.zeros((200, 25, 25, 4), np.uint8), "Images have 1 or 3 channels, last", "1 channel"),
        (np.zeros((200, 0, 25), np.uint8), "There are no pictures in this array", ""),
        (FACES.astype(int) - 1, "Pixels lie between 0 and 255", "scale them"),
        (FACES.astype(np.uint16) * 257, "Pixels lie between 0 and 255", "scale them"),
        (np.where(FACES > 250, np.nan, FACES), "Pixels lie between 0 and 255", "scale them"),
        (FACES.astype(complex), "Pixels are numbers", "uint8"),
        (FACES.astype(str), "Pixels are numbers", "uint8"),
        (np.broadcast_to(np.uint8(0), (200, 10_000, 10_000)), "The pictures have more than 40,000,000", ""),
    ],
)
def test_bad_images(images: np.ndarray, what: str, remedy: str) -> None:
    error = refused(images, LABELS)
    assert error.what.startswith(what)
    assert error.received
    assert remedy in error.remedy


def test_ragged_images() -> None:
    assert refused([np.zeros((2, 2)), np.zeros((3, 2))], [0, 1]).what == "The images differ in shape"


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        (LABELS[:199], "The number of labels differs from the number of pictures"),
        (np.eye(2)[LABELS], "Labels have one value for each picture"),
        (LABELS.astype(float), "Labels are whole numbers or text"),
        (np.array([None, 1] * 100, dtype=object), "Labels are whole numbers or text"),
        (np.array(["a", 1] * 100, dtype=object), "Labels are whole numbers or text"),
        (np.zeros(200, int), "There is only one class, and a classifier needs two or more"),
    ],
)
def test_bad_labels(labels: np.ndarray, what: str) -> None:
    error = refused(FACES, labels)
    assert error.what == what
    assert error.received


def test_one_hot_says_what_to_do() -> None:
    assert "argmax(axis=1)" in refused(FACES, np.eye(2)[LABELS]).remedy


def test_not_a_pair() -> None:
    for value in [(FACES,), (FACES, LABELS, 1), 7, None, FACES]:
        with pytest.raises(DataError):
            open_source(value)  # type: ignore[arg-type]


def test_a_source_is_a_source() -> None:
    source = opened(FACES, LABELS)
    assert open_source(source) is source


def test_the_fingerprint_follows_pixels_labels_and_classes() -> None:
    first = opened(FACES, LABELS).fingerprint
    assert opened(FACES.copy(), LABELS.copy()).fingerprint == first
    changed = FACES.copy()
    changed[3, 3, 3] ^= 1
    others = [opened(changed, LABELS), opened(FACES, 1 - LABELS), opened(FACES, LABELS + 1)]
    assert len({first, *(source.fingerprint for source in others)}) == 4
    assert opened(FACES.reshape(200, 5, 125), LABELS).fingerprint != first


@given(st.sets(st.integers(-(10**6), 10**6)))
def test_numbers_are_ordered_as_numbers(numbers: set[int]) -> None:
    assert class_order(str(number) for number in numbers) == tuple(str(number) for number in sorted(numbers))


@given(st.lists(st.text(max_size=5)), st.randoms())
def test_class_order_does_not_depend_on_the_order_given(names: list[str], random: object) -> None:
    shuffled = list(names)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert class_order(shuffled) == class_order(names)
    assert sorted(class_order(names)) == sorted(set(names))


@given(st.text("ab", max_size=3), st.integers(0, 10**20), st.integers(0, 10**20))
def test_numbers_inside_names_count_as_numbers(start: str, one: int, other: int) -> None:
    low, high = sorted({one, other})[0], sorted({one, other})[-1]
    names = {f"{start}x{low}y", f"{start}x{high}y"}
    assert class_order(names)[0] == f"{start}x{low}y"
