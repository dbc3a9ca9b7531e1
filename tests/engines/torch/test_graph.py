"""Part of an opened graph in torch, against onnxruntime's values and against torch's own network."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from pellucid.engines.choice import open_part
from pellucid.engines.torch import NetworkModule
from pellucid.engines.torch.graph import GraphPart
from pellucid.errors import EngineError
from pellucid.model.card import Card
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.opened import open_run
from pellucid.model.preprocessing import Preprocessing
from pellucid.model.write import model_bytes
from pellucid.network import Network
from support.networks import with_random_weights

TEXT = (
    "conv 4 3x3, tanh, maxpool 2, conv 6 3x3 pad 1, relu, "
    "conv 5 1x1, sigmoid, globalavgpool, flatten, dense 3, softmax"
)
NETWORK = with_random_weights(Network.from_text(TEXT, (1, 10, 10)))
CARD = Card(
    classes=("a", "b", "c"),
    network=NETWORK.text,
    preprocessing=Preprocessing(height=10, width=10, channels=1, scale=(1 / 64,), shift=(-2.0,)),
)
PICTURE = np.random.default_rng(0).integers(0, 256, (1, 12, 14, 3), np.uint8)


@pytest.fixture(scope="module")
def opened():
    return open_run(OnnxFile(model_bytes(NETWORK, CARD)), {"image": PICTURE})


def test_a_run_gives_the_recorded_values(opened):
    part = GraphPart(opened.graph, opened.values, ["input"], ["conv2", "probabilities"])
    for name, value in part.run().items():
        np.testing.assert_allclose(value, opened.values[name], rtol=1e-5, atol=1e-6)


def test_only_the_nodes_between_are_computed(opened):
    part = GraphPart(opened.graph, opened.values, ["relu1"], ["dense1"])
    assert [node.name for node in part.nodes] == ["conv3", "sigmoid1", "pool2", "flatten1", "dense1"]


def test_other_values_can_be_given(opened):
    part = GraphPart(opened.graph, opened.values, ["input", "relu1"], ["dense1"])
    given = {"relu1": np.zeros_like(opened.values["relu1"])}
    changed = part.run(given)["dense1"]
    assert not np.allclose(changed, opened.values["dense1"])
    again = part.run(given | {"input": np.zeros_like(opened.values["input"])})["dense1"]
    np.testing.assert_array_equal(changed, again)  # what is given is not computed


def test_gradients_are_those_of_torchs_own_network(opened):
    """By the picture, a weight, a bias and an intermediate value, of one class' logit."""
    names = ["input", "conv1.weight", "conv2.bias", "relu1"]
    part = GraphPart(opened.graph, opened.values, names, ["dense1"], "float64")
    found = part.gradients({"dense1": np.array([[0.0, 1.0, -2.0]])})

    module = NetworkModule(NETWORK).double()
    x = torch.from_numpy(opened.values["input"].astype(np.float64)).requires_grad_()
    kept = {}
    module._modules["relu1"].register_forward_hook(lambda module, given, result: kept.update(relu1=result))
    logits = module.logits(x)
    total = logits[0, 1] - 2 * logits[0, 2]
    parameters = dict(module.named_parameters())
    sources = [x, parameters["conv1.weight"], parameters["conv2.bias"], kept["relu1"]]
    for name, gradient in zip(names, torch.autograd.grad(total, sources), strict=True):
        np.testing.assert_allclose(found.gradients[name], gradient.numpy(), rtol=1e-9, atol=1e-12)
    assert found.total == pytest.approx(total.item(), rel=1e-9)
    np.testing.assert_allclose(found.values["dense1"], logits.detach().numpy(), rtol=1e-9)


def test_what_has_no_influence_has_the_gradient_0(opened):
    part = GraphPart(opened.graph, opened.values, ["relu1"], ["conv1"])
    gradient = part.gradients({"conv1": np.ones_like(opened.values["conv1"])}).gradients["relu1"]
    np.testing.assert_array_equal(gradient, np.zeros_like(opened.values["relu1"]))


def test_whole_numbers_are_refused_by_name(opened):
    with pytest.raises(EngineError) as error:
        GraphPart(opened.graph, opened.values, ["image"], ["dense1"])
    assert str(error.value) == (
        "a gradient by whole numbers doesn't exist\n  where: tensor image\n  received: uint8 values\n"
        "  remedy: take a tensor of floating point numbers"
    )


def chain(*nodes):
    """x float32 [1, 4] -> these operations one after another -> y, opened."""
    made, name = [], "x"
    for place, kind in enumerate(nodes):
        made.append(helper.make_node(kind, [name], [f"t{place}"], name=f"node{place}"))
        name = f"t{place}"
    graph = helper.make_graph(
        made,
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(np.zeros(1, np.float32), "unused")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    return open_run(OnnxFile(model.SerializeToString()), {"x": np.array([[0.5, -1, 2, 3]], np.float32)})


def test_a_node_without_a_gradient_is_named():
    run = chain("Relu", "Round", "Exp")
    with pytest.raises(EngineError) as error:
        GraphPart(run.graph, run.values, ["x"], ["t2"]).run()
    assert str(error.value) == (
        "gradients can't go through a node of this network\n  where: Round node1\n"
        "  received: round has the gradient 0 wherever it has one\n"
        "  remedy: occlusion needs no gradients and works with any network"
    )


def test_an_unknown_node_matters_only_on_the_way():
    run = chain("Relu", "Asinh", "Exp")
    assert run.unknown == {"node1": "the operation Asinh isn't known"}
    with pytest.raises(EngineError, match="gradients can't go through a node") as error:
        GraphPart(run.graph, run.values, ["x"], ["t2"])
    assert error.value.where == "Asinh node1"
    behind = GraphPart(run.graph, run.values, ["t1"], ["t2"]).gradients({"t2": np.ones((1, 4))})
    np.testing.assert_allclose(behind.gradients["t1"], np.exp(run.values["t1"]), rtol=1e-6)


def test_without_torch_the_message_says_what_to_install(opened, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pellucid.engines.torch.graph", None)
    with pytest.raises(EngineError) as error:
        open_part(opened.graph, opened.values, ["input"], ["dense1"])
    assert error.value.what == "Gradients need PyTorch, which is not installed here"
    assert error.value.remedy == "pip install 'pellucid[torch]'   (occlusion works without it)"


def test_a_number_without_axes_stays_one(opened):
    part = GraphPart(opened.graph, opened.values, ["calibrate/factor"], ["calibrate"], "float64")
    found = part.gradients({"calibrate": np.array([[1.0, 0.0, 0.0]])}).gradients["calibrate/factor"]
    assert found.shape == ()
    assert float(found) == pytest.approx(float(opened.values["dense1"][0, 0]), rel=1e-6)
