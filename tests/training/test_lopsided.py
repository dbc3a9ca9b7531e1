"""Runs on lopsided classes, and what every run keeps of its epochs: snapshots and TensorBoard's files."""

import json

import numpy as np
import pytest

from pellucid.errors import Interrupted
from pellucid.evaluation import log_loss, softmax
from pellucid.model import ModelFile
from pellucid.training import make_settings, run
from pellucid.training.events import EpochRecord, Note
from pellucid.training.snapshots import read_snapshots
from support.digits import NETWORK, digit_arrays, digits_folder


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PELLUCID_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def lopsided(tmp_path_factory):
    """Digits with ever fewer pictures of each."""
    data = digits_folder(tmp_path_factory.mktemp("lopsided") / "digits", 300)
    for name in "456789":
        for path in sorted((data / name).iterdir())[8:]:
            path.unlink()
    return data


def settings_for(data, **values):
    return make_settings({"data": str(data), "network": NETWORK, "epochs": 4, "threads": 1} | values)


def train(settings, out, stop=lambda: False, data=None):
    out.mkdir(exist_ok=True)
    return list(run.train(settings, out, data, stop))


def stop_after(number):
    asked = iter(range(1, 10**6))
    return lambda: next(asked) >= number


def weights_of(out):
    return {name: a.tobytes() for name, a in ModelFile.read(out / "model.onnx").network.weights.items()}


def scalars(out, part):
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed"
    )
    events = reader.EventAccumulator(str(out / "tensorboard" / part))
    events.Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"] if tag != "pictures_per_second"
    }  # fmt: skip


@pytest.fixture(scope="module")
def whole(lopsided, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "run"
    return out, train(settings_for(lopsided, tensorboard=True), out)


def test_it_is_said_once_and_written_down(whole):
    out, records = whole
    notes = [record.text for record in records if isinstance(record, Note)]
    assert len(notes) == 1
    assert notes[0].startswith("classes are lopsided (")
    assert notes[0].endswith("--class-weights none turns it off")
    assert json.loads((out / "settings.json").read_text())["class_weights"] == "damped"


def test_repeating_and_resuming_give_the_same_bits(whole, lopsided, tmp_path):
    out, _ = whole
    again = make_settings(json.loads((out / "settings.json").read_text()))
    train(again, tmp_path / "again")
    with pytest.raises(Interrupted):
        train(settings_for(lopsided, tensorboard=True), tmp_path / "stopped", stop_after(7))
    resumed = make_settings(json.loads((tmp_path / "stopped" / "settings.json").read_text()))
    train(resumed, tmp_path / "stopped")
    for other in (tmp_path / "again", tmp_path / "stopped"):
        assert weights_of(other) == weights_of(out)
        for one, two in zip(read_snapshots(other), read_snapshots(out), strict=True):
            assert one.epoch == two.epoch
            for name, array in two.network.weights.items():
                np.testing.assert_array_equal(one.network.weights[name], array)
        for part in ("train", "validation"):
            assert scalars(other, part) == scalars(out, part)


def test_the_weights_change_the_training_and_none_turns_them_off(whole, lopsided, tmp_path):
    out, _ = whole
    records = train(settings_for(lopsided, class_weights="none"), tmp_path / "run")
    assert not any(isinstance(record, Note) for record in records)
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["class_weights"] == "none"
    assert weights_of(tmp_path / "run") != weights_of(out)
    assert not (tmp_path / "run" / "tensorboard").exists(), "only where it was asked for"


def test_even_classes_are_trained_as_without_weights(tmp_path):
    arrays = digit_arrays()
    for name in ("auto", "none"):
        settings = make_settings(
            {"data": "arrays", "network": NETWORK, "epochs": 2, "threads": 1, "class_weights": name}
        )
        records = train(settings, tmp_path / name, data=arrays)
        assert not any(isinstance(record, Note) for record in records)
        assert json.loads((tmp_path / name / "settings.json").read_text())["class_weights"] == "none"
    assert weights_of(tmp_path / "auto") == weights_of(tmp_path / "none")


def test_a_snapshot_holds_the_weights_that_were_validated(tmp_path):
    """The file of each epoch, put into a model, gives the validation loss of that epoch's record (in float16)."""
    from pellucid.engines.contract import Recipe
    from pellucid.engines.torch import open_trainer
    from pellucid.images import read_split

    arrays = digit_arrays()
    settings = make_settings({"data": "arrays", "network": NETWORK, "epochs": 3, "threads": 1})
    records = train(settings, tmp_path / "run", data=arrays)
    epochs = [record for record in records if isinstance(record, EpochRecord)]
    preprocessing = ModelFile.read(tmp_path / "run" / "model.onnx").card.preprocessing
    rows = np.flatnonzero(read_split(tmp_path / "run" / "split.csv").parts == "validation")
    pixels, labels = arrays[0][..., None], arrays[1].astype(np.int64)
    found = read_snapshots(tmp_path / "run")
    assert [snapshot.epoch for snapshot in found] == [1, 2, 3]
    for snapshot, record in zip(found, epochs, strict=True):
        trainer = open_trainer(
            snapshot.network, pixels, labels, np.float32(preprocessing.scale),
            np.float32(preprocessing.shift), Recipe(),
        )  # fmt: skip
        logits = trainer.logits(rows).astype(np.float64)
        assert log_loss(labels[rows], softmax(logits)) == pytest.approx(record.validation_loss, rel=2e-3)
        assert snapshot.versions["pellucid"]


def test_the_events_are_the_history(whole):
    out, records = whole
    epochs = [record for record in records if isinstance(record, EpochRecord)]
    train_part, validation = scalars(out, "train"), scalars(out, "validation")
    for tags, names in (
        (train_part, {"loss": "loss", "accuracy": "accuracy", "learning_rate": "learning_rate"}),
        (validation, {"loss": "validation_loss", "accuracy": "validation_accuracy"}),
    ):
        for tag, name in names.items():
            assert [step for step, _ in tags[tag]] == [1, 2, 3, 4]
            assert [value for _, value in tags[tag]] == pytest.approx(
                [getattr(record, name) for record in epochs], rel=1e-6
            )


def test_a_network_too_large_for_snapshots_says_so(lopsided, tmp_path, monkeypatch):
    from pellucid.training import snapshots

    monkeypatch.setattr(snapshots, "MOST_BYTES", 9000)
    records = train(settings_for(lopsided, epochs=1), tmp_path / "run")
    assert any("too large for snapshots" in record.text for record in records if isinstance(record, Note))
    assert not (tmp_path / "run" / "snapshots").exists()
