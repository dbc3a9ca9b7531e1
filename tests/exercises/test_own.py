"""Questions about a given network, and about a model and a picture."""

import numpy as np
import pytest

from pellucid.errors import NetworkError, SettingsError
from pellucid.exercises import from_model, from_network
from pellucid.inside.number import Inside
from pellucid.network import Network
from support.networks import with_random_weights
from support.opening import model_of

LENET = (
    "conv 8 5x5, relu, maxpool 2, conv 16 5x5, relu, maxpool 2, flatten, dense 120, relu, dense 10, softmax"
)


def test_the_courses_own_counts_come_out():
    """The digits network of the course: shapes and counts are known."""
    sheet = from_network(LENET, (3, 32, 32), count=100, level=2)
    by = {(q.data["task"], q.data["layer"]): q.answer for q in sheet.questions}
    assert by["shape", "conv1"] == (28, 28, 8) and by["shape", "pool2"] == (5, 5, 16)
    assert by["parameters", "conv1"] == 608 and by["parameters", "conv2"] == 3216
    assert by["parameters", "dense1"] == 48_120 and by["values", "conv2"] == 1600
    assert by["field", "pool2"] == 16
    assert all(
        len(q.slips) >= 3 and not any(q.accepts(slip.value) for slip in q.slips) for q in sheet.questions
    )
    assert sheet == from_network(Network.from_text(LENET, (3, 32, 32)), count=100, level=2)


def test_the_dense_layer_in_a_convolutions_place():
    """1 x 1 of 28 x 28 under 5 x 5 is 784 to 576 values: counted by hand."""
    sheet = from_network("conv 1 5x5", (1, 28, 28), level=3, count=50, topics=["parameters"])
    (question,) = [q for q in sheet.questions if q.data["task"] == "dense"]
    assert question.answer == (784 + 1) * 576


def test_a_models_own_values_follow_from_what_is_shown():
    """The window and the kernel shown, multiplied by NumPy, are the answer; and near what the model stored."""
    network = with_random_weights(
        Network.from_text("conv 3 3x3, relu, maxpool 2, flatten, dense 4, softmax", (1, 10, 10))
    )
    model = model_of(network)
    picture = np.random.default_rng(1).integers(0, 256, (10, 10), dtype=np.uint8)
    sheet = from_model(model, picture, count=60, level=2, seed=4)
    tasks = {q.data["task"] for q in sheet.questions}
    assert {"convolution", "maxpool", "relu", "class", "shape", "parameters"} <= tasks
    inside = Inside(model.opened(picture[:, :, None]))
    for q in sheet.questions:
        d = q.data
        assert not any(q.accepts(slip.value) for slip in q.slips)
        if d["task"] not in ("convolution", "maxpool", "relu"):
            continue
        stored = inside.at(f"{d['layer']}[{','.join(str(n - 1) for n in d['place'])}]").stored
        shown = np.array(d["input"])
        if d["task"] == "convolution":
            total = (shown * d["kernel"]).sum() + d["bias"]
            assert abs(q.answer - total) < 0.00501
            assert abs(total - stored) < 0.005 * (abs(shown).sum() + abs(np.array(d["kernel"])).sum() + 1.1)
        elif d["task"] == "maxpool":
            assert q.answer == shown.max() and abs(shown.max() - stored) < 0.00501
        else:
            assert np.array_equal(q.answer, shown.clip(0)) and abs(shown.clip(0)[0, 0] - stored) < 0.00501
            assert shown.min() < 0 < shown.max()
    assert sheet == from_model(model, picture, count=60, level=2, seed=4)
    asked = {q.answer for q in sheet.questions if q.data["task"] == "class"}
    assert asked == {model.predict(picture).label}


def test_what_cannot_be_asked_is_said():
    with pytest.raises(SettingsError, match="input"):
        from_network("conv 1 5x5")
    with pytest.raises(NetworkError, match="networks for pictures"):
        from_network("dense 3", (8,))
    with pytest.raises(SettingsError, match="aren't about this topic"):
        from_network(LENET, (3, 32, 32), topics=["softmax"])
