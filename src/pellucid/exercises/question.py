"""A question with its one answer, the working, and the wrong answers that real slips lead to; and a sheet of them.

Plain values only: texts are Markdown without HTML, drawings are SVG, and `data` holds every number that somebody who
solves the question again needs. What the names in `data` mean stands at the top of each topic's file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from pellucid.network.operations import number

VERSION = 1  # of the generator: the same topic, level, seed and version give the same questions

Kind = Literal["number", "shape", "matrix", "text-choice", "plot"]
# A number; a shape (height, width, channels) or (values,); a matrix as a tuple of rows (a vector is one row); a
# choice's text, or what a plot has to show, in words.
Answer = int | float | str | tuple[int, ...] | tuple[tuple[int | float, ...], ...]


@dataclass(frozen=True)
class Slip:
    """A wrong answer: its `value`, the `name` of the slip behind it, and a sentence on `why` it is wrong.

    `figure` is an SVG of what was drawn instead, where the question asks for a plot.
    """

    value: Answer
    name: str
    why: str
    figure: str = ""


@dataclass(frozen=True)
class Question:
    """One exercise.

    `kind` says what an answer is: "number", "shape", "matrix" (rows; the columns' names are in `columns` where the
    question is a table to fill in, the rows' in `rows`), "text-choice" (the slips are the other choices) or "plot"
    (`answer` says in words what it has to show, `answer_figure` is the plot). Numbers that aren't whole are asked to
    so many `decimals`, and may be off by `tolerance`: one unit of the last of them, where rounding on the way
    does so much. `slips` are distinct, and none would be marked as right.
    """

    id: str
    topic: str
    level: int
    kind: Kind
    question: str
    answer: Answer
    answer_text: str
    working: tuple[str, ...]
    conventions: tuple[str, ...]
    slips: tuple[Slip, ...]
    data: Mapping[str, Any]
    figure: str = ""
    answer_figure: str = ""
    decimals: int = 0
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    tolerance: float = 0.0

    def accepts(self, value: Answer) -> bool:
        """Whether this answer is right, rounding allowed for."""
        return same(value, self.answer, self.tolerance)

    def written(self, value: Answer) -> str:
        """An answer or a slip's value as Markdown."""
        return written(value, self.kind, self.decimals, self.rows, self.columns)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: all fields by name, tuples as lists."""
        return {
            "id": self.id,
            "topic": self.topic,
            "level": self.level,
            "kind": self.kind,
            "question": self.question,
            "answer": listed(self.answer),
            "answer_text": self.answer_text,
            "decimals": self.decimals,
            "tolerance": self.tolerance,
            "rows": list(self.rows),
            "columns": list(self.columns),
            "working": list(self.working),
            "conventions": list(self.conventions),
            "slips": [
                {"value": listed(slip.value), "name": slip.name, "why": slip.why, "figure": slip.figure}
                for slip in self.slips
            ],
            "figure": self.figure,
            "answer_figure": self.answer_figure,
            "data": listed(self.data),
        }


@dataclass(frozen=True)
class Sheet:
    """Questions for one sitting, with all that makes the same ones again."""

    title: str
    seed: int
    level: int
    topics: tuple[str, ...]
    questions: tuple[Question, ...]
    version: int = VERSION
    about: Mapping[str, Any] = field(
        default_factory=dict
    )  # the network or model that the questions are about

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "title": self.title,
            "seed": self.seed,
            "level": self.level,
            "topics": list(self.topics),
            "version": self.version,
            "about": listed(self.about),
            "questions": [question.as_dict() for question in self.questions],
        }


def ask(
    topic: str,
    level: int,
    kind: Kind,
    question: str,
    answer: Answer,
    *,
    working: Sequence[str],
    conventions: Sequence[str],
    slips: Iterable[Slip | None],
    data: Mapping[str, Any],
    figure: str = "",
    answer_figure: str = "",
    decimals: int = 0,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    tolerance: float | None = None,
) -> Question:
    """A question with its id, and with the slips that lead to answers of their own.

    A slip that doesn't lead anywhere here is None. The id follows from topic and data: two questions
    with the same numbers are one question, however they are worded.
    """
    if tolerance is None:
        tolerance = 10.0**-decimals if decimals else 0.0
    kept: list[Slip] = []
    for slip in slips:
        if slip is None:
            continue
        slip = replace(slip, value=pythons(slip.value))
        # Twice the tolerance: an answer that is right but for rounding must not be nearer to a slip.
        if not any(
            same(slip.value, other, 2 * tolerance) for other in (answer, *(one.value for one in kept))
        ):
            kept.append(slip)
    plain = json.dumps([VERSION, topic, listed(data)], sort_keys=True)
    return Question(
        f"{topic}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}",
        topic,
        level,
        kind,
        question,
        pythons(answer),
        written(answer, kind, decimals, rows, columns),
        tuple(working),
        tuple(conventions),
        tuple(kept),
        listed(data),
        figure,
        answer_figure,
        decimals,
        tuple(rows),
        tuple(columns),
        tolerance,
    )


def same(one: Any, other: Any, tolerance: float = 0.0) -> bool:
    """Whether two answers are equal, number by number within the tolerance."""
    if isinstance(one, tuple) or isinstance(other, tuple):
        return (
            isinstance(one, tuple)
            and isinstance(other, tuple)
            and len(one) == len(other)
            and all(same(a, b, tolerance) for a, b in zip(one, other, strict=True))
        )
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return abs(one - other) <= tolerance * (1 + 1e-9)


def written(
    value: Answer, kind: Kind, decimals: int = 0, rows: Sequence[str] = (), columns: Sequence[str] = ()
) -> str:
    """An answer as Markdown: 1,234; 24 x 24 x 8; a matrix as fenced text, or a table where it has names; its words."""
    if isinstance(value, str):
        return value
    if not isinstance(value, tuple):
        return figure(value, decimals)
    if kind == "shape":
        return " x ".join(f"{n:,}" for n in value if not isinstance(n, tuple))
    lines = [row for row in value if isinstance(row, tuple)]
    fits = len(lines) == len(rows) and all(len(line) == len(columns) for line in lines)
    if not fits:  # no names, or a wrong answer of another shape
        return block(lines, decimals)
    return table([[figure(n, decimals) for n in line] for line in lines], rows, columns)


def figure(value: int | float, decimals: int = 0) -> str:
    """A number as an answer is written: whole ones with thousands separators, others with so many decimals."""
    if decimals:
        text = f"{value:.{decimals}f}"
        return text[1:] if text.startswith("-") and float(text) == 0 else text
    return f"{int(value):,}" if value == int(value) else number(value)


def block(lines: Sequence[Sequence[int | float]], decimals: int = 0) -> str:
    """A matrix as fenced text, its columns aligned."""
    cells = [[figure(n, decimals).replace(",", "") for n in line] for line in lines]
    width = max(len(cell) for line in cells for cell in line)
    return "\n".join(["```", *("  ".join(cell.rjust(width) for cell in line) for line in cells), "```"])


def table(cells: Sequence[Sequence[str]], rows: Sequence[str] = (), columns: Sequence[str] = ()) -> str:
    """A pipe table. Without names of columns its head is empty, as Markdown wants one."""
    width = len(cells[0]) if cells else 0
    head = list(columns) if columns else [""] * width
    body = [list(line) for line in cells]
    if rows:
        head = ["", *head]
        body = [[name, *line] for name, line in zip(rows, body, strict=True)]
    rule = ["---" if rows and place == 0 else "---:" for place in range(len(head))]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *body))


def pythons(value: Any) -> Any:
    """NumPy's numbers as Python's own, which JSON can hold."""
    if isinstance(value, tuple):
        return tuple(pythons(item) for item in value)
    return value.item() if isinstance(value, np.generic) else value


def listed(value: Any) -> Any:
    """Tuples as lists and mappings as dicts, as they come back from JSON."""
    if isinstance(value, Mapping):
        return {key: listed(item) for key, item in value.items()}
    return [listed(item) for item in value] if isinstance(value, list | tuple) else value
