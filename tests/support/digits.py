"""A folder of real pictures that trains in a moment: scikit-learn's 8x8 digits as PNG files."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

NETWORK = "conv 8 3x3 pad 1, relu, maxpool 2, flatten, dense 10"


def digit_arrays(count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """The first `count` digits: uint8 [n, 8, 8] and their labels [n]."""
    images, labels = load_digits(return_X_y=True)
    return (images[:count].reshape(-1, 8, 8) * 15.9375).round().astype(np.uint8), labels[:count]


def digits_folder(folder: Path, count: int = 200) -> Path:
    """Write `count` digits as folder/CLASS/NUMBER.png."""
    for i, (pixels, label) in enumerate(zip(*digit_arrays(count), strict=True)):
        path = folder / str(label) / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder
