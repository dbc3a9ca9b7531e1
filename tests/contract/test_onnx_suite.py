"""ONNX's own suite of single nodes through our openings, at its own tolerance; proof/onnx_suite.py does it whole."""

from dataclasses import replace

import pytest

from pellucid.model.onnx_nodes import READERS
from support.onnx_suite import CORE, cases, compute

# Cases that the readers refuse, by name, and what they say. Nothing else may be left out.
REFUSED = {
    **{
        f"test_training_dropout{which}": "Dropout in training mode draws at random"
        for which in ("", "_default", "_mask", "_default_mask")
    },
    **dict.fromkeys(("test_identity_opt", "test_identity_sequence"), "a sequence or an optional value"),
    **dict.fromkeys(("test_equal_string", "test_equal_string_broadcast"), "a comparison of text"),
    "test_quantizelinear_e4m3fn": "quantisation to float8_e4m3fn",
    "test_quantizelinear_e5m2": "quantisation to float8_e5m2",
    "test_quantizelinear_float4e2m1": "quantisation to float4_e2m1fn",
    **{f"test_cast_e8m0_{of}_to_FLOAT8E8M0": "numbers of type FLOAT8E8M0" for of in ("FLOAT", "FLOAT16")},
}
VALUES = 300  # of each output, evenly; all where fewer


def test_the_suite_has_the_ninety_nine():
    assert sum(len(cases()[kind]) for kind in CORE) == 99


def test_a_wrong_value_a_wrong_shape_and_a_refusal_are_seen():
    case = cases()["AveragePool"][0]
    ((_, right),) = case.outputs
    assert compute(case).passed
    wrong = right.copy()
    wrong[0, 0, 2, 1] *= 1.01
    found = compute(replace(case, outputs=[(0, wrong)])).wrong
    assert [text.partition(":")[0] for text in found] == ["output 0[0, 0, 2, 1]"]
    assert not compute(replace(case, outputs=[(0, right[..., 1:])])).passed
    dropout = next(case for case in cases()["Dropout"] if case.name == "test_training_dropout")
    assert not compute(dropout).passed


@pytest.mark.parametrize("kind", sorted(READERS))
def test_every_case_of_an_operation(kind):
    outcomes = {case.name: compute(case, VALUES) for case in cases().get(kind, [])}
    assert {name: list(outcome.wrong[:3]) for name, outcome in outcomes.items() if outcome.wrong} == {}
    refused = {name: outcome.refused for name, outcome in outcomes.items() if outcome.refused}
    assert refused == {name: REFUSED.get(name) for name in refused}
