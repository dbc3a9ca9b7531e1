"""Which engine trains what, and what is said about it."""

import pytest

from pellucid.engines import choice
from pellucid.engines.choice import choose_engine
from pellucid.errors import EngineError
from pellucid.native import native
from pellucid.network import Network

PLAIN = Network.from_text("conv 4 3x3, relu, flatten, dense 2, softmax", (1, 6, 6))
LRN = Network.from_text("conv 4 3x3, odd: lrn 3, flatten, dense 2, softmax", (1, 6, 6))
VOLUME = Network.from_text("conv 4 3, relu, flatten, dense 2, softmax", (1, 6, 6, 6))

built = pytest.mark.skipif(native is None, reason="the compiled part is not built here")


@pytest.fixture
def without_torch(monkeypatch):
    monkeypatch.setattr(choice, "find_spec", lambda name: None)


@built
def test_the_native_engine_trains_what_it_can():
    chosen = choose_engine("native", PLAIN)
    assert (chosen.name, chosen.note) == ("native", "")


@built
@pytest.mark.parametrize(
    ("network", "device", "precision", "why"),
    [
        (LRN, "cpu", "f32", "odd: the native engine has no lrn"),
        (VOLUME, "cpu", "f32", "an input with 3 spatial axes: the native engine has 1 and 2"),
        (PLAIN, "cuda", "f32", "device cuda: the native engine computes on the CPU"),
        (PLAIN, "cpu", "bf16", "precision bf16: the native engine computes in f32"),
    ],
)
def test_what_it_cannot_goes_to_torch_and_says_why(
    network, device, precision, why, without_torch, monkeypatch
):
    with pytest.raises(EngineError) as caught:
        choose_engine("native", network, device, precision)
    assert caught.value.received == f"no package called torch; the native engine can't train this: {why}"
    assert caught.value.remedy == "pip install 'pellucid[torch]'"
    monkeypatch.undo()
    chosen = choose_engine("native", network, device, precision)
    assert chosen.name == "torch"
    assert chosen.note == f"the native engine can't train this network: {why}; torch trains it"


@built
@pytest.mark.parametrize("there", [True, False])
def test_auto_is_native_for_what_it_can_train(there, monkeypatch):
    if not there:
        monkeypatch.setattr(choice, "find_spec", lambda name: None)
    chosen = choose_engine("auto", PLAIN)
    assert (chosen.name, chosen.note) == ("native", "")


@built
@pytest.mark.parametrize(("asked", "there"), [("native", True), ("auto", False), ("native", False)])
def test_what_cannot_be_trained_here_is_told_in_one_sentence(asked, there, monkeypatch):
    """Whichever way the rule goes: one line that a person reads, of which layer, and what trains or is missing."""
    if not there:
        monkeypatch.setattr(choice, "find_spec", lambda name: None)
    try:
        told = choose_engine(asked, LRN).note
        assert told.endswith("; torch trains it")
    except EngineError as error:
        told = error.received
        assert not there
        assert error.what == "Training needs PyTorch, which is not installed here"
        assert error.remedy == "pip install 'pellucid[torch]'"
    assert "odd: the native engine has no lrn" in told
    assert "\n" not in told


@built
@pytest.mark.parametrize("asked", ["native", "auto"])
def test_instructions_that_are_not_here_are_told_before_any_picture_is_read(
    asked, without_torch, monkeypatch
):
    monkeypatch.setenv("PELLUCID_ISA", "avx1024")
    with pytest.raises(EngineError) as caught:
        choose_engine(asked, PLAIN)
    assert caught.value.where == "environment variable PELLUCID_ISA"
    assert caught.value.received == "avx1024"
    assert all(name in caught.value.remedy for name in native.train_instructions())


@built
def test_torch_that_is_not_installed_can_be_gone_without(without_torch):
    with pytest.raises(EngineError) as caught:
        choose_engine("torch", PLAIN)
    assert caught.value.what == "Training needs PyTorch, which is not installed here"
    assert caught.value.remedy == "pip install 'pellucid[torch]', or --engine native"


def test_nothing_compiled_and_no_torch(without_torch, monkeypatch):
    monkeypatch.setattr("pellucid.engines.native.plan.native", None)
    with pytest.raises(EngineError) as caught:
        choose_engine("auto", PLAIN)
    assert "compiled part is missing" in caught.value.received
