"""Every metric against scikit-learn, SciPy or a plainly written loop, on random labels and probabilities."""

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import assume, given
from hypothesis import strategies as st

from pellucid.errors import DataError, SettingsError
from pellucid.evaluation import metrics


@st.composite
def answers(draw, smallest: int = 1):
    """Labels and probabilities of some pictures; classes may be missing, probabilities tied, 0 or 1."""
    classes = draw(st.integers(2, 12))
    n = draw(st.integers(smallest, 80))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sharpness = draw(st.sampled_from([0.0, 1.0, 30.0]))
    present = rng.integers(1, classes + 1)
    labels = rng.integers(0, present, n)
    logits = sharpness * rng.standard_normal((n, classes))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    one_hot = draw(st.booleans())
    if one_hot:
        probabilities[: n // 2] = np.eye(classes)[rng.integers(0, classes, n // 2)]
    return labels, probabilities


def plain_calibration_error(labels, probabilities, bins):
    total = 0.0
    edges = np.linspace(0, 1, bins + 1)
    for low, high in itertools.pairwise(edges):
        inside = [i for i, row in enumerate(probabilities) if low < max(row) <= high]
        if inside:
            right = sum(int(np.argmax(probabilities[i])) == labels[i] for i in inside) / len(inside)
            promised = sum(max(probabilities[i]) for i in inside) / len(inside)
            total += len(inside) / len(labels) * abs(right - promised)
    return total


def none_as_nan(values):
    return [math.nan if value is None else value for value in values]


@given(answers())
def test_confusion_and_accuracy_are_scikit_learns(data):
    labels, probabilities = data
    classes = probabilities.shape[1]
    predicted = metrics.predictions(probabilities)
    confusion = metrics.confusion_matrix(labels, predicted, classes)
    expected = sklearn.metrics.confusion_matrix(labels, predicted, labels=range(classes))
    np.testing.assert_array_equal(confusion, expected)
    assert metrics.accuracy(confusion) == pytest.approx(sklearn.metrics.accuracy_score(labels, predicted))


@given(answers())
def test_figures_of_classes_are_scikit_learns(data):
    labels, probabilities = data
    classes = probabilities.shape[1]
    predicted = metrics.predictions(probabilities)
    figures = metrics.per_class(metrics.confusion_matrix(labels, predicted, classes))
    precision, recall, f1, support = sklearn.metrics.precision_recall_fscore_support(
        labels, predicted, labels=range(classes), zero_division=np.nan
    )
    np.testing.assert_allclose(none_as_nan([f.precision for f in figures]), precision)
    np.testing.assert_allclose(none_as_nan([f.recall for f in figures]), recall)
    np.testing.assert_allclose(none_as_nan([f.f1 for f in figures]), f1)
    assert [f.support for f in figures] == support.tolist()


@pytest.mark.parametrize(
    ("name", "average"), [("macro", metrics.macro_average), ("weighted", metrics.weighted_average)]
)
@given(data=answers())
def test_averages_are_scikit_learns(name, average, data):
    labels, probabilities = data
    classes = probabilities.shape[1]
    predicted = metrics.predictions(probabilities)
    # Weighted, a precision that only classes without pictures have is None; scikit-learn's is unweighted.
    assume(name == "macro" or set(labels) & set(predicted))
    found = average(metrics.per_class(metrics.confusion_matrix(labels, predicted, classes)))
    precision, recall, f1, _ = sklearn.metrics.precision_recall_fscore_support(
        labels, predicted, labels=range(classes), zero_division=np.nan, average=name
    )
    np.testing.assert_allclose(
        none_as_nan([found.precision, found.recall, found.f1]), [precision, recall, f1]
    )


@given(answers())
def test_log_loss_is_scikit_learns(data):
    labels, probabilities = data
    expected = sklearn.metrics.log_loss(labels, probabilities, labels=range(probabilities.shape[1]))
    assert metrics.log_loss(labels, probabilities) == pytest.approx(expected)


@given(data=answers(), bins=st.integers(1, 30))
def test_calibration_error_is_the_plain_loops(data, bins):
    labels, probabilities = data
    expected = plain_calibration_error(labels, probabilities, bins)
    assert metrics.calibration_error(labels, probabilities, bins) == pytest.approx(expected, abs=1e-12)


def test_calibration_error_by_hand():
    # Two pictures promise 0.6 (one right, share 0.5), two promise 0.9 (both right, share 1).
    probabilities = np.array([[0.6, 0.4], [0.6, 0.4], [0.9, 0.1], [0.9, 0.1]])
    found = metrics.calibration_error(np.array([0, 1, 0, 0]), probabilities)
    assert found == pytest.approx(0.5 * 0.1 + 0.5 * 0.1)


def test_calibration_error_sorts_into_15_bins_that_end_at_their_upper_edge():
    # 0.5 wrong ends the first of two bins, 0.6 right lies in the second.
    half = np.array([[0.5, 0.5], [0.6, 0.4]])
    assert metrics.calibration_error(np.array([1, 0]), half, 2) == pytest.approx((0.5 + 0.4) / 2)
    # A top of 1 and a bit, as float32 makes it, stays in the last bin beside 0.95.
    over = np.array([[1.0005, 0.0], [0.95, 0.05]])
    assert metrics.calibration_error(np.array([1, 0]), over, 1) == pytest.approx((1 + 0.95 - 1) / 2)
    rng = np.random.default_rng(0)
    tops = rng.uniform(0.5, 1, 300)
    labels = (rng.uniform(0, 1, 300) > tops).astype(np.int64)  # as often right as promised, but for chance
    probabilities = np.stack([tops, 1 - tops], axis=1)
    expected = plain_calibration_error(labels, probabilities, 15)
    assert metrics.calibration_error(labels, probabilities) == pytest.approx(expected, abs=1e-12)


def test_calibration_error_of_certain_right_answers_is_zero():
    assert metrics.calibration_error(np.array([0, 2]), np.eye(3)[[0, 2]]) == 0


def test_log_loss_of_a_certain_wrong_answer_is_finite():
    loss = metrics.log_loss(np.array([1]), np.array([[1.0, 0.0]]))
    assert loss == pytest.approx(-math.log(np.finfo(np.float64).eps))


@given(n=st.integers(1, 10_000), share=st.floats(0, 1), confidence=st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_wilson_interval_is_scipys(n, share, confidence):
    successes = round(share * n)
    low, high = metrics.wilson_interval(successes, n, confidence)
    expected = scipy.stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= low <= successes / n <= high <= 1


@given(n=st.integers(1, 10_000), share=st.floats(0, 1))
def test_wilson_interval_solves_its_own_equation(n, share):
    """Its ends are the shares p at which |successes/n - p| is z standard errors √(p(1 - p)/n)."""
    successes = round(share * n)
    z = NormalDist().inv_cdf(0.975)
    for end in metrics.wilson_interval(successes, n):
        distance = abs(successes / n - end)
        assert distance == pytest.approx(z * math.sqrt(end * (1 - end) / n), abs=1e-9)


@pytest.mark.parametrize(("n", "share"), [(50, 0.8), (200, 0.5), (1000, 0.97), (10_000, 0.993)])
def test_wilson_interval_covers_95_percent(n, share):
    """20,000 simulated evaluations with seed 0: the true share lies inside 94 to 96.5% of the intervals."""
    drawn, times = np.unique(np.random.default_rng(0).binomial(n, share, 20_000), return_counts=True)
    covered = 0
    for successes, count in zip(drawn.tolist(), times.tolist(), strict=True):
        low, high = metrics.wilson_interval(successes, n)
        covered += count * (low <= share <= high)
    assert 0.94 <= covered / 20_000 <= 0.965


def test_wilson_interval_at_its_ends():
    assert metrics.wilson_interval(0, 0) == (0, 1)
    assert metrics.wilson_interval(0, 100)[0] == 0
    assert metrics.wilson_interval(100, 100)[1] == 1
    low, high = metrics.wilson_interval(9941, 10_000)
    assert (round(low, 4), round(high, 4)) == (0.9924, 0.9954)


@pytest.mark.parametrize("confidence", [0, 1, -0.1, 95, math.nan])
def test_confidence_is_between_0_and_1(confidence):
    with pytest.raises(SettingsError, match="between 0 and 1"):
        metrics.wilson_interval(1, 2, confidence)


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5), (0, -1)])
def test_successes_are_between_0_and_n(successes, n):
    with pytest.raises(DataError, match="between 0 and n"):
        metrics.wilson_interval(successes, n)


def test_figures_that_are_0_by_0_are_none():
    # Class 0: 2 pictures, all called 1. Class 1: no pictures. Class 2: none, never called.
    confusion = metrics.confusion_matrix(np.array([0, 0]), np.array([1, 1]), 3)
    nothing, missing, unknown = metrics.per_class(confusion)
    assert nothing == metrics.ClassFigures(precision=None, recall=0, f1=0, support=2)
    assert missing == metrics.ClassFigures(precision=0, recall=None, f1=0, support=0)
    assert unknown == metrics.ClassFigures(precision=None, recall=None, f1=None, support=0)


def test_no_pictures_give_none():
    confusion = metrics.confusion_matrix(np.zeros(0, np.int64), np.zeros(0, np.int64), 2)
    empty = metrics.Averages(None, None, None)
    assert metrics.accuracy(confusion) is None
    assert metrics.macro_average(metrics.per_class(confusion)) == empty
    assert metrics.weighted_average(metrics.per_class(confusion)) == empty
    assert metrics.calibration_error(np.zeros(0, np.int64), np.zeros((0, 2))) is None
    assert metrics.log_loss(np.zeros(0, np.int64), np.zeros((0, 2))) is None


@pytest.mark.parametrize(
    ("labels", "says", "received"),
    [
        ([0, 3, 1], "there are 3 classes, numbered 0 to 2", "3"),
        ([0, -1], "there are 3 classes, numbered 0 to 2", "-1"),
        ([0.0, 1.0], "whole numbers", "float64"),
        (["cat", "dog"], "whole numbers", "<U3"),
        ([True, False], "whole numbers", "bool"),
        ([[0, 1]], "one axis", "shape [1, 2]"),
        ([[0], [1, 2]], "differ in length", ""),
    ],
)
def test_labels_that_are_none(labels, says, received):
    with pytest.raises(DataError) as caught:
        metrics.labels_array(labels, 3)
    assert says in caught.value.what
    assert caught.value.received == received


def test_a_label_that_is_no_class_is_named():
    with pytest.raises(DataError) as caught:
        metrics.labels_array([0, 1, 7, 9], 3)
    assert caught.value.where == "label of picture 2 (from 0)"


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.int32, np.uint64, list])
def test_labels_become_int64(kind):
    array = metrics.labels_array([2, 0, 1] if kind is list else np.array([2, 0, 1], kind), 3)
    assert array.dtype == np.int64
    assert array.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("row", "received"),
    [
        ([0.5, 0.6, 0.1], "sum 1.2, smallest 0.1, largest 0.6"),
        ([0.2, 0.2, 0.2], "sum 0.6, smallest 0.2, largest 0.2"),
        ([0.6, -0.1, 0.5], "sum 1, smallest -0.1, largest 0.6"),
        ([1.5, -0.5, 0.0], "sum 1, smallest -0.5, largest 1.5"),
        ([math.nan, 0.5, 0.5], "sum nan, smallest nan, largest nan"),
        ([math.inf, 0.0, 0.0], "sum inf, smallest 0, largest inf"),
        ([math.inf, -math.inf, 0.0], "sum nan, smallest -inf, largest inf"),
    ],
)
def test_rows_that_are_no_probabilities(row, received):
    with pytest.raises(DataError) as caught:
        metrics.probabilities_array([[0.2, 0.3, 0.5], row])
    assert caught.value.what.startswith("1 of 2 rows")
    assert caught.value.where == "row 1 (from 0)"
    assert caught.value.received == received


@pytest.mark.parametrize(
    ("probabilities", "says"),
    [
        ([0.5, 0.5], "two axes"),
        (np.zeros((3, 0)), "two axes"),
        ([["a", "b"]], "real numbers"),
        ([[1j, 1]], "real numbers"),
        ([[0.5, 0.5], [1.0]], "differ in length"),
    ],
)
def test_probabilities_of_another_shape_or_kind(probabilities, says):
    with pytest.raises(DataError, match=says):
        metrics.probabilities_array(probabilities)


def test_probabilities_in_float32_and_float16_pass():
    for kind in (np.float32, np.float16):
        row = np.full((1, 1000), 0.001, kind)
        assert metrics.probabilities_array(row).dtype == np.float64


@given(answers(), st.integers(1, 6))
def test_top_k_accuracy_is_scikit_learns(data, k):
    """On probabilities without ties: scikit-learn takes tied classes in another order."""
    labels, probabilities = data
    classes = probabilities.shape[1]
    assume(k < classes and classes > 2)
    assume(all(len(set(row)) == classes for row in probabilities.tolist()))
    expected = sklearn.metrics.top_k_accuracy_score(labels, probabilities, k=k, labels=range(classes))
    assert metrics.top_k_accuracy(labels, probabilities, k) == pytest.approx(expected)


def test_tied_classes_rank_in_their_order():
    flat = np.full((4, 4), 0.25)
    assert metrics.top_k_accuracy(np.arange(4), flat, 2) == 0.5
    assert metrics.top_k_accuracy(np.zeros(0, np.int64), np.zeros((0, 4)), 2) is None


@given(answers())
def test_the_worst_mistakes_are_the_wrong_answers_surest_first(data):
    labels, probabilities = data
    found = metrics.worst_mistakes(labels, probabilities)
    wrong = [i for i, row in enumerate(probabilities) if np.argmax(row) != labels[i]]
    assert sorted(mistake.picture for mistake in found) == wrong
    sure = [mistake.probability for mistake in found]
    assert sure == sorted(sure, reverse=True)
    for mistake in found:
        row = probabilities[mistake.picture]
        assert (mistake.probability, mistake.label_probability) == (row.max(), row[labels[mistake.picture]])
    assert metrics.worst_mistakes(labels, probabilities, 2) == found[:2]
