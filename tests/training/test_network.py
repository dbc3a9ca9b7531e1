"""Which network a run trains, and the weights it starts from."""

import numpy as np
import pytest

from pellucid.errors import ModelError, NetworkError
from pellucid.model import write_model
from pellucid.network import Network, zoo
from pellucid.training.network import chosen_network
from pellucid.training.settings import Settings
from support.networks import card_for, with_random_weights

TEN = tuple("0123456789")


def chosen(network="auto", classes=TEN, size=(28, 28, 1), **settings):
    height, width, channels = size
    return chosen_network(
        Settings(network=network, height=height, width=width, channels=channels, **settings), classes
    )


@pytest.mark.parametrize(
    "name", [name for name in zoo.names() if name not in ("vgg11", "vgg16", "vgg19", "alexnet")]
)
def test_every_small_network_of_the_zoo_can_be_chosen(name):
    network = chosen(name, size=(64, 64, 3), classes=("a", "b", "c"))
    assert network.output_shape == (3,)
    assert network.weights.keys() == (network.parameter_shapes | network.state_shapes).keys()


def test_a_text_gets_its_softmax():
    network = chosen("conv 8 5x5, relu, maxpool 2, flatten, dense 10")
    assert network.text.endswith("dense 10, softmax")
    assert chosen("flatten, dense 10, softmax").text == "flatten, dense 10, softmax"


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("conv 8 5x5, relu, flatten, dense 7", "end with: dense 10"),
        ("conv 8 5x5, relu", "end with: flatten, dense 10"),
        ("conv 10 28x28", "end with: flatten, dense 10"),
    ],
)
def test_a_network_without_one_output_a_class_says_how_to_end(text, remedy):
    with pytest.raises(NetworkError) as caught:
        chosen(text)
    assert "there are 10 classes" in caught.value.what
    assert caught.value.remedy == remedy


def test_an_unknown_name_guesses():
    with pytest.raises(NetworkError, match="did you mean lenet5"):
        chosen("lenet")


def test_a_model_gives_its_weights_and_other_classes_a_new_last_layer(tmp_path):
    text = "conv 4 3x3, relu, flatten, dense 10, softmax"
    old = with_random_weights(Network.from_text(text, (1, 8, 8)))
    path = tmp_path / "model.onnx"
    write_model(path, old, card_for(old))
    same = chosen(size=(8, 8, 1), start_from=str(path))
    assert same == old
    fewer = chosen(size=(8, 8, 1), classes=("a", "b"), start_from=str(path))
    assert fewer.output_shape == (2,)
    assert np.array_equal(fewer.weights["conv1.weight"], old.weights["conv1.weight"])
    assert fewer.weights["dense1.weight"].shape == (2, 144)
    with pytest.raises(NetworkError, match="takes 1 channels"):
        chosen(size=(8, 8, 3), start_from=str(path))
    with pytest.raises(ModelError):
        chosen(start_from=str(tmp_path / "none.onnx"))
