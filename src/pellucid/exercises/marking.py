"""Marking: a sheet's answers against what somebody handed in, and the slip that a wrong one looks like.

An answers file is one JSON document: the form that `formats.json.form` makes, filled in; or only its answers,
`{"padding-3f2a91c0": "26 x 26", "2": 14}` by a question's id or its number on the sheet, or a list in their order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pellucid.errors import DataError
from pellucid.exercises.choices import PLOT, asked_for, choices, countable, is_choice
from pellucid.exercises.formats.json import given_identity, identity
from pellucid.exercises.question import Question, Sheet, same
from pellucid.exercises.spelling import first_difference, readings

LARGEST = 10_000_000  # bytes of an answers file

Verdict = Literal["right", "wrong", "missing", "unreadable", "by eye"]
_DIFFERS = {"topics": "other topics", "level": "another level", "seed": "another seed", "version": "another version",
            "count": "another count of questions", "about": "another network"}  # fmt: skip


@dataclass(frozen=True)
class Mark:
    """One answer's mark: `said` is a sentence about it, `slip` the name of the slip that it looks like, or empty."""

    number: int
    id: str
    verdict: Verdict
    given: str
    right: str
    said: str
    slip: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return vars(self)


@dataclass(frozen=True)
class Marks:
    """All marks of a sheet; `problems` are sentences about what was handed in and belongs to no question."""

    marks: tuple[Mark, ...]
    problems: tuple[str, ...]
    count: int  # of the questions that can be marked

    @property
    def right(self) -> int:
        """How many answers are right."""
        return sum(mark.verdict == "right" for mark in self.marks)

    @property
    def total(self) -> str:
        """5 of 8."""
        return f"{self.right} of {self.count}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "right": self.right,
            "count": self.count,
            "marks": [mark.as_dict() for mark in self.marks],
            "problems": list(self.problems),
        }


@dataclass(frozen=True)
class Answers:
    """What was handed in: answers by id or number, and whose sheet they say they answer (empty if they don't)."""

    given: Mapping[str, Any]
    sheet: Mapping[str, Any]


def read_answers(text: str, where: str = "") -> Answers:
    """An answers file's text. Raises DataError with the line and column where it is no JSON, or no answers."""
    try:
        document = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise DataError(
            "The answers are no JSON", where=where, received=f"line {error.lineno}, column {error.colno}: {error.msg}",
            remedy='{"1": 14, "2": "26 x 26 x 8"}: names and texts in double quotes, commas between',
        ) from error  # fmt: skip
    except (RecursionError, ValueError) as error:
        raise DataError("The answers can't be read", where=where, received=str(error)[:200],
                        remedy='one JSON document, as {"1": 14}') from error  # fmt: skip
    if isinstance(document, list):
        return Answers({str(number): answer for number, answer in enumerate(document, 1)}, {})
    if not isinstance(document, dict):
        raise DataError("The answers are one JSON object or list", where=where, received=type(document).__name__,
                        remedy='{"1": 14, "2": "26 x 26 x 8"}')  # fmt: skip
    if "questions" in document and "answers" not in document:
        raise DataError(
            "That is the sheet with its answers, not somebody's answers to it", where=where, received="questions",
            remedy="the form that --answers-form FILE writes, filled in",
        )  # fmt: skip
    answers = document.get("answers", {key: value for key, value in document.items() if key != "sheet"})
    if isinstance(answers, list):
        answers = {str(number): answer for number, answer in enumerate(answers, 1)}
    if not isinstance(answers, dict):
        raise DataError('"answers" is an object by id or number, or a list', where=where,
                        received=type(answers).__name__, remedy='"answers": {"1": 14}')  # fmt: skip
    return Answers(answers, given_identity(document))


def mark(sheet: Sheet, answers: Answers | Mapping[str, Any]) -> Marks:
    """Mark answers by id or number.

    Raises DataError if they say that they answer another sheet, or if none of their ids stands on this one.
    """
    if not isinstance(answers, Answers):
        answers = Answers(answers, {})
    _same_sheet(sheet, answers.sheet)
    given: dict[str, Any] = {}
    problems: list[str] = []
    for key, answer in answers.given.items():
        question = _question(sheet, key)
        if question is None:
            problems.append(f"there is no question {key[:80]!r} on this sheet")
        elif _blank(given.get(question.id)):
            given[question.id] = answer
        elif not _blank(answer):
            problems.append(f"question {question.id} is answered twice; the first answer counts")
    if answers.given and not given:
        raise DataError(
            "None of these answers belongs to a question of this sheet", where="answers",
            received=", ".join(list(answers.given)[:3])[:200],
            remedy=f"the seed, level, topics and count of their own sheet; this one has {sheet.questions[0].id} …",
        )  # fmt: skip
    marks = tuple(
        _mark(number, question, given.get(question.id)) for number, question in enumerate(sheet.questions, 1)
    )
    return Marks(marks, tuple(problems), countable(sheet))


def _mark(number: int, question: Question, given: Any) -> Mark:
    def made(verdict: Verdict, said: str, slip: str = "") -> Mark:
        return Mark(number, question.id, verdict, _said(given), _right(question), said, slip)

    if question.kind == PLOT:
        return made("by eye", f"compare your plot with the answer's: {question.answer}")
    if _blank(given):
        return made("missing", f"no answer; {asked_for(question)} is asked for")
    means = readings(question, given)
    if not means:
        return made("unreadable", f"that can't be read as {asked_for(question)}")
    if any(question.accepts(value) for value in means):
        return made("right", "right")
    for slip in question.slips:
        if any(same(value, slip.value, question.tolerance) for value in means):
            return made(
                "wrong",
                f"this looks like the slip '{slip.name}': {slip.why[:1].lower()}{slip.why[1:]}",
                slip.name,
            )
    return made("wrong", _difference(question, means[0]))


def _difference(question: Question, value: Any) -> str:
    """What is wrong with an answer that looks like no slip we know."""
    right = question.answer
    if question.kind == "shape" and isinstance(right, tuple) and len(value) != len(right):
        return f"the shape has {len(right)} sizes, not {len(value)}"
    if question.kind == "matrix":
        sizes = ["{} x {}".format(*np.shape(matrix)) for matrix in (right, value)]
        if sizes[0] != sizes[1]:
            return f"the matrix is {sizes[0]}, not {sizes[1]}"
        return first_difference(right, value, question.tolerance)  # type: ignore[arg-type]
    return "wrong, and no slip that we know leads there: follow the working"


def _same_sheet(sheet: Sheet, named: Mapping[str, Any]) -> None:
    own = identity(sheet)
    for name, word in _DIFFERS.items():
        if name in named and named[name] != own[name]:
            raise DataError(
                f"These answers are for a sheet of {word}", where="answers",
                received=f"{name} {_short(named[name])}, but this sheet has {_short(own[name])}",
                remedy="the options that their sheet was made with; they stand in the answers file and on the sheet",
            )  # fmt: skip


def _question(sheet: Sheet, key: str) -> Question | None:
    for number, question in enumerate(sheet.questions, 1):
        if key.strip() in (question.id, str(number)):
            return question
    return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, value in pairs:
        if name in named:
            raise ValueError(f"{name!r} stands there twice")
        named[name] = value
    return named


def _blank(given: Any) -> bool:
    return given is None or given == [] or (isinstance(given, str) and not given.strip())


def _said(given: Any) -> str:
    text = given if isinstance(given, str) else "" if given is None else json.dumps(given, ensure_ascii=False)
    return " ".join(text.split())[:200]


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:200]


def _right(question: Question) -> str:
    if is_choice(question):
        return next(f"{one.letter}) {one.written}" for one in choices(question) if one.slip is None)
    if question.kind == "matrix" and isinstance(question.answer, tuple):
        return "; ".join(
            re.sub(r"\s*\|\s*", " ", line).strip() for line in question.answer_text.split("\n")[2:]
        )
    return question.answer_text
