"""The referee of proof/exercises.py notices what it is there to notice."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pellucid.exercises import TOPICS, Sheet, generate

PROOF = Path(__file__).resolve().parents[2] / "proof"


@pytest.fixture(scope="module")
def proof():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PROOF))
        yield importlib.import_module("exercises")
    sys.modules.pop("exercises", None)


def judged(proof, sheet):
    found = proof.Found()
    proof.check_sheet(sheet, found)
    return found.wrong


def changed(sheet: Sheet, place: int, **fields) -> Sheet:
    questions = list(sheet.questions)
    questions[place] = replace(questions[place], **fields)
    return replace(sheet, questions=tuple(questions))


@pytest.mark.parametrize("topic", list(TOPICS))
def test_a_wrong_answer_of_any_topic_is_found(proof, topic):
    sheet = generate([topic], 3, 2, 11)
    assert judged(proof, sheet) == {}
    for place, question in enumerate(sheet.questions):
        wrong = changed(sheet, place, answer=question.slips[0].value)
        assert judged(proof, wrong)["another answer"] == 1


def test_a_slip_that_was_made_otherwise_is_found(proof):
    sheet = generate(["convolution"], 6, 2, 3)
    question = sheet.questions[0]
    first, second, *rest = question.slips
    swapped = (replace(first, value=second.value), replace(second, value=first.value), *rest)
    assert judged(proof, changed(sheet, 0, slips=swapped)) == {"a slip made otherwise": 2}
    twice = (first, replace(second, value=first.value), *rest)
    assert judged(proof, changed(sheet, 0, slips=twice))["a slip twice"] == 1
    right = (replace(first, value=question.answer), second, *rest)
    assert judged(proof, changed(sheet, 0, slips=right))["a slip is right"] == 1


def test_repeats_zeros_and_silence_are_found(proof):
    sheet = generate(["convolution"], 3, 1, 3)
    again = changed(sheet, 1, question=sheet.questions[0].question)
    assert judged(proof, again)["twice on a sheet"] == 1
    assert judged(proof, changed(sheet, 0, conventions=(), question="?"))["convention not stated"] == 2
    data = dict(sheet.questions[0].data)
    black = data | {"input": [[0] * len(row) for row in data["input"]]}
    assert judged(proof, changed(sheet, 0, data=black))["window of zeros"] >= 1
