"""What every layer must keep, in every engine and rank: one row a layer kind, and no kind without a row."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from pellucid.engines.torch import NetworkModule
from pellucid.engines.torch.layers import BUILD
from pellucid.model.onnx_layers import WRITERS, add_layer
from pellucid.model.preprocessing import Nodes
from pellucid.network import INPUT, Network
from pellucid.network.layers import LAYERS
from support.networks import with_random_weights
from support.numpy_forward import forward

# Texts whose last layer is the one in question; odd sizes, uneven padding, both ways of each option.
ROWS = {
    "conv": ["conv 6 3x3",
        "conv 8 5x3 stride 2x1 pad 0:2x1:0 dilation 1x2 groups 4 nobias", "conv 4 2x2 pad same stride 3",
        "conv 4 3x3 frozen"],
    "pad": ["pad 1", "pad 1x0:2 reflect", "pad 3:0x1 replicate", "pad 8x10 reflect"],
    "maxpool": ["maxpool 2", "maxpool 3x2 stride 2x1 pad 1x0:1", "maxpool 3 stride 2 pad same", "maxpool 3 pad 2"],
    "avgpool": ["avgpool 2", "avgpool 3 stride 2 pad 1", "avgpool 3 stride 2 pad 1 countpad", "avgpool 3 pad 2:0x0:2"],
    "globalavgpool": ["globalavgpool"],
    "globalmaxpool": ["globalmaxpool"],
    "adaptiveavgpool": ["adaptiveavgpool 3", "adaptiveavgpool 9x11", "adaptiveavgpool 4x5", "adaptiveavgpool 12"],
    "adaptivemaxpool": ["adaptivemaxpool 3", "adaptivemaxpool 4x5", "adaptivemaxpool 12"],
    "relu": ["relu"],
    "leakyrelu": ["leakyrelu", "leakyrelu slope 0.3"],
    "sigmoid": ["sigmoid"],
    "tanh": ["tanh"],
    "gelu": ["gelu"],
    "silu": ["silu"],
    "hardswish": ["hardswish"],
    "relu6": ["relu6"],
    "batchnorm": ["batchnorm", "batchnorm epsilon 0.01"],
    "lrn": ["lrn 3 alpha 0.5", "lrn 5 alpha 0.1 beta 0.5 k 2"],
    "dropout": ["dropout", "dropout 0.1"],
    "flatten": ["flatten"],
    "dense": ["flatten, dense 7", "flatten, dense 5 nobias", "flatten, dense 4 frozen"],
    "softmax": ["softmax", "flatten, softmax"],
    "add": ["relu, add input", "conv 8 1x1, tanh, add conv1 input"],
    "concat": ["relu, concat input", "conv 3 3x3 pad same, concat input conv1"],
}  # fmt: skip
# The same for signals and volumes, of the kinds whose sizes go by axis; all other lines serve every rank as they are.
SIGNALS = {
    "pad": ["pad 1", "pad 0:2 reflect", "pad 3:1 replicate", "pad 10 reflect"],
    "conv": ["conv 6 3", "conv 6 3 frozen", "conv 8 5 stride 2 pad 0:2 dilation 2 groups 4 nobias",
        "conv 4 2 pad same stride 3"],
    "maxpool": ["maxpool 2", "maxpool 3 stride 2 pad 0:1", "maxpool 3 stride 2 pad same", "maxpool 3 pad 2"],
    "avgpool": ["avgpool 2", "avgpool 3 stride 2 pad 1", "avgpool 3 stride 2 pad 1 countpad", "avgpool 3 pad 2:0",
        "avgpool 3 pad 2:1 stride 2 countpad"],
    "adaptiveavgpool": ["adaptiveavgpool 3", "adaptiveavgpool 11", "adaptiveavgpool 4", "adaptiveavgpool 12"],
    "adaptivemaxpool": ["adaptivemaxpool 3", "adaptivemaxpool 12"],
    "add": ["relu, add input", "conv 8 1, tanh, add conv1 input"],
    "concat": ["relu, concat input", "conv 3 3 pad same, concat input conv1"],
}  # fmt: skip
VOLUMES = {
    "pad": ["pad 1", "pad 1x0:2x3 reflect", "pad 3:0x1x0:2 replicate"],
    "conv": ["conv 6 3x3x3", "conv 8 5x3x2 stride 2x1x3 pad 0:2x1:0x1 dilation 1x2x1 groups 4 nobias",
        "conv 4 2x2x2 pad same stride 3", "conv 3 3x1x1 pad 1x0x0"],
    "maxpool": ["maxpool 2", "maxpool 3x2x1 stride 2x1x2 pad 1x0:1x0", "maxpool 3 stride 2 pad same",
        "maxpool 3 pad 2"],
    "avgpool": ["avgpool 2", "avgpool 3 stride 2 pad 1", "avgpool 3 stride 2 pad 1 countpad",
        "avgpool 3 pad 2:0x0:2x1", "avgpool 3x2x3 pad 2:0x0:1x1 stride 2 countpad"],
    "adaptiveavgpool": ["adaptiveavgpool 3x2x3", "adaptiveavgpool 6x5x7", "adaptiveavgpool 4x5x2", "adaptiveavgpool 8"],
    "adaptivemaxpool": ["adaptivemaxpool 3x5x1", "adaptivemaxpool 4x3x5", "adaptivemaxpool 8"],
    "add": ["relu, add input", "conv 8 1x1x1, tanh, add conv1 input"],
    "concat": ["relu, concat input", "conv 3 3x3x3 pad same, concat input conv1"],
}  # fmt: skip
CASES = [
    (word, line, shape)
    for shape, rows in (((8, 9, 11), ROWS), ((8, 11), ROWS | SIGNALS), ((8, 6, 5, 7), ROWS | VOLUMES))
    for word, lines in rows.items()
    for line in lines
]
EVERY_CASE = pytest.mark.parametrize(
    ("word", "line", "shape"), CASES, ids=[f"{len(shape) - 1}-D {line}" for _, line, shape in CASES]
)


def onnx_output(network, x):
    """The network alone, without preprocessing, through the layer writers and onnxruntime."""
    nodes = Nodes()
    for node in network.nodes:
        add_layer(nodes, node.layer, node.name, list(node.inputs), node.name, network.inputs_of(node))
    weights = [numpy_helper.from_array(array, name) for name, array in network.weights.items()]
    graph = helper.make_graph(
        nodes.nodes,
        "one",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", *network.input_shape])],
        [helper.make_tensor_value_info(network.output, TensorProto.FLOAT, ["N", *network.output_shape])],
        nodes.constants + weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {INPUT: x})[0]


def test_every_layer_has_a_row_a_writer_and_a_module():
    assert ROWS.keys() == LAYERS.keys()
    assert set(WRITERS) == set(BUILD) == set(LAYERS.values())
    for word, line, shape in CASES:
        assert Network.from_text(line, shape).nodes[-1].layer.word == word


@EVERY_CASE
def test_shape_file_engine_and_definition_agree(word, line, shape):
    network = with_random_weights(Network.from_text(line, shape))
    x = np.random.default_rng(0).normal(0, 2, (3, *shape)).astype(np.float32)
    file = onnx_output(network, x)
    module = NetworkModule(network).eval()
    with torch.no_grad():
        engine = module(torch.from_numpy(x)).numpy()
    assert file.shape[1:] == network.output_shape
    assert engine.shape == file.shape
    np.testing.assert_allclose(engine, file, rtol=1e-5, atol=2e-6)
    plain = forward(network, x)[network.output]
    np.testing.assert_allclose(engine, plain, rtol=2e-5, atol=1e-5)


@EVERY_CASE
def test_text_and_counts_come_back(word, line, shape):
    network = Network.from_text(line, shape)
    assert Network.from_text(network.text, shape) == network
    last = network.nodes[-1]
    weights = last.layer.weight_shapes(*network.inputs_of(last))
    module = NetworkModule(network).get_submodule(last.name)
    assert {name: tuple(p.shape) for name, p in module.named_parameters()} == weights
    windows = last.layer.windows(*network.inputs_of(last))
    assert all(window.size >= 1 and window.stride > 0 for window in windows)


@EVERY_CASE
def test_its_gradient_is_that_of_small_differences(word, line, shape):
    network = with_random_weights(Network.from_text(line, shape))
    module = NetworkModule(network).eval().double()
    rng = np.random.default_rng(1)
    x = torch.from_numpy(rng.normal(0, 2, (1, *shape))).requires_grad_()
    direction = torch.from_numpy(rng.normal(size=x.shape))
    weighing = torch.from_numpy(rng.normal(size=(1, *network.output_shape)))
    (module(x) * weighing).sum().backward()
    assert x.grad is not None
    slope = float((x.grad * direction).sum())
    step = 1e-7
    with torch.no_grad():
        difference = ((module(x + step * direction) - module(x - step * direction)) * weighing).sum() / (
            2 * step
        )
    assert slope == pytest.approx(float(difference), rel=1e-4, abs=1e-5)
