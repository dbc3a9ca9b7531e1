"""Pictures and labels that are NumPy arrays already."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.images.reading import MAX_PIXELS, Pixels
from pellucid.images.sources import ArraySource, Labels, check_classes, class_order


def arrays_source(images: Any, labels: Any, name: str = "arrays") -> ArraySource:
    """A Source from images [n, height, width] or [n, height, width, 1 or 3] and labels [n].

    uint8 images are used as they are, without a copy. Whole numbers from 0 to 255 are taken as that, True
    and False as white and black, fractions between 0 and 1 as shares of white. Labels are whole numbers or
    text; the classes are their different values, in class_order. Raises DataError.
    """
    pixels = _pixels(_array(images, "images"))
    values = _array(labels, "labels")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(
            "Labels have one value for each picture",
            where="labels",
            received=f"shape {list(values.shape)}",
            remedy="for one-hot rows, give labels.argmax(axis=1)" if values.ndim == 2 else "give shape [n]",
        )
    if len(values) != len(pixels):
        raise DataError(
            "The number of labels differs from the number of pictures",
            received=f"{len(pixels):,} pictures, {len(values):,} labels",
            remedy="give one label for each picture",
        )
    classes, places = _classes(values)
    parts = np.full(len(places), "", dtype="<U10")
    check_classes(classes, places, parts, "labels")
    return ArraySource(name=name, where=name, classes=classes, labels=places, parts=parts, pixels=pixels)


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


def _pixels(images: NDArray) -> Pixels:
    shape = list(images.shape)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4:
        remedy = "give images.reshape(n, height, width)" if images.ndim == 2 else ""
        raise _wrong("Images are [n, height, width] or [n, height, width, channels]", shape, remedy)
    if 0 in shape:
        raise _wrong("There are no pictures in this array", shape, "give at least two pictures")
    if images.shape[3] not in (1, 3):
        first = images.shape[1] in (1, 3)
        remedy = "give images.transpose(0, 2, 3, 1)" if first else "give 1 channel (grey) or 3 (RGB)"
        raise _wrong("Images have 1 or 3 channels, last", shape, remedy)
    if images.shape[1] * images.shape[2] > MAX_PIXELS:
        raise _wrong(f"The pictures have more than {MAX_PIXELS:,} pixels each", shape, "make smaller copies")
    return _as_uint8(images)


def _as_uint8(images: NDArray) -> Pixels:
    kind = images.dtype.kind
    if images.dtype == np.uint8:
        return images
    if kind == "b":
        return images.astype(np.uint8) * np.uint8(255)
    if kind not in "iuf":
        raise _wrong("Pixels are numbers", f"type {images.dtype}", "give uint8 pixels, 0 to 255")
    low, high = images.min(), images.max()
    if not (low >= 0 and high <= 255):  # also when one is not a number
        raise _wrong(
            "Pixels lie between 0 and 255 (or are fractions between 0 and 1)",
            f"values from {low:g} to {high:g}, type {images.dtype}",
            "scale them: ((images - low) / (high - low) * 255).round().astype('uint8')",
        )
    if kind == "f":
        images = np.rint(images * 255 if high <= 1 else images)
    return images.astype(np.uint8)


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


def _wrong(what: str, received: object, remedy: str = "") -> DataError:
    received = f"shape {received}" if isinstance(received, list) else str(received)
    return DataError(what, where="images", received=received, remedy=remedy)
