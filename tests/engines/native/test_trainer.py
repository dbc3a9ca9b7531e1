"""The compiled engine's steps against plain PyTorch; what threads, pauses and empty places must not change."""

import numpy as np
import pytest
import torch

from pellucid.engines.contract import Augmentation, Batches, Recipe
from pellucid.engines.initial import initial_weights
from pellucid.engines.native import open_trainer
from pellucid.engines.torch.pictures import Pictures
from pellucid.errors import EngineError
from pellucid.native import native
from pellucid.network import Network
from support.networks import with_random_weights
from support.torch_loop import OPTIMISERS, plain_torch

pytestmark = pytest.mark.skipif(native is None, reason="the compiled part is not built here")

SMALL = "conv 8 3x3 pad 1, relu, maxpool 2, conv 6 3x3, relu, flatten, dense 9, relu, dense 4, softmax"
NORMED = "conv 8 3x3 pad 1 nobias, batchnorm, relu, maxpool 2, dropout 0.3, flatten, dense 4, softmax"
JOINED = (
    "a: conv 6 3x3 pad 1, relu, conv 6 3x3 pad 1, batchnorm, add a, concat a, globalavgpool, flatten, dense 4"
)
SHAPE = (2, 10, 12)
SCALE, SHIFT = np.array([1 / 64, 1 / 50], np.float32), np.array([-2, -2.5], np.float32)


def data(n=60, shape=SHAPE, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    channels, height, width = shape
    return rng.integers(0, 256, (n, height, width, channels), dtype=np.uint8), rng.integers(0, classes, n)


def network_of(line=SMALL, shape=SHAPE):
    network = Network.from_text(line, shape)
    return network.with_weights(initial_weights(network, 0))


def opened(line=SMALL, network=None, **recipe):
    recipe = {"batch_size": 24, "threads": 2} | recipe
    return open_trainer(network or network_of(line), *data(), SCALE, SHIFT, Recipe(**recipe))


def batches(steps=4, size=24, rate=0.01, seed=0, augmentation=None):
    rows = np.random.default_rng(seed).integers(0, 60, (steps, size))
    return Batches(rows, np.full(steps, rate, np.float32), augmentation)


def variations(steps=4, size=24, seed=0):
    rng = np.random.default_rng(seed)
    return Augmentation(
        affine=(np.eye(2, 3) + rng.normal(0, 0.1, (steps, size, 2, 3))).astype(np.float32),
        gain=rng.uniform(0.8, 1.2, (steps, size)).astype(np.float32),
        offset=rng.uniform(-9, 9, (steps, size)).astype(np.float32),
        erase=np.tile(np.array([1, 1, 4, 4], np.int32), (steps, size, 1)),
    )


def assert_same_bits(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize(("smoothing", "clip"), [(0.0, 0.0), (0.1, 0.5)])
def test_steps_are_those_of_a_plain_loop(name, smoothing, clip):
    network, work = network_of(), batches(steps=6)
    expected, loss = plain_torch(
        network, *data(), SCALE, SHIFT, work.indices, work.rates, OPTIMISERS[name], smoothing, clip
    )
    trainer = opened(
        network=network, optimiser=name, momentum=0.8, beta2=0.95, epsilon=1e-6, weight_decay=0.01,
        label_smoothing=smoothing, clip=clip,
    )  # fmt: skip
    report = trainer.steps(work, 0)
    assert report.loss == pytest.approx(loss, rel=1e-4)
    assert report.count == 6 * 24
    for weight, array in trainer.weights().items():
        moved = np.abs(expected[weight] - network.weights[weight]).max()
        # Adam divides by the gradient's size: where that is next to nothing, rounding is seen.
        assert np.abs(array - expected[weight]).max() < 1e-2 * moved, weight


def test_class_weights_count_a_picture_several_times():
    """One step of gradient descent with weight 3 is three times the step with weight 1, for pictures of that class."""
    network, (pixels, _) = network_of(), data()
    labels = np.full(60, 2)
    moved = []
    for weights in (None, (1.0, 1.0, 3.0, 1.0)):
        recipe = Recipe(batch_size=24, optimiser="sgd", momentum=0.0, class_weights=weights)
        trainer = open_trainer(network, pixels, labels, SCALE, SHIFT, recipe)
        report = trainer.steps(batches(steps=1), 0)
        moved.append((report, {n: a - network.weights[n] for n, a in trainer.weights().items()}))
    assert moved[0][0] == moved[1][0]  # the loss told is the plain one
    for name, step in moved[0][1].items():
        np.testing.assert_allclose(moved[1][1][name], 3 * step, rtol=1e-3, atol=1e-6)


def test_the_report_counts_right_answers():
    trainer = opened()
    work = batches(steps=1, rate=0.0)
    labels = data()[1][work.indices[0]]
    right = (trainer.logits(work.indices[0]).argmax(1) == labels).sum()
    report = trainer.steps(work, 0)
    assert (report.correct, report.count) == (right, 24)


@pytest.mark.parametrize("line", [SMALL, NORMED, JOINED])
def test_any_number_of_threads_gives_the_same_bits(line):
    rows = np.random.default_rng(0).integers(0, 60, (3, 100))
    work = Batches(rows, np.full(3, 0.01, np.float32), variations(3, 100))
    states = []
    for threads in (1, 2, 3, 7):
        trainer = opened(line, threads=threads, batch_size=100, averaging=0.9, label_smoothing=0.1, clip=1.0)
        states.append((trainer.steps(work, 0), trainer.state(), trainer.logits(np.arange(60))))
    for report, state, logits in states[1:]:
        assert report == states[0][0]
        assert_same_bits(state, states[0][1])
        np.testing.assert_array_equal(logits, states[0][2])


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd", "muon"])
@pytest.mark.parametrize("line", [SMALL, NORMED])
def test_going_on_from_a_state_gives_the_same_bits(line, optimiser):
    recipe = {"optimiser": optimiser, "averaging": 0.95, "weight_decay": 0.1, "clip": 1.0}
    whole = opened(line, **recipe)
    work = batches(steps=6, augmentation=variations(6))
    whole.steps(work, 0)
    first, second = (
        Batches(
            work.indices[part], work.rates[part],
            Augmentation(*(a[part] for a in vars(work.augmentation).values())),
        )
        for part in (slice(0, 2), slice(2, 6))
    )  # fmt: skip
    before = opened(line, **recipe)
    before.steps(first, 0)
    state = before.state()
    before.steps(batches(seed=5), 2)  # whatever happens after does not reach into the state taken
    after = opened(line, network=with_random_weights(network_of(line), 3), **recipe)
    after.restore(state)
    assert_same_bits(after.state(), state)
    after.steps(second, 2)
    assert_same_bits(after.state(), whole.state())
    before.restore(state)
    before.steps(second, 2)
    assert_same_bits(before.state(), whole.state())


def test_a_state_of_something_else_is_refused():
    state = opened().state()
    with pytest.raises(EngineError, match="another network, recipe or engine") as caught:
        opened(NORMED).restore(state)
    assert "conv1.bias" not in caught.value.received
    state = opened(optimiser="sgd").state()
    with pytest.raises(EngineError) as caught:
        opened(optimiser="adam").restore(state)
    assert caught.value.received == "optimiser/exp_avg/conv1.weight is missing"


def test_empty_places_leave_no_trace():
    rows = batches(steps=2, size=24, seed=1).indices
    padded = np.full((2, 40), -1)
    padded[:, 7:31] = rows
    padded[:, :7] = -1
    few, many = (opened(NORMED, batch_size=size, averaging=0.9) for size in (24, 40))
    rates = np.full(2, 0.01, np.float32)
    assert few.steps(Batches(rows, rates), 0) == many.steps(Batches(padded, rates), 0)
    assert_same_bits(few.state(), many.state())


def test_a_batch_of_empty_places_changes_nothing():
    trainer = opened(averaging=0.9)
    trainer.steps(batches(steps=1), 0)
    before = trainer.state()
    report = trainer.steps(Batches(np.full((1, 24), -1), np.full(1, 0.1, np.float32)), 1)
    assert (report.loss, report.correct, report.count) == (0, 0, 0)
    assert_same_bits(trainer.state(), before)


def test_dropout_is_drawn_from_seed_and_step_alone():
    def loss(seed, step):
        return opened(NORMED, seed=seed).steps(batches(steps=1), step).loss

    assert loss(0, 5) == loss(0, 5)
    assert len({loss(0, 5), loss(0, 6), loss(1, 5)}) == 3


def test_dropout_keeps_the_mean_and_drops_the_rate():
    network = Network.from_text("flatten, dropout 0.25, dense 2, softmax", (1, 50, 50))
    # Logits (0, sum of the kept values / 0.75): the loss of class 1 tells how many were kept.
    weight = np.zeros((2, 2500), np.float32)
    weight[1] = 1 / 2500
    network = network.with_weights({"dense1.weight": weight, "dense1.bias": np.zeros(2, np.float32)})
    pixels, labels = np.ones((40, 50, 50, 1), np.uint8), np.ones(40, np.int64)
    one = np.ones(1, np.float32)
    trainer = open_trainer(network, pixels, labels, one, one * 0, Recipe(batch_size=1))
    losses = [trainer.steps(Batches(np.array([[i]]), np.zeros(1, np.float32)), i).loss for i in range(40)]
    kept = -np.log(np.expm1(losses))  # the logit
    assert kept.mean() == pytest.approx(1, abs=0.01)
    assert kept.std() == pytest.approx((0.25 / 0.75 / 2500) ** 0.5, rel=0.4)


def test_the_average_follows_the_weights():
    trainer = opened(NORMED, averaging=0.6)
    expected = dict(trainer.weights(averaged=False))
    for step in range(12):
        trainer.steps(batches(steps=1, seed=step), step)
        decay = min(0.6, (1 + step) / (10 + step))
        raw = trainer.weights(averaged=False)
        expected = {name: decay * expected[name] + (1 - decay) * raw[name] for name in raw}
    for name, array in trainer.weights().items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-4, atol=1e-6)
    rows = np.arange(9)
    for averaged in (True, False):
        shown = open_trainer(
            network_of(NORMED).with_weights(trainer.weights(averaged)), *data(), SCALE, SHIFT, Recipe()
        )
        np.testing.assert_array_equal(trainer.logits(rows, averaged), shown.logits(rows))
    assert not np.array_equal(trainer.logits(rows, True), trainer.logits(rows, False))


def test_frozen_weights_stay_as_they_are():
    line = (
        "conv 8 3x3 pad 1 frozen, relu, maxpool 2, conv 6 3x3, relu, flatten, dense 9 frozen, relu, dense 4"
    )
    network = network_of(line)
    trainer = opened(network=network, averaging=0.9, weight_decay=0.1, clip=0.1)
    trainer.steps(batches(), 0)
    for averaged in (True, False):
        for name, array in trainer.weights(averaged).items():
            assert np.array_equal(array, network.weights[name]) == (name in network.frozen), name


def test_a_single_picture_is_normalised_by_the_running_statistics():
    network = with_random_weights(network_of("flatten, dense 6, relu, batchnorm, dense 4, softmax"))
    trainer = opened(network=network, batch_size=1, optimiser="sgd", momentum=0.0)
    expected = trainer.logits(np.array([3]))[0].astype(np.float64)
    report = trainer.steps(Batches(np.array([[3]]), np.full(1, 0.01, np.float32)), 0)
    label = data()[1][3]
    assert report.loss == pytest.approx(np.log(np.exp(expected).sum()) - expected[label], rel=1e-5)
    for name in network.state_shapes:
        np.testing.assert_array_equal(trainer.weights()[name], network.weights[name])


@pytest.mark.parametrize("line", [SMALL, NORMED, JOINED])
def test_it_learns_what_there_is_to_learn(line):
    trainer = opened(line, optimiser="adam")
    rows = np.tile(np.arange(24), (150, 1))
    trainer.steps(Batches(rows, np.full(150, 0.01, np.float32)), 0)
    right = trainer.logits(np.arange(24)).argmax(1) == data()[1][:24]
    assert right.mean() > 0.9


@pytest.mark.parametrize("sharp", [True, False])
def test_pictures_are_varied_as_the_torch_engine_varies_them(sharp):
    """A dense layer of one weight per pixel tells the pixels: its gradient for a single picture is the picture."""
    shape, count = (3, 9, 11), 12
    pixels, labels = data(count, shape, 2)
    network = Network.from_text("flatten, dense 2 nobias, softmax", shape)
    network = network.with_weights({"dense1.weight": np.zeros((2, 297), np.float32)})
    scale, shift = np.array([1 / 64, 1 / 50, 1 / 70], np.float32), np.array([-2, -2.5, -1], np.float32)
    rng = np.random.default_rng(1)
    affine = np.eye(2, 3) + rng.normal(0, 0.3, (count, 2, 3)) * [1, 1, 8]
    if sharp:
        affine = np.eye(2, 3) * rng.choice([-1, 1], (count, 1, 3)) + 0
        affine[..., 2] = rng.integers(-4, 5, (count, 2))
    varied = Augmentation(
        affine.astype(np.float32), rng.uniform(0.5, 1.5, count).astype(np.float32),
        rng.uniform(-90, 90, count).astype(np.float32),
        np.stack([rng.integers(0, 5, count), rng.integers(0, 5, count), rng.integers(0, 9, count),
                  rng.integers(5, 11, count)], axis=1).astype(np.int32),
    )  # fmt: skip
    with torch.no_grad():
        expected = (
            Pictures(pixels, scale, shift, torch.device("cpu")).varied(torch.arange(count), varied).numpy()
        )
    for row in range(count):
        recipe = Recipe(batch_size=1, optimiser="sgd", momentum=0.0)
        trainer = open_trainer(network, pixels, labels, scale, shift, recipe)
        one = Augmentation(*(array[None, row : row + 1] for array in vars(varied).values()))
        trainer.steps(Batches(np.array([[row]]), np.full(1, 2, np.float32), one), 0)
        picture = trainer.weights()["dense1.weight"][labels[row]].reshape(shape)
        np.testing.assert_allclose(picture, expected[row], atol=2e-4)


def test_a_loss_that_is_no_number_is_told_as_it_is():
    """The loop says that training diverged by this: see training/test_loop.py."""
    trainer = opened(optimiser="sgd")
    report = trainer.steps(batches(steps=30, rate=3e38), 0)
    assert not np.isfinite(report.loss)


def test_memory_that_cannot_be_had():
    network = Network.from_text("conv 900000 1x1, globalavgpool, flatten, dense 4", (1, 48, 48))
    network = network.with_weights(
        {name: np.zeros(shape, np.float32) for name, shape in network.parameter_shapes.items()}
    )
    pixels = np.zeros((1, 48, 48, 1), np.uint8)
    one = np.ones(1, np.float32)
    with pytest.raises(EngineError, match="not enough memory") as caught:
        open_trainer(network, pixels, np.zeros(1, np.int64), one, one, Recipe(batch_size=16, threads=1000))
    assert "--batch-size" in caught.value.remedy


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"pixels": np.zeros((3, 4, 4, 2), np.uint8)}, "the pictures don't fit the network's input"),
        ({"labels": np.zeros(3, np.int64)}, "the pictures don't fit the network's input"),
        ({"labels": np.full(60, 4)}, "a label is outside the network's answer"),
        ({"recipe": Recipe(class_weights=(1.0, 2.0))}, "the class weights don't fit the network's answer"),
        ({"recipe": Recipe(precision="bf16")}, "The native engine can't train this network"),
        ({"network": Network.from_text(SMALL, SHAPE)}, "the network to train has no weights to start from"),
        ({"network": network_of("lrn 3, flatten, dense 4")}, "The native engine can't train this network"),
    ],
)
def test_what_cannot_be_trained_is_said(change, what):
    pixels, labels = data()
    given = {"network": network_of(), "pixels": pixels, "labels": labels, "recipe": Recipe()} | change
    with pytest.raises(EngineError) as caught:
        open_trainer(scale=SCALE, shift=SHIFT, **given)
    assert caught.value.what == what
