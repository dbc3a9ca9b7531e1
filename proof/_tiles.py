"""Tiles of the photographs that come with scikit-image and scikit-learn: more pictures of what there is.

    python proof/_tiles.py FOLDER      writes them as PNG

Each photograph whole, and cut into squares of 160 pixels that don't overlap, spread evenly over it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 160
MOST = 12  # tiles of one photograph, evenly taken
# Of scikit-image, without the microscope's and the documents; scikit-learn has china and flower.
NAMES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "hubble_deep_field.jpg",
         "camera.png", "coins.png", "moon.png", "brick.png", "grass.png", "gravel.png")  # fmt: skip


def photographs() -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Every photograph's name and pixels, uint8 [height, width, 1 or 3]."""
    from skimage import data
    from sklearn.datasets import load_sample_images

    folder = Path(data.__file__).parent
    for name in NAMES:
        pixels = np.asarray(Image.open(folder / name))
        yield name.partition(".")[0], pixels[:, :, None] if pixels.ndim == 2 else pixels[:, :, :3]
    for name, pixels in zip(("china", "flower"), load_sample_images().images, strict=True):
        yield name, np.asarray(pixels)


def tiles() -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """The photographs, and their tiles, named after their row and column."""
    for name, pixels in photographs():
        yield name, pixels
        tops, lefts = (_starts(n) for n in pixels.shape[:2])
        places = [(top, left) for top in tops for left in lefts]
        kept = np.unique(np.linspace(0, len(places) - 1, min(MOST, len(places))).round().astype(int))
        for top, left in (places[place] for place in kept):
            yield f"{name}-{top:04}-{left:04}", pixels[top : top + SIDE, left : left + SIDE]


def _starts(n: int) -> list[int]:
    count = n // SIDE
    spare = n - count * SIDE
    return [place * SIDE + round(spare * (place + 0.5) / count) for place in range(count)]


if __name__ == "__main__":
    into = Path(sys.argv[1])
    into.mkdir(parents=True, exist_ok=True)
    for name, pixels in tiles():
        Image.fromarray(pixels.squeeze()).save(into / f"{name}.png")
