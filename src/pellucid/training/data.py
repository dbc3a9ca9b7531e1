"""The pictures of a run: found, brought to one size in the cache, and split."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.images import Source, Split, split
from pellucid.images.corrections import Corrected, corrected
from pellucid.images.reading import picture_shape
from pellucid.images.sources import PARTS, ArraySource, FileSource, counted
from pellucid.images.splitting import DROPPED
from pellucid.images.threads import in_threads
from pellucid.model import Preprocessing, pixel_maker, scale_and_shift
from pellucid.storage import shown
from pellucid.training.cache import Cache, open_cache
from pellucid.training.defaults import Facts, facts_of
from pellucid.training.settings import ARRAYS, Settings

SAMPLE = 200  # headers read to learn the usual size
MEASURED = 1 << 28  # most values whose mean and deviation are taken


@dataclass(frozen=True, eq=False)
class Data:
    """Everything that training and the model's card need of the pictures. The labels of `source` are those that hold,
    corrected ones among them; `note` says how many are."""

    source: Source
    cache: Cache
    split: Split
    preprocessing: Preprocessing
    note: str = ""


def find_facts(source: Source) -> Facts:
    """The usual size, from the headers of some pictures spread over the whole source."""
    if isinstance(source, ArraySource):
        return facts_of(source, [source.pixels.shape[1:4]])
    assert isinstance(source, FileSource)
    rows = np.unique(np.linspace(0, len(source) - 1, SAMPLE).astype(int))
    shapes = []
    for row in rows:
        try:
            shapes.append(picture_shape(source.file(int(row)), source.max_pixels))
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
        source, None if as_they_are else pixel_maker(raw), key_extra=_key(raw), shape=shape, progress=progress
    )
    if settings.strict:
        refuse_left_out((*source.left_out, *cache.unreadable), source.where)
    found = split(
        source.labels,
        source.parts,
        cache.digests,
        settings.split_seed,
        source.classes,
        cache.readable,
        source.final,
    )
    labelled = corrected(source, None if settings.data == ARRAYS else settings.data, cache.digests)
    # Divided by the data's own labels, so that a correction moves no picture from one part into another.
    parts = np.where(labelled.excluded & np.isin(found.parts, PARTS), DROPPED, found.parts)
    found, source = replace(found, parts=parts), labelled.source
    _check_kept(labelled, found)
    if not len(found.train):
        raise DataError(
            "There are no pictures to train on",
            where=source.where,
            received=f"{len(source):,} pictures found",
        )
    scale, shift = scale_and_shift(*_mean_and_deviation(cache.pixels, found.train))
    preprocessing = raw.model_copy(update={"scale": scale, "shift": shift})
    return Data(source, cache, found, preprocessing, labelled.note)


def _check_kept(labelled: Corrected, found: Split) -> None:
    """DataError where corrections take the last training picture of a class away."""
    source = labelled.source
    gone = np.setdiff1d(source.labels[np.isin(found.parts, PARTS)], source.labels[found.train])
    if labelled.note and len(gone):
        raise DataError(
            "The corrections leave a class without a picture to train on", where=shown(labelled.file or ""),
            received=", ".join(shown(source.classes[int(label)]) for label in gone[:5]),
            remedy="take one of its rows out of that file, or add pictures of it",
        )  # fmt: skip


def refuse_left_out(left_out: Sequence[tuple[str, str]], where: str) -> None:
    """What --strict does: DataError if anything was found that isn't used."""
    if left_out:
        first = "; ".join(f"{shown(path)}: {reason}" for path, reason in left_out[:3])
        more = f" and {len(left_out) - 3:,} more" if len(left_out) > 3 else ""
        raise DataError(
            f"{counted(len(left_out), 'file')} would be left out, and --strict allows none",
            where=where,
            received=first + more,
            remedy="mend or remove them, or leave out --strict: they are then listed and passed over",
        )


def _key(preprocessing: Preprocessing) -> str:
    """What the cached pixels depend on beside the pictures."""
    import onnxruntime

    parts = preprocessing.model_dump(exclude={"scale", "shift"}) | {"onnxruntime": onnxruntime.__version__}
    return json.dumps(parts, sort_keys=True)


def _mean_and_deviation(
    pixels: NDArray[np.uint8], rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each channel over the training pictures, from exact sums of whole numbers, piece by piece.

    Where they have more than MEASURED values together, over every second, third, ... of them.
    """
    channels, values = pixels.shape[3], int(np.prod(pixels.shape[1:]))
    rows = rows[:: -(-len(rows) * values // MEASURED)]
    across = pixels.shape[2] * channels
    pictures = max((1 << 20) // values, 1)  # at a time: small enough for the caches, and for sums in 32 bits
    pieces = -(-len(rows) // pictures)
    sums, products = np.zeros((pieces, across), np.uint64), np.zeros((pieces, across), np.uint64)

    def add(number: int) -> None:
        piece = pixels[rows[number * pictures : (number + 1) * pictures]].reshape(-1, across)
        for part in np.array_split(piece, -(-len(piece) // 65_536)):
            sums[number] += part.sum(axis=0, dtype=np.uint32)
            products[number] += np.multiply(part, part, dtype=np.uint16).sum(axis=0, dtype=np.uint32)

    in_threads(pieces, add)
    total, squares = sums.sum(axis=0), products.sum(axis=0)
    count = len(rows) * pixels.shape[1] * pixels.shape[2]
    mean = total.reshape(-1, channels).sum(axis=0) / count
    return mean, np.sqrt(np.maximum(squares.reshape(-1, channels).sum(axis=0) / count - mean**2, 0))
