"""Reliability against scikit-learn's calibration_curve, abstention against counting, the temperature undone."""

import numpy as np
import pytest
import sklearn.calibration
from hypothesis import given
from hypothesis import strategies as st

from pellucid.evaluation import abstention, calibration, evaluate_probabilities, metrics, softmax
from pellucid.evaluation.temperature import without_temperature


@st.composite
def answered(draw):
    """Labels, logits in float64, and their probabilities."""
    n, classes = draw(st.integers(1, 60)), draw(st.integers(2, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    logits = rng.normal(0, draw(st.sampled_from([0.1, 1.0, 5.0])), (n, classes))
    labels = np.where(rng.random(n) < 0.6, logits.argmax(axis=1), rng.integers(0, classes, n))
    return labels.astype(np.int64), logits, softmax(logits)


@given(answered(), st.integers(1, 20))
def test_the_reliability_curve_is_scikit_learns(data, bins):
    labels, _, probabilities = data
    rows = [row for row in calibration.reliability(labels, probabilities, bins) if row.count]
    top, right = metrics.confidences(probabilities), metrics.predictions(probabilities) == labels
    expected_right, expected_said = sklearn.calibration.calibration_curve(right, top, n_bins=bins)
    assert [row.accuracy for row in rows] == pytest.approx(expected_right.tolist())
    assert [row.confidence for row in rows] == pytest.approx(expected_said.tolist())
    for row in rows:
        assert row.interval == metrics.wilson_interval(round(row.accuracy * row.count), row.count)


@given(answered())
def test_the_bins_add_up_to_the_calibration_error(data):
    labels, _, probabilities = data
    rows = calibration.reliability(labels, probabilities)
    total = sum(row.count * abs(row.accuracy - row.confidence) for row in rows if row.count) / len(labels)
    assert total == pytest.approx(metrics.calibration_error(labels, probabilities), abs=1e-12)
    whole = calibration.merged(rows)
    assert whole.count == len(labels)
    assert whole.accuracy == pytest.approx((metrics.predictions(probabilities) == labels).mean())
    assert whole.confidence == pytest.approx(metrics.confidences(probabilities).mean())


@given(answered(), st.sampled_from([0.0, 0.3, 0.5, 0.77, 1.0]))
def test_abstention_is_counting(data, threshold):
    labels, _, probabilities = data
    (row,) = abstention.abstention(abstention.answers_of(labels, probabilities), [threshold])
    kept = [i for i in range(len(labels)) if probabilities[i].max() >= threshold]
    assert (row.answered, row.share) == (len(kept), len(kept) / len(labels))
    if kept:
        right = sum(int(probabilities[i].argmax()) == labels[i] for i in kept)
        assert row.accuracy == right / len(kept)
        assert row.interval == metrics.wilson_interval(right, len(kept))
    else:
        assert row.accuracy is None


@given(answered(), st.sampled_from([0.5, 0.8, 0.99]))
def test_the_chosen_threshold_is_the_lowest_that_does(data, wanted):
    """Tried one by one: all four-decimal thresholds."""
    labels, _, probabilities = data
    answers = abstention.answers_of(labels, probabilities)
    chosen = abstention.choose_threshold(answers, wanted)
    enough = []
    for i in range(10_001):
        kept = answers.confidence >= i / 10_000
        if kept.any() and answers.right[kept].mean() >= wanted:
            enough.append(i / 10_000)
            break
    assert chosen == (enough[0] if enough else None)


def test_thresholds_are_chosen_on_validation_and_measured_here():
    validation = abstention.Answers(np.array([0.9, 0.6, 0.55]), np.array([True, False, True]))
    evaluation = evaluate_probabilities(
        [0, 1, 1], [[0.95, 0.05], [0.7, 0.3], [0.2, 0.8]], "ab", None, validation
    )
    by_wanted = {choice.wanted: choice for choice in evaluation.choices}
    assert by_wanted[0.99].threshold == 0.6001
    assert (by_wanted[0.99].validation.answered, by_wanted[0.99].validation.accuracy) == (1, 1.0)
    assert (by_wanted[0.99].measured.answered, by_wanted[0.99].measured.accuracy) == (3, 2 / 3)
    never = abstention.Answers(np.array([0.9]), np.array([False]))
    assert abstention.choose_threshold(never, 0.95) is None


@given(answered(), st.sampled_from([0.3, 0.573, 1.0, 2.5]))
def test_the_temperature_is_undone(data, temperature):
    _, logits, probabilities = data
    calibrated = softmax(logits / temperature)
    np.testing.assert_allclose(without_temperature(calibrated, temperature), probabilities, atol=1e-9)


def test_a_probability_of_nothing_stays_nothing():
    assert without_temperature(np.array([[1.0, 0.0]]), 2.0).tolist() == [[1.0, 0.0]]


@given(answered())
def test_the_curve_ends_with_all_answered(data):
    labels, _, probabilities = data
    points = abstention.curve(abstention.answers_of(labels, probabilities), most=10)
    assert points[-1] == (1.0, pytest.approx((metrics.predictions(probabilities) == labels).mean()))
    assert [share for share, _ in points] == sorted(share for share, _ in points)
