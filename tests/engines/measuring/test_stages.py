"""A network's stages: their operations by hand, cuts only where one value goes through, and all of it trained."""

import numpy as np
import pytest

from pellucid.engines.measuring.stages import Timed, stages, up_to
from pellucid.engines.native import open_trainer
from pellucid.network import Network, zoo

RESIDUAL = (
    "conv 8 3x3 pad 1, batchnorm, a: relu, conv 8 3x3 pad 1, batchnorm, relu, conv 8 3x3 pad 1, add a, relu, "
    "conv 12 3x3 stride 2, globalavgpool, flatten, dense 5"
)


def test_the_operations_of_bench_lenet_by_hand():
    found = stages(zoo.build("bench-lenet"), 512)
    # Mult-adds: outputs x weights of one. Three passes but for the first layer, whose input needs no gradient.
    by_hand = [
        2 * 2 * 28 * 28 * 8 * 25, 3 * 2 * 10 * 10 * 16 * 8 * 25, 3 * 2 * 400 * 120, 3 * 2 * 120 * 84, 3 * 2 * 84 * 10,
    ]  # fmt: skip
    assert [stage.flop for stage in found] == by_hand


def test_the_bytes_of_a_dense_layer_by_hand():
    last = stages(zoo.build("bench-lenet"), 512)[-1]
    values = 3 * 84 + 2 * 10  # in: read twice, a gradient written; out: written, a gradient read
    assert last.bytes == pytest.approx(4 * (values + 10 * (84 * 10 + 10) / 512))


def test_the_stages_are_the_whole_network_in_order():
    network = zoo.build("bench-lenet")
    found = stages(network, 512)
    assert [stage.first for stage in found] == [0, *(stage.last for stage in found[:-1])]
    assert up_to(network, found[-1].last).text == network.text.removesuffix(", softmax")


def test_a_branch_is_not_cut():
    network = Network.from_text(RESIDUAL, (3, 12, 12))
    cuts = [network.nodes[stage.first].name for stage in stages(network, 64)]
    assert cuts == ["conv1", "conv2", "conv4", "dense1"]  # conv3 is beside `a`
    for stage in stages(network, 64):
        assert up_to(network, stage.last).output_shape == (5,)


@pytest.mark.parametrize(
    "text", ["flatten, dense 6, relu, dense 3", "conv 4 3, relu, conv 5 3, globalavgpool, flatten, dense 3"]
)
def test_signals_and_values_have_stages_that_train(text):
    network = Network.from_text(text, (2, 9))
    for cut in (0, *(stage.last for stage in stages(network, 32))):
        timed = Timed(up_to(network, cut), open_trainer, batch=32, threads=1)
        before = {name: array.copy() for name, array in timed.trainer.weights().items()}
        assert timed.fastest(0) > 0
        after = timed.trainer.weights()
        assert any(not np.array_equal(before[name], after[name]) for name in before)


def test_what_is_frozen_has_no_weight_gradient():
    free = stages(Network.from_text("conv 4 3x3, conv 5 3x3, flatten, dense 3", (1, 8, 8)), 32)
    frozen = stages(Network.from_text("conv 4 3x3 frozen, conv 5 3x3, flatten, dense 3", (1, 8, 8)), 32)
    assert (free[0].flop, frozen[0].flop) == (2 * 2 * 36 * 4 * 9, 2 * 36 * 4 * 9)
    assert frozen[1].flop == free[1].flop * 2 // 3  # no gradient has to go on to the frozen layer
