"""The growing field against the layers' own formula, and by changing pixels."""

import numpy as np

from pellucid.inside.deep_sheets import OUTLINES, growth_picture, outlined_layers
from pellucid.inside.growth import growth
from pellucid.network import Network
from support.networks import with_random_weights
from support.opening import model_of

TEXT = "conv 4 3x3 pad same, relu, maxpool 2, conv 4 5x5 pad same, maxpool 2, conv 2 3x3, flatten, dense 3, softmax"


def model(text=TEXT, shape=(1, 40, 48)):
    return model_of(with_random_weights(Network.from_text(text, shape)))


def picture(shape=(40, 48, 1)):
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def test_away_from_the_border_it_is_the_summarys_field():
    found = growth(model(), picture())
    rows = {row.name: row for row in Network.from_text(TEXT, (1, 40, 48)).summary()}
    for each in found.layers[:-1]:
        assert each.size == tuple(rows[each.layer].receptive_field), each.layer
    assert found.layers[-1].size == (40, 48)
    assert [each.layer for each in found.layers] == ["conv1", "pool1", "conv2", "pool2", "conv3", "dense1"]


def test_a_field_lies_within_the_next_and_shares_are_of_all_pixels():
    found = growth(model(), picture((53, 90, 1)))
    for before, after in zip(found.layers, found.layers[1:], strict=False):
        assert not (before.mask & ~after.mask).any()
    for each in found.layers:
        assert each.pixels == each.mask.sum() and each.share == each.pixels / (53 * 90)


def test_what_lies_outside_does_not_count():
    network, pixels = model(), picture((53, 90, 1))
    for each in growth(network, pixels).layers[:4]:
        noise = np.random.default_rng(1).integers(0, 256, pixels.shape).astype(np.uint8)
        changed = np.where(each.mask[:, :, None], pixels, noise)
        before, after = (network.opened(p).values[each.layer] for p in (pixels, changed))
        place = (0, slice(None), *each.place)
        assert np.array_equal(before[place], after[place])
        inverted = np.where(each.mask[:, :, None], 255 - pixels, pixels)
        assert not np.array_equal(before[place], network.opened(inverted).values[each.layer][place])


def test_every_branch_of_a_join_counts():
    text = "a: conv 2 1x1, conv 2 5x5 pad same from input, concat a, conv 1 1x1, flatten, dense 2, softmax"
    found = growth(model(text, (1, 15, 15)), picture((15, 15, 1)))
    assert found.layers[-2].size == (5, 5)


def test_the_drawing_has_few_outlines_and_keeps_the_last():
    deep = ", ".join(["conv 1 3x3 pad same"] * 14) + ", flatten, dense 2, softmax"
    found = growth(model(deep, (1, 41, 41)), picture((41, 41, 1)))
    drawn = outlined_layers(found)
    assert len(drawn) == OUTLINES and drawn[-1].layer == found.layers[-1].layer
    assert growth_picture(found).shape[2] == 3
    assert "9 of 15 layers" not in repr(found) and "conv14" in repr(found)
    assert "<table" in found._repr_html_()
