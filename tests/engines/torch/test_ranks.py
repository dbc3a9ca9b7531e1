"""Training on signals and volumes: against modules written by hand, thread by thread, and on real digits."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pellucid.engines.contract import Augmentation, Batches, Recipe
from pellucid.engines.initial import initial_weights
from pellucid.engines.torch import open_trainer
from pellucid.errors import EngineError
from pellucid.network import Network
from support.digits import digit_arrays
from support.numpy_forward import forward

# Text, input (channels, *spatial), and the same by hand.
CASES = {
    "signals": (
        "conv 8 5 stride 2 pad 2, relu, maxpool 2, conv 12 3 dilation 2 groups 4, tanh, "
        "avgpool 3 stride 2 pad 1, conv 6 2 pad 0:1, globalmaxpool, flatten, dense 4, softmax",
        (3, 60),
        lambda: nn.Sequential(
            nn.Conv1d(3, 8, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(8, 12, 3, dilation=2, groups=4), nn.Tanh(),
            nn.AvgPool1d(3, 2, padding=1, count_include_pad=False),
            nn.ConstantPad1d((0, 1), 0.0), nn.Conv1d(12, 6, 2), nn.AdaptiveMaxPool1d(1), nn.Flatten(),
            nn.Linear(6, 4),
        ),
    ),
    "pictures": (
        "conv 8 3 stride 2 pad 1, relu, maxpool 2x1, conv 12 3x2 groups 4, tanh, avgpool 2 countpad pad 1, "
        "adaptiveavgpool 2x3, flatten, dense 4, softmax",
        (3, 16, 14),
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d((2, 1)),
            nn.Conv2d(8, 12, (3, 2), groups=4), nn.Tanh(), nn.AvgPool2d(2, padding=1),
            nn.AdaptiveAvgPool2d((2, 3)), nn.Flatten(), nn.Linear(72, 4),
        ),
    ),
    "volumes": (
        "conv 8 3x5x3 stride 1x2x1 pad 1x2x0, relu, maxpool 1x2x2, conv 12 2x3x1 dilation 2x1x1 groups 4, tanh, "
        "avgpool 2 stride 1 pad 1x0x0, conv 6 2 pad 1:0x0:1x0, flatten, dense 4, softmax",
        (2, 6, 18, 10),
        lambda: nn.Sequential(
            nn.Conv3d(2, 8, (3, 5, 3), stride=(1, 2, 1), padding=(1, 2, 0)), nn.ReLU(), nn.MaxPool3d((1, 2, 2)),
            nn.Conv3d(8, 12, (2, 3, 1), dilation=(2, 1, 1), groups=4), nn.Tanh(),
            nn.AvgPool3d(2, 1, padding=(1, 0, 0), count_include_pad=False),
            nn.ConstantPad3d((0, 0, 0, 1, 1, 0), 0.0), nn.Conv3d(12, 6, 2), nn.Flatten(), nn.Linear(60, 4),
        ),
    ),
    "normalised signals": (
        "conv 8 3 pad 1 nobias, batchnorm, relu, maxpool 2, flatten, dense 5 nobias, batchnorm, dense 4, softmax",
        (2, 20),
        lambda: nn.Sequential(
            nn.Conv1d(2, 8, 3, padding=1, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(),
            nn.Linear(80, 5, bias=False), nn.BatchNorm1d(5), nn.Linear(5, 4),
        ),
    ),
    "normalised volumes": (
        "conv 8 3 pad 1 nobias, batchnorm, relu, maxpool 2, flatten, dense 4, softmax",
        (1, 4, 6, 8),
        lambda: nn.Sequential(
            nn.Conv3d(1, 8, 3, padding=1, bias=False), nn.BatchNorm3d(8), nn.ReLU(), nn.MaxPool3d(2), nn.Flatten(),
            nn.Linear(8 * 2 * 3 * 4, 4),
        ),
    ),
}  # fmt: skip
DROPPING = {
    "signals": ("conv 8 3, batchnorm, relu, dropout 0.3, maxpool 2, flatten, dense 4, softmax", (2, 30)),
    "volumes": ("conv 8 3, batchnorm, relu, dropout 0.3, maxpool 2, flatten, dense 4, softmax", (2, 6, 8, 8)),
}


def data(shape, n=64, classes=4):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, *shape[1:], shape[0]), dtype=np.uint8), rng.integers(0, classes, n)


def scaling(channels):
    return np.linspace(1 / 64, 1 / 50, channels, dtype=np.float32), np.linspace(
        -2, -2.5, channels, dtype=np.float32
    )


def opened(line, shape, **recipe):
    network = Network.from_text(line, shape)
    network = network.with_weights(initial_weights(network, 0))
    recipe = Recipe(**({"batch_size": 16, "threads": 2} | recipe))
    return open_trainer(network, *data(shape), *scaling(shape[0]), recipe)


def batches(steps, rate=0.05, seed=0):
    rows = np.random.default_rng(seed).integers(0, 64, (steps, 16))
    return Batches(rows, np.full(steps, rate, np.float32))


@pytest.mark.parametrize("name", CASES)
def test_losses_and_gradients_are_those_of_modules_written_by_hand(name):
    """One step of plain SGD: the change of each weight is its gradient; then four steps of Adam."""
    line, shape, by_hand = CASES[name]
    channels = shape[0]
    scale, shift = scaling(channels)
    pixels, labels = data(shape)
    inputs = torch.from_numpy(np.moveaxis(pixels.astype(np.float64) * scale + shift, -1, 1))
    for optimiser, steps, rate in (("sgd", 1, 0.5), ("adam", 4, 0.01)):
        trainer = opened(line, shape, optimiser=optimiser, momentum=0.0 if optimiser == "sgd" else 0.9)
        start = trainer.network.weights
        module = by_hand().double()
        with torch.no_grad():
            for parameter, array in zip(
                module.parameters(), (start[name] for name in trainer.network.parameter_shapes), strict=True
            ):
                parameter.copy_(torch.from_numpy(array))
        plain = (
            torch.optim.SGD(module.parameters(), rate)
            if optimiser == "sgd"
            else torch.optim.Adam(module.parameters(), rate)
        )
        work, loss = batches(steps, rate), 0.0
        for rows in torch.from_numpy(work.indices):
            value = F.cross_entropy(module(inputs[rows]), torch.from_numpy(labels)[rows])
            plain.zero_grad()
            value.backward()
            plain.step()
            loss += 16 * value.item()
        if "normalised" in name:
            assert trainer.plan.piece == 16  # the statistics of the whole batch, as by hand
        report = trainer.steps(work, 0)
        assert report.loss == pytest.approx(loss, rel=1e-5)
        weights = trainer.weights()
        expected = dict(
            zip(
                trainer.network.parameter_shapes,
                (p.detach().numpy() for p in module.parameters()),
                strict=True,
            )
        )
        statistics = [b.numpy() for b in module.buffers() if b.ndim]
        expected |= dict(zip(trainer.network.state_shapes, statistics, strict=True))
        for weight, array in expected.items():
            moved = np.abs(array - start[weight]).max()
            limit = (
                1e-4 if optimiser == "sgd" else 5e-3
            )  # Adam divides by gradients that may be next to nothing
            assert np.abs(weights[weight] - array).max() <= limit * moved + 1e-6, weight


@pytest.mark.parametrize("name", DROPPING)
def test_any_number_of_threads_gives_the_same_bits(name):
    line, shape = DROPPING[name]
    trainers = [opened(line, shape, batch_size=64, threads=threads, averaging=0.9) for threads in (1, 2, 5)]
    assert trainers[0].plan.lanes > 1
    rows = np.random.default_rng(1).integers(0, 64, (3, 64))
    reports = [trainer.steps(Batches(rows, np.full(3, 0.01, np.float32)), 0) for trainer in trainers]
    assert reports[0] == reports[1] == reports[2]
    for trainer in trainers[1:]:
        for key, array in trainers[0].state().items():
            np.testing.assert_array_equal(trainer.state()[key], array, err_msg=key)
        np.testing.assert_array_equal(trainer.logits(np.arange(64)), trainers[0].logits(np.arange(64)))


@pytest.mark.parametrize("name", DROPPING)
def test_going_on_from_a_state_gives_the_same_bits(name):
    line, shape = DROPPING[name]
    whole, first, second = (opened(line, shape, averaging=0.9, optimiser="adamw") for _ in range(3))
    work = batches(5)
    whole.steps(work, 0)
    first.steps(Batches(work.indices[:2], work.rates[:2]), 0)
    second.restore(first.state())
    second.steps(Batches(work.indices[2:], work.rates[2:]), 2)
    for key, array in whole.state().items():
        np.testing.assert_array_equal(second.state()[key], array, err_msg=key)


@pytest.mark.parametrize("name", CASES)
def test_logits_are_those_of_the_definition(name):
    line, shape, _ = CASES[name]
    trainer = opened(line, shape)
    trainer.steps(batches(3), 0)
    scale, shift = scaling(shape[0])
    x = np.moveaxis(data(shape)[0] * scale.astype(np.float64) + shift, -1, 1)
    network = trainer.network.with_weights(trainer.weights())
    expected = forward(network, x)[network.nodes[-2].name]
    np.testing.assert_allclose(trainer.logits(np.arange(64)), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", DROPPING)
def test_bfloat16_learns_too(name):
    line, shape = DROPPING[name]
    trainer = opened(line.replace("dropout 0.3, ", ""), shape, precision="bf16")
    rows = np.tile(np.arange(16), (40, 1))
    trainer.steps(Batches(rows, np.full(40, 0.01, np.float32)), 0)
    assert (trainer.logits(np.arange(16)).argmax(1) == data(shape)[1][:16]).all()
    assert all(array.dtype == np.float32 for array in trainer.weights().values())


@pytest.mark.parametrize("name", DROPPING)
def test_augmentation_is_for_pictures(name):
    line, shape = DROPPING[name]
    trainer, work = opened(line, shape), batches(1)
    before = trainer.state()
    same = Augmentation(
        np.tile(np.eye(2, 3, dtype=np.float32), (1, 16, 1, 1)), np.ones((1, 16), np.float32),
        np.zeros((1, 16), np.float32), np.zeros((1, 16, 4), np.int32),
    )  # fmt: skip
    with pytest.raises(EngineError) as caught:
        trainer.steps(Batches(work.indices, work.rates, same), 0)
    assert str(caught.value) == (
        "augmentation moves and turns pictures, with height and width\n"
        f"  received: augmentation of examples of shape {(*shape[1:], shape[0])}\n"
        "  remedy: batches without augmentation"
    )
    assert all(np.array_equal(array, before[key]) for key, array in trainer.state().items())


@pytest.mark.parametrize("name", DROPPING)
def test_data_of_another_shape(name):
    line, shape = DROPPING[name]
    network = Network.from_text(line, shape)
    network = network.with_weights(initial_weights(network, 0))
    pixels, labels = data(shape)
    with pytest.raises(EngineError, match="don't fit the network's input") as caught:
        open_trainer(network, np.moveaxis(pixels, -1, 1), labels, *scaling(2), Recipe())  # channels first
    sizes = ", ".join(str(n) for n in (*shape[1:], shape[0]))
    assert caught.value.remedy == f"pixels uint8 (n, {sizes}), n labels"


def trained_accuracy(line, pixels, labels, known, epochs):
    """Of a network trained on the first `known` examples, on the others."""
    channels = pixels.shape[-1]
    network = Network.from_text(line, (channels, *pixels.shape[1:-1]))
    network = network.with_weights(initial_weights(network, 0))
    values = pixels[:known].reshape(-1, channels)
    deviation = values.std(0) + 1
    scale, shift = (1 / deviation).astype(np.float32), (-values.mean(0) / deviation).astype(np.float32)
    trainer = open_trainer(network, pixels, labels, scale, shift, Recipe(batch_size=50, threads=2))
    rng = np.random.default_rng(0)
    order = np.concatenate([rng.permutation(known)[: known // 50 * 50] for _ in range(epochs)]).reshape(
        -1, 50
    )
    trainer.steps(Batches(order, np.full(len(order), 0.005, np.float32)), 0)
    new = np.arange(known, len(pixels))
    return (trainer.logits(new).argmax(1) == labels[new]).mean()


def test_digits_read_as_signals():
    """scikit-learn's digits: rows are the places, the 8 pixels of a row the channels. Other writers in the last 497."""
    pixels, labels = digit_arrays(1797)
    line = "conv 32 3 pad 1, relu, conv 32 3, batchnorm, relu, maxpool 2, flatten, dropout 0.2, dense 10, softmax"
    assert trained_accuracy(line, pixels, labels, known=1300, epochs=8) > 0.94  # a lone dense layer: 0.91


def test_digits_stacked_to_volumes():
    """Four digits, one behind the other (9, 0, 1, 2): do they count up or down? No single slice tells."""
    pixels, labels = digit_arrays(1797)
    rng = np.random.default_rng(0)

    def stacks(rows, count):
        of = [rows[labels[rows] == digit] for digit in range(10)]
        down = rng.integers(0, 2, count)
        volumes = np.empty((count, 4, 8, 8, 1), np.uint8)
        for volume, backwards in zip(volumes, down, strict=True):
            digits = (rng.integers(0, 10) + np.arange(4)) % 10
            for place, digit in enumerate(digits[::-1] if backwards else digits):
                volume[place, :, :, 0] = pixels[rng.choice(of[digit])]
        return volumes, down

    (seen, answers), (new, right) = stacks(np.arange(1300), 1500), stacks(np.arange(1300, 1797), 500)
    line = (
        "conv 16 1x3x3 pad 0x1x1, batchnorm, relu, maxpool 1x2x2, conv 32 1x3x3, batchnorm, relu, "
        "conv 64 2x2x2, batchnorm, relu, globalavgpool, flatten, dense 2, softmax"
    )
    accuracy = trained_accuracy(
        line, np.concatenate([seen, new]), np.concatenate([answers, right]), known=1500, epochs=6
    )
    assert accuracy > 0.95
