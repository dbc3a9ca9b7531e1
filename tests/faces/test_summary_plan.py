"""`pellucid summary --plan`: the compiled engine's steps, against shapes and counts that the network itself knows."""

from math import prod

import pytest

from pellucid.engines.native.steps import step_plan
from pellucid.engines.order import evaluation_order
from pellucid.network import Network, zoo
from pellucid.network.layers import Conv, Dense
from support.cli import pellucid

RESIDUAL = (
    "conv 8 3x3 pad 1 nobias, batchnorm, relu, conv 8 3x3 pad 1 nobias, batchnorm, add relu1, relu, "
    "globalavgpool, flatten, dense 4, softmax"
)


def networks() -> list[Network]:
    return [
        zoo.build("bench-lenet"),
        zoo.build("auto", 28, 28, 1, 10),
        Network.from_text(RESIDUAL, (3, 12, 10)),
        Network.from_text("conv 4 3 groups 2, relu, maxpool 3 stride 2, flatten, dense 2", (2, 40)),
    ]


@pytest.mark.parametrize("network", networks())
def test_every_layer_is_in_one_step(network):
    plan = step_plan(network)
    named = [name for step in plan.steps for name in step.layers]
    wanted = [node.name for node in evaluation_order(network.nodes)]
    left_out = [name for name in wanted if name not in named]
    assert sorted(named + left_out) == sorted(wanted)
    assert all(name.startswith(("flatten", "dropout")) for name in left_out)


@pytest.mark.parametrize("network", networks())
def test_flop_and_weights_are_the_networks_own(network):
    plan = step_plan(network)
    for node in network.nodes:
        if not isinstance(node.layer, Conv | Dense):
            continue
        step = next(step for step in plan.steps if node.name in step.layers)
        shape = network.shapes[node.inputs[0]]
        parameters = sum(prod(shape) for shape in node.layer.weight_shapes(shape).values())
        assert step.weight_bytes == 4 * parameters
        # Every product is made three times in training: forward, for the weights and for the input; but the first
        # layer's input needs nothing. A pooled odd row or column is left out.
        assert step.forward_flop <= 2 * node.layer.mult_adds(shape)
        assert step.back_flop == step.forward_flop * (1 if node.inputs[0] == "input" else 2)


def test_what_can_be_is_fused():
    plan = step_plan(zoo.build("bench-lenet"))
    assert plan.steps[0].layers == ("conv1", "pool1", "relu1")
    plan = step_plan(zoo.build("auto", 28, 28, 1, 10))
    assert ("norm1", "pool1", "relu1") in [step.layers for step in plan.steps]
    assert ("norm2", "relu2") in [step.layers for step in plan.steps]


def test_values_that_are_fused_away_take_no_memory():
    apart = step_plan(
        Network.from_text("conv 8 3x3, maxpool 3 stride 2, relu, flatten, dense 2", (1, 20, 20))
    )
    fused = step_plan(Network.from_text("conv 8 3x3, maxpool 2, relu, flatten, dense 2", (1, 20, 20)))
    assert fused.worker_bytes < apart.worker_bytes / 2


def test_as_a_table_and_as_json():
    out = pellucid("summary", "bench-lenet", "--plan").out
    assert "conv1 + pool1 + relu1" in out and "14 x 14 x 8" in out and "a thread uses" in out
    document = pellucid("summary", "bench-lenet", "--plan", "--json").json
    assert document["steps"][0]["layers"] == ["conv1", "pool1", "relu1"]
    assert document["steps"][0]["output_shape"] == [14, 14, 8]
    assert document["steps"][0]["forward_flop"] == 2 * 28 * 28 * 8 * 25


def test_a_layer_that_it_has_not_is_named():
    ran = pellucid("summary", "conv 8 3x3, lrn 5, flatten, dense 2", "--input", "9x9x1", "--plan")
    assert (ran.code, ran.out) == (1, "")
    assert "lrn1" in ran.err and "Traceback" not in ran.err


def test_other_tables_beside_it_are_refused():
    ran = pellucid("summary", "bench-lenet", "--plan", "--formula")
    assert ran.code == 1 and "--plan" in ran.err
