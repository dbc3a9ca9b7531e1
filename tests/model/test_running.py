"""A network and its weights, run and opened without a file: NumPy's own values, and errors for what doesn't fit."""

import numpy as np
import pytest

from pellucid.errors import NetworkError
from pellucid.inside.number import Inside
from pellucid.model.running import open_network
from pellucid.network import Network

NETWORK = Network.from_text("conv 1 2x2, relu, flatten, dense 1", (1, 2, 3))
WEIGHTS = {
    "conv1.weight": [1, -2, 3, 4], "conv1.bias": [5], "dense1.weight": [[2, -1]], "dense1.bias": [0],
}  # fmt: skip


def test_values_are_numpys():
    picture = np.array([[[1, 2, 3], [0, -4, 1]]])
    inside = Inside(open_network(NETWORK, picture, WEIGHTS))
    kernel = np.array([[1, -2], [3, 4]])
    conv = [max(0, (picture[0, :, x : x + 2] * kernel).sum() + 5) for x in (0, 1)]
    number = inside.at("dense1[0]")
    assert number.stored == number.sum == 2 * conv[0] - conv[1]


def test_a_networks_own_weights_are_taken():
    shapes = NETWORK.parameter_shapes
    arrays = {name: np.asarray(values, np.float32).reshape(shapes[name]) for name, values in WEIGHTS.items()}
    own = Network(NETWORK.input_shape, NETWORK.nodes, arrays)
    zeros = np.zeros((1, 2, 3))
    assert Inside(open_network(own, zeros)).at("dense1[0]").stored == 2 * 5 - 5


@pytest.mark.parametrize(
    ("picture", "weights", "said"),
    [
        (np.zeros((1, 3, 3)), WEIGHTS, "shape of the network's input"),
        (np.zeros((1, 2, 3)), {}, "no weights for conv1.weight"),
        (np.zeros((1, 2, 3)), {**WEIGHTS, "conv1.bias": [1, 2]}, "conv1.bias has another size"),
    ],
)
def test_what_does_not_fit_is_said(picture, weights, said):
    with pytest.raises(NetworkError) as error:
        open_network(NETWORK, picture, weights)
    assert said in error.value.what and error.value.remedy
