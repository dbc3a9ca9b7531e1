"""The fitted temperature: it gets back a known one, beats its neighbours, and never changes an answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from pellucid.evaluation import calibration_error, fit_temperature, log_loss, softmax


def drawn(temperature, n=20_000, classes=6, seed=0):
    """Logits, and labels that really fall as softmax(logits / temperature) says."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (n, classes))
    probabilities = softmax(logits / temperature)
    labels = (probabilities.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(0, classes - 1)
    return logits, labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7, 3.0])
def test_it_gets_back_the_temperature_that_made_the_labels(temperature):
    logits, labels = drawn(temperature)
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(temperature, rel=0.05)
    after = calibration_error(labels, softmax(logits / found))
    assert after is not None and after < 0.015


@given(st.integers(0, 10_000), st.floats(0.3, 4), st.integers(2, 8))
def test_it_is_what_scipy_finds(seed, temperature, classes):
    logits, labels = drawn(temperature, n=300, classes=classes, seed=seed)

    def loss(log_t):
        return log_loss(labels, softmax(logits / np.exp(log_t)))

    best = minimize_scalar(loss, bounds=(np.log(0.2), np.log(5)), method="bounded", options={"xatol": 1e-6})
    found = fit_temperature(logits, labels)
    assert loss(np.log(found)) <= best.fun + 1e-7


def test_too_few_pictures_and_perfect_answers_stay_in_bounds():
    logits = np.eye(3)[np.arange(150) % 3] * 9
    labels = np.arange(150) % 3
    assert fit_temperature(logits, labels) == pytest.approx(0.2)
    assert fit_temperature(logits, (labels + 1) % 3) == pytest.approx(5.0)
    assert fit_temperature(logits[:99], labels[:99]) == 1.0
