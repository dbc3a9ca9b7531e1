"""Filters as networks: their text, their weights, and the same numbers through the file's layers as through apply."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from pellucid.errors import NetworkError
from pellucid.filters import KERNELS, Filter, apply, expand, network_of
from pellucid.model.onnx_layers import add_layer
from pellucid.model.preprocessing import Nodes
from pellucid.network import INPUT, Network


@pytest.mark.parametrize(
    ("text", "shape", "wanted"),
    [
        ("sharpen, relu, maxpool 2", (1, 8, 8), "sharpen1: conv 1 3x3 pad same nobias frozen, relu, maxpool 2"),
        ("sharpen", (3, 8, 8), "sharpen1: conv 3 3x3 pad same groups 3 nobias frozen"),
        ("sharpen volume", (3, 8, 8), "sharpen1: conv 1 3x3 pad same nobias frozen"),
        ("sobel-x + gaussian-5", (1, 8, 8), "bank1: conv 2 5x5 pad same nobias frozen"),
        ("sobel-x+sobel-y border reflect, relu", (3, 8, 8),
         "pad 1 reflect, bank1: conv 6 3x3 groups 3 nobias frozen, relu"),
        ("gaussian-5 border replicate stride 2", (1, 8, 9),
         "pad 1:2x2 replicate, gaussian_5_1: conv 1 5x5 stride 2 nobias frozen"),
        ("identity pad valid border reflect", (1, 8, 8), "identity1: conv 1 3x3 nobias frozen"),
        ("sharpen, sharpen, [2]", (1, 8, 8),
         "sharpen1: conv 1 3x3 pad same nobias frozen, sharpen2: conv 1 3x3 pad same nobias frozen, "
         "kernel1: conv 1 1x1 pad same nobias frozen"),
        ("a: sobel-x, b: sobel-y from input border replicate, concat a, conv 2 3x3", (1, 8, 8),
         "a: conv 1 3x3 pad same nobias frozen, pad 1 replicate from input, b: conv 1 3x3 nobias frozen, concat a, "
         "conv 2 3x3"),
        ("conv 8 3x3, relu", (1, 8, 8), "conv 8 3x3, relu"),
    ],
)  # fmt: skip
def test_a_filter_text_is_a_network_s(text, shape, wanted):
    expanded = expand(text, shape)
    assert expanded.text == wanted == Network.from_text(wanted, shape).text
    assert Network.from_text(wanted, shape).frozen == expanded.weights.keys()


def test_weights_are_those_of_the_kernels():
    bank = network_of("sobel-x + sobel-y flip", (2, 6, 6)).weights["bank1.weight"]
    x, y = (KERNELS[name].array[::-1, ::-1] for name in ("sobel-x", "sobel-y"))
    assert np.array_equal(bank, np.array([x, y, x, y], np.float32)[:, None])
    volume = network_of("[1|2|3] + [1]", (3, 6, 6)).weights["bank1.weight"]
    assert volume[:, :, 0, 0].tolist() == [[1, 2, 3], [1, 1, 1]]
    small = network_of("[5] + sharpen", (1, 6, 6)).weights["bank1.weight"]
    assert small[0, 0].tolist() == [[0, 0, 0], [0, 5, 0], [0, 0, 0]]


def test_weights_are_given_where_all_are_known():
    assert network_of("sharpen, relu, maxpool 2", (1, 8, 8)).weights
    assert not network_of("sharpen, conv 2 3x3", (1, 8, 8)).weights
    assert not network_of("sharpen, batchnorm", (1, 8, 8)).weights


@pytest.mark.parametrize(
    ("text", "shape", "what", "remedy"),
    [
        ("gaussian 5 pad valid", (1, 3, 4), "kernel 5 is larger than its 3 x 4 input: floor((3 + 2*0 - 5)/1) + 1 = -1",
         "pad 2x2, a smaller kernel, or a larger picture"),
        ("sharpen border reflect", (1, 1, 1), "height 1 can't be mirrored 1 place outwards: reflect reaches 0 at most",
         "replicate or zero instead of reflect, or a larger picture"),
        ("[1|2] pad valid", (3, 5, 5), "kernel has 2 planes, and what it slides over has 3 channels",
         "3 planes, or one, which serves each channel"),
        ("flatten, sharpen", (1, 5, 5), "a filter slides over pictures, with height and width",
         "filters before flatten and dense, on an input height x width x channels"),
        ("[1 2; 3 4] + sharpen pad valid", (1, 5, 5),
         "filters side by side share their middle: 2 x 2 has none within 3 x 3",
         "kernels whose sides are all odd, or all even"),
        ("relu, sharpen from nowhere", (1, 5, 5), "takes in nowhere, but no layer before it has that name",
         "one of: input, relu1"),
        ("a: sharpen, a: sharpen", (1, 5, 5), "a does not fit: the name a is taken by an earlier layer",
         "give one of them another name"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(text, shape, what, remedy):
    with pytest.raises(NetworkError) as caught:
        expand(text, shape)
    assert (caught.value.what, caught.value.remedy) == (what, remedy)
    assert caught.value.where


def through_the_file(network, x):
    """The network alone, through the layer writers and onnxruntime: x [n, c, h, w]."""
    nodes = Nodes()
    for node in network.nodes:
        add_layer(nodes, node.layer, node.name, list(node.inputs), node.name, network.inputs_of(node))
    weights = [numpy_helper.from_array(array, name) for name, array in network.weights.items()]
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in (INPUT, network.output)
    ]
    graph = helper.make_graph(nodes.nodes, "filters", values[:1], values[1:], nodes.constants + weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {INPUT: x})[0]


@pytest.mark.parametrize(
    "text",
    [
        "sobel-x", "laplacian border reflect", "gaussian 7 border replicate stride 2", "emboss pad valid flip",
        "gabor 9 wavelength 4 angle 30 dilation 2", "box-blur 5 volume border reflect", "[1 2; 3 4 ; 5 6] pad 2:0x1",
        "[1 2 0|0 1 0|1 0 -1] stride 1x3 border replicate",
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [(23, 17), (20, 20)])
def test_both_ways_give_the_same_numbers(text, size):
    pixels = np.random.default_rng(0).random((*size, 3), np.float32)
    network = network_of(text, (3, *size))
    file = through_the_file(network, pixels.transpose(2, 0, 1)[None])[0].transpose(1, 2, 0)
    ours = apply(pixels, text)
    assert ours.shape == file.shape == (*network.output_shape[1:], network.output_shape[0])
    np.testing.assert_allclose(ours, file, rtol=1e-5, atol=1e-5)


def test_a_bank_is_its_filters_side_by_side():
    pixels = np.random.default_rng(1).random((9, 8, 2), np.float32)
    bank = through_the_file(
        network_of("sharpen + gaussian-5 + [2]", (2, 9, 8)), pixels.transpose(2, 0, 1)[None]
    )[0]
    for number, name in enumerate(("sharpen", "gaussian-5", "[2]")):
        alone = apply(pixels, Filter(name, [[2]]) if name == "[2]" else name)
        for channel in range(2):
            np.testing.assert_allclose(bank[channel * 3 + number], alone[:, :, channel], rtol=1e-5, atol=1e-6)
