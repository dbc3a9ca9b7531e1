"""How each picture is varied: a pure function of (seed, epoch, index), drawn here, applied by the engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid import draws
from pellucid.engines.contract import Augmentation
from pellucid.training.settings import AugmentationSettings

_STREAM = 0xA06  # keeps these numbers apart from the order's


def augment(
    settings: AugmentationSettings, seed: int, epoch: int, indices: NDArray[np.int64], height: int, width: int
) -> Augmentation | None:
    """The variations of these pictures in this epoch, shaped as `indices` [steps, batch]; None where there are none.

    Without rotation and zoom, shifts are whole pixels, so that pixels are moved and never mixed. With them, that is
    so for every second picture: a network that had seen mixed pixels alone would be weaker on sharp ones.
    """
    if settings == AugmentationSettings():
        return None

    def signed(stream: int) -> NDArray[np.float64]:
        return 2 * draws.uniform(seed, _STREAM, stream, epoch, indices) - 1

    shift = np.stack([signed(0) * settings.shift * height, signed(1) * settings.shift * width], axis=-1)
    sharp = (signed(9) < 0) | (settings.rotate == 0 and settings.zoom == 0)
    shift = np.where(sharp[..., None], _whole_shifts(settings, shift, height, width), shift)
    angle = np.where(sharp, 0, np.deg2rad(settings.rotate) * signed(2))
    # Larger by f as often as smaller by f: the factor is drawn evenly on a logarithmic scale.
    factor = np.where(sharp, 1, (1 + settings.zoom) ** -signed(3))
    mirror = np.where(settings.flip & (signed(4) < 0), -1.0, 1.0)
    affine = np.empty((*indices.shape, 2, 3), np.float32)
    affine[..., 0, 0] = np.cos(angle) * factor
    affine[..., 0, 1] = -np.sin(angle) * factor * mirror
    affine[..., 1, 0] = np.sin(angle) * factor
    affine[..., 1, 1] = np.cos(angle) * factor * mirror
    affine[..., 2] = shift
    contrast = (1 + settings.contrast) ** signed(5)
    brightness = 255 * settings.brightness * signed(6)
    return Augmentation(
        affine=affine,
        gain=contrast.astype(np.float32),
        offset=(brightness + 127.5 * (1 - contrast)).astype(
            np.float32
        ),  # contrast turns about the middle grey
        erase=_boxes(settings.erase, signed(7), signed(8), height, width),
    )


def _whole_shifts(
    settings: AugmentationSettings, shift: NDArray[np.float64], height: int, width: int
) -> NDArray[np.float64]:
    """Whole pixels, each from -most to most equally often."""
    most = np.round([settings.shift * height, settings.shift * width])
    fraction = np.divide(shift, [settings.shift * height, settings.shift * width], out=np.zeros_like(shift),
                         where=settings.shift > 0)  # fmt: skip
    return np.clip(np.floor((fraction + 1) / 2 * (2 * most + 1)) - most, -most, most)


def _boxes(
    side: float, down: NDArray[np.float64], right: NDArray[np.float64], height: int, width: int
) -> NDArray[np.int32]:
    """Squares of `side` times the picture's sides, their centres anywhere in it, cut off at its border."""
    tall, wide = round(side * height), round(side * width)
    boxes = np.zeros((*down.shape, 4), np.int32)
    if tall and wide:
        top = np.floor((down + 1) / 2 * height).astype(np.int32) - tall // 2
        left = np.floor((right + 1) / 2 * width).astype(np.int32) - wide // 2
        boxes[..., 0], boxes[..., 1] = np.maximum(top, 0), np.maximum(left, 0)
        boxes[..., 2], boxes[..., 3] = np.minimum(top + tall, height), np.minimum(left + wide, width)
    return boxes
