"""The checkpoint: whole or the one before, at whatever moment the write stops; damage is seen."""

import contextlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from pellucid.errors import ModelError, StorageError
from pellucid.training.checkpoint import Checkpoint, clear_checkpoint, load_checkpoint, save_checkpoint


def checkpoint(step):
    arrays = {"conv1.weight": np.full((3, 2), step, np.float32), "step": np.array([step], np.int64)}
    return Checkpoint(arrays, {"epoch": step, "history": [{"loss": 0.1 + step}], "best": float("inf")})


def same(a, b):
    return a.progress == b.progress and all(
        np.array_equal(a.arrays[k], b.arrays[k]) and a.arrays[k].dtype == b.arrays[k].dtype for k in b.arrays
    )


def test_it_comes_back_as_it_was(tmp_path):
    assert load_checkpoint(tmp_path) is None
    for step in (1, 2, 2, 9):
        save_checkpoint(tmp_path, step, checkpoint(step))
        assert same(load_checkpoint(tmp_path), checkpoint(step))
    assert sorted(p.name for p in (tmp_path / "checkpoint").iterdir()) == [
        "checkpoint.json",
        "state-9.safetensors",
    ]
    clear_checkpoint(tmp_path)
    assert load_checkpoint(tmp_path) is None
    assert not (tmp_path / "checkpoint").exists()


@pytest.mark.parametrize("call", ["fsync", "replace", "write"])
@pytest.mark.parametrize("number", range(6))
def test_a_crash_at_any_call_leaves_a_whole_checkpoint(tmp_path, monkeypatch, call, number):
    save_checkpoint(tmp_path, 1, checkpoint(1))
    real = getattr(os, call)
    calls = 0

    class Killed(BaseException):
        pass

    def dying(*arguments, **named):
        nonlocal calls
        calls += 1
        if calls > number:
            raise Killed
        return real(*arguments, **named)

    monkeypatch.setattr(os, call, dying)
    with contextlib.suppress(Killed):
        save_checkpoint(tmp_path, 2, checkpoint(2))
    monkeypatch.undo()
    found = load_checkpoint(tmp_path)
    assert same(found, checkpoint(1)) or same(found, checkpoint(2))
    save_checkpoint(tmp_path, 3, checkpoint(3))
    assert same(load_checkpoint(tmp_path), checkpoint(3))


@pytest.mark.parametrize("name", ["checkpoint.json", "state-1.safetensors"])
def test_every_flipped_byte_is_seen(tmp_path, name):
    save_checkpoint(tmp_path, 1, checkpoint(1))
    path = tmp_path / "checkpoint" / name
    whole = path.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x04
        path.write_bytes(damaged)
        try:
            found = load_checkpoint(tmp_path)
        except ModelError as error:
            assert "damaged" in error.what
            assert str(tmp_path) in error.where
            continue
        # White space between JSON's words carries nothing.
        assert name == "checkpoint.json" and same(found, checkpoint(1))


def test_a_missing_arrays_file_is_damage(tmp_path):
    save_checkpoint(tmp_path, 1, checkpoint(1))
    (tmp_path / "checkpoint" / "state-1.safetensors").unlink()
    with pytest.raises(ModelError, match="damaged"):
        load_checkpoint(tmp_path)


def test_an_index_that_names_another_place_is_refused(tmp_path):
    save_checkpoint(tmp_path, 1, checkpoint(1))
    path = tmp_path / "checkpoint" / "checkpoint.json"
    index = json.loads(path.read_text())
    path.write_text(json.dumps(index | {"arrays": "../../../etc/passwd"}))
    with pytest.raises(ModelError, match="damaged"):
        load_checkpoint(tmp_path)


def test_a_disk_that_refuses_names_the_path_and_keeps_the_old_one(tmp_path, monkeypatch):
    import errno

    save_checkpoint(tmp_path, 1, checkpoint(1))

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError) as caught:
        save_checkpoint(tmp_path, 2, checkpoint(2))
    monkeypatch.undo()
    assert "state-2.safetensors" in caught.value.where
    assert same(load_checkpoint(tmp_path), checkpoint(1))


def test_a_folder_that_cannot_be_made_names_itself(tmp_path):
    blocked = Path(tmp_path / "file")
    blocked.write_text("")
    with pytest.raises(StorageError):
        save_checkpoint(blocked, 1, checkpoint(1))


def test_an_old_one_that_cannot_be_removed_does_no_harm(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, 1, checkpoint(1))

    def refuse(path, missing_ok=False):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        save_checkpoint(tmp_path, 2, checkpoint(2))
    assert same(load_checkpoint(tmp_path), checkpoint(2))
    save_checkpoint(tmp_path, 3, checkpoint(3))
    assert [path.name for path in (tmp_path / "checkpoint").glob("state-*")] == ["state-3.safetensors"]
