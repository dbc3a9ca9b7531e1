"""What a channel likes best: a pure function of the seed, and where the best is known, near it."""

import builtins

import numpy as np
import pytest

from pellucid.errors import EngineError, SettingsError
from pellucid.inside.preferred import preferred
from pellucid.network import Network
from support.networks import with_random_weights
from support.opening import model_of


def hand_made():
    """conv1[0]: a vertical edge, bright on the right; conv1[1]: red less green."""
    network = Network.from_text("conv 2 3x3 pad same nobias, flatten, dense 2, softmax", (3, 12, 12))
    network = with_random_weights(network)
    kernel = np.zeros((2, 3, 3, 3), np.float32)
    kernel[0] = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 3
    kernel[1, 0, 1, 1], kernel[1, 1, 1, 1] = 1, -1
    return network.with_weights({**network.weights, "conv1.weight": kernel})


def test_the_best_that_there_is_is_nearly_reached():
    # A grey level of 0 comes in as -2 and 255 as 1.984: 8 x 3.984 for the edge, 3.984 for the colour.
    model = model_of(hand_made())
    found = preferred(model, "conv1", steps=150)
    span = 255 / 64
    assert found.channels[0].value > 0.95 * 4 * span
    assert found.channels[1].value > 0.95 * span
    edge, colour = found.channels
    assert edge.pixels.shape == (3, 3, 3)
    assert (edge.pixels[:, 2].astype(int) - edge.pixels[:, 0] > 200).all()
    red, green = colour.pixels[1, 1, :2].astype(int)
    assert red > 240 and green < 15


def test_the_value_is_the_files_own_for_the_rounded_picture():
    model = model_of(hand_made())
    for each in preferred(model, "conv1", steps=5).channels:
        stored = model.opened(each.picture).values["conv1"][(0, each.channel, *each.place)]
        assert each.picture.dtype == np.uint8 and each.value == float(stored)
        assert each.value > each.start


def test_the_same_seed_gives_the_same_picture_and_another_seed_another():
    model = model_of(hand_made())
    first, again, other = (preferred(model, "conv1", [0], steps=4, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.channels[0].picture, again.channels[0].picture)
    assert not np.array_equal(first.channels[0].picture, other.channels[0].picture)


def test_a_dense_layer_has_a_preferred_picture_too():
    model = model_of(hand_made())
    found = preferred(model, "dense1", [1], steps=20).channels[0]
    assert found.place == () and found.value > found.start
    assert found.pixels.shape[0] >= 12


def test_it_is_said_whether_real_pictures_reach_more():
    found = preferred(model_of(hand_made()), "conv1", [0], steps=2, real={0: 1e9}, described="2 pictures")
    assert found.channels[0].beats_real is False
    assert "0 of 1 reach more than the strongest of 2 pictures" in repr(found)
    assert "data:image/png" in found._repr_html_()


def test_without_torch_a_sentence_says_what_to_install(monkeypatch):
    there = builtins.__import__

    def without(name, *rest, **words):
        if name.startswith(("torch", "pellucid.engines.torch")):
            raise ImportError("no module named torch")
        return there(name, *rest, **words)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EngineError, match="PyTorch") as caught:
        preferred(model_of(hand_made()), "conv1", steps=1)
    assert "pip install" in str(caught.value.remedy)


def test_steps_and_channels_are_checked():
    model = model_of(hand_made())
    with pytest.raises(SettingsError, match="gradient ascent takes steps"):
        preferred(model, "conv1", steps=0)
    with pytest.raises(SettingsError, match="channels 0 to 1"):
        preferred(model, "conv1", [2])
