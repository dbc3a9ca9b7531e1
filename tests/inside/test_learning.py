"""One learning step: against torch's own network and autograd, and on paper."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pellucid.engines.torch import NetworkModule
from pellucid.errors import SettingsError
from pellucid.inside.learning import learning_step
from pellucid.network import Network
from support.networks import with_random_weights
from support.opening import opened_on

TEXT = (
    "conv 4 3x3 pad 1, batchnorm, relu, conv 6 3x3 stride 2 groups 2, tanh, conv 5 2x2 dilation 2, relu, "
    "flatten, dense 7, relu, dense 3, softmax"
)
NETWORK = with_random_weights(Network.from_text(TEXT, (1, 11, 10)))
PICTURE = np.random.default_rng(0).integers(0, 256, (11, 10, 1), np.uint8)
LABEL = 2


@pytest.fixture(scope="module")
def opened():
    return opened_on(NETWORK, PICTURE)


def loss_of(opened, changed=None):
    """torch's own network in float64, with one weight changed; its loss and gradients."""
    module = NetworkModule(NETWORK).double().eval()
    parameters = dict(module.named_parameters())
    if changed:
        name, index, value = changed
        with torch.no_grad():
            parameters[name][index] = value
    x = torch.from_numpy(opened.values["input"].astype(np.float64))
    loss = F.cross_entropy(module.logits(x), torch.tensor([LABEL]))
    loss.backward()
    return loss.item(), {name: parameter.grad.numpy() for name, parameter in parameters.items()}


@pytest.mark.parametrize("name", [name for name in NETWORK.weights if "running" not in name])
def test_the_gradient_is_autograds(opened, name):
    draws = np.random.default_rng(1)
    loss, gradients = loss_of(opened)
    for _ in range(3):
        index = tuple(int(draws.integers(n)) for n in NETWORK.weights[name].shape)
        step = learning_step(opened, name, index, LABEL, rate=0.5)
        expected = float(gradients[name][index])
        # Of the recorded float32 values up to this layer, hence not to float64's last digit.
        assert step.gradient == pytest.approx(expected, rel=1e-4, abs=1e-6)
        # Against autograd on the same values: to the last digits.
        scale = sum(float(np.abs(each.products).sum()) for each in step.terms)
        assert abs(step.difference) <= 1e-12 * scale + 1e-15
        assert step.after == step.weight - 0.5 * step.gradient
        assert step.loss == pytest.approx(loss, abs=1e-5)
        after, _ = loss_of(opened, (name, index, step.after))
        assert step.loss_after == pytest.approx(after, abs=1e-5)


def test_the_terms_say_where_they_stand(opened):
    step = learning_step(opened, "conv2.weight", (4, 1, 0, 2), LABEL)
    (terms,) = step.terms
    assert (terms.node, terms.kind, terms.result, terms.source) == ("conv2", "convolution", "conv2", "relu1")
    assert set(terms.result_index[:, 1]) == {4}
    assert set(terms.input_index[:, 1]) == {3}  # the second group's second channel
    np.testing.assert_array_equal(terms.inputs, opened.values["relu1"][tuple(terms.input_index.T)])
    np.testing.assert_array_equal(terms.input_index[:, 2:], terms.result_index[:, 2:] * 2 + (0, 2))
    dense = learning_step(opened, "dense2.weight", (1, 3), LABEL).terms[0]
    assert dense.input_index.tolist() == [[0, 3]]
    assert dense.deltas.tolist() == pytest.approx([float(opened.values["probabilities"][0, 1])], rel=1e-5)


def test_padding_gives_no_terms(opened):
    """The corner tap of a padded kernel lies outside at a row and a column of places."""
    step = learning_step(opened, "conv1.weight", (0, 0, 0, 0), LABEL)
    assert len(step.terms[0]) == 10 * 9
    assert len(learning_step(opened, "conv1.weight", (0, 0, 1, 1), LABEL).terms[0]) == 11 * 10


def test_a_step_on_paper():
    """One input of 1, weights 0: both probabilities are a half, so the label's weight grows by rate / 2."""
    network = Network.from_text("flatten, dense 2, softmax", (1, 1, 1))
    weights = {"dense1.weight": np.zeros((2, 1), np.float32), "dense1.bias": np.zeros(2, np.float32)}
    opened = opened_on(network.with_weights(weights), np.array([[[192]]], np.uint8))
    step = learning_step(opened, "dense1.weight", (0, 0), 0)
    assert (step.gradient, step.after, step.rate) == (-0.5, 0.005, 0.01)
    assert step.formula == "0 - 0.01 × (-0.5) = 0.005"
    assert step.loss == pytest.approx(np.log(2))
    assert step.loss_after == pytest.approx(np.log(1 + np.exp(-0.005)))
    assert step.probability == pytest.approx(0.5)
    assert step.probability_after > 0.5
    assert learning_step(opened, "dense1.bias", (1,), 0).gradient == 0.5


def test_what_is_not_there_is_said(opened):
    with pytest.raises(SettingsError) as error:
        learning_step(opened, "conv1.wieght", (0, 0, 0, 0), LABEL)
    assert error.value.what == "the network has no weight conv1.wieght; did you mean conv1.weight?"
    with pytest.raises(SettingsError) as error:
        learning_step(opened, "conv1.weight", (0, 0, 3, 0), LABEL)
    assert error.value.received == "conv1.weight[0,0,3,0]"
    assert error.value.remedy == "0 to 3, 0 to 0, 0 to 2, 0 to 2"
    with pytest.raises(SettingsError, match="there is no such class"):
        learning_step(opened, "conv1.weight", (0, 0, 0, 0), 3)
