"""Snapshots: how many there are, what they hold to float16's precision, and what the reader refuses."""

import hashlib
import json
from itertools import pairwise

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import ModelError, StorageError
from pellucid.network import Network
from pellucid.training import snapshots
from pellucid.training.snapshots import kept_epochs, most_snapshots, read_snapshots, save_snapshot
from support.networks import EVERY_LAYER, with_random_weights

VERSIONS = {"pellucid": "1", "numpy": "2"}


def network_of(line="conv 4 3x3, relu, flatten, dense 3, softmax", shape=(1, 6, 6), seed=0):
    return with_random_weights(Network.from_text(line, shape), seed)


def save(run, epoch, network=None):
    network = network or network_of(seed=epoch)
    save_snapshot(run, epoch, network, network.weights, VERSIONS)


def only_file(run):
    (path,) = (run / "snapshots").iterdir()
    return path


@pytest.mark.parametrize(("line", "shape"), [(EVERY_LAYER, (3, 19, 22)), ("flatten, dense 2", (1, 2, 2))])
def test_what_is_saved_comes_back_in_float16(tmp_path, line, shape):
    networks = {epoch: network_of(line, shape, epoch) for epoch in (1, 2, 3)}
    for epoch, network in networks.items():
        save(tmp_path, epoch, network)
    found = read_snapshots(tmp_path)
    assert [snapshot.epoch for snapshot in found] == [1, 2, 3]
    for snapshot in found:
        wanted = networks[snapshot.epoch]
        assert snapshot.network.text == wanted.text
        assert snapshot.versions == VERSIONS
        for name, array in wanted.weights.items():
            got = snapshot.network.weights[name]
            assert got.dtype == np.float32
            np.testing.assert_array_equal(got, array.astype(np.float16).astype(np.float32))


def test_values_beyond_float16_stay_float32(tmp_path):
    network = network_of()
    weights = dict(network.weights)
    weights["conv1.bias"] = np.array([65504, 65520, -1e9, 1], np.float32)  # 65520 would round to infinity
    weights["dense1.bias"] = np.array([65504, 1, 2], np.float32)
    save(tmp_path, 1, network.with_weights(weights))
    arrays = safetensors.numpy.load_file(only_file(tmp_path))
    assert arrays["conv1.bias"].dtype == np.float32
    assert arrays["dense1.bias"].dtype == np.float16
    (found,) = read_snapshots(tmp_path)
    for name in ("conv1.bias", "dense1.bias"):
        np.testing.assert_array_equal(found.network.weights[name], weights[name])


@given(st.integers(1, 5000), st.integers(2, 30))
def test_thinning_is_bounded_and_even_and_never_asks_for_what_is_gone(epoch, most):
    kept = kept_epochs(epoch, most)
    assert len(kept) <= most
    assert kept[-1] == epoch
    assert len({after - before for before, after in pairwise(kept[:-1])}) <= 1
    assert set(kept_epochs(epoch + 1, most)) - {epoch + 1} <= set(kept), "only what is still there"
    if epoch < most:
        assert kept == list(range(1, epoch + 1))
    elif most >= 4:
        assert len(kept) >= most // 2


def test_the_folder_holds_the_kept_ones_alone(tmp_path):
    for epoch in range(1, 71):
        save(tmp_path, epoch)
    names = sorted(path.name for path in (tmp_path / "snapshots").iterdir())
    assert names == [f"epoch-{epoch:04}.safetensors" for epoch in kept_epochs(70, 30)]
    assert [snapshot.epoch for snapshot in read_snapshots(tmp_path)] == kept_epochs(70, 30)


@pytest.mark.parametrize(
    ("units", "most"), [(10, 30), (2_000, 21), (5_000, 8), (20_000, 2), (22_000, 0), (900_000, 0)]
)
def test_larger_networks_keep_fewer(units, most):
    """784 weights a unit and 11 more: 64 MB hold so many in float16."""
    network = Network.from_text(f"flatten, dense {units}, dense 10, softmax", (1, 28, 28))
    assert most_snapshots(network) == most
    assert most * 2 * network.parameter_count <= 64 * 2**20


def test_none_are_kept_of_a_network_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshots, "MOST_BYTES", 5000)
    save(tmp_path, 1)
    assert read_snapshots(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_equal_weights_give_equal_bytes(tmp_path):
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        save(tmp_path / run, 7, network_of(seed=1))
    assert only_file(tmp_path / "a").read_bytes() == only_file(tmp_path / "b").read_bytes()


def test_every_changed_byte_is_noticed(tmp_path):
    save(tmp_path, 1)
    path = only_file(tmp_path)
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(ModelError):
            read_snapshots(tmp_path)
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        with pytest.raises(ModelError):
            read_snapshots(tmp_path)


def sealed(arrays, **changed):
    """A snapshot's bytes with other contents, sealed as pellucid would."""
    about = {
        "sha256": "0" * 64, "format": 1, "epoch": 1, "network": "conv 4 3x3, relu, flatten, dense 3, softmax",
        "input": [1, 6, 6], "versions": VERSIONS,
    } | changed  # fmt: skip
    data = safetensors.numpy.save(arrays, {"pellucid.snapshot": json.dumps(about)})
    return data.replace(b"0" * 64, hashlib.sha256(data).hexdigest().encode(), 1)


@pytest.mark.parametrize(
    ("changed", "arrays", "says"),
    [
        ({}, {"dense1.bias": np.zeros(9, np.float16)}, "dense1.bias"),
        ({}, {"conv1.bias": np.full(4, np.nan, np.float16)}, "no numbers"),
        ({}, {"conv1.bias": np.zeros(4, np.int64)}, "int64"),
        ({"network": "conv 4 99x99"}, {}, "does not fit"),
        ({"input": [1, 6]}, {}, ""),
        ({"input": [1, 0, 6]}, {}, ""),
        ({"input": "abc"}, {}, "int"),
        ({"format": 2}, {}, "format 2"),
        ({"epoch": "many"}, {}, "many"),
    ],
)
def test_a_sealed_file_that_makes_no_sense_is_refused(tmp_path, changed, arrays, says):
    network = network_of()
    halves = {name: array.astype(np.float16) for name, array in network.weights.items()} | arrays
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "epoch-0001.safetensors").write_bytes(sealed(halves, **changed))
    with pytest.raises(ModelError, match="the snapshot can't be used") as caught:
        read_snapshots(tmp_path)
    assert says in caught.value.received
    assert caught.value.where.endswith("epoch-0001.safetensors")


def test_what_is_too_large_is_not_read(tmp_path, monkeypatch):
    save(tmp_path, 1)
    path = only_file(tmp_path)
    monkeypatch.setattr(snapshots, "MOST_BYTES", 0)
    monkeypatch.setattr(snapshots, "_HEADER_ROOM", 100)
    with pytest.raises(ModelError) as caught:
        snapshots.read_snapshot(path)
    assert "larger than 100 bytes" in caught.value.received


def test_snapshots_of_two_networks_are_no_run(tmp_path):
    save(tmp_path, 1)
    save(tmp_path, 2, network_of("flatten, dense 3, softmax"))
    with pytest.raises(ModelError) as caught:
        read_snapshots(tmp_path)
    assert "another network" in caught.value.received


def test_what_stands_beside_them_is_left_alone(tmp_path):
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "notes.txt").write_text("mine")
    for epoch in range(1, 40):
        save(tmp_path, epoch)
    assert (tmp_path / "snapshots" / "notes.txt").read_text() == "mine"
    assert len(read_snapshots(tmp_path)) == len(kept_epochs(39, 30))


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "snapshots").write_text("in the way")
    with pytest.raises(StorageError) as caught:
        save(tmp_path, 1)
    assert caught.value.where == str(tmp_path / "snapshots")
