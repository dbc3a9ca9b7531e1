"""Frozen weights: not one bit of them changes, whatever else the recipe does, and no gradient is worked out."""

import numpy as np
import pytest

from pellucid.engines.contract import Batches, Recipe
from pellucid.engines.initial import initial_weights
from pellucid.engines.torch import NetworkModule, open_trainer
from pellucid.network import Network

TEXT = (
    "pad 1 reflect, bank: conv 5 3x3 frozen, relu, conv 4 3x3, batchnorm, relu, flatten, dense 8 frozen, "
    "dense 3, softmax"
)
NETWORK = Network.from_text(TEXT, (1, 8, 8))
START = initial_weights(NETWORK, 3) | {"bank.bias": np.linspace(-1, 1, 5, dtype=np.float32) / 7}
PIXELS = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
LABELS = np.arange(60) % 3


def opened(**options):
    recipe = Recipe(batch_size=20, averaging=0.9, weight_decay=0.1, clip=0.5, **options)
    scale, shift = np.array([1 / 64], np.float32), np.array([-2], np.float32)
    return open_trainer(NETWORK.with_weights(START), PIXELS, LABELS, scale, shift, recipe)


def batches(steps):
    return Batches(np.arange(60).reshape(3, 20)[np.arange(steps) % 3], np.full(steps, 0.05, np.float32))


def check(weights):
    for name in NETWORK.parameter_shapes:
        same = weights[name].tobytes() == START[name].tobytes()
        assert same == (name in NETWORK.frozen), name


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_frozen_weights_keep_their_bits_and_all_others_learn(optimiser, precision):
    trainer = opened(optimiser=optimiser, precision=precision)
    trainer.steps(batches(7), 0)
    check(trainer.weights(averaged=False))
    check(trainer.weights(averaged=True))
    assert not any(name.partition("/")[2] in NETWORK.frozen for name in trainer.optimiser.state())


def test_going_on_from_a_state_gives_the_same_bits():
    whole, half = opened(), opened(threads=2)
    whole.steps(batches(6), 0)
    half.steps(batches(3), 0)
    other = opened()
    other.restore(half.state())
    other.steps(batches(3), 3)
    for name, array in whole.state().items():
        assert other.state()[name].tobytes() == array.tobytes(), name
    check(other.weights())


def test_they_want_no_gradient():
    module = NetworkModule(NETWORK.with_weights(START))
    wanting = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
    assert wanting == NETWORK.parameter_shapes.keys() - NETWORK.frozen
    assert {name for name, p in module.replica().named_parameters() if p.requires_grad} == wanting
