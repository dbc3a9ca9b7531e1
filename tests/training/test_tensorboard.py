"""Event files, read back by TensorBoard's own reader."""

import struct

import pytest

from pellucid.errors import StorageError
from pellucid.training import tensorboard
from pellucid.training.events import EpochRecord
from pellucid.training.tensorboard import FILE, write_events

TRAIN = ("loss", "accuracy", "learning_rate", "pictures_per_second")


def history(count, shift=0.0):
    return [
        EpochRecord(
            epoch=epoch, epochs=400, loss=2 / epoch + shift, accuracy=1 - 1 / epoch, validation_loss=1.5 / epoch,
            validation_accuracy=1 - 0.5 / epoch, validation_count=9, learning_rate=0.01 / epoch, rate=1e4 + epoch,
            seconds=epoch, best=True,
        )
        for epoch in range(1, count + 1)
    ]  # fmt: skip


def read(run, part):
    """Every scalar as TensorBoard sees it: {tag: [(step, value)]}."""
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed"
    )
    events = reader.EventAccumulator(str(run / "tensorboard" / part), size_guidance={reader.SCALARS: 0})
    events.Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]
    }


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def assert_holds(run, records):
    train, validation = read(run, "train"), read(run, "validation")
    assert set(train) == set(TRAIN)
    assert set(validation) == {"loss", "accuracy"}
    for seen, names in (
        (train, {"loss": "loss", "accuracy": "accuracy", "learning_rate": "learning_rate",
                 "pictures_per_second": "rate"}),
        (validation, {"loss": "validation_loss", "accuracy": "validation_accuracy"}),
    ):  # fmt: skip
        for tag, field in names.items():
            assert seen[tag] == [(record.epoch, float32(getattr(record, field))) for record in records]


def test_tensorboard_reads_every_figure(tmp_path):
    write_events(tmp_path, history(300))  # steps of two bytes, too
    assert_holds(tmp_path, history(300))


def test_epochs_are_added_as_they_come_and_the_bytes_before_stay(tmp_path):
    path = tmp_path / "tensorboard" / "train" / FILE
    before = b""
    for count in (1, 2, 3, 5):
        write_events(tmp_path, history(count))
        assert path.read_bytes().startswith(before)
        before = path.read_bytes()
        assert_holds(tmp_path, history(count))
    write_events(tmp_path, history(5))
    assert path.read_bytes() == before, "nothing new, nothing written"


def test_epochs_that_a_killed_run_lost_stand_there_once(tmp_path):
    """It had written epoch 5 when its checkpoint was at 3; the run that goes on does 4 and 5 again."""
    write_events(tmp_path, history(5, shift=9.0))
    write_events(tmp_path, history(3))
    write_events(tmp_path, history(4))
    records = history(3, shift=9.0) + history(4)[3:]
    assert_holds(tmp_path, records)


@pytest.mark.parametrize("cut", [1, 4, 30, 60])
def test_half_a_record_at_the_end_is_taken_out(tmp_path, cut):
    write_events(tmp_path, history(3))
    for part in ("train", "validation"):
        path = tmp_path / "tensorboard" / part / FILE
        path.write_bytes(path.read_bytes()[:-cut])
    write_events(tmp_path, history(4))
    assert_holds(tmp_path, history(4))


@pytest.mark.parametrize("rubbish", [b"", b"\0" * 40, b"no events at all", b"\xff" * 100])
def test_a_file_that_is_none_is_begun_anew(tmp_path, rubbish):
    path = tmp_path / "tensorboard" / "train" / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(rubbish)
    write_events(tmp_path, history(2))
    assert_holds(tmp_path, history(2))


def test_a_write_that_fails_leaves_what_stood_there(tmp_path, monkeypatch):
    write_events(tmp_path, history(2))
    path = tmp_path / "tensorboard" / "train" / FILE
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tensorboard.os, "fsync", full)
    with pytest.raises(StorageError) as caught:
        write_events(tmp_path, history(3))
    assert caught.value.where == str(path)
    assert path.read_bytes() == before


def test_checksums_are_crc_32c():
    """RFC 3720, B.4: 32 bytes of zeros, of ones, and counting; then TensorFlow's mask of it."""
    for data, check in (
        (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E)
    ):  # fmt: skip
        masked = ((check >> 15 | check << 17) + 0xA282EAD8) & 0xFFFFFFFF
        assert tensorboard._masked(data) == masked
