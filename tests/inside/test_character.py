"""Edge-like and colour-like: filters whose answer is known, and gratings against plain arithmetic."""

import numpy as np
import pytest

from pellucid.errors import SettingsError
from pellucid.inside.at_hand import at_hand
from pellucid.inside.character import character
from pellucid.inside.deep_sheets import character_chart
from pellucid.inside.stimuli import BLACK, WHITE, grating, stimuli
from pellucid.network import Network
from support.networks import with_random_weights
from support.opening import model_of

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)
LAPLACE = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], np.float32)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def bank(kernels, channels=3):
    """A network whose first layer is these kernels [n, channels, h, w]."""
    text = f"conv {len(kernels)} {kernels.shape[2]}x{kernels.shape[3]} pad same nobias, relu, flatten, dense 2, softmax"
    network = with_random_weights(Network.from_text(text, (channels, 33, 33)))
    return model_of(network.with_weights({**network.weights, "conv1.weight": kernels}))


def colours(weights):
    """A 3x3 kernel that looks at its middle alone."""
    kernel = np.zeros((3, 3, 3), np.float32)
    kernel[:, 1, 1] = weights
    return kernel


def photos(shape=(33, 33, 3)):
    """Smooth colour pictures: no full contrast between neighbours."""
    rng = np.random.default_rng(0)
    small = rng.uniform(60, 200, (12, 5, 5, shape[2]))
    return list(np.clip(small.repeat(7, 1).repeat(7, 2)[:, :33, :33], 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def known():
    kernels = np.stack([
        SOBEL * LUMA[:, None, None], SOBEL.T * LUMA[:, None, None],  # edges of light
        colours([1, -1, 0]), colours([-0.5, -0.5, 1]),  # differences of colours
        LAPLACE * LUMA[:, None, None],  # a spot: no orientation
        colours(LUMA), # lightness
        SOBEL * np.array([1, -1, 0], np.float32)[:, None, None],  # an edge between red and green
        np.zeros((3, 3, 3), np.float32),
    ])  # fmt: skip
    model = bank(kernels)
    return character(model, at_hand(model, photos()))


def test_a_sobel_bank_is_edge_like_and_not_colour_like(known):
    layer = known.layers[0]
    assert layer.layer == "conv1"
    assert layer.edge[:2].tolist() == [1, 1]
    assert (layer.colour[:2] < 0.05).all()


def test_a_difference_of_colours_is_colour_like_and_not_edge_like(known):
    layer = known.layers[0]
    assert layer.colour[2:4].tolist() == [1, 1]


def test_a_spot_and_lightness_are_neither(known):
    layer = known.layers[0]
    # The pixel grid itself is not round: a spot's answer to slanting gratings differs a little.
    assert layer.edge[4] < 0.35 and layer.colour[4] < 0.05
    assert layer.edge[5] < 0.05 and layer.colour[5] < 0.05


def test_an_edge_between_colours_is_both(known):
    layer = known.layers[0]
    assert layer.edge[6] == 1 and layer.colour[6] == 1


def test_a_dead_channel_is_silent_and_no_figure(known):
    layer = known.layers[0]
    assert np.isnan(layer.edge[7]) and np.isnan(layer.colour[7]) and layer.silent == 1
    assert not np.isnan(layer.median_edge)


def test_the_figures_are_the_formulas(known):
    """Plain NumPy over the same stimuli: the middle pixel's 3 x 3 neighbourhood times the kernel."""
    kernel = SOBEL * np.array([1, -1, 0], np.float32)[:, None, None]

    def answer(pixels):
        middle = pixels[15:18, 15:18].astype(np.float64) / 64 - 2
        return float((np.moveaxis(middle, 2, 0) * kernel).sum())

    kinds = list(stimuli(33, 33, 3))
    by_angle = [
        max(answer(s.pixels) for s in kinds if s.kind == "grating" and s.orientation == k) for k in range(8)
    ]
    colour = max(answer(s.pixels) - answer(s.grey) for s in kinds if s.grey is not None)
    layer, reach = known.layers[0], known.layers[0].strongest[6] - known.layers[0].blank[6]
    best = int(np.argmax(by_angle))
    edge = by_angle[best] - by_angle[(best + 4) % 8]
    assert layer.edge[6] == pytest.approx(min(1, edge / reach), abs=1e-4)
    assert layer.colour[6] == pytest.approx(min(1, colour / reach), abs=1e-4)


def test_a_grating_is_a_wave_at_its_angle():
    for orientation in range(8):
        pixels = grating((BLACK, WHITE), orientation, 8, 0, 64, 64)[:, :, 0].astype(float)
        spectrum = np.abs(np.fft.fft2(pixels - pixels.mean(), (512, 512)))[:256]
        v, u = np.unravel_index(spectrum.argmax(), spectrum.shape)
        u = u - 512 if u > 256 else u
        angle = np.pi * orientation / 8
        wanted = np.array([np.sin(angle), np.cos(angle)]) * 512 / 8
        assert min(np.hypot(v - wanted[0], u - wanted[1]), np.hypot(v + wanted[0], u + wanted[1])) < 4


def test_grey_versions_are_as_light():
    for each in stimuli(9, 9, 3):
        if each.grey is not None:
            light = each.pixels @ np.array([0.299, 0.587, 0.114])
            assert np.abs(each.grey[:, :, 0] - light).max() <= 0.5
            assert (each.grey == each.grey[:, :, :1]).all()


def test_a_network_of_grey_pictures_has_no_colours():
    model = bank(SOBEL[None, None], channels=1)
    found = character(model, at_hand(model, photos((33, 33, 1))))
    assert found.layers[0].colour is None and found.layers[0].edge.tolist() == [1]
    assert "-" in repr(found) and character_chart(found).shape[2] == 3


def test_words_drawing_and_errors(known):
    assert "conv1" in repr(known) and "12 pictures" in repr(known)
    assert "data:image/png" in known._repr_html_()
    model = bank(SOBEL[None, None], channels=1)
    with pytest.raises(SettingsError, match="no maps"):
        character(model, at_hand(model, photos((33, 33, 1))), ("dense1",))
