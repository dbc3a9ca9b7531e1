"""Where a training step's time goes: it is no more than there is, most of it has a name, and looking changes no bit."""

import time

import numpy as np
import pytest

from pellucid.engines.contract import Batches, Recipe
from pellucid.engines.initial import initial_weights
from pellucid.engines.native import open_trainer
from pellucid.engines.native.profile import profile_of
from pellucid.engines.native.steps import step_plan
from pellucid.native import native
from pellucid.network import Network

pytestmark = pytest.mark.skipif(native is None, reason="the compiled part is not built here")

PLAIN = "conv 16 5x5, relu, maxpool 2, conv 16 3x3, relu, maxpool 2, flatten, dense 30, relu, dense 4"
JOINED = (
    "conv 8 3x3 pad 1, batchnorm, a: relu, conv 8 3x3 pad 1, batchnorm, add a, relu, dropout 0.2, globalavgpool, "
    "flatten, dense 9 frozen, tanh, dense 4"
)
SHAPE, BATCH, STEPS = (2, 20, 20), 64, 6


def opened(line, threads=1):
    network = Network.from_text(line, SHAPE)
    network = network.with_weights(initial_weights(network, 0))
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (100, 20, 20, 2), np.uint8), rng.integers(0, 4, 100)
    scale, shift = np.full(2, 1 / 64, np.float32), np.full(2, -2, np.float32)
    recipe = Recipe(batch_size=BATCH, threads=threads, averaging=0.9)
    return open_trainer(network, pixels, labels, scale, shift, recipe)


def work(steps=STEPS):
    rows = np.random.default_rng(1).integers(0, 100, (steps, BATCH))
    return Batches(rows, np.full(steps, 0.01, np.float32))


@pytest.mark.parametrize("line", [PLAIN, JOINED])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_parts_are_no_more_than_all_threads_have(line, threads):
    begin = time.perf_counter()
    found = opened(line, threads).profile(work(), 0)
    assert 0 < found.wall <= time.perf_counter() - begin
    assert found.threads == threads
    assert found.counted <= threads * found.wall
    parts = [found.loading, found.loss, found.preparing, found.optimiser]
    for step in found.steps:
        parts += [step.forward, step.back]
        assert step.forward > 0
    assert min(parts) >= 0


@pytest.mark.parametrize("line", [PLAIN, JOINED])
def test_the_parts_are_most_of_what_one_thread_does(line):
    trainer = opened(line)
    trainer.profile(work(), 0)
    found = trainer.profile(work(), STEPS)
    assert found.counted > 0.7 * found.wall


def test_counting_begins_anew_each_time():
    trainer = opened(PLAIN)
    long = trainer.profile(work(400), 0)
    assert trainer.profile(work(1), 400).counted < long.counted


@pytest.mark.parametrize("line", [PLAIN, JOINED])
def test_looking_changes_no_bit(line):
    plain, watched = opened(line, 2), opened(line, 2)
    reports = [plain.steps(work(), 0), plain.steps(work(), STEPS)]
    assert [watched.profile(work(), 0).report, watched.profile(work(), STEPS).report] == reports
    one, other = plain.state(), watched.state()
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.parametrize("line", [PLAIN, JOINED])
def test_the_steps_are_those_of_the_plan(line):
    trainer = opened(line)
    found, plan = trainer.profile(work(), 0), step_plan(trainer.network)
    assert [each.step for each in found.steps] == list(plan.steps)
    flop = sum(each.forward_flop + each.back_flop for each in found.steps) + found.optimiser_flop
    assert flop == sum(step.forward_flop + step.back_flop for step in plan.steps)


def test_dense_weights_are_the_optimisers_unless_they_are_frozen():
    found = opened(JOINED).profile(work(), 0)
    dense = {each.step.layers[0]: each for each in found.steps if each.step.what.startswith("dense")}
    assert (dense["dense1"].forward_flop, dense["dense1"].back_flop) == (2 * 8 * 9, 2 * 8 * 9)
    assert (dense["dense2"].forward_flop, dense["dense2"].back_flop) == (2 * 9 * 4, 2 * 9 * 4)
    assert found.optimiser_flop == 2 * 9 * 4


def test_what_no_gradient_reaches_takes_no_time_back():
    found = opened("conv 4 3x3 frozen, relu, flatten, dense 4").profile(work(), 0)
    assert {each.back for each in found.steps[:-1]} == {0.0}
    assert found.steps[-1].back > 0


def test_times_of_another_network_are_refused():
    trainer = opened(PLAIN)
    report = trainer.steps(work(), 0)
    with pytest.raises(ValueError, match="3 times for"):
        profile_of(trainer.step_plan, set(), report, [0.0, 0.0, 0.0], 1.0, 1)
