"""Which instructions are used: the best that pass the check, or those that were asked for."""

import numpy as np
import pytest

from engines.native.test_gradients import check_gradients
from pellucid.engines.native import check, instructions
from pellucid.errors import EngineError
from pellucid.native import native

pytestmark = pytest.mark.skipif(native is None, reason="the compiled part is not built here")
HERE = native.train_instructions() if native else []
EVERYTHING = (
    "conv 9 5x5 pad 2, maxpool 2, relu, a: conv 6 3x3 pad 1 nobias, batchnorm, silu, conv 6 1x1, add a, "
    "conv 5 3x3 stride 2 pad 1 groups 1, gelu, avgpool 2, concat, flatten, dense 17, tanh, dense 4, softmax"
).replace("concat, ", "")


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.delenv("PELLUCID_ISA", raising=False)
    instructions._checked.cache_clear()
    yield
    instructions._checked.cache_clear()


def test_the_best_is_used():
    assert instructions.chosen() == HERE[-1]


@pytest.mark.parametrize("name", HERE)
def test_each_can_be_asked_for_and_computes_the_same(name, monkeypatch):
    monkeypatch.setenv("PELLUCID_ISA", name)
    assert instructions.chosen() == name
    check_gradients(EVERYTHING, (2, 14, 13), 35)


@pytest.mark.parametrize("name", ["avx1024", "AVX2", " "])
def test_what_is_not_here_is_refused(name, monkeypatch):
    monkeypatch.setenv("PELLUCID_ISA", name)
    with pytest.raises(EngineError) as caught:
        instructions.chosen()
    assert caught.value.received == name
    assert caught.value.remedy == f"one of: {', '.join(HERE)}; without it, the best of them is used"


@pytest.mark.skipif(len(HERE) < 2, reason="this processor has one set of instructions alone")
def test_wrong_results_lead_to_the_next_best(monkeypatch):
    best, right = HERE[-1], check.difference
    monkeypatch.setattr(check, "difference", lambda name: 0.5 if name == best else right(name))
    with pytest.warns(
        RuntimeWarning, match=rf"{best} code gives wrong results .* \(off by 0.5 of the largest value\)"
    ):
        assert instructions.chosen() == HERE[-2]


def test_wrong_results_everywhere_are_an_error(monkeypatch):
    monkeypatch.setattr(check, "difference", lambda name: np.inf)
    with pytest.warns(RuntimeWarning), pytest.raises(EngineError, match="wrong results") as caught:
        instructions.chosen()
    assert "--engine torch" in caught.value.remedy


@pytest.mark.parametrize("name", HERE)
def test_the_check_sees_a_wrong_bias(name, monkeypatch):
    """The referee is independent: change what it expects in one place, and the check fails."""
    assert check.difference(name) < 1e-6
    right = check._gradients
    monkeypatch.setattr(check, "_gradients", lambda *a: (*right(*a)[:3], right(*a)[3] + [0, 1e-2, 0]))
    assert check.difference(name) > 1e-3
