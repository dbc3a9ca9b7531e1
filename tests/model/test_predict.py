"""What a model file answers, against bare onnxruntime and against torch written plainly."""

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from pellucid.errors import DataError, ModelError
from pellucid.model import ModelFile, Prediction
from pellucid.model.forward import AT_ONCE, Forward, many
from pellucid.model.write import model_bytes
from pellucid.native import native
from pellucid.network import Network
from support.networks import card_for, with_random_weights

rng = np.random.default_rng(1)


@pytest.fixture(scope="module")
def model():
    network = Network.from_text(
        "conv 4 3x3 pad same, relu, maxpool 2, flatten, dense 3, softmax", (3, 16, 16)
    )
    return ModelFile(model_bytes(with_random_weights(network), card_for(network)), "model.onnx")


def bare(model, pixels):
    session = onnxruntime.InferenceSession(model.data, providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"image": pixels})[0]


def test_pictures_of_many_sizes_in_order_as_bare_onnxruntime_says(model):
    shapes = [(16, 16, 3), (16, 16, 3), (40, 9, 1), (16, 16, 3), (1, 1, 3), (200, 300, 3), (200, 300, 3)]
    pictures = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
    answers = model.predict(pictures)
    for picture, answer in zip(pictures, answers, strict=True):
        expected = bare(model, picture[None])[0]
        assert np.abs(answer.probabilities - expected).max() < 1e-6
        assert answer.label == model.classes[expected.argmax()]
        assert answer.probability == pytest.approx(expected.max())


def test_a_path_an_array_and_a_pillow_image_give_the_same_answer(model, tmp_path):
    pixels = rng.integers(0, 256, (30, 20, 3), dtype=np.uint8)
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    answers = [model.predict(x) for x in (path, str(path), pixels, Image.fromarray(pixels))]
    assert all(np.array_equal(answer.probabilities, answers[0].probabilities) for answer in answers)


def test_an_array_of_pictures_and_none_at_all(model):
    assert len(model.predict(np.zeros((5, 8, 8, 1), np.uint8))) == 5
    assert model.predict([]) == []
    assert model.probabilities(np.zeros((0, 8, 8, 1), np.uint8)).shape == (0, 3)


def test_a_bad_picture_is_an_error_in_its_place_and_the_rest_go_on(model, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    good = np.zeros((16, 16, 3), np.uint8)
    first, second, third = model.predict_each([good, bad, good])
    assert isinstance(first, Prediction)
    assert isinstance(second, DataError)
    assert isinstance(third, Prediction)
    with pytest.raises(DataError):
        model.predict([good, bad])


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
    ],
)
def test_arrays_that_are_no_pictures_say_what_would_be(model, picture):
    with pytest.raises(DataError, match="uint8"):
        model.predict(picture)


def test_top_lists_the_likeliest_first(model):
    answer = model.predict(np.zeros((16, 16, 3), np.uint8))
    top = answer.top(3)
    assert top[0] == (answer.label, answer.probability)
    assert [p for _, p in top] == sorted((p for _, p in top), reverse=True)
    assert len(answer.top(99)) == 3


def test_a_model_with_other_outputs_than_classes_is_refused():
    network = with_random_weights(Network.from_text("flatten, dense 3, softmax", (1, 2, 2)))
    with pytest.raises(ModelError, match="classes"):
        ModelFile(model_bytes(network, card_for(network, classes=4)))


@pytest.mark.skipif(native is None, reason="the compiled part is not built here")
@pytest.mark.parametrize("count", [many(None), AT_ONCE + 37])
@pytest.mark.parametrize("shape", [(8, 8, 1), (23, 17, 3)])
def test_many_pictures_are_answered_by_the_compiled_engine_as_by_the_runtime(model, count, shape):
    pixels = rng.integers(0, 256, (count, *shape), dtype=np.uint8)
    answer = model.probabilities(pixels)
    expected = np.concatenate([model.probabilities(part) for part in np.array_split(pixels, 16)])
    assert isinstance(model._forward, Forward)
    np.testing.assert_allclose(answer, expected, atol=2e-6)
    np.testing.assert_allclose(answer.sum(1), 1, atol=1e-6)
    assert np.array_equal(answer, model.probabilities(pixels))


def test_an_engine_that_answers_otherwise_than_the_file_is_not_used(model, monkeypatch):
    model = ModelFile(model.data)
    pixels = rng.integers(0, 256, (AT_ONCE, 8, 8, 1), dtype=np.uint8)
    expected = np.concatenate([model.probabilities(part) for part in np.array_split(pixels, 16)])
    monkeypatch.setattr(Forward, "__call__", lambda self, pictures: np.zeros((len(pictures), 3), np.float32))
    np.testing.assert_allclose(model.probabilities(pixels), expected, atol=1e-7)


def test_what_the_compiled_engine_has_no_way_for_is_left_to_the_runtime():
    network = with_random_weights(
        Network.from_text("conv 4 3x3, lrn 3, flatten, dense 3, softmax", (1, 8, 8))
    )
    other = ModelFile(model_bytes(network, card_for(network)))
    pixels = rng.integers(0, 256, (AT_ONCE, 8, 8, 1), dtype=np.uint8)
    assert other.probabilities(pixels).shape == (AT_ONCE, 3)
    assert other._forward is None
