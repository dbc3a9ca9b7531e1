"""Pictures and labels that are NumPy arrays already."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.images.reading import MAX_PIXELS, Pixels
from pellucid.images.sources import ArraySource, Labels, check_classes, class_order


def arrays_source(
    images: Any, labels: Any, name: str = "arrays", max_pixels: int = MAX_PIXELS
) -> ArraySource:
    """A Source from images [n, height, width] or [n, height, width, 1 or 3] and labels [n].

    uint8 images are used as they are, without a copy. Whole numbers from 0 to 255 are taken as that, True
    and False as white and black, fractions between 0 and 1 as shares of white. Labels are whole numbers or
    text; the classes are their different values, in class_order. Raises DataError.
    """
    array = _array(images, "images")
    pixels = array.reshape(picture_shape_of(array.shape, max_pixels))
    if pixels.dtype != np.uint8:
        pixels = shades_of([pixels])(pixels)
    values = _flat(_array(labels, "labels"))
    if len(values) != len(pixels):
        raise DataError(
            "The number of labels differs from the number of pictures",
            received=f"{len(pixels):,} pictures, {len(values):,} labels",
            remedy="give one label for each picture",
        )
    return labelled(pixels, [values], np.full(len(pixels), "", dtype="<U10"), name, name)


def labelled(
    pixels: Pixels, labels: Sequence[NDArray], parts: NDArray[np.str_], name: str, where: str
) -> ArraySource:
    """A Source from pixels uint8 [n, height, width, channels], labels in one or more arrays, n together, and
    parts [n]. Raises DataError."""
    values = np.concatenate([_flat(one) for one in labels])
    classes, places = _classes(values)
    check_classes(classes, places, parts, "labels" if where == name else where)
    return ArraySource(name=name, where=where, classes=classes, labels=places, parts=parts, pixels=pixels)


def _flat(values: NDArray) -> NDArray:
    """Labels [n] from [n] or [n, 1]."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(
            "Labels have one value for each picture",
            where="labels",
            received=f"shape {list(values.shape)}",
            remedy="for one-hot rows, give labels.argmax(axis=1)" if values.ndim == 2 else "give shape [n]",
        )
    return values


def _array(values: Any, where: str) -> NDArray:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError(
            f"The {where} differ in shape",
            where=where,
            received=f"{len(values):,} values that make no array",
            remedy="make them equal, or save pictures of many sizes as files in class folders",
        ) from error


def picture_shape_of(
    shape: tuple[int, ...], max_pixels: int = MAX_PIXELS, where: str = "images"
) -> tuple[int, int, int, int]:
    """[n, height, width, channels] of an array of pictures, which may leave out the channels. Raises DataError."""
    found = (*shape, 1) if len(shape) == 3 else shape
    if len(found) != 4:
        remedy = "give images.reshape(n, height, width)" if len(found) == 2 else ""
        raise _wrong(
            "Images are [n, height, width] or [n, height, width, channels]", list(shape), remedy, where
        )
    if 0 in shape:
        raise _wrong("There are no pictures in this array", list(shape), "give at least two pictures", where)
    count, height, width, channels = found
    if channels not in (1, 3):
        first = height in (1, 3)
        remedy = "give images.transpose(0, 2, 3, 1)" if first else "give 1 channel (grey) or 3 (RGB)"
        raise _wrong("Images have 1 or 3 channels, last", list(shape), remedy, where)
    if height * width > max_pixels:
        remedy = "make smaller copies, or allow more: --max-pixels"
        raise _wrong(f"The pictures have more than {max_pixels:,} pixels each", list(shape), remedy, where)
    return count, height, width, channels


Shades = Callable[[NDArray], Pixels]


def shades_of(pieces: Iterable[NDArray]) -> Shades:
    """What turns an array's numbers into uint8, decided from all its pieces together. Raises DataError."""
    low, high, dtype = np.inf, -np.inf, np.dtype(np.uint8)
    for piece in pieces:
        dtype = piece.dtype
        if dtype.kind not in "biuf":
            raise _wrong("Pixels are numbers", f"type {dtype}", "give uint8 pixels, 0 to 255")
        low, high = np.minimum(low, piece.min()), np.maximum(high, piece.max())  # NaN stays NaN
    if not (low >= 0 and high <= 255):
        raise _wrong(
            "Pixels lie between 0 and 255 (or are fractions between 0 and 1)",
            f"values from {low:g} to {high:g}, type {dtype}",
            "scale them: ((images - low) / (high - low) * 255).round().astype('uint8')",
        )

    def shades(images: NDArray) -> Pixels:
        if images.dtype.kind == "b":
            return images.astype(np.uint8) * np.uint8(255)
        if images.dtype.kind == "f":
            images = np.rint(images * 255 if high <= 1 else images)
        return images.astype(np.uint8)

    return shades


def _classes(values: NDArray) -> tuple[tuple[str, ...], Labels]:
    if values.dtype.kind == "O":
        kinds = {"text" if isinstance(value, str) else "number" for value in values}
        whole = all(isinstance(value, (str, int, np.integer)) for value in values)
        if not whole or len(kinds) > 1:
            raise _bad_labels("a mixture, or values that are neither")
        values = values.astype(str)
    if values.dtype.kind not in "iubU":
        raise _bad_labels(f"type {values.dtype}")
    unique, inverse = np.unique(values, return_inverse=True)
    names = [str(value) for value in unique.tolist()]
    classes = class_order(names)
    place = {name: i for i, name in enumerate(classes)}
    return classes, np.array([place[name] for name in names], dtype=np.int64)[inverse]


def _bad_labels(received: str) -> DataError:
    remedy = "give labels.astype(int) or labels.astype(str)"
    return DataError("Labels are whole numbers or text", where="labels", received=received, remedy=remedy)


def _wrong(what: str, received: object, remedy: str = "", where: str = "images") -> DataError:
    received = f"shape {received}" if isinstance(received, list) else str(received)
    return DataError(what, where=where, received=received, remedy=remedy)
