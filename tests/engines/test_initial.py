"""The weights to start from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.engines.initial import initial_weights
from pellucid.network import Network

TEXT = "conv 64 5x5, batchnorm, relu, stem: conv 64 3x3 groups 2 nobias, flatten, dense 300, relu, dense 5, softmax"
NETWORK = Network.from_text(TEXT, (3, 10, 10))


@given(st.integers(0, 2**63 - 1))
def test_a_pure_function_of_the_seed(seed):
    small = Network.from_text("conv 2 3x3, flatten, dense 2", (1, 5, 5))
    one, two = initial_weights(small, seed), initial_weights(small, seed)
    other = initial_weights(small, seed + 1)
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])
    assert not np.array_equal(one["conv1.weight"], other["conv1.weight"])


def test_they_fit_the_network():
    assert (
        NETWORK.with_weights(initial_weights(NETWORK, 0)).weights.keys() == initial_weights(NETWORK, 0).keys()
    )


FAN_IN = {"conv1.weight": 3 * 25, "stem.weight": 32 * 9, "dense1.weight": 64 * 16, "dense2.weight": 300}


@pytest.mark.parametrize("name", FAN_IN)
def test_kernels_lie_evenly_within_one_over_the_root_of_fan_in(name):
    """A uniform distribution within +-b has the variance b^2 / 3."""
    weights, bound = initial_weights(NETWORK, 3)[name], FAN_IN[name] ** -0.5
    assert np.abs(weights).max() <= bound
    assert weights.var() == pytest.approx(bound**2 / 3, rel=0.1)
    assert abs(weights.mean()) < 4 * weights.std() / weights.size**0.5


def test_values_do_not_fade_in_a_deep_network():
    """Twelve dense ReLU layers: the mean square of the values stays near its start, as He et al. show."""
    network = Network.from_text(", ".join(["dense 400, relu"] * 12), (400,))
    weights = initial_weights(network, 0)
    values = np.random.default_rng(0).normal(size=(400, 64))
    for layer in range(1, 13):
        values = np.maximum(weights[f"dense{layer}.weight"] @ values, 0)
    assert 0.3 < np.mean(values**2) < 3


def test_the_rest_starts_neutral():
    weights = initial_weights(NETWORK, 0)
    for name in ("conv1.bias", "dense1.bias", "norm1.bias", "norm1.running_mean"):
        assert not weights[name].any()
    for name in ("norm1.weight", "norm1.running_var"):
        assert (weights[name] == 1).all()


def test_layers_of_one_shape_differ():
    weights = initial_weights(Network.from_text("conv 2 3x3 pad 1, conv 2 3x3 pad 1", (2, 5, 5)), 0)
    assert not np.array_equal(weights["conv1.weight"], weights["conv2.weight"])


def test_drawing_in_parts_changes_nothing(monkeypatch):
    whole = initial_weights(NETWORK, 1)
    monkeypatch.setattr("pellucid.engines.initial._AT_ONCE", 1000)
    parts = initial_weights(NETWORK, 1)
    for name in whole:
        np.testing.assert_array_equal(whole[name], parts[name])
