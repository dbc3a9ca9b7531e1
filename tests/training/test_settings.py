"""Settings: what can't be used is refused by name; what is written repeats itself; defaults follow from the data."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.engines import muon
from pellucid.errors import DataError, SettingsError
from pellucid.training.defaults import Facts, are_characters, facts_of, resolve_size, resolve_training
from pellucid.training.network import chosen_network
from pellucid.training.settings import AugmentationSettings, Settings, make_settings, read_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0), ("epochs", -3), ("epochs", 10**9), ("epochs", 1.5), ("seed", -1), ("batch_size", 0),
        ("learning_rate", 0.0), ("learning_rate", -1), ("learning_rate", math.nan), ("learning_rate", math.inf),
        ("momentum", 1), ("label_smoothing", 1), ("averaging", -0.1), ("threads", 0), ("patience", 0), ("height", 0),
        ("height", 100_000), ("channels", 2), ("fit", "squash"), ("precision", "f16"), ("engine", "magic"),
        ("device", "tpu"), ("network", ""), ("weight_decay", -1), ("optimiser", "adagrad"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_used_is_refused_by_name(name, value):
    with pytest.raises(SettingsError) as caught:
        make_settings({name: value}, "settings.json")
    assert caught.value.what.startswith(f"{name} can't be used: ")
    assert caught.value.received == repr(value)
    assert caught.value.where == "settings.json"


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(SettingsError) as caught:
        make_settings({"epoch": 3})
    assert caught.value.what == "there is no setting called epoch"
    assert "epochs" in caught.value.remedy


def test_a_wrong_augmentation_is_named_with_its_meaning():
    with pytest.raises(SettingsError) as caught:
        make_settings({"augmentation": {"rotate": 500}})
    assert "augmentation.rotate" in caught.value.what
    assert "degrees" in caught.value.remedy


@given(
    st.builds(
        Settings,
        epochs=st.none() | st.integers(1, 100),
        learning_rate=st.none() | st.floats(1e-8, 100),
        seed=st.integers(0, 2**63 - 1),
        augmentation=st.none() | st.builds(AugmentationSettings, shift=st.floats(0, 0.5), flip=st.booleans()),
    )
)
def test_what_is_written_is_read_back_the_same(settings):
    assert make_settings(json.loads(settings.json_text())) == settings


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "\x00"])
def test_a_settings_file_that_is_none_says_so(tmp_path, text):
    path = tmp_path / "settings.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match="settings file"):
        make_settings(read_settings(path))


def test_a_missing_settings_file_says_so(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_settings(tmp_path / "none.json")


def facts(height=28, width=28, channels=1, same=True, classes=("0", "1"), train=54_000):
    return Facts(height, width, channels, same, classes, train)


@given(st.integers(1, 5000), st.integers(1, 5000), st.booleans(), st.none() | st.integers(1, 300))
def test_a_size_is_always_found_and_the_asked_one_kept(height, width, same, asked):
    found = resolve_size(Settings(height=asked), facts(height, width, same=same))
    assert found.height and found.width
    if asked:
        assert (found.height, found.width) == (asked, asked)
    elif same and max(height, width) <= 64:
        assert (found.height, found.width) == (height, width)
    else:
        assert found.height == found.width <= 64


@given(st.integers(1, 10_000_000), st.none() | st.integers(1, 65_536))
def test_training_settings_are_complete_and_valid(train, batch):
    resolved = resolve_training(Settings(batch_size=batch), facts(train=train), 10**6, 0)
    again = make_settings(json.loads(resolved.json_text()))
    assert again == resolved
    assert None not in (
        again.epochs,
        again.batch_size,
        again.optimiser,
        again.learning_rate,
        again.augmentation,
        again.threads,
    )
    assert again.batch_size <= train


def test_what_was_asked_is_kept():
    asked = Settings(
        epochs=3, batch_size=17, learning_rate=0.5, threads=1, augmentation=AugmentationSettings()
    )
    resolved = resolve_training(asked, facts(), 10**6, 0)
    assert resolved.model_dump(
        include={"epochs", "batch_size", "learning_rate", "threads", "augmentation"}
    ) == (asked.model_dump(include={"epochs", "batch_size", "learning_rate", "threads", "augmentation"}))


@given(st.integers(1, 10_000_000), st.integers(0, 10**12))
def test_a_hard_task_gets_more_epochs_as_far_as_they_are_affordable(train, mult_adds):
    resolved = resolve_training(Settings(), facts(train=train), mult_adds, 0)
    assert resolved.epochs and resolved.hard_epochs
    assert resolved.epochs <= resolved.hard_epochs <= 60
    if resolved.hard_epochs > resolved.epochs:
        assert resolved.hard_epochs * train * mult_adds <= 10**13
        assert resolved.hard_epochs <= 4 * resolved.epochs


@pytest.mark.parametrize(
    ("line", "batch", "changes", "expected"),
    [
        ("auto", 256, {}, "muon"),
        ("auto", 256, {"optimiser": "adam"}, "adam"),
        ("auto", 256, {"start_from": "model.onnx"}, "adamw"),
        ("conv 512 3x3 pad 1, conv 512 3x3 stride 8, flatten, dense 10, softmax", 16, {}, "adamw"),
        (
            "conv 512 3x3 pad 1, conv 512 3x3 stride 8, flatten, dense 10, softmax",
            16,
            {"optimiser": "muon"},
            "muon",
        ),
        ("flatten, dense 64, relu, dense 10, softmax", 256, {}, "adamw"),
    ],
)
def test_muon_where_it_costs_little_and_there_are_filters(line, batch, changes, expected):
    settings = Settings(network=line, height=28, width=28, channels=1, batch_size=batch, **changes)
    network = chosen_network(settings.model_copy(update={"start_from": None}), tuple("0123456789"))
    resolved = resolve_training(settings, facts(), network.mult_adds, muon.mult_adds(network))
    assert resolved.optimiser == expected
    assert resolved.learning_rate == 0.006 * (batch / 256) ** 0.5


def test_epochs_that_were_asked_for_stay():
    assert resolve_training(Settings(epochs=7), facts(), 1, 0).hard_epochs == 7


def test_digits_are_never_mirrored_and_photographs_are():
    digits = resolve_training(Settings(), facts(classes=tuple("0123456789")), 1, 0).augmentation
    photographs = resolve_training(Settings(), facts(classes=("cat", "dog"), channels=3), 1, 0).augmentation
    assert digits and photographs
    assert not digits.flip
    assert digits.shift > 0
    assert photographs.flip


def test_characters_are_single_letters_and_digits():
    assert are_characters(("0", "9", "a", "é"))
    assert not are_characters(("0", "10"))
    assert not are_characters(("cat", "d"))


def test_facts_are_the_middle_sizes():
    class Source:
        classes = ("a", "b")

    found = facts_of(Source(), [(10, 20, 1), (30, 40, 1), (50, 60, 1)])
    assert (found.height, found.width, found.channels, found.same_size) == (30, 40, 1, False)
    assert facts_of(Source(), [(5, 5, 1), (5, 5, 3)]).channels == 3
    assert facts_of(Source(), [(5, 5, 3), (5, 5, 3)]).same_size
    assert np.isscalar(found.height)
