"""Pictures to a network's size, `image -> pixels`, by compiled code wherever that has the model file's own bits.

The graph of preprocessing.py says what the pixels are. The compiled resize does the same arithmetic as onnxruntime's
in a tenth of the time; before it is used, both prepare some small pictures, and if another onnxruntime computes
otherwise, it does all the work itself.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.onnxruntime import Session
from pellucid.model.preprocessing import IMAGE, LUMA, PIXELS, Preprocessing
from pellucid.model.write import preprocessing_bytes
from pellucid.native import native

Pixels = NDArray[np.uint8]

# Larger and smaller than most networks' pictures, flat, tall, and a single pixel.
_TRIED = ((97, 131, 3), (11, 7, 3), (3, 300, 1), (259, 2, 3), (1, 1, 1))


def pixel_maker(preprocessing: Preprocessing) -> Callable[[Pixels], Pixels]:
    """What turns raw pictures uint8 [n, any height, any width, 1 or 3] into the network's size, [n, h, w, c].

    Pictures of that size and colour already come back as they are. It may be called from several threads at once.
    """
    target = (preprocessing.height, preprocessing.width, preprocessing.channels)
    alone = Lock()
    ways: list[Callable[[Pixels], Pixels]] = []

    def made(pictures: Pixels) -> Pixels:
        if pictures.shape[1:] == target:
            return pictures
        with alone:
            if not ways:
                ways.append(_way(preprocessing))
        return ways[0](pictures)

    return made


def _way(preprocessing: Preprocessing) -> Callable[[Pixels], Pixels]:
    session = Session(preprocessing_bytes(preprocessing), where="preprocessing", threads=1)

    def by_graph(pictures: Pixels) -> Pixels:
        return session.run({IMAGE: np.ascontiguousarray(pictures)}, PIXELS).astype(np.uint8, copy=False)

    if native is None:
        return by_graph

    def by_native(pictures: Pixels) -> Pixels:
        return native_pixels(preprocessing, pictures)

    same = all(np.array_equal(by_native(picture), by_graph(picture)) for picture in map(_tried, _TRIED))
    return by_native if same else by_graph


def native_pixels(preprocessing: Preprocessing, pictures: Pixels, instructions: str = "") -> Pixels:
    """The same by compiled code alone; `instructions` asks for one of native.instructions()."""
    assert native is not None
    wanted = (preprocessing.height, preprocessing.width)
    size, offset = placed(preprocessing, pictures.shape[1], pictures.shape[2])
    target = np.empty((len(pictures), *wanted, preprocessing.channels), np.uint8)
    native.resize(np.ascontiguousarray(pictures), size, offset, target, LUMA, instructions)
    return target


def placed(preprocessing: Preprocessing, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The size that a picture is resized to, and where in that the network's part begins (below 0: in the padding).

    Computed in float32, as the graph computes it.
    """
    target = np.array((preprocessing.height, preprocessing.width))
    if preprocessing.fit == "stretch":
        return (preprocessing.height, preprocessing.width), (0, 0)
    old = np.array((height, width), np.float32)
    factors = target.astype(np.float32) / old
    factor = factors.min() if preprocessing.fit == "pad" else factors.max()
    sides = np.floor(old * factor + np.float32(0.5)).astype(np.int64)
    size = (
        np.maximum(np.minimum(sides, target), 1) if preprocessing.fit == "pad" else np.maximum(sides, target)
    )
    spare = abs(size - target) // 2
    offset = -spare if preprocessing.fit == "pad" else spare
    return (int(size[0]), int(size[1])), (int(offset[0]), int(offset[1]))


def _tried(shape: tuple[int, int, int]) -> Pixels:
    """A picture with all values and hard edges."""
    values = np.arange(np.prod(shape), dtype=np.uint64)
    return (values * values * 2654435761 >> 7 & 255).astype(np.uint8).reshape(1, *shape)
