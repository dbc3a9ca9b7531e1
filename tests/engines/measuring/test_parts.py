"""A training step's parts: operations and bytes by hand, and times that are divided among all threads."""

import numpy as np
import pytest

from pellucid.engines.contract import StepReport
from pellucid.engines.measuring.parts import called, parts_of, seconds_of
from pellucid.engines.measuring.training import Timed
from pellucid.engines.native.profile import Profile, StepSeconds
from pellucid.engines.native.steps import step_plan
from pellucid.native import native
from pellucid.network import Network, zoo

if native is None:
    pytest.skip("the compiled part was not built here", allow_module_level=True)

NORMED = "conv 8 3x3 pad 1, batchnorm, a: relu, conv 8 3x3 pad 1, batchnorm, add a, relu, flatten, dense 5"


def found(network, batch=512):
    return {(part.name, part.way): part for part in parts_of(network, step_plan(network), batch)}


def test_the_operations_of_bench_lenet_by_hand():
    parts = found(zoo.build("bench-lenet"))
    # Mult-adds: outputs x weights of one. No gradient goes on from the first layer.
    conv1, conv2, dense1 = 2 * 28 * 28 * 8 * 25, 2 * 10 * 10 * 16 * 8 * 25, 2 * 400 * 120
    assert parts["conv1 … relu1", "forward"].flop == parts["conv1 … relu1", "back"].flop == conv1
    assert parts["conv2 … relu2", "forward"].flop == conv2
    assert parts["conv2 … relu2", "back"].flop == 2 * conv2
    assert parts["dense1", "forward"].flop == parts["dense1", "back"].flop == dense1
    assert parts["optimiser, dense gradients", ""].flop == 2 * (400 * 120 + 120 * 84 + 84 * 10)


def test_the_bytes_of_bench_lenet_by_hand():
    parts = found(zoo.build("bench-lenet"))
    taken, given, weights = 8 * 14 * 14, 16 * 5 * 5, (16 * 8 * 25 + 16) / 512
    assert parts["conv2 … relu2", "forward"].bytes == pytest.approx(4 * (taken + given + weights))
    # Back: what went in again, a gradient read and one written; the weights read, their gradient written.
    assert parts["conv2 … relu2", "back"].bytes == pytest.approx(4 * (2 * taken + given + 2 * weights))
    dense = (84 * 10 + 10) / 512
    assert parts["dense3", "back"].bytes == pytest.approx(4 * (84 + 10 + dense))
    assert parts["relu4", "back"].bytes == 4 * 3 * 84
    learned = 8 * 25 + 8 + 3216 + 400 * 120 + 120 + 120 * 84 + 84 + 850
    gradients = 400 + 120 + 120 + 84 + 84 + 10 + (400 * 120 + 120 + 120 * 84 + 84 + 850) / 512
    assert parts["optimiser, dense gradients", ""].bytes == pytest.approx(4 * (gradients + 7 * learned / 512))
    assert parts["loading pictures", ""].bytes == 28 * 28 * 5


def test_a_normalisation_with_a_sum_takes_two_values():
    parts = found(Network.from_text(NORMED, (3, 12, 12)), 32)
    (name,) = {name for name, way in parts if name.startswith("norm2")}
    values, weights = 8 * 12 * 12, 4 * 8 / 32
    assert parts[name, "forward"].bytes == pytest.approx(4 * (3 * values + weights))
    assert parts[name, "back"].bytes == pytest.approx(4 * (4 * values + 2 * weights))


def test_what_is_frozen_has_no_weight_gradient():
    parts = found(Network.from_text("conv 4 3x3 frozen, conv 5 3x3, flatten, dense 3 frozen", (1, 8, 8)))
    assert (parts["conv1", "back"].flop, parts["conv1", "back"].bytes) == (0, 0)
    assert parts["conv2", "back"].flop == parts["conv2", "forward"].flop
    assert parts["dense1", "back"].flop == parts["dense1", "forward"].flop
    assert parts["optimiser", ""].flop == 0


@pytest.mark.parametrize(
    "text",
    [NORMED, "pad 1 reflect, conv 4 3x3, gelu, avgpool 2, dropout 0.3, a: conv 4 3x3, concat a, conv 3 2x2"],
)
def test_every_compiled_step_has_its_two_ways_in_order(text):
    shape = (3, 12, 12)
    network = Network.from_text(text if "dense" in text else text + ", flatten, dense 3", shape)
    plan = step_plan(network)
    parts = parts_of(network, plan, 64)
    steps = [part for part in parts if part.step]
    assert [(part.name, part.way) for part in steps] == [
        (called(step), way) for step in plan.steps for way in ("forward", "back")
    ]
    assert sum(part.flop for part in parts) == sum(step.forward_flop + step.back_flop for step in plan.steps)
    assert all(part.bytes > 0 for part in parts if part.way != "back")


def test_times_are_divided_among_the_threads():
    steps = tuple(
        StepSeconds(step, 8.0, 16.0, 1, 1) for step in step_plan(zoo.build("bench-lenet")).steps[:1]
    )
    profile = Profile(StepReport(0.0, 0, 4), steps, 4.0, 2.0, 0.5, 1.0, 1, 20.0, 2)
    assert profile.counted == 8 + 16 + 4 + 2 + 2 * 1.5
    assert seconds_of(profile) == [1.0, 2.0, 0.5, 0.25, 0.125, 0.25, 5.0]


@pytest.mark.parametrize(
    "text", ["flatten, dense 6, relu, dense 3", "conv 4 3, relu, conv 5 3, globalavgpool, flatten, dense 3"]
)
@pytest.mark.parametrize("threads", [1, 2])
def test_signals_and_values_are_trained_in_parts(text, threads):
    timed = Timed(Network.from_text(text, (2, 9)), batch=32, threads=threads)
    before = {name: array.copy() for name, array in timed.trainer.weights().items()}
    *parts, whole = timed.fastest(0)
    assert len(parts) == len(timed.parts)
    assert min(parts) >= 0
    assert sum(parts) <= whole * (1 + 1e-9)
    assert timed.rate(0) > 0
    after = timed.trainer.weights()
    assert any(not np.array_equal(before[name], after[name]) for name in before)
