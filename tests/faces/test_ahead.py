"""What begins while the command line loads: MNIST is read ahead only where the run will be on it."""

import os
import threading

import numpy as np
import pytest

from pellucid.errors import DataError
from pellucid.faces.cli.ahead import read_ahead
from pellucid.images import builtin, picture_digest


@pytest.fixture
def begun(monkeypatch):
    calls = []
    monkeypatch.setattr(builtin, "read_ahead", lambda: calls.append(1))
    return calls


@pytest.mark.parametrize(
    ("data", "text", "reads"),
    [
        (None, None, True), ("mnist", None, True), ("photos", None, False), (None, '{"data": "mnist"}', True),
        (None, "{}", True), (None, '{"data": "photos"}', False), ("photos", '{"data": "mnist"}', False),
        ("mnist", '{"data": "photos"}', True), (None, "no JSON", False), (None, "[]", False),
        (None, "[" * 100_000, False),
    ],
)  # fmt: skip
def test_only_where_the_run_will_be_on_it(begun, tmp_path, data, text, reads):
    if text is not None:
        (tmp_path / "settings.json").write_text(text)
    read_ahead(data, None if text is None else tmp_path / "settings.json")
    assert bool(begun) == reads


def test_a_settings_file_that_is_not_there_is_left_to_who_reads_it(begun, tmp_path):
    read_ahead(None, tmp_path / "none.json")
    read_ahead(None, tmp_path)
    assert not begun


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_left_to_who_reads_it(begun, tmp_path):
    os.mkfifo(tmp_path / "settings")
    read_ahead(None, tmp_path / "settings")  # opening it would wait for a writer
    assert not begun


def test_what_was_read_ahead_is_what_is_asked_for():
    builtin.read_ahead()
    source = builtin.mnist()
    assert source is builtin.mnist()
    digests = source.digests()
    for row in (0, 1, 59_999, 60_000, 69_999):
        assert digests[row].tobytes() == picture_digest(source.read(row))
    assert not digests.flags.writeable
    assert (len(source), len(np.unique(source.labels))) == (70_000, 10)


def test_what_goes_wrong_is_said_by_who_asks(monkeypatch, capfd):
    def fails():
        raise DataError("this file is cut short")

    monkeypatch.setattr(builtin, "_mnist", fails)
    before = set(threading.enumerate())
    builtin.read_ahead()
    for thread in set(threading.enumerate()) - before:
        thread.join()
    assert capfd.readouterr() == ("", "")
    with pytest.raises(DataError, match="cut short"):
        builtin.mnist()
