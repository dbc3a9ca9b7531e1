"""A sheet as one JSON document, read back into the same sheet; and the form in which answers are handed in.

docs/exercise.schema.json describes the document. The form is the sheet without its answers, with places for a
student's own: `{"sheet": {...}, "questions": [...], "answers": {"padding-3f2a91c0": null, ...}}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from pellucid.errors import DataError
from pellucid.exercises.choices import asked_for, choices, is_choice
from pellucid.exercises.question import Answer, Question, Sheet, Slip
from pellucid.exercises.schema import QuestionDocument, SheetDocument

FORMAT = "pellucid-exercises-1"


def write(sheet: Sheet, answers: bool = True) -> str:
    """The sheet with its answers; without, the form to fill in."""
    document = {"format": FORMAT, **sheet.as_dict()} if answers else form(sheet)
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def read(text: str) -> Sheet:
    """The sheet that `write` wrote. Raises DataError where the text isn't one."""
    try:
        document = SheetDocument.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            "That is no sheet of exercises", where=".".join(str(part) for part in first["loc"]) or "the document",
            received=str(first["msg"]), remedy="a file written by pellucid exercise --format json",
        ) from error  # fmt: skip
    return Sheet(
        document.title,
        document.seed,
        document.level,
        tuple(document.topics),
        tuple(_question(question) for question in document.questions),
        document.version,
        document.about,
    )


def identity(sheet: Sheet) -> dict[str, Any]:
    """What tells one sheet from another, as it stands in an answers file."""
    given = sheet.as_dict()
    names = ("title", "topics", "level", "seed", "version", "about")
    return {name: given[name] for name in names} | {"count": len(sheet.questions)}


def form(sheet: Sheet) -> dict[str, Any]:
    """The sheet without answers, working and slips, and a place for each answer."""
    return {
        "format": FORMAT,
        "sheet": identity(sheet),
        "questions": [_shown(question) for question in sheet.questions],
        "answers": {question.id: None for question in sheet.questions},
    }


def _shown(question: Question) -> dict[str, Any]:
    given = question.as_dict()
    names = (
        "id",
        "topic",
        "level",
        "kind",
        "question",
        "conventions",
        "decimals",
        "rows",
        "columns",
        "figure",
    )
    shown = {name: given[name] for name in names} | {"asks": asked_for(question)}
    if is_choice(question):
        shown["choices"] = {choice.letter: choice.written for choice in choices(question)}
    return shown


def _question(document: QuestionDocument) -> Question:
    slips = tuple(Slip(_answer(slip.value), slip.name, slip.why, slip.figure) for slip in document.slips)
    return Question(
        document.id,
        document.topic,
        document.level,
        document.kind,
        document.question,
        _answer(document.answer),
        document.answer_text,
        tuple(document.working),
        tuple(document.conventions),
        slips,
        document.data,
        document.figure,
        document.answer_figure,
        document.decimals,
        tuple(document.rows),
        tuple(document.columns),
        document.tolerance,
    )


def _answer(value: Any) -> Answer:
    """Lists as tuples, as answers are kept."""
    return tuple(_answer(item) for item in value) if isinstance(value, list) else value  # type: ignore[return-value]


def given_identity(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Whose answers a document holds: the sheet named by a form, or the exported sheet itself; empty if it says not."""
    named = document.get("sheet")
    if isinstance(named, Mapping):
        return named
    if "questions" in document and "seed" in document:
        return {
            name: document.get(name) for name in ("title", "topics", "level", "seed", "version", "about")
        } | {"count": len(document["questions"]) if isinstance(document["questions"], list) else None}
    return {}
