"""The loss that a step descends: class weights and label smoothing, against torch's own and plain NumPy."""

import numpy as np
import pytest
import torch

from pellucid.engines.contract import Batches, Recipe
from pellucid.engines.initial import initial_weights
from pellucid.engines.torch import NetworkModule, open_trainer
from pellucid.errors import EngineError
from pellucid.network import Network

WEIGHTS = (0.25, 1.0, 4.0, 0.0)
SHAPE = (1, 6, 7)
ONE, ZERO = np.full(1, 1 / 64, np.float32), np.zeros(1, np.float32)


def data(seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (60, 6, 7, 1), dtype=np.uint8), rng.integers(0, 4, 60)


def network_of(line="conv 8 3x3, relu, flatten, dense 4, softmax"):
    network = Network.from_text(line, SHAPE)
    return network.with_weights(initial_weights(network, 0))


def opened(network, **recipe):
    recipe = {"batch_size": 24, "optimiser": "sgd", "momentum": 0.0} | recipe
    return open_trainer(network, *data(), ONE, ZERO, Recipe(**recipe))


def batches(steps=1, rate=0.1):
    rows = np.random.default_rng(0).integers(0, 60, (steps, 24))
    return Batches(rows, np.full(steps, rate, np.float32))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_step_descends_torchs_loss_of_each_picture_by_its_weight(weights, smoothing):
    network, work = network_of(), batches()
    module, x, y = in_torch(network, work)
    losses = torch.nn.CrossEntropyLoss(reduction="none", label_smoothing=smoothing)(module.logits(x), y)
    by = torch.ones(24) if weights is None else torch.tensor(weights)[y]
    (losses * by).mean().backward()
    trainer = opened(network, class_weights=weights, label_smoothing=smoothing)
    report = trainer.steps(work, 0)
    assert_moved_by(trainer, network, {name: p.grad.numpy() for name, p in module.named_parameters()})
    plain = torch.nn.functional.cross_entropy(module.logits(x), y, reduction="sum").item()
    assert report.loss == pytest.approx(plain, rel=1e-5), "the loss told is the plain one"


def test_without_smoothing_it_is_torchs_weighted_loss():
    """CrossEntropyLoss(weight) divides by the batch's sum of weights: times that, by the pictures, it is ours."""
    network, work = network_of(), batches()
    module, x, y = in_torch(network, work)
    weight = torch.tensor(WEIGHTS, dtype=torch.float64)
    loss = torch.nn.CrossEntropyLoss(weight=weight)(module.logits(x), y)
    (loss * weight[y].sum() / len(y)).backward()
    trainer = opened(network, class_weights=WEIGHTS)
    trainer.steps(work, 0)
    assert_moved_by(trainer, network, {name: p.grad.numpy() for name, p in module.named_parameters()})


def in_torch(network, work):
    """The network as a module in float64, the first batch and its labels."""
    pixels, labels = data()
    rows = torch.from_numpy(work.indices[0])
    x = torch.from_numpy(pixels.transpose(0, 3, 1, 2) / 64.0)[rows]
    return NetworkModule(network).double(), x, torch.from_numpy(labels)[rows]


def assert_moved_by(trainer, network, gradients):
    """One step of plain SGD at the rate 0.1 went down these gradients."""
    for name, gradient in gradients.items():
        moved = (network.weights[name] - trainer.weights()[name]) / 0.1
        np.testing.assert_allclose(moved, gradient, rtol=2e-3, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_a_step_descends_the_loss_as_written_down(smoothing):
    """The gradient of a dense layer by hand, in NumPy: Σ over the batch of (what was answered - what was wanted) x."""
    network, work = network_of("flatten, dense 4, softmax"), batches()
    pixels, labels = data()
    x = pixels[work.indices[0]].reshape(24, -1) / 64.0
    y = labels[work.indices[0]]
    weight, bias = (network.weights[f"dense1.{part}"].astype(np.float64) for part in ("weight", "bias"))
    logits = x @ weight.T + bias
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    w = np.array(WEIGHTS)
    # The loss of a picture is Σ_c t[c] (-ln p[c]); so its slope by the logits is p Σ t - t.
    wanted = w[y][:, None] * (np.eye(4)[y] * (1 - smoothing) + smoothing / 4)
    slope = (p * wanted.sum(axis=1, keepdims=True) - wanted) / 24
    trainer = opened(network, class_weights=WEIGHTS, label_smoothing=smoothing)
    trainer.steps(work, 0)
    assert_moved_by(trainer, network, {"dense1.weight": slope.T @ x, "dense1.bias": slope.sum(axis=0)})


def test_weights_of_1_are_no_weights():
    ones, none = (opened(network_of(), class_weights=weights) for weights in ((1.0,) * 4, None))
    for trainer in (ones, none):
        trainer.steps(batches(3), 0)
    for name, array in none.weights().items():
        np.testing.assert_allclose(ones.weights()[name], array, rtol=1e-5, atol=1e-7)


def test_any_number_of_threads_gives_the_same_bits_with_weights():
    states = []
    for threads in (1, 2, 5):
        trainer = opened(network_of(), threads=threads, class_weights=WEIGHTS, label_smoothing=0.1)
        states.append((trainer.steps(batches(4), 0), trainer.state()))
    for report, state in states[1:]:
        assert report == states[0][0]
        for name, array in state.items():
            np.testing.assert_array_equal(array, states[0][1][name], err_msg=name)


def test_as_many_weights_as_classes():
    with pytest.raises(EngineError, match="class weights") as caught:
        opened(network_of(), class_weights=(1.0, 2.0))
    assert caught.value.received == "2 weights, 4 classes"
