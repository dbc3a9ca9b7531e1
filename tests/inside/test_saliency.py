"""Heatmaps by gradients: on paper, and against captum."""

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, LayerGradCam, Saliency

from pellucid.engines.torch import NetworkModule
from pellucid.errors import ModelError, SettingsError
from pellucid.inside.heatmap import find_frame
from pellucid.inside.saliency import grad_cam, input_gradient, integrated_gradients
from pellucid.inside.scores import find_input, find_layer, find_scores, way_to
from pellucid.network import Network, zoo
from support.networks import with_random_weights
from support.opening import opened_on

TEXT = "conv 6 3x3, tanh, maxpool 2, conv 8 3x3 pad 1, relu, maxpool 2, flatten, dense 12, relu, dense 4, softmax"
NETWORK = with_random_weights(Network.from_text(TEXT, (3, 16, 14)))
# The captum way: torch's own network, whose layers are modules.
MODULE = NetworkModule(NETWORK).eval()


class Logits(torch.nn.Module):
    """A module whose call gives logits, with the difference of two classes as one more."""

    def __init__(self):
        super().__init__()
        self.module = MODULE

    def forward(self, x):
        # In the written order: captum hooks the layers.
        for node in self.module.network.nodes[:-1]:
            x = self.module._modules[node.name](x)
        return torch.cat([x, x[:, 2:3] - x[:, 1:2]], 1)


LOGITS = Logits()


def picture(seed, height=16, width=14):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def given(opened):
    return torch.from_numpy(np.array(opened.values["input"]))


def on_paper():
    """Map 0 is x, map 1 is -x; class 0 is 2 x the mean of map 0's positive part, class 1 is 3 x that of map 1."""
    network = Network.from_text("conv 2 1x1, relu, globalavgpool, flatten, dense 2, softmax", (1, 2, 2))
    weights = {
        "conv1.weight": np.array([1, -1], np.float32).reshape(2, 1, 1, 1),
        "conv1.bias": np.zeros(2, np.float32),
        "dense1.weight": np.array([[2, 0], [0, 3]], np.float32),
        "dense1.bias": np.array([0.5, -0.5], np.float32),
    }
    pixels = np.array([[192, 128], [64, 255]], np.uint8)[:, :, None]  # 1, 0, -1, 1.984375
    return opened_on(network.with_weights(weights), pixels)


def test_grad_cam_on_paper():
    cam = grad_cam(on_paper(), 0)
    assert (cam.layer, cam.scores) == ("relu1", "calibrate")
    assert cam.maps.tolist() == [[[1, 0], [0, 1.984375]], [[0, 0], [1, 0]]]
    assert cam.weights.tolist() == [0.5, 0]  # 2 / 4 places
    assert cam.heat.tolist() == [[0.5, 0], [0, 0.9921875]]
    assert cam.score == pytest.approx(2 * 2.984375 / 4 + 0.5)
    assert grad_cam(on_paper(), 1).heat.tolist() == [[0, 0], [0.75, 0]]


def test_grad_cam_of_a_difference_on_paper():
    cam = grad_cam(on_paper(), (0, 1))
    assert cam.weights.tolist() == [0.5, -0.75]
    assert cam.weighted.tolist() == [[0.5, 0], [-0.75, 0.9921875]]
    assert cam.heat.tolist() == [[0.5, 0], [0, 0.9921875]]
    assert cam.score == pytest.approx((2 * 2.984375 / 4 + 0.5) - (3 / 4 - 0.5))


def test_gradients_of_the_input_on_paper():
    gradient = input_gradient(on_paper(), 0)
    assert gradient.gradient.tolist() == [[[0.5, 0], [0, 0.5]]]
    integrated = integrated_gradients(on_paper(), 0)
    assert integrated.baseline == "each channel's mean over the picture"
    mean = 1.984375 / 4
    # Each place goes straight from the mean; its share of the way above 0 counts.
    assert integrated.heat == pytest.approx(
        0.5 * np.array([[1 - mean, -mean], [-mean, 1.984375 - mean]]), abs=0.02
    )
    assert abs(integrated.error) < 0.02


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("target", [0, 3, (2, 1)])
def test_grad_cam_is_captums(seed, target):
    opened = opened_on(NETWORK, picture(seed))
    cam = grad_cam(opened, target)
    assert cam.layer == "relu1"
    attribution = LayerGradCam(LOGITS, MODULE._modules["relu1"]).attribute(
        given(opened), target=4 if target == (2, 1) else target, relu_attributions=True
    )
    np.testing.assert_allclose(
        cam.heat, attribution[0, 0].detach().numpy(), atol=1e-5 * max(1, cam.heat.max())
    )


@pytest.mark.parametrize("layer", ["conv1", "pool1", "pool2"])
def test_any_layer_can_be_asked_for(layer):
    opened = opened_on(NETWORK, picture(9))
    cam = grad_cam(opened, 1, layer)
    attribution = LayerGradCam(LOGITS, MODULE._modules[layer]).attribute(
        given(opened), target=1, relu_attributions=True
    )
    np.testing.assert_allclose(
        cam.heat, attribution[0, 0].detach().numpy(), atol=1e-5 * max(1, cam.heat.max())
    )


def test_the_input_gradient_is_captums():
    opened = opened_on(NETWORK, picture(1))
    found = input_gradient(opened, 2)
    attribution = Saliency(LOGITS).attribute(given(opened).requires_grad_(), target=2)[0].numpy()
    np.testing.assert_allclose(np.abs(found.gradient), attribution, atol=1e-5 * attribution.max())
    np.testing.assert_allclose(found.heat, attribution.max(axis=0), atol=1e-5 * attribution.max())


def test_integrated_gradients_are_captums():
    opened = opened_on(NETWORK, picture(2))
    found = integrated_gradients(opened, 0, steps=20)
    x = given(opened)
    baseline = x.mean((2, 3), keepdim=True).expand(x.shape)
    attribution, error = IntegratedGradients(LOGITS).attribute(
        x, baseline, target=0, n_steps=20, method="riemann_middle", return_convergence_delta=True
    )
    np.testing.assert_allclose(
        found.attributions, attribution[0].numpy(), atol=1e-5 * attribution.abs().max().item()
    )
    assert found.error == pytest.approx(error.item(), abs=1e-5)
    assert found.attributions.sum() == pytest.approx(found.score - found.baseline_score + found.error)


def test_more_steps_come_closer():
    opened = opened_on(NETWORK, picture(3))
    few, many = (abs(integrated_gradients(opened, 0, steps).error) for steps in (2, 200))
    assert many < few / 5


def test_scores_and_input():
    opened = opened_on(NETWORK, picture(0), temperature=2.0)
    scores = find_scores(opened)
    assert (scores.name, scores.softmax) == ("calibrate", True)
    np.testing.assert_allclose(scores.values, opened.values["dense2"][0] / 2, rtol=1e-6)
    name = find_input(opened, scores)
    assert name == "input"
    assert [node.type for node in way_to(opened.graph, name)] == [
        "Resize",
        "Expand",
        "Cast",
        "Mul",
        "Add",
        "Transpose",
    ]


@pytest.mark.parametrize(
    ("name", "size", "layer"),
    [
        ("lenet5", 32, "tanh2"),
        ("resnet18", 64, "relu17"),
        ("efficientnet-lite0", 64, "relu6_33"),
        ("bench-lenet", 28, "relu2"),
    ],
)
def test_the_layer_is_the_last_with_places(name, size, layer):
    network = with_random_weights(zoo.build(name, size, size, classes=5))
    opened = opened_on(network, np.full((size, size, 3), 99, np.uint8))
    scores = find_scores(opened)
    found = find_layer(opened, find_input(opened, scores), scores)
    assert found == layer
    assert min(opened.values[found].shape[2:]) > 1


def test_what_is_not_there_is_said():
    opened = opened_on(NETWORK, picture(0))
    with pytest.raises(SettingsError) as error:
        grad_cam(opened, 4)
    assert str(error.value) == (
        "there is no such class\n  where: class\n  received: 4\n  remedy: one of 0 to 3"
    )
    with pytest.raises(SettingsError) as error:
        grad_cam(opened, 0, "dense1")
    assert error.value.what == "this has no maps with places on the way to the scores"
    assert error.value.remedy == "one of conv1, tanh1, pool1, conv2, relu1, pool2"
    with pytest.raises(SettingsError, match="nothing of this name"):
        grad_cam(opened, 0, "conv9")
    with pytest.raises(SettingsError, match="need a step at least"):
        integrated_gradients(opened, 0, 0)


def test_a_network_without_maps_says_so():
    network = with_random_weights(Network.from_text("flatten, dense 3, softmax", (1, 4, 4)))
    opened = opened_on(network, picture(0))
    with pytest.raises(ModelError, match="no convolution of this network has maps with places"):
        grad_cam(opened, 0)
    assert input_gradient(opened, 0).heat.shape == (4, 4)  # drawn where the picture still had places


@pytest.mark.parametrize(
    ("fit", "height", "width", "frame"),
    [
        ("stretch", 32, 48, (0, 0, 32, 48)),
        ("crop", 32, 64, (0, 16, 32, 32)),  # the middle
        ("pad", 32, 64, (-16, 0, 64, 64)),  # above and below
        ("stretch", 16, 16, (0, 0, 16, 16)),
    ],
)
def test_a_heatmap_lies_where_the_network_looked(fit, height, width, frame):
    network = with_random_weights(
        Network.from_text("conv 2 3x3, relu, flatten, dense 2, softmax", (1, 16, 16))
    )
    opened = opened_on(network, picture(0, height, width), fit)
    found = find_frame(opened, "input")
    assert (found.top, found.left, found.height, found.width) == pytest.approx(frame, abs=0.6)
    over = grad_cam(opened, 0).heatmap.over(height, width)
    assert over.shape == (height, width)
    if fit == "crop":
        assert (over[:, :15] == over.min()).all()
