"""Training steps against plain PyTorch, and what must not depend on threads, pauses or empty places."""

import numpy as np
import pytest
import torch

from pellucid.engines.contract import Augmentation, Batches, Recipe
from pellucid.engines.initial import initial_weights
from pellucid.engines.torch import NetworkModule, open_trainer
from pellucid.errors import EngineError
from pellucid.network import Network
from support.networks import EVERY_LAYER, with_random_weights
from support.torch_loop import OPTIMISERS, plain_torch

SMALL = "conv 8 3x3 pad 1, relu, maxpool 2, conv 6 3x3, relu, flatten, dense 9, relu, dense 4, softmax"
NORMED = "conv 8 3x3 pad 1 nobias, batchnorm, relu, maxpool 2, dropout 0.3, flatten, dense 4, softmax"
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
    start = network.weights
    for weight, array in trainer.weights().items():
        moved = np.abs(expected[weight] - start[weight]).max()
        assert np.abs(array - expected[weight]).max() < 2e-3 * moved, weight


def test_the_report_counts_right_answers():
    trainer = opened()
    work = batches(steps=1, rate=0.0)
    labels = data()[1][work.indices[0]]
    right = (trainer.logits(work.indices[0]).argmax(1) == labels).sum()
    report = trainer.steps(work, 0)
    assert (report.correct, report.count) == (right, 24)


@pytest.mark.parametrize("line", [SMALL, NORMED])
def test_any_number_of_threads_gives_the_same_bits(line):
    work = batches(augmentation=variations())
    states = []
    for threads in (1, 2, 3, 7):
        trainer = opened(line, threads=threads, averaging=0.9, label_smoothing=0.1)
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


def test_steps_one_by_one_are_steps_together():
    together, single = opened(NORMED, averaging=0.9), opened(NORMED, averaging=0.9)
    work = batches(steps=3)
    report = together.steps(work, 10)
    one_by_one = [
        single.steps(Batches(work.indices[i : i + 1], work.rates[i : i + 1]), 10 + i) for i in range(3)
    ]
    assert sum(r.correct for r in one_by_one) == report.correct
    assert_same_bits(together.state(), single.state())


def test_empty_places_leave_no_trace():
    """A full piece and then empty places alone: the very bits of a batch without them, statistics and all."""
    rows = batches(steps=1, size=16).indices
    padded = np.concatenate([rows, np.full((1, 8), -1)], axis=1)
    few, many = (opened(NORMED, batch_size=size, threads=1, averaging=0.9) for size in (16, 24))
    assert few.plan.piece == many.plan.piece == 16
    rate = np.full(1, 0.01, np.float32)
    assert few.steps(Batches(rows, rate), 0) == many.steps(Batches(padded, rate), 0)
    assert_same_bits(few.state(), many.state())


def test_scattered_empty_places_leave_no_trace():
    rows = batches(steps=2, size=24, seed=1).indices
    rows[1, [0, 3, 4, 5, 12, 23]] = -1
    expected, _ = plain_torch(network_of(), *data(), SCALE, SHIFT, rows, [0.05, 0.05], OPTIMISERS["sgd"])
    trainer = opened(optimiser="sgd", momentum=0.8, weight_decay=0.01)
    report = trainer.steps(Batches(rows, np.full(2, 0.05, np.float32)), 0)
    assert report.count == 24 + 18
    for name, array in trainer.weights().items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-3, atol=1e-5)


def test_a_batch_of_empty_places_changes_nothing():
    trainer = opened(averaging=0.9)
    trainer.steps(batches(steps=1), 0)
    before = trainer.state()
    report = trainer.steps(Batches(np.full((1, 24), -1), np.full(1, 0.1, np.float32)), 1)
    assert (report.loss, report.correct, report.count) == (0, 0, 0)
    assert_same_bits(trainer.state(), before)


def test_dropout_is_drawn_from_seed_and_step_alone():
    def loss(seed, step):
        trainer = opened(NORMED, seed=seed)
        return trainer.steps(batches(steps=1), step).loss

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
    trainer = opened(averaging=0.6)
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
            network_of().with_weights(trainer.weights(averaged)), *data(), SCALE, SHIFT, Recipe()
        )
        np.testing.assert_array_equal(trainer.logits(rows, averaged), shown.logits(rows))
    assert not np.array_equal(trainer.logits(rows, True), trainer.logits(rows, False))


def test_without_averaging_averaged_weights_are_the_weights():
    trainer = opened()
    trainer.steps(batches(), 0)
    assert_same_bits(trainer.weights(True), trainer.weights(False))


def test_running_statistics_move_a_tenth_towards_the_pieces_mean():
    line = "batchnorm, flatten, dense 4, softmax"
    trainer = opened(line, batch_size=24)
    piece = trainer.plan.piece
    work = batches(steps=1)
    trainer.steps(work, 0)
    pixels = data()[0][work.indices[0]] * SCALE.astype(np.float64) + SHIFT
    parts = [pixels[i : i + piece] for i in range(0, 24, piece)]
    shares = [len(part) / 24 for part in parts]
    mean = sum(part.mean((0, 1, 2)) * share for part, share in zip(parts, shares, strict=True))
    spread = sum(part.var((0, 1, 2), ddof=0) * part[..., 0].size / (part[..., 0].size - 1) * share
                 for part, share in zip(parts, shares, strict=True))  # fmt: skip
    weights = trainer.weights()
    np.testing.assert_allclose(weights["norm1.running_mean"], 0.1 * mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(weights["norm1.running_var"], 0.9 + 0.1 * spread, rtol=1e-4)


def test_a_single_picture_is_normalised_by_the_running_statistics():
    network = network_of("flatten, dense 6, relu, batchnorm, dense 4, softmax")
    trainer = opened(network=network, batch_size=1)
    report = trainer.steps(Batches(np.array([[3]]), np.full(1, 0.01, np.float32)), 0)
    assert np.isfinite(report.loss)
    assert all(np.isfinite(array).all() for array in trainer.weights().values())


def test_logits_are_the_networks_in_inference():
    network = with_random_weights(Network.from_text(EVERY_LAYER, (3, 19, 22)))
    pixels, labels = data(40, (3, 19, 22))
    one = np.full(3, 1 / 64, np.float32)
    trainer = open_trainer(network, pixels, labels, one, -2 * np.ones(3, np.float32), Recipe(threads=2))
    rows = np.array([5, 39, 0, 5])
    with torch.no_grad():
        x = torch.from_numpy((pixels[rows] / 64 - 2).astype(np.float32).transpose(0, 3, 1, 2).copy())
        expected = NetworkModule(network).eval()(x).numpy()
    got = torch.from_numpy(trainer.logits(rows)).softmax(1).numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-5)
    assert trainer.logits(np.array([], np.int64)).shape == (0, 4)


def test_every_layer_learns():
    """All parameters of the network of all layers get a gradient, and fitting two pictures works."""
    network = with_random_weights(Network.from_text(EVERY_LAYER, (3, 19, 22)))
    pixels, labels = data(40, (3, 19, 22))
    trainer = open_trainer(
        network, pixels, labels, np.full(3, 1 / 64, np.float32), np.full(3, -2, np.float32),
        Recipe(batch_size=8, threads=2, optimiser="sgd", momentum=0.0),
    )  # fmt: skip
    rows = np.tile(np.arange(8), (1, 1))
    trainer.steps(Batches(rows, np.full(1, 0.1, np.float32)), 0)
    for name, array in trainer.weights().items():
        if name.endswith("running_mean") or name.endswith("running_var"):
            continue
        assert not np.array_equal(array, network.weights[name]), name


@pytest.mark.parametrize("line", [SMALL, NORMED])
@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_it_learns_what_there_is_to_learn(line, precision):
    trainer = opened(line, precision=precision, optimiser="adam")
    rows = np.tile(np.arange(24), (80, 1))
    trainer.steps(Batches(rows, np.full(80, 0.01, np.float32)), 0)
    right = trainer.logits(np.arange(24)).argmax(1) == data()[1][:24]
    assert right.all()
    assert all(array.dtype == np.float32 for array in trainer.weights().values())


def test_a_network_whose_batch_is_not_cut(monkeypatch):
    """Networks too large for several sets of gradients train in pieces one after the other: the same step."""
    cut = opened()
    monkeypatch.setattr("pellucid.engines.torch.plan.LANE_BYTES", 1)
    whole = opened()
    assert whole.plan.lanes == 1 < cut.plan.lanes
    for trainer in (cut, whole):
        trainer.steps(batches(), 0)
    for name, array in cut.weights().items():
        np.testing.assert_allclose(whole.weights()[name], array, rtol=1e-2, atol=1e-4)


def test_torchs_thread_setting_is_left_as_it_was():
    before = torch.get_num_threads()
    trainer = opened()
    trainer.steps(batches(steps=1), 0)
    trainer.logits(np.arange(3))
    assert torch.get_num_threads() == before


def test_what_a_worker_meets_reaches_the_caller(monkeypatch):
    trainer = opened(threads=2)
    monkeypatch.setattr(trainer, "_piece", lambda *parts: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        trainer.steps(batches(steps=1), 0)


def test_errors_say_what_and_what_to_do(monkeypatch):
    pixels, labels = data()
    with pytest.raises(EngineError) as caught:
        open_trainer(network_of(), pixels[:, :, :5], labels, SCALE, SHIFT, Recipe())
    assert str(caught.value) == (
        "the pictures don't fit the network's input\n"
        "  received: pixels uint8 (60, 10, 5, 2), 60 labels\n"
        "  remedy: pixels uint8 (n, 10, 12, 2), n labels"
    )
    with pytest.raises(EngineError, match="no weights to start from"):
        opened(network=network_of().without_weights())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EngineError, match="no GPU") as caught:
        opened(device="cuda")
    assert "--device cpu" in caught.value.remedy
    trainer = opened()
    state = trainer.state()
    state["weights/conv1.bias"] = np.zeros(3, np.float32)
    with pytest.raises(EngineError) as caught:
        trainer.restore(state)
    assert caught.value.received == "weights/conv1.bias (3,)"
    with pytest.raises(EngineError) as caught:
        opened(averaging=0.9).restore(opened().state())
    assert caught.value.received == "average/conv1.weight is missing"


def test_lack_of_memory_is_an_error_of_ours(monkeypatch):
    trainer = opened()

    def fail(*parts):
        raise RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
        )

    monkeypatch.setattr(trainer, "_piece", fail)
    with pytest.raises(EngineError, match="not enough memory") as caught:
        trainer.steps(batches(steps=1), 0)
    assert "--batch-size" in caught.value.remedy


def test_showing_before_the_first_step_leaves_nothing_of_inference_behind():
    """As in a run that was killed at an epoch's end: what logits set up is then used by steps."""
    from pellucid.engines.torch.narrow import _places

    _places.cache_clear()
    trainer = opened("conv 8 5x5 pad 2, maxpool 2, relu, flatten, dense 4")
    trainer.logits(np.arange(10))
    assert trainer.steps(batches(2), 0).count == 48
