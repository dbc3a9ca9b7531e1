"""Augmentation is a pure function of (seed, epoch, index), inside the limits that the settings name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.training.augmentation import augment
from pellucid.training.settings import AugmentationSettings

ALL = AugmentationSettings(
    shift=0.1, rotate=20, zoom=0.2, flip=True, brightness=0.2, contrast=0.3, erase=0.25
)
ROWS = np.arange(20_000).reshape(10, 2000)


def parts(variation):
    return variation.affine, variation.gain, variation.offset, variation.erase


@given(st.integers(0, 2**63 - 1), st.integers(0, 1000), st.permutations(range(20)))
def test_it_depends_on_seed_epoch_and_picture_alone(seed, epoch, order):
    rows = np.arange(100, 120)
    whole = augment(ALL, seed, epoch, rows, 28, 30)
    shuffled = augment(ALL, seed, epoch, rows[order].reshape(4, 5), 28, 30)
    for a, b in zip(parts(whole), parts(shuffled), strict=True):
        assert np.array_equal(a[order], b.reshape(20, *b.shape[2:]))


def test_another_seed_or_epoch_gives_other_numbers():
    first = augment(ALL, 0, 0, ROWS, 28, 28)
    for other in (augment(ALL, 1, 0, ROWS, 28, 28), augment(ALL, 0, 1, ROWS, 28, 28)):
        assert np.mean((first.affine == other.affine).all(axis=(-2, -1))) < 0.02
        assert np.mean(first.gain == other.gain) < 0.01


def test_nothing_asked_is_nothing_done():
    assert augment(AugmentationSettings(), 0, 0, ROWS, 28, 28) is None


def test_whole_shifts_move_pixels_and_are_equally_likely():
    variation = augment(AugmentationSettings(shift=2 / 28), 3, 1, ROWS, 28, 28)
    assert np.array_equal(variation.affine[..., :2], np.broadcast_to(np.eye(2), (10, 2000, 2, 2)))
    for axis in (0, 1):
        values, counts = np.unique(variation.affine[..., axis, 2], return_counts=True)
        assert values.tolist() == [-2, -1, 0, 1, 2]
        assert np.abs(counts - 4000).max() < 5 * np.sqrt(20_000 * 0.2 * 0.8)


def test_rotation_zoom_and_flip_stay_in_their_limits():
    affine = augment(ALL, 0, 0, ROWS, 28, 28).affine.astype(float)
    mirrored = np.linalg.det(affine[..., :2]) < 0
    assert abs(mirrored.mean() - 0.5) < 0.02
    unmirrored = affine[..., :2] * np.where(mirrored, -1, 1)[..., None, None] * [1, 1]
    unmirrored[..., :, 0] *= np.where(mirrored, -1, 1)[..., None]
    factor = np.sqrt(np.abs(np.linalg.det(affine[..., :2])))
    assert factor.min() >= 1 / 1.2 - 1e-6
    assert factor.max() <= 1.2 + 1e-6
    assert abs(np.log(factor).mean()) < 0.01
    angle = np.rad2deg(np.arctan2(affine[..., 1, 0], affine[..., 0, 0]))
    assert np.abs(angle).max() <= 20 + 1e-4
    assert np.abs(angle).max() > 19
    turned = affine[..., 1, 0] != 0
    assert np.abs(affine[turned][..., 2]).max() <= 2.8 + 1e-6


def test_every_second_picture_stays_sharp():
    affine = augment(ALL, 0, 0, ROWS, 28, 28).affine
    sharp = (np.abs(affine[..., :2]) == np.eye(2)).all(axis=(-2, -1)) & (affine[..., 2] % 1 == 0).all(axis=-1)
    assert abs(sharp.mean() - 0.5) < 0.02
    assert np.abs(affine[sharp][..., 2]).max() == 3  # a tenth of 28, in whole pixels


@pytest.mark.parametrize("name", ["brightness", "contrast"])
def test_light_changes_keep_to_their_limits(name):
    variation = augment(AugmentationSettings(**{name: 0.2}), 0, 0, ROWS, 28, 28)
    grey = variation.gain * 127.5 + variation.offset
    if name == "brightness":
        assert np.allclose(variation.gain, 1)
        assert np.abs(grey - 127.5).max() <= 51.001
        assert np.abs(grey - 127.5).max() > 50
    else:
        assert np.allclose(grey, 127.5, atol=1e-3)
        assert variation.gain.min() >= 1 / 1.2 - 1e-5
        assert variation.gain.max() <= 1.2 + 1e-5


def test_erased_boxes_lie_inside_the_picture():
    box = augment(AugmentationSettings(erase=0.25), 0, 0, ROWS, 32, 40).erase
    top, left, bottom, right = np.moveaxis(box, -1, 0)
    assert (top >= 0).all() and (top < bottom).all() and (bottom <= 32).all()
    assert (left >= 0).all() and (left < right).all() and (right <= 40).all()
    assert (bottom - top).max() == 8
    assert (right - left).max() == 10
