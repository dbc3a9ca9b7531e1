"""The course's worked examples, opened by this code: every value written term by term, and equal."""

import numpy as np
import pytest

from pellucid.inside.number import Inside
from pellucid.inside.plain import in_line
from pellucid.model import Card, ModelFile, Preprocessing
from pellucid.model.write import model_bytes
from pellucid.network import Network
from support.worked import course, evaluated, examples, image_of, opened

EXAMPLES = list(examples())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_every_value_is_the_courses(example):
    assert example.wrong == []
    assert all(line.holds for line in example.lines)
    assert example.lines or example.facts


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_what_is_written_comes_to_what_is_written(example):
    """The text itself, computed by Python."""
    for line in example.lines:
        if "more:" not in line.equation and "input[" not in line.equation:
            left, right = evaluated(line.equation)
            assert left == pytest.approx(right, rel=5e-6, abs=1e-3 if "0.111111" in line.equation else 1e-9)


def test_none_is_left_out():
    used = {
        "volume",
        "output_size",
        "kernels",
        "multichannel",
        "relu_then_pool",
        "max_pool",
        "flatten",
        "softmax",
    }
    used |= {"convolution_and_cross_correlation", "vertical_edges", "horizontal_edges", "sharpen", "exercise"}
    used |= {"sharpened_picture_corner", "parameter_counts", "simple_convnet", "digits_network", "about"}
    assert set(course()) == used
    assert sum(len(example.lines) for example in EXAMPLES) > 300


def test_a_wrong_number_is_seen():
    wrong = opened("wrong", "conv 1 1x1 nobias", [[[2]]], {"conv1.weight": [3]}, [[[7]]])
    assert wrong.wrong == ["wrong: conv1[0,0,0]: 2*3 = 6, the course has 7"]
    assert opened("shape", "maxpool 2", [[[1, 2], [3, 4]]], None, [[[4, 4]]]).wrong


def test_the_course_s_line_from_a_model_file_of_ours():
    """The same number from a file that `train` could have written, down to the picture's own pixels."""
    sharpen = course()["sharpen"]
    network = Network.from_text("conv 1 3x3 pad same nobias, flatten, softmax", (1, 5, 5))
    kernel = np.array(sharpen["kernel"], np.float32).reshape(1, 1, 3, 3)
    card = Card(
        classes=tuple(f"cell {n}" for n in range(25)), network=network.text,
        preprocessing=Preprocessing(height=5, width=5, channels=1, fit="stretch", scale=(1.0,), shift=(0.0,)),
    )  # fmt: skip
    model = ModelFile(model_bytes(network.with_weights({"conv1.weight": kernel}), card))
    inside = Inside(model.opened(image_of(sharpen["image"])))
    for place, wanted in sharpen["arithmetic"].items():
        number = inside.at(f"conv1[0,{place.strip('[]')}]")
        equation = in_line(inside, number, padding=True)
        assert equation == wanted if isinstance(wanted, str) else equation.endswith(f" = {wanted}")
        assert number.closes
