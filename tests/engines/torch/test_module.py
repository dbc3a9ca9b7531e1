"""The module as a whole: names, the quick order, torch's own counting."""

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from pellucid.engines.torch import NetworkModule
from pellucid.engines.torch.module import evaluation_order
from pellucid.network import Network, zoo
from support.networks import EVERY_LAYER, with_random_weights

SHAPE = (3, 19, 22)


def pictures(shape, count=5, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 1, (count, *shape)).astype(np.float32))


def test_children_and_weights_have_the_networks_names_and_shapes():
    network = with_random_weights(Network.from_text(EVERY_LAYER, SHAPE))
    module = NetworkModule(network)
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    assert shapes == network.parameter_shapes | network.state_shapes
    assert [name for name, _ in module.named_children()] == [node.name for node in network.nodes]
    assert {name for name, _ in module.named_parameters()} == set(network.parameter_shapes)


def test_weights_come_back_as_they_went_in():
    network = with_random_weights(Network.from_text(EVERY_LAYER, SHAPE))
    arrays = NetworkModule(network).arrays()
    assert list(arrays) == list(NetworkModule(network).state_dict())
    for name, array in network.weights.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].flags.c_contiguous and arrays[name].dtype == np.float32


def test_names_that_torch_uses_itself():
    network = with_random_weights(
        Network.from_text("train: conv 2 3x3, half: relu, flatten, forward: dense 2", (1, 5, 5))
    )
    module = NetworkModule(network).train()
    assert module(pictures((1, 5, 5))).shape == (5, 2)
    assert "train.weight" in module.state_dict()


def test_torch_counts_what_the_network_counts_without_allocating():
    for name in ("resnet18", "vgg16", "bench-lenet", "efficientnet-lite0"):
        network = zoo.build(name)
        with torch.device("meta"):
            module = NetworkModule(network)
            assert sum(p.numel() for p in module.parameters()) == network.parameter_count
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                assert module.eval()(torch.empty(1, *network.input_shape)).shape == (1, *network.output_shape)
        assert counter.get_total_flops() == 2 * network.mult_adds
        assert all(tensor.is_meta for tensor in module.state_dict().values())


def test_logits_are_the_values_before_the_last_softmax():
    network = with_random_weights(Network.from_text(EVERY_LAYER, SHAPE))
    module = NetworkModule(network).eval()
    x = pictures(SHAPE)
    with torch.no_grad():
        torch.testing.assert_close(module.logits(x).softmax(1), module(x), rtol=1e-5, atol=1e-6)


def test_the_quick_module_gives_the_same_logits_and_gradients():
    """bench-lenet has 8 channels first; the others have ReLUs before pools, branches and joins."""
    for line, shape in (
        (zoo.build("bench-lenet").text, (1, 28, 28)),
        ("conv 8 3x3 pad 1, relu, maxpool 3 stride 2 pad 1, tanh, maxpool 2, flatten, dense 4", (3, 13, 14)),
        (
            "conv 8 3x3 pad same, relu, a: conv 8 1x1, relu, add relu1, relu, maxpool 2, flatten, dense 4",
            (2, 9, 8),
        ),
        (
            "conv 4 3x3, relu, maxpool 2, concat pool1, side: maxpool 2 from relu1, concat side, flatten, dense 3",
            (1, 9, 9),
        ),
    ):
        network = with_random_weights(Network.from_text(line, shape))
        plain, quick = NetworkModule(network), NetworkModule(network)
        quick.quicken()
        x = pictures(shape)
        expected, got = plain(x), quick.logits(x.contiguous(memory_format=torch.channels_last))
        if network.nodes[-1].layer.word == "softmax":
            got = got.softmax(1)
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)
        # A fixed mixture of the outputs: with random values there are no ties for a maximum.
        mix = pictures((expected.shape[1],), seed=1)
        (expected * mix).sum().backward()
        (got * mix).sum().backward()
        for (name, one), other in zip(plain.named_parameters(), quick.parameters(), strict=True):
            assert one.grad is not None and other.grad is not None
            scale = float(one.grad.abs().max())
            torch.testing.assert_close(other.grad, one.grad, rtol=1e-4, atol=1e-5 * scale, msg=name)


def order(line, shape=(1, 12, 12)):
    return [(node.name, node.inputs) for node in evaluation_order(Network.from_text(line, shape).nodes)]


def test_pooling_goes_before_a_rising_curve_that_nothing_else_uses():
    assert order("conv 2 3x3, relu, maxpool 2, flatten") == [
        ("conv1", ("input",)), ("pool1", ("conv1",)), ("relu1", ("pool1",)), ("flatten1", ("relu1",)),
    ]  # fmt: skip
    assert order("sigmoid, maxpool 2, maxpool 2") == [
        ("pool1", ("input",)), ("pool2", ("pool1",)), ("sigmoid1", ("pool2",)),
    ]  # fmt: skip
    # Past the first pool only: what comes out of it is wanted twice.
    assert order("relu, maxpool 3 stride 1 pad 1, maxpool 3 stride 1 pad 1, add pool1") == [
        ("pool1", ("input",)), ("relu1", ("pool1",)), ("pool2", ("relu1",)), ("add1", ("pool2", "relu1")),
    ]  # fmt: skip


def test_pooling_stays_after_what_falls_or_is_used_again():
    for line in (
        "silu, maxpool 2",
        "gelu, maxpool 2",
        "hardswish, maxpool 2",
        "leakyrelu slope -1, maxpool 2",
        "relu, avgpool 2",
        "relu, maxpool 2, maxpool 2 from relu1, add pool1",
    ):
        nodes = Network.from_text(line, (1, 12, 12)).nodes
        assert evaluation_order(nodes) == nodes


def test_a_replica_shares_weights_but_not_statistics():
    module = NetworkModule(with_random_weights(Network.from_text("conv 2 3x3, batchnorm", (1, 5, 5))))
    replica = module.replica()
    with torch.no_grad():
        module.get_parameter("conv1.weight").fill_(7)
        module.get_buffer("norm1.running_mean").fill_(7)
    assert replica.get_parameter("conv1.weight").eq(7).all()
    assert not replica.get_buffer("norm1.running_mean").eq(7).any()
