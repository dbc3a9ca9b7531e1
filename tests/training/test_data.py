"""What training measures of the pixels, held against float64 sums."""

import numpy as np
import pytest

from pellucid.training import data as training_data
from pellucid.training.data import _mean_and_deviation


@pytest.mark.parametrize("shape", [(7, 5, 3, 1), (9, 4, 6, 3), (3, 300, 500, 3), (2, 1, 1, 1)])
def test_mean_and_deviation_by_channel(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    rows = np.arange(0, shape[0], 2)
    mean, deviation = _mean_and_deviation(pixels, rows)
    values = pixels[rows].astype(np.float64)
    np.testing.assert_allclose(mean, values.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(deviation, values.std(axis=(0, 1, 2)), rtol=1e-7, atol=1e-5)


def test_sums_of_white_do_not_overflow():
    pixels = np.full((140_000, 1, 1, 1), 255, np.uint8)
    mean, deviation = _mean_and_deviation(pixels, np.arange(len(pixels)))
    assert (mean, deviation) == (255, 0)


def test_of_very_many_pictures_some_are_measured_spread_evenly(monkeypatch):
    monkeypatch.setattr(training_data, "MEASURED", 1000)
    pixels = np.random.default_rng(1).integers(0, 256, (100, 5, 5, 3), dtype=np.uint8)
    mean, _ = _mean_and_deviation(pixels, np.arange(100))
    np.testing.assert_allclose(mean, pixels[::8].astype(np.float64).mean(axis=(0, 1, 2)))
