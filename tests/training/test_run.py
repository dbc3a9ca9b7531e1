"""A run from pictures to model.onnx: what lies in its folder at each moment, and that nothing changes its result."""

import csv
import json

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score

from pellucid.errors import EngineError, Interrupted, NetworkError, SettingsError, StorageError
from pellucid.evaluation.predictions import read_predictions
from pellucid.images import open_source
from pellucid.model import ModelFile
from pellucid.training import Finished, loop, make_settings, new_folder, resumed_folder, run
from pellucid.training.checkpoint import load_checkpoint
from pellucid.training.events import DataReady, EpochRecord, NetworkReady, Note, Progress
from support.digits import NETWORK, digit_arrays, digits_folder


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PELLUCID_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return digits_folder(tmp_path_factory.mktemp("run") / "digits")


def settings_for(data, **values):
    return make_settings({"data": str(data), "network": NETWORK, "epochs": 6, "threads": 1} | values)


def train(settings, out, stop=lambda: False, data=None):
    """All records of a run, in order."""
    out.mkdir(exist_ok=True)
    return list(run.train(settings, out, data, stop))


def stop_after(number):
    """Says stop when it is asked for the `number`th time."""
    asked = iter(range(1, 10**6))
    return lambda: next(asked) >= number


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """A run that nothing disturbs: its folder and its records."""
    out = tmp_path_factory.mktemp("whole") / "run"
    return out, train(settings_for(data), out)


def weights_of(out):
    model = onnx.load(out / "model.onnx")
    return {t.name: onnx.numpy_helper.to_array(t).tobytes() for t in model.graph.initializer}


def history_of(out):
    records = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    return [{k: v for k, v in record.items() if k not in ("rate", "seconds")} for record in records]


def test_the_records_come_in_order(whole):
    _, records = whole
    kinds = [type(record) for record in records if not isinstance(record, Progress)]
    assert kinds == [DataReady, NetworkReady, *[EpochRecord] * 6, Finished]
    data, network = records[0], records[1]
    assert (data.train, data.validation, data.test) == (140, 30, 30)
    assert network.parameters == 1_370
    progress = [record for record in records if isinstance(record, Progress)]
    assert all(record.done <= record.total and record.seconds_left >= 0 for record in progress)


def test_the_figures_are_those_of_the_file(whole, data):
    """The test accuracy told is what the file answers, counted over the pictures that split.csv calls test."""
    out, records = whole
    told = records[-1].test
    session = onnxruntime.InferenceSession(out / "model.onnx", providers=["CPUExecutionProvider"])
    rows = [row for row in csv.DictReader((out / "split.csv").open()) if row["part"] == "test"]
    classes = ModelFile.read(out / "model.onnx").classes
    answers = []
    for row in rows:
        pixels = np.asarray(Image.open(data / row["path"]))[None, :, :, None]
        answers.append(classes[session.run(["probabilities"], {"image": pixels})[0].argmax()])
    assert told.accuracy == accuracy_score([row["label"] for row in rows], answers)
    assert told.count == len(rows) == 30
    assert ModelFile.read(out / "model.onnx").card.figures.test_accuracy == told.accuracy


def test_the_best_epoch_is_kept(whole):
    out, records = whole
    history = history_of(out)
    best = max(record["validation_accuracy"] for record in history)
    chosen = history[records[-1].best_epoch - 1]
    assert chosen["validation_accuracy"] == best
    assert ModelFile.read(out / "model.onnx").card.figures.validation_accuracy == best


def test_the_split_is_the_data_s_alone(whole, data, tmp_path):
    """Another seed of training, another network: the same pictures are kept aside."""
    out, _ = whole
    train(settings_for(data, seed=9, network="mlp", epochs=1), tmp_path / "other")
    assert (out / "split.csv").read_bytes() == (tmp_path / "other" / "split.csv").read_bytes()
    train(settings_for(data, split_seed=9, epochs=1), tmp_path / "split")
    assert (out / "split.csv").read_bytes() != (tmp_path / "split" / "split.csv").read_bytes()


@pytest.mark.parametrize("step", [1, 2, 7, 20])
def test_stopped_anywhere_and_gone_on_with_it_is_the_same_run(whole, data, tmp_path, step):
    """`step` counts the questions whether to stop: the first ones come while pictures are read."""
    reference, _ = whole
    out = tmp_path / "run"
    with pytest.raises(Interrupted, match=r"Stopped"):
        train(settings_for(data), out, stop_after(step))
    assert not (out / "model.onnx").exists()
    train(settings_for(data), out)
    assert weights_of(out) == weights_of(reference)
    assert history_of(out) == history_of(reference)
    assert not (out / "checkpoint").exists()


@pytest.mark.parametrize("places", [[(1, 3)], [(1, 2), (2, 7), (6, 5)]])
def test_stopped_within_epochs(whole, data, tmp_path, monkeypatch, places):
    """(epoch, step): the loop looks up after every run of steps, here after each."""
    monkeypatch.setattr(loop, "_BREATH", 0.0)
    reference, _ = whole
    batch = json.loads((reference / "settings.json").read_text())["batch_size"]
    out = tmp_path / "run"
    out.mkdir()
    for epoch, step in places:
        stopping = []
        with pytest.raises(Interrupted):
            for record in run.train(settings_for(data), out, stop=lambda: bool(stopping)):  # noqa: B023
                if isinstance(record, Progress) and (record.epoch, record.done) == (
                    epoch,
                    (step - 1) * batch,
                ):
                    stopping.append(record)
        progress = load_checkpoint(out).progress
        assert (progress["epoch"], progress["step"]) == (epoch - 1, step)
    train(settings_for(data), out)
    assert weights_of(out) == weights_of(reference)
    assert history_of(out) == history_of(reference)


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(whole, data, tmp_path, monkeypatch):
    from pellucid.errors import StorageError

    reference, _ = whole
    out, calls, save = tmp_path / "run", [], run.save_checkpoint

    def failing(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise StorageError("Can't write: no space left on device")
        save(*arguments)

    monkeypatch.setattr(run, "save_checkpoint", failing)
    monkeypatch.setattr(run, "EPOCH_SECONDS", 0)
    with pytest.raises(StorageError):
        train(settings_for(data), out)
    assert load_checkpoint(out).progress["epoch"] == 3
    train(settings_for(data), out)
    assert weights_of(out) == weights_of(reference)


def test_an_engine_that_disagrees_with_its_file_leaves_no_model(data, tmp_path, monkeypatch):
    def disagreeing(*arguments):
        raise EngineError("the saved model and the training engine disagree on 3 of 30 pictures")

    monkeypatch.setattr(run, "check_agreement", disagreeing)
    with pytest.raises(EngineError, match="disagree"):
        train(settings_for(data, epochs=1), tmp_path / "run")
    assert not (tmp_path / "run" / "model.onnx").exists()


def test_a_run_that_cannot_begin_leaves_no_folder(data, tmp_path):
    with pytest.raises(NetworkError):
        train(settings_for(data, network="conv 8 9x9"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_patience_ends_a_run_and_says_so(data, tmp_path):
    """A rate of next to nothing: no epoch is better than the first."""
    records = train(settings_for(data, epochs=40, patience=2, learning_rate=1e-12), tmp_path / "run")
    assert sum(isinstance(record, EpochRecord) for record in records) < 40
    (note,) = [record for record in records if isinstance(record, Note)]
    assert "stopped early" in note.text
    assert isinstance(records[-1], Finished)


def test_divergence_is_an_error_with_a_remedy(data, tmp_path):
    with pytest.raises(EngineError, match="diverged") as caught:
        train(settings_for(data, optimiser="sgd", learning_rate=100.0, epochs=6), tmp_path / "run")
    assert "--learning-rate 10" in caught.value.remedy


def test_pictures_too_few_for_a_validation_part(tmp_path):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (3, 8, 8), dtype=np.uint8), np.array([0, 1, 1])
    records = train(settings_for("arrays", network="mlp", epochs=1), tmp_path / "run", data=(images, labels))
    assert records[0].validation == 0
    assert any("validation" in note for note in records[0].notes)
    assert records[-1].model.is_file()


def test_the_same_picture_on_two_sides_is_counted_and_dropped(tmp_path):
    """In a folder with parts of its own, 5 pictures of test stand in train, too."""
    source = digits_folder(tmp_path / "all", 100)
    for part in ("train", "test"):
        for name in "01":
            (tmp_path / "data" / part / name).mkdir(parents=True)
    for name in "01":
        for i, path in enumerate(sorted((source / name).iterdir())):
            parts = ["train", "test"] if i < 2 else ["test"] if i < 4 else ["train"]
            for part in parts:
                (tmp_path / "data" / part / name / path.name).write_bytes(path.read_bytes())
    records = train(settings_for(tmp_path / "data", network="mlp", epochs=1), tmp_path / "run")
    assert any("4 pictures of train stand in another part" in note for note in records[0].notes)
    card = ModelFile.read(tmp_path / "run" / "model.onnx").card
    assert card.split.dropped == 4
    rows = list(csv.DictReader((tmp_path / "run" / "split.csv").open()))
    assert sum(row["part"] == "dropped" for row in rows) == 4


def test_arrays_and_a_source_of_them_are_the_same(tmp_path):
    arrays = digit_arrays()
    for name, given in (("arrays", arrays), ("source", open_source(arrays))):
        train(settings_for("arrays", epochs=2), tmp_path / name, data=given)
    assert weights_of(tmp_path / "arrays") == weights_of(tmp_path / "source")


def test_a_folder_for_each_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [str(new_folder(None, name)) for name in ("Cats & dogs", "Cats & dogs", "../etc", "", "MNIST")]
    assert names == ["runs/cats-dogs-1", "runs/cats-dogs-2", "runs/etc-1", "runs/run-1", "runs/mnist-1"]


def test_only_a_run_can_be_resumed(whole, tmp_path):
    with pytest.raises(SettingsError, match="no such run"):
        resumed_folder(tmp_path / "none")
    with pytest.raises(SettingsError, match=r"settings\.json"):
        resumed_folder(tmp_path)
    with pytest.raises(SettingsError, match="finished"):
        resumed_folder(whole[0])


@pytest.mark.parametrize("name", ["predictions.csv", "report.html"])
def test_results_that_cannot_be_written_leave_the_model_and_the_way_on(whole, data, tmp_path, name):
    """A folder in the file's place: the run says so, the model stands, and resuming writes the rest."""
    out = tmp_path / "run"
    (out / name).mkdir(parents=True)
    with pytest.raises(StorageError) as caught:
        train(settings_for(data), out)
    assert caught.value.where == str(out / name)
    assert weights_of(out) == weights_of(whole[0])
    (out / name).rmdir()
    records = train(settings_for(data), out)
    assert records[-1].report == out / "report.html"
    assert (out / "predictions.csv").read_bytes() == (whole[0] / "predictions.csv").read_bytes()
    assert not (out / "checkpoint").exists()


def test_predictions_are_what_the_file_answers(whole, data):
    out, _ = whole
    table = read_predictions(out / "predictions.csv")
    split = {row["path"]: row for row in csv.DictReader((out / "split.csv").open())}
    assert {path: row["part"] for path, row in split.items() if row["part"] != "train"} == dict(
        zip(table.paths, table.parts, strict=True)
    )
    model = ModelFile.read(out / "model.onnx")
    for place, path in enumerate(table.paths):
        answer = model.predict(data / path)
        assert table.labels[place] == split[path]["label"]
        assert table.predictions[place] == answer.label
        exact = 0 if table.parts[place] == "test" else 1e-4
        assert table.probabilities[place] == pytest.approx(answer.probability, abs=exact + 1e-6)
        of_label = answer.probabilities[model.classes.index(table.labels[place])]
        assert table.label_probabilities[place] == pytest.approx(of_label, abs=exact + 1e-6)
