"""The pictures of a run: found, brought to one size in the cache, and split."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.onnxruntime import Session
from pellucid.errors import DataError
from pellucid.images import Source, Split, split
from pellucid.images.reading import picture_shape
from pellucid.images.sources import ArraySource, FileSource
from pellucid.model import Preprocessing, preprocessing_bytes, scale_and_shift
from pellucid.model.preprocessing import IMAGE, PIXELS
from pellucid.training.cache import Cache, open_cache
from pellucid.training.defaults import Facts, facts_of
from pellucid.training.settings import Settings

SAMPLE = 200  # headers read to learn the usual size


@dataclass(frozen=True, eq=False)
class Data:
    """Everything that training and the model's card need of the pictures."""

    source: Source
    cache: Cache
    split: Split
    preprocessing: Preprocessing


def find_facts(source: Source) -> Facts:
    """The usual size, from the headers of some pictures spread over the whole source."""
    if isinstance(source, ArraySource):
        return facts_of(source, [source.pixels.shape[1:4]])
    assert isinstance(source, FileSource)
    rows = np.unique(np.linspace(0, len(source) - 1, SAMPLE).astype(int))
    shapes = []
    for row in rows:
        try:
            shapes.append(picture_shape(source.file(int(row))))
        except DataError:
            continue  # it is listed when the cache meets it
    return facts_of(source, shapes or [(32, 32, 3)])


def load_data(settings: Settings, source: Source, progress: Callable[[int, int], None] | None) -> Data:
    """Fill or open the cache, split, and measure the training pixels. The settings' size is resolved."""
    assert settings.height and settings.width and settings.channels
    channels = settings.channels
    raw = Preprocessing(
        height=settings.height,
        width=settings.width,
        channels=channels,
        fit=settings.fit,
        scale=(1.0,) * channels,
        shift=(0.0,) * channels,
    )
    shape = (settings.height, settings.width, channels)
    as_they_are = isinstance(source, ArraySource) and source.pixels.shape[1:] == shape
    cache = open_cache(
        source, None if as_they_are else _prepare(raw), key_extra=_key(raw), shape=shape, progress=progress
    )
    found = split(
        source.labels, source.parts, cache.digests, settings.split_seed, source.classes, cache.readable
    )
    if not len(found.train):
        raise DataError(
            "There are no pictures to train on",
            where=source.where,
            received=f"{len(source):,} pictures found",
        )
    scale, shift = scale_and_shift(*_mean_and_deviation(cache.pixels, found.train))
    return Data(source, cache, found, raw.model_copy(update={"scale": scale, "shift": shift}))


def _prepare(preprocessing: Preprocessing) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Raw pixels [N, any height, any width, channels] to the training size, by the model's own graph."""
    session = Session(preprocessing_bytes(preprocessing), "preprocessing", threads=1)

    def prepare(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return session.run({IMAGE: np.ascontiguousarray(pixels)}, PIXELS).astype(np.uint8, copy=False)

    return prepare


def _key(preprocessing: Preprocessing) -> str:
    """What the cached pixels depend on beside the pictures."""
    import onnxruntime

    parts = preprocessing.model_dump(exclude={"scale", "shift"}) | {"onnxruntime": onnxruntime.__version__}
    return json.dumps(parts, sort_keys=True)


def _mean_and_deviation(
    pixels: NDArray[np.uint8], rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each channel, over the training pictures: exact sums of whole numbers, piece by piece."""
    channels = pixels.shape[3]
    total, squares = np.zeros(channels), np.zeros(channels)
    for start in range(0, len(rows), 2048):
        piece = pixels[rows[start : start + 2048]]
        for channel in range(channels):
            counts = np.bincount(piece[..., channel].ravel(), minlength=256)
            total[channel] += counts @ np.arange(256)
            squares[channel] += counts @ np.arange(256) ** 2
    count = len(rows) * pixels.shape[1] * pixels.shape[2]
    mean = total / count
    return mean, np.sqrt(np.maximum(squares / count - mean**2, 0))
