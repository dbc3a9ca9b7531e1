"""Class weights: when they are on, what they are, and that all faces of a run agree on it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from pellucid.training.class_weights import class_counts, class_weights, note, resolve
from pellucid.training.settings import Settings

COUNTS = st.lists(st.integers(0, 5000), min_size=2, max_size=20).filter(any)


@given(COUNTS, st.sampled_from(["damped", "balanced"]))
def test_the_mean_over_the_pictures_is_1_and_rarer_classes_count_more(counts, kind):
    counts = np.array(counts)
    weights = np.array(class_weights(kind, counts))
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1)
    assert (weights[counts == 0] == 0).all()
    there = np.flatnonzero(counts)
    power = {"damped": 0.5, "balanced": 1}[kind]
    for one in there:
        np.testing.assert_allclose(weights[one] / weights[there], (counts[there] / counts[one]) ** power)


@given(COUNTS)
def test_balanced_ones_are_scikit_learns(counts):
    counts = np.array(counts)
    labels = np.repeat(np.arange(len(counts)), counts)
    there = np.unique(labels)
    expected = compute_class_weight("balanced", classes=there, y=labels)
    weights = class_weights("balanced", class_counts(labels, len(counts)))
    np.testing.assert_allclose(np.array(weights)[there], expected)


@pytest.mark.parametrize(
    ("counts", "found"),
    [
        ([100, 100], "none"), ([299, 100], "none"), ([300, 100], "damped"), ([5, 0, 5], "none"),
        ([5, 0, 1], "damped"), ([7, 0], "none"),
    ],
)  # fmt: skip
def test_auto_decides_by_the_counts(counts, found):
    assert resolve(Settings(), np.array(counts)).class_weights == found


@pytest.mark.parametrize("asked", ["damped", "balanced", "none"])
def test_what_was_asked_is_kept(asked):
    settings = Settings(class_weights=asked)
    for counts in ([100, 100], [1000, 10]):
        assert resolve(settings, np.array(counts)) == settings
        assert (class_weights(asked, np.array(counts)) is None) == (asked == "none")


def test_the_note_says_how_lopsided_and_how_much():
    counts = np.array([1200, 40, 0])
    assert note(class_weights("damped", counts), counts) == (
        "classes are lopsided (1,200 to 40): rarer ones count more in the loss, by up to 5.5 x; "
        "--class-weights none turns it off"
    )
