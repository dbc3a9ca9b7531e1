"""The Evaluation as a whole: its keys, its agreement with the metrics, what it refuses."""

import json

import numpy as np
import pytest

from pellucid.errors import DataError
from pellucid.evaluation.report import evaluate_probabilities

# Four pictures of cats and dogs, one dog called a cat; there is no picture of a bird.
LABELS = [0, 0, 1, 1]
PROBABILITIES = [[0.9, 0.1, 0.0], [0.8, 0.1, 0.1], [0.6, 0.4, 0.0], [0.1, 0.7, 0.2]]
CLASSES = ["cat", "dog", "bird"]


def test_the_figures_by_hand():
    evaluation = evaluate_probabilities(LABELS, PROBABILITIES, CLASSES)
    assert evaluation.accuracy == 0.75
    assert evaluation.interval == pytest.approx((0.3006418, 0.9544127), abs=1e-6)
    assert evaluation.count == 4
    assert evaluation.classes == ("cat", "dog", "bird")
    assert evaluation.confusion.tolist() == [[2, 0, 0], [1, 1, 0], [0, 0, 0]]
    cat, dog, bird = evaluation.per_class
    assert (cat.precision, cat.recall, cat.f1, cat.support) == (
        pytest.approx(2 / 3),
        1,
        pytest.approx(0.8),
        2,
    )
    assert (dog.precision, dog.recall, dog.f1, dog.support) == (1, 0.5, pytest.approx(2 / 3), 2)
    assert (bird.precision, bird.recall, bird.f1, bird.support) == (None, None, None, 0)
    # Alone in their bins: 0.9, 0.8 and 0.7 right, 0.6 wrong.
    assert evaluation.calibration_error == pytest.approx((0.1 + 0.2 + 0.3 + 0.6) / 4)
    assert evaluation.log_loss == pytest.approx(-np.log([0.9, 0.8, 0.4, 0.7]).mean())
    assert evaluation.macro.recall == 0.75
    assert evaluation.weighted.precision == pytest.approx(5 / 6)


def test_as_dict_is_json_with_the_promised_keys():
    evaluation = evaluate_probabilities(LABELS, PROBABILITIES, CLASSES)
    read = json.loads(json.dumps(evaluation.as_dict(), allow_nan=False))
    assert {"accuracy", "interval", "count", "per_class", "confusion", "calibration_error"} <= set(read)
    assert read["per_class"][2] == {
        "class": "bird",
        "precision": None,
        "recall": None,
        "f1": None,
        "support": 0,
    }
    assert read["confusion"] == [[2, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert read["interval"] == list(evaluation.interval)


def test_an_evaluation_does_not_change():
    evaluation = evaluate_probabilities(LABELS, PROBABILITIES, CLASSES)
    with pytest.raises(ValueError, match="read-only"):
        evaluation.confusion[0, 0] = 99


@pytest.mark.parametrize(
    ("labels", "probabilities", "classes", "says"),
    [
        ([], np.zeros((0, 2)), ["a", "b"], "no pictures"),
        ([0], [[0.5, 0.5]], ["a", "b", "c"], "don't belong together"),
        ([0, 1], [[0.5, 0.5]], ["a", "b"], "different pictures"),
        ([2], [[0.5, 0.5]], ["a", "b"], "numbered 0 to 1"),
        ([0], [[0.5, 0.9]], ["a", "b"], "no probabilities"),
    ],
)
def test_what_is_refused(labels, probabilities, classes, says):
    with pytest.raises(DataError, match=says) as caught:
        evaluate_probabilities(labels, probabilities, classes)
    assert caught.value.received
