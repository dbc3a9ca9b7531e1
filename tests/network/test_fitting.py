"""What fits, what doesn't, and what a network says where it doesn't."""

import numpy as np
import pytest

from pellucid.errors import NetworkError
from pellucid.network import Network, Node
from pellucid.network.fitting import Fit, Misfit, fit
from pellucid.network.layers import Conv, MaxPool, ReLU
from pellucid.network.text import parse


def test_the_shapes_of_a_chain():
    network = Network.from_text("conv 8 5x5, relu, maxpool 2, flatten, dense 10, softmax", (1, 28, 20))
    assert dict(network.shapes) == {
        "input": (1, 28, 20),
        "conv1": (8, 24, 16),
        "relu1": (8, 24, 16),
        "pool1": (8, 12, 8),
        "flatten1": (768,),
        "dense1": (10,),
        "softmax1": (10,),
    }
    assert network.output == "softmax1"
    assert network.output_shape == (10,)


def test_sizes_are_given_for_each_axis_of_the_input():
    assert Network.from_text("conv 8 5", (1, 28)).nodes[0].layer == Conv(8, (5,), (1,), ((0, 0),), (1,))
    assert Network.from_text("conv 8 5", (1, 28, 28)).nodes[0].layer == Conv(8, (5, 5)).for_rank(2)
    assert Network.from_text("conv 8 5", (1, 9, 9, 9)).shapes["conv1"] == (8, 5, 5, 5)


def test_branches_and_joins():
    network = Network.from_text(
        "a: conv 4 3x3 pad 1, b: conv 4 1x1 from input, add a, concat input", (3, 8, 8)
    )
    assert network.shapes["add1"] == (4, 8, 8)
    assert network.output_shape == (7, 8, 8)
    assert [node.inputs for node in network.nodes] == [("input",), ("input",), ("b", "a"), ("add1", "input")]


@pytest.mark.parametrize(
    ("text", "what", "where", "remedy"),
    [
        (
            "relu from x",
            "relu1 does not fit: takes in x, but no layer before it has that name",
            "relu1: relu from x",
            "one of: input",
        ),
        (
            "relu, add relu2, relu",
            "add1 does not fit: takes in relu2, but no layer before it has that name",
            "add1: add relu2",
            "one of: input, relu1",
        ),
        (
            "a: relu, a: relu",
            "a does not fit: the name a is taken by an earlier layer",
            "a: relu",
            "give one of them another name",
        ),
        (
            "input: relu",
            "input does not fit: the name input is taken by an earlier layer",
            "input: relu",
            "give one of them another name",
        ),
        (
            "from: relu",
            "from does not fit: a layer's name is small letters, digits and _, not starting with a digit, "
            "and not 'from'",
            "from: relu",
            "another name, as in stem: conv 8 3x3",
        ),
        (
            "relu, add",
            "add1 does not fit: add takes two inputs or more, got 1",
            "add1: add",
            "add NAME, where NAME is an earlier layer",
        ),
        (
            "conv 8 3x3, dense 10",
            "dense1 does not fit: dense needs a row of values, its input is 26 x 26 x 8",
            "dense1: dense 10",
            "flatten, dense 10",
        ),
        (
            "flatten, conv 8 3x3",
            "conv1 does not fit: conv needs an input with spatial axes, this one is 2,352 values",
            "conv1: conv 8 3x3",
            "put conv before flatten and dense",
        ),
        (
            "conv 8 3x3x3",
            "conv1 does not fit: kernel is given for 3 axes, but the input has 2 spatial axes: height, width",
            "conv1: conv 8 3x3x3",
            "conv 8 3x3",
        ),
        (
            "conv 8 3x3, conv 9 3x3 groups 4",
            "conv2 does not fit: 9 output channels don't divide into 4 groups: 9/4 = 2.25",
            "conv2: conv 9 3x3 groups 4",
            "conv 9 3x3",
        ),
        (
            "conv 8 3x3, conv 8 3x3, add conv1",
            "add1 does not fit: add needs inputs of one shape, these are 24 x 24 x 8 and 26 x 26 x 8",
            "add1: add conv1",
            "conv2 with pad same (gives 26 x 26)",
        ),
        (
            "conv 8 3x3 dilation 20 pad 1",
            "conv1 does not fit: dilated kernel 41 is larger than its 28 x 28 input padded to 30: "
            "floor((28 + 2*1 - 41)/1) + 1 = -10",
            "conv1: conv 8 3x3 pad 1 dilation 20",
            "conv1 with pad same",
        ),
    ],
)
def test_what_it_says_where_it_does_not_fit(text, what, where, remedy):
    with pytest.raises(NetworkError) as caught:
        Network.from_text(text, (3, 28, 28))
    error = caught.value
    assert (error.what, error.where, error.remedy) == (what, where, remedy)


def test_the_part_before_the_break_comes_with_the_error():
    with pytest.raises(NetworkError) as caught:
        Network.from_text("conv 8 3x3, relu, dense 10, softmax", (1, 28, 28))
    fitted = caught.value.fitted
    assert isinstance(fitted, Network)
    assert fitted.text == "conv 8 3x3, relu"
    assert fitted.output_shape == (8, 26, 26)


def test_fit_tells_the_first_misfit_only():
    found = fit((1, 8, 8), parse("maxpool 9, maxpool 10"))
    assert isinstance(found, Misfit)
    assert found.index == 0
    assert isinstance(fit((1, 8, 8), parse("maxpool 8")), Fit)


@pytest.mark.parametrize(
    "shape",
    [(), (1, 0, 28), (1, -1, 28), (1, 70_000, 28), (1.0, 28, 28), [1, 28, 28], (0, 128), (1, 4, 4, 4, 4)],
)
def test_an_input_that_can_not_be(shape):
    with pytest.raises(NetworkError) as caught:
        Network.from_text("relu", shape)
    assert caught.value.what == (
        "an input's shape is (channels, length), (channels, height, width) or (channels, depth, height, width), "
        "each from 1 to 65,536"
    )
    assert caught.value.received == repr(shape)


@pytest.mark.parametrize(
    ("text", "shape", "what", "received", "remedy"),
    [
        (
            "conv 8 5x5",
            (3, 128),
            "conv1 does not fit: kernel is given for 2 axes, but the input has 1 spatial axis: length",
            "kernel 5x5",
            "conv 8 5",
        ),
        (
            "conv 8 5x3",
            (1, 16, 32, 32),
            "conv1 does not fit: kernel is given for 2 axes, but the input has 3 spatial axes: depth, height, width",
            "kernel 5x3",
            "conv 8 5x3x3",
        ),
        (
            "conv 8 3x3x3",
            (1, 28, 28),
            "conv1 does not fit: kernel is given for 3 axes, but the input has 2 spatial axes: height, width",
            "kernel 3x3x3",
            "conv 8 3x3",
        ),
        (
            "conv 8 3, maxpool 2 pad 0:1x0",
            (1, 9),
            "pool1 does not fit: pad is given for 2 axes, but the input has 1 spatial axis: length",
            "pad 0:1x0:0",
            "maxpool 2 pad 0:1",
        ),
        (
            "conv 8 5x5, relu, flatten, dense 10",  # cut it would fit no better: the next fix is told
            (3, 4),
            "conv1 does not fit: kernel is given for 2 axes, but the input has 1 spatial axis: length",
            "kernel 5x5",
            "conv 8 5 pad same",
        ),
    ],
)
def test_sizes_for_another_rank_than_the_inputs(text, shape, what, received, remedy):
    with pytest.raises(NetworkError) as caught:
        Network.from_text(text, shape)
    error = caught.value
    assert (error.what, error.received, error.remedy) == (what, received, remedy)
    index = len(error.fitted.nodes)
    pieces = text.split(", ")
    Network.from_text(", ".join([*pieces[:index], remedy.split(", or ")[0], *pieces[index + 1 :]]), shape)


def test_too_many_nodes_from_python():
    nodes = [Node("relu1", ReLU(), ("input",))]
    nodes += [Node(f"relu{i}", ReLU(), (f"relu{i - 1}",)) for i in range(2, 10_002)]
    with pytest.raises(NetworkError, match="a network has at most 10,000 layers"):
        Network((1, 8, 8), tuple(nodes))


def test_two_inputs_are_too_many_for_a_layer_that_joins_nothing():
    with pytest.raises(NetworkError, match="relu takes one input, got 2"):
        Network((1, 8, 8), (Node("relu1", ReLU(), ("input", "input")),))


class TestWeights:
    network = Network.from_text("conv 2 3x3, batchnorm, flatten, dense 3", (1, 4, 4))

    def weights(self):
        shapes = self.network.parameter_shapes | self.network.state_shapes
        return {name: np.full(shape, i, np.float32) for i, (name, shape) in enumerate(shapes.items())}

    def test_names_and_shapes(self):
        assert self.network.parameter_shapes == {
            "conv1.weight": (2, 1, 3, 3),
            "conv1.bias": (2,),
            "norm1.weight": (2,),
            "norm1.bias": (2,),
            "dense1.weight": (3, 8),
            "dense1.bias": (3,),
        }
        assert self.network.state_shapes == {"norm1.running_mean": (2,), "norm1.running_var": (2,)}
        assert self.network.parameter_count == 18 + 2 + 4 + 24 + 3

    def test_with_and_without(self):
        assert not self.network.weights
        full = self.network.with_weights(self.weights())
        assert full.weights.keys() == self.weights().keys()
        assert full != self.network
        assert full == self.network.with_weights(self.weights())
        assert full.without_weights() == self.network
        assert hash(full) == hash(self.network)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"dense1.bias": None}, "the weight dense1.bias is missing"),
            ({"dense1.bias": np.zeros(4)}, "the weight dense1.bias has the wrong shape"),
            ({"dense2.bias": np.zeros(4)}, "there is no weight called dense2.bias"),
        ],
    )
    def test_wrong_ones_are_refused(self, change, message):
        weights = {name: array for name, array in (self.weights() | change).items() if array is not None}
        with pytest.raises(NetworkError, match=message):
            self.network.with_weights(weights)

    def test_then_goes_on(self):
        longer = self.network.then("relu, dense 2")
        assert longer.text == "conv 2 3x3, batchnorm, flatten, dense 3, relu, dense 2"
        assert longer.output_shape == (2,)


def test_equal_networks_need_not_be_written_alike():
    assert Network.from_text("conv 8 5, maxpool 2", (1, 28, 28)) == Network.from_text(
        "conv 8 5x5 stride 1, maxpool 2x2 stride 2", (1, 28, 28)
    )
    assert Network.from_text("maxpool 2", (1, 28, 28)) != Network.from_text("maxpool 2", (1, 28, 29))
    assert repr(Network.from_text("maxpool 2", (1, 28, 29))) == (
        "<Network 28x29x1: maxpool 2 · 0 parameters, without weights>"
    )
    assert MaxPool(2) != ReLU()
