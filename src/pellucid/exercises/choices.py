"""The answers of a multiple choice, in an order that gives nothing away and is the same wherever they are shown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pellucid.exercises.question import Answer, Question, Sheet, Slip

LETTERS = "abcdefghijklmnopqrstuvwxyz"
PLOT = "plot"


@dataclass(frozen=True)
class Choice:
    """One answer to choose from; `slip` is the slip behind a wrong one, None for the right one."""

    letter: str
    value: Answer
    written: str
    slip: Slip | None


def choices(question: Question) -> tuple[Choice, ...]:
    """The right answer among the wrong ones."""
    offered: list[tuple[Answer, Slip | None]] = [(question.answer, None)]
    offered += [(slip.value, slip) for slip in question.slips]
    texts = [question.written(value) for value, _ in offered]
    # By a digest of id and text: a pure function, in which the right answer has no place of its own.
    order = sorted(
        range(len(offered)), key=lambda n: hashlib.sha256(f"{question.id}\n{texts[n]}".encode()).hexdigest()
    )
    return tuple(
        Choice(LETTERS[place], offered[n][0], texts[n], offered[n][1]) for place, n in enumerate(order)
    )


def is_choice(question: Question) -> bool:
    """Whether the question can only be answered by choosing."""
    return question.kind == "text-choice"


def asked_for(question: Question) -> str:
    """What an answer looks like, in words: for the line to write on, and for what can't be read."""
    match question.kind:
        case "number" if question.decimals:
            return f"a number with {question.decimals} decimal{'s' * (question.decimals > 1)}"
        case "number":
            return "a number"
        case "shape":
            return (
                "a shape: height x width x channels"
                if _length(question) == 3
                else "a shape: sizes with x between"
            )
        case "matrix" if question.columns:
            return "the table filled in: rows with ; between, numbers with blanks"
        case "matrix":
            return "a matrix: rows with ; between, numbers with blanks"
        case "text-choice":
            return "one of the choices: its letter or its words"
        case _:
            return "a plot"


def countable(sheet: Sheet) -> int:
    """How many of a sheet's questions can be marked: a plot is compared by eye."""
    return sum(question.kind != PLOT for question in sheet.questions)


def _length(question: Question) -> int:
    return len(question.answer) if isinstance(question.answer, tuple) else 1
