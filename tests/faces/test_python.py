"""`pellucid.train`, `load`, `Model`, `Network`: the same from Python."""

import json

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score

import pellucid
from pellucid.errors import DataError, NetworkError, SettingsError
from support.cli import pellucid as command
from support.digits import NETWORK, digit_arrays


@pytest.fixture(scope="module")
def on_arrays(tmp_path_factory):
    """A model trained on arrays, the records that training told, and the run's folder."""
    out = tmp_path_factory.mktemp("arrays") / "run"
    told = []
    model = pellucid.train(
        digit_arrays(), NETWORK, epochs=20, patience=20, threads=1, out=out, watch=told.append
    )
    return model, told, out


def test_training_on_arrays(on_arrays):
    model, told, out = on_arrays
    assert isinstance(model, pellucid.Model)
    assert model.where == str(out / "model.onnx")
    assert model.classes == tuple("0123456789")
    images, labels = digit_arrays()
    answers = [answer.label for answer in model.predict(list(images))]
    assert accuracy_score(labels.astype(str), answers) > 0.63
    assert [type(event).__name__ for event in told if type(event).__name__ != "Progress"] == [
        "DataReady", "NetworkReady", *["EpochRecord"] * 20, "Finished",
    ]  # fmt: skip


def test_arrays_and_files_of_the_same_pictures_give_the_same_run(on_arrays, trained):
    """The same pictures in the same order would; here the order differs, so only the counts are the same."""
    model, _, _ = on_arrays
    assert model.card.split is not None
    other = pellucid.load(trained.model).card.split
    assert other is not None
    assert (model.card.split.train, model.card.split.test) == (other.train, other.test)


def test_one_picture_or_many(on_arrays, tmp_path):
    model, _, _ = on_arrays
    images, _ = digit_arrays(5)
    Image.fromarray(images[0]).save(tmp_path / "a.png")
    first = model.predict(images[0])
    assert first.probabilities.shape == (10,)
    assert first.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert first.label == first.classes[int(first.probabilities.argmax())]
    assert first.probability == first.probabilities.max()
    from_file = model.predict(tmp_path / "a.png")
    assert np.array_equal(from_file.probabilities, first.probabilities)
    many = model.predict(images[..., None])
    assert [p.label for p in many] == [model.predict(picture).label for picture in images]


def test_a_bad_picture_raises(on_arrays, tmp_path):
    model, _, _ = on_arrays
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        model.predict(tmp_path / "bad.png")
    with pytest.raises(DataError, match="uint8"):
        model.predict(np.zeros((8, 8), np.float32))


def test_evaluating_on_its_own_test_part(trained):
    evaluation = pellucid.load(trained.model).evaluate()
    assert evaluation.accuracy == trained.ran.json["test"]["accuracy"]
    assert list(evaluation.interval) == trained.ran.json["test"]["interval"]
    assert evaluation.confusion.sum() == 30


def test_evaluating_on_other_data(on_arrays, trained):
    model, _, _ = on_arrays
    by_folder, by_arrays = model.evaluate(trained.data), model.evaluate(digit_arrays())
    assert by_folder.count == by_arrays.count == 200
    assert by_folder.accuracy == by_arrays.accuracy
    assert (by_folder.confusion == by_arrays.confusion).all()
    with pytest.raises(DataError, match="arrays"):
        model.evaluate()


def test_the_same_settings_give_the_same_bits_as_the_command(trained, tmp_path):
    settings = json.loads((trained.folder / "settings.json").read_text())
    data = settings.pop("data")
    model = pellucid.train(data, out=tmp_path / "run", watch=lambda event: None, **settings)
    weights = pellucid.load(trained.model).network.weights
    assert {k: v.tobytes() for k, v in model.network.weights.items()} == {
        k: v.tobytes() for k, v in weights.items()
    }


def test_summary_and_network(trained):
    model = pellucid.load(trained.model)
    document = command("summary", trained.model, "--json").json
    assert [row.as_dict() for row in model.summary()] == document["rows"]
    network = pellucid.Network.from_text(model.network.text, (1, 8, 8))
    assert network.text == model.network.text
    assert sum(int(np.prod(shape)) for shape in network.parameter_shapes.values()) == document["parameters"]


def test_errors_say_what_to_do(tmp_path):
    with pytest.raises(pellucid.PellucidError):
        pellucid.load(tmp_path / "none.onnx")
    with pytest.raises(SettingsError, match="no setting called learningrate"):
        pellucid.train(digit_arrays(), NETWORK, out=tmp_path / "a", learningrate=1)
    with pytest.raises(NetworkError, match="9 values, but there are 10 classes"):
        pellucid.train(digit_arrays(), "flatten, dense 9", out=tmp_path / "b")
    with pytest.raises(DataError, match="one value for each picture"):
        pellucid.train((digit_arrays()[0], np.zeros((3, 3, 3))), out=tmp_path / "c")
    with pytest.raises(DataError, match="There is no such folder"):
        pellucid.train(tmp_path / "none", out=tmp_path / "d")
    assert not (tmp_path / "a").exists(), "nothing was begun"


def test_a_line_an_epoch_on_stderr_and_nothing_on_stdout(tmp_path, capsys):
    pellucid.train(digit_arrays(60), "mlp", epochs=2, out=tmp_path / "run")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.split()[1] for line in captured.err.splitlines()] == ["1/2", "2/2"]


def test_public_names():
    assert set(pellucid.__all__) <= set(dir(pellucid))
    assert repr(pellucid.Network.from_text("relu", (1, 4, 4)))
