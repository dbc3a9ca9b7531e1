"""Muon's steps of filters by both engines, against the formula in float64 and against torch's own."""

import numpy as np
import pytest
import torch
from torch import nn

from pellucid.engines import native
from pellucid.engines import torch as in_torch
from pellucid.engines.contract import Batches, Recipe
from pellucid.engines.initial import initial_weights
from pellucid.engines.muon import filters_of, mult_adds
from pellucid.engines.torch.muon import Muon, orthogonal
from pellucid.network import Network
from support.torch_loop import Muon as Plain

# Matrices wide, high, square, of more than one register's rows, of one row, of a 1-D convolution.
LINES = {
    "conv 3 3x3, relu, flatten, dense 4": (2, 6, 6),
    "conv 40 1x1, conv 20 1x1, relu, flatten, dense 4": (3, 5, 5),
    "conv 1 3x2, conv 33 2x2 stride 2, relu, flatten, dense 4": (1, 9, 8),
    "conv 18 3, relu, conv 18 1, relu, globalavgpool, flatten, dense 4": (4, 12),
    "conv 6 3x3 nobias, relu, conv 4 3x3 nobias, globalavgpool, flatten": (2, 7, 7),  # nothing for AdamW
}


def network_of(line):
    network = Network.from_text(line + ", softmax", LINES[line])
    return network.with_weights(initial_weights(network, 3))


def after_steps(engine, network, threads=1, steps=3, **recipe):
    channels, *space = network.input_shape
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 256, (40, *space, channels), np.uint8)
    ones = np.ones(channels, np.float32)
    recipe = {"weight_decay": 0.1, "averaging": 0.9, "beta2": 0.99} | recipe
    trainer = engine.open_trainer(
        network, pixels, rng.integers(0, 4, 40), ones / 64, -2 * ones,
        Recipe(batch_size=40, optimiser="muon", threads=threads, **recipe),
    )  # fmt: skip
    trainer.steps(Batches(np.tile(np.arange(40), (steps, 1)), np.full(steps, 0.05 / 8, np.float32)), 0)
    return trainer


@pytest.mark.parametrize("line", LINES)
def test_both_engines_take_the_same_steps(line):
    network = network_of(line)
    one, other = after_steps(native, network).weights(), after_steps(in_torch, network).weights()
    for name, array in one.items():
        moved = np.abs(other[name] - network.weights[name]).max()
        assert np.abs(array - other[name]).max() < 1e-2 * moved, name


@pytest.mark.parametrize("engine", [native, in_torch])
@pytest.mark.parametrize("line", LINES)
def test_going_on_from_a_state_gives_the_same_bits(line, engine):
    whole, first, after = (after_steps(engine, network_of(line), steps=n) for n in (5, 2, 1))
    after.restore(first.state())
    after.steps(Batches(np.tile(np.arange(40), (3, 1)), np.full(3, 0.05 / 8, np.float32)), 2)
    for name, array in whole.state().items():
        np.testing.assert_array_equal(after.state()[name], array, err_msg=name)


@pytest.mark.parametrize("line", LINES)
def test_threads_change_no_bit(line):
    states = [after_steps(native, network_of(line), threads).state() for threads in (1, 2, 3)]
    for state in states[1:]:
        for name, array in state.items():
            np.testing.assert_array_equal(array, states[0][name], err_msg=name)


@pytest.mark.parametrize("shape", [(3, 18), (40, 3), (20, 40), (1, 6), (64, 288), (33, 4)])
def test_singular_values_become_about_one(shape):
    """And the singular vectors stay: the result's product with the right ones is theirs times those values."""
    matrix = np.random.default_rng(1).normal(size=shape)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    found = orthogonal(torch.from_numpy(matrix)).numpy()
    inside = left.T @ found @ right.T
    wide = np.diag(inside)[values > 0.05 * values[0]]
    assert np.abs(inside - np.diag(np.diag(inside))).max() < 1e-9
    assert 0.6 < wide.min() <= wide.max() < 1.3


@pytest.mark.parametrize("shape", [(8, 3, 3, 3), (64, 4, 3, 3), (30, 12, 3)])
def test_torchs_own_muon_goes_the_same_way(shape):
    """It takes matrices alone, and computes in bfloat16: within 3% of the step."""
    rng = np.random.default_rng(2)
    ours, theirs = (nn.Parameter(torch.zeros(*part)) for part in (shape, (shape[0], int(np.prod(shape[1:])))))
    mine = Muon({"filter": ours}, 0.9, 0.0)
    torchs = torch.optim.Muon([theirs], lr=0.05, momentum=0.9, weight_decay=0.0, nesterov=True)
    for _ in range(4):
        gradient = torch.from_numpy(rng.normal(size=shape).astype(np.float32))
        ours.grad, theirs.grad = gradient, gradient.flatten(1)
        mine.step(0.05 / 8)
        torchs.step()
    found, expected = ours.detach().flatten(1), theirs.detach()
    assert (found - expected).norm() < 0.03 * expected.norm()


def test_only_filters_of_ungrouped_convolutions_are_muons():
    line = "conv 8 3x3 frozen, conv 8 3x3 pad 1, conv 8 3x3 pad 1 groups 8, conv 6 1x1, flatten, dense 5, softmax"
    assert filters_of(Network.from_text(line, (3, 8, 8))) == {"conv2.weight": 8, "conv4.weight": 6}


def test_mult_adds_are_those_of_the_products():
    """Five times X Xᵀ, its square, and their sum times X, the short axis first: 4 x 9, then 5 x 4 on its side."""
    once = [(4 * 9 * 4) + 4**3 + (4 * 4 * 9), (4 * 5 * 4) + 4**3 + (4 * 4 * 5)]
    network = Network.from_text("conv 4 3x3, conv 5 1x1, flatten, dense 3, softmax", (1, 6, 6))
    assert mult_adds(network) == 5 * sum(once)


@pytest.mark.parametrize("engine", [native, in_torch])
def test_a_network_without_filters_is_adamws(engine):
    network = Network.from_text("flatten, dense 4, softmax", (1, 5, 5))
    network = network.with_weights(initial_weights(network, 0))
    muon = after_steps(engine, network).weights()
    channels = np.ones(1, np.float32)
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 256, (40, 5, 5, 1), np.uint8)
    recipe = Recipe(40, "adamw", weight_decay=0.1, averaging=0.9, beta2=0.99)
    adam = engine.open_trainer(network, pixels, rng.integers(0, 4, 40), channels / 64, -2 * channels, recipe)
    adam.steps(Batches(np.tile(np.arange(40), (3, 1)), np.full(3, 0.05 / 8, np.float32)), 0)
    for name, array in adam.weights().items():
        np.testing.assert_allclose(muon[name], array, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("engine", [native, in_torch])
def test_no_gradient_moves_no_filter(engine):
    """What normalisation divides by is never zero: weights of nothing stay, and are numbers."""
    network = network_of("conv 3 3x3, relu, flatten, dense 4")
    weights = {name: np.zeros_like(array) for name, array in network.weights.items()}
    after = after_steps(engine, network.with_weights(weights), steps=2).weights()
    assert np.isfinite(after["dense1.bias"]).all() and np.abs(after["dense1.bias"]).max() > 0
    np.testing.assert_array_equal(after["conv1.weight"], 0)


def test_the_formula_in_numpy_is_what_the_referee_has():
    """The referee's own polynomial, held against singular values: an error in it would be in no engine's test."""
    weight = nn.Parameter(torch.zeros(6, 2, 3, 3, dtype=torch.float64))
    gradient = torch.from_numpy(np.random.default_rng(4).normal(size=weight.shape))
    weight.grad = gradient
    referee = Plain([weight], [nn.Parameter(torch.zeros(1, dtype=torch.float64))])
    referee.param_groups[0]["lr"] = 1 / 8
    referee.step()
    left, _, right = np.linalg.svd(gradient.numpy().reshape(6, 18), full_matrices=False)
    values = np.diag(left.T @ -weight.detach().numpy().reshape(6, 18) @ right.T)
    assert 0.6 < values.min() <= values.max() < 1.3
