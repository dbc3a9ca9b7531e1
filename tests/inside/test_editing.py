"""What if: changed weights and maps that are off give what the model would give, under its own names."""

import numpy as np
import pytest

from pellucid.errors import SettingsError
from pellucid.inside.editing import Edited, Weight
from pellucid.inside.number import Inside
from pellucid.network import Network
from support.networks import with_random_weights
from support.opening import model_of

TEXT = "conv 4 3x3 pad 1, relu, maxpool 2, conv 5 3x3, relu, flatten, dense 6, softmax"


@pytest.fixture(scope="module")
def model():
    return model_of(with_random_weights(Network.from_text(TEXT, (1, 12, 12))))


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(1).integers(0, 256, (12, 12, 1), np.uint8)


def test_a_changed_weight_runs_as_a_model_written_with_it(model, picture):
    base = Inside(model.opened(picture))
    edited = Edited(
        model, base, changed=[Weight("conv2.weight", (1, 2, 0, 1), 0.75), Weight("dense1.bias", (3,), -2)]
    )
    weights = {name: array.copy() for name, array in model.network.weights.items()}
    weights["conv2.weight"][1, 2, 0, 1], weights["dense1.bias"][3] = 0.75, -2
    written = model_of(model.network.with_weights(weights))
    opened, expected = edited.opened(picture), written.opened(picture)
    for name in (n for node in expected.graph.nodes for n in node.outputs):
        np.testing.assert_array_equal(opened.values[name], expected.values[name])
    np.testing.assert_array_equal(edited.probabilities(picture[None]), written.probabilities(picture[None]))
    assert Inside(opened).at("conv2[1,2,2]").closes
    assert Inside(opened).at("conv2.weight[1,2,0,1]").stored == 0.75


def test_a_map_that_is_off_counts_for_nothing_after_it(model, picture):
    base = Inside(model.opened(picture))
    edited = Edited(model, base, off=[("relu1", 2)])
    weights = {name: array.copy() for name, array in model.network.weights.items()}
    weights["conv2.weight"][:, 2] = 0  # whatever relu1 holds there
    written = model_of(model.network.with_weights(weights))
    opened = edited.opened(picture)
    np.testing.assert_allclose(
        edited.probabilities(picture[None]), written.probabilities(picture[None]), rtol=0, atol=1e-6
    )
    assert [node.name for node in opened.graph.nodes] == [node.name for node in base.opened.graph.nodes]
    inside = Inside(opened)
    assert not inside.opened.values[inside.places.tensor("relu1")][0, 2].any()
    assert inside.at("conv2[1,2,2]").closes and inside.at("pool1[0,1,1]").closes
    assert base.opened.values[base.places.tensor("relu1")][0, 2].any()  # it wasn't silent by itself


def test_what_cannot_be_changed_is_refused(model, picture):
    base = Inside(model.opened(picture))
    for wrong in (Weight("conv9.weight", (0,), 1), Weight("conv1.weight", (9, 0, 0, 0), 1),
                  Weight("conv1.weight", (0, 0, 0, 0), float("nan")), Weight("conv1", (0, 0, 0), 1)):  # fmt: skip
        with pytest.raises(SettingsError):
            Edited(model, base, changed=[wrong])
    for name, channel in (("relu1", 4), ("conv1.weight", 0), ("nothing", 0)):
        with pytest.raises(SettingsError):
            Edited(model, base, off=[(name, channel)])
