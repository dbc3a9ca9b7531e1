"""Training on a GPU against training here on the processor. Where there is no GPU, nothing below runs, and says so."""

import numpy as np
import pytest
import torch

from pellucid.engines.contract import Augmentation, Batches, Recipe
from pellucid.engines.initial import initial_weights
from pellucid.engines.torch import open_trainer
from pellucid.network import Network
from support.cli import pellucid

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no GPU that torch sees on this machine"
)

SHAPE = (3, 20, 16)
SIZE = 16  # of a batch: here it is one piece then, as it is there, with the same normalisation
LINES = {
    "convolutions": "conv 8 5x5 pad 2, maxpool 3 stride 2, relu, conv 12 3x3 groups 4, relu, flatten, dense 4, softmax",
    "normalised": "conv 8 3x3 pad 1 stride 2 nobias, batchnorm, relu, lrn 3, globalavgpool, flatten, dense 4, softmax",
}
SCALE, SHIFT = np.full(3, 1 / 64, np.float32), np.full(3, -2, np.float32)


def opened(line, device, **recipe):
    network = Network.from_text(LINES[line], SHAPE)
    network = network.with_weights(initial_weights(network, 0))
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (96, 20, 16, 3), dtype=np.uint8), rng.integers(0, 4, 96)
    recipe = {
        "batch_size": SIZE,
        "threads": 2,
        "device": device,
        "optimiser": "sgd",
        "momentum": 0.9,
    } | recipe
    return network, open_trainer(network, pixels, labels, SCALE, SHIFT, Recipe(**recipe))


def batches(augmented, steps=6):
    rng = np.random.default_rng(1)
    changes = Augmentation(
        affine=(np.eye(2, 3) + rng.normal(0, 0.1, (steps, SIZE, 2, 3))).astype(np.float32),
        gain=rng.uniform(0.8, 1.2, (steps, SIZE)).astype(np.float32),
        offset=rng.uniform(-9, 9, (steps, SIZE)).astype(np.float32),
        erase=np.tile(np.array([1, 1, 4, 4], np.int32), (steps, SIZE, 1)),
    )
    rows = rng.integers(0, 96, (steps, SIZE))
    return Batches(rows, np.full(steps, 0.02, np.float32), changes if augmented else None)


@pytest.mark.parametrize("augmented", [False, True])
@pytest.mark.parametrize("line", LINES)
def test_steps_are_those_of_the_processor(line, augmented):
    network, here = opened(line, "cpu", threads=1)
    _, there = opened(line, "cuda")
    np.testing.assert_allclose(there.logits(np.arange(50)), here.logits(np.arange(50)), atol=2e-5)
    own, other = here.steps(batches(augmented), 0), there.steps(batches(augmented), 0)
    assert other.loss == pytest.approx(own.loss, rel=1e-3)
    for name, weights in here.weights().items():
        moved = np.abs(weights - network.weights[name]).max()
        assert np.abs(there.weights()[name] - weights).max() < 0.02 * moved, name


@pytest.mark.parametrize("precision", ["f32", "bf16"])
@pytest.mark.parametrize("line", LINES)
def test_going_on_from_a_state_is_going_on(line, precision):
    _, whole = opened(line, "cuda", precision=precision, averaging=0.9)
    work = batches(False)
    whole.steps(work, 0)
    _, first = opened(line, "cuda", precision=precision, averaging=0.9)
    first.steps(Batches(work.indices[:3], work.rates[:3]), 0)
    _, second = opened(line, "cuda", precision=precision, averaging=0.9)
    second.restore(first.state())
    second.steps(Batches(work.indices[3:], work.rates[3:]), 3)
    for name, array in whole.state().items():
        np.testing.assert_allclose(second.state()[name], array, rtol=1e-5, atol=1e-7, err_msg=name)


def test_a_model_trained_there_is_the_one_saved(tmp_path):
    """The saved file is held against the engine: with a rounding of its own there, the run would end with an error."""
    ran = pellucid(
        "train",
        "--engine",
        "torch",
        "--device",
        "cuda",
        "--epochs",
        "1",
        "--out",
        str(tmp_path / "run"),
        "--json",
    )
    assert ran.code == 0, ran.err
    assert ran.json["test"]["accuracy"] > 0.98
