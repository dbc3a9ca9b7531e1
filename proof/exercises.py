"""Proof 26: generated exercises of every topic, solved again by somebody else.

1,000 questions of each topic, spread over the three levels and over seeds, in sheets of 20. A referee solves each from
its `data` with torch and NumPy (`_exercise_solvers.py`, written from the questions' texts and the documented `data`,
nothing of pellucid's arithmetic): every answer must be equal, or within half a unit of the last decimal that is asked.
Besides:

- one answer only: where the referee searches (the padding that keeps a size, the kernel that made a map, the
  description that fits), exactly one fits; a question about a place says where counting starts, one about a kernel
  whether it is flipped, one about padding what lies outside;
- no window that is asked about is all zeros, nor are its products with the kernel;
- no question twice on a sheet, by its id and by its text;
- no slip is equal to the answer or to another slip, or would be marked as right;
- every slip whose name says how it is made is made by the referee, too (`_exercise_slips.py`), and leads to the same.

    python proof/exercises.py            writes proof/results/exercises.json and .md
    python proof/exercises.py --short    20 questions of each topic
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import _exercise_slips
import _exercise_solvers
import numpy as np
from _record import Options, conclude, options, table

from pellucid.exercises import TOPICS, Question, Sheet, generate

SHEET = 20  # questions of a sheet
SHOWN = 3  # failures of a kind that are listed

# Which words have to stand in a question or its conventions where something slides over numbers.
PLACES = ("from 1",)
FLIPPING = (
    "flipped",
    "cross-correlation",
    "convolution in the mathematicians' sense",
    "turned by 180 degrees",
)
OUTSIDE = ("zeros", "padding never")


@dataclass
class Found:
    """What came out for one topic."""

    questions: int = 0
    levels: Counter[int] = field(default_factory=Counter)
    equal: int = 0
    windows: int = 0
    slips: int = 0
    derived: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    open: Counter[str] = field(default_factory=Counter)  # slips that the referee has no way to

    def fail(self, kind: str, said: str) -> None:
        self.wrong[kind] += 1
        if self.wrong[kind] <= SHOWN:
            self.examples.append(f"{kind}: {said}")


def solved(question: Question) -> Any:
    """The referee's answer."""
    if question.topic == "filters":
        offered = (question.answer, *(slip.value for slip in question.slips))
        return _exercise_solvers.filters(question.data, offered if question.kind == "text-choice" else ())
    if question.kind == "plot":
        return question.answer if follows(question, str(question.answer), None) else "another curve"
    return _exercise_solvers.SOLVERS[question.topic](question.data)


def follows(question: Question, text: str, curve: Any) -> bool:
    """Whether the points of a plot's answer draw this curve (the one asked for unless given), ends and bends alone."""
    data = question.data
    x = np.linspace(data["low"], data["high"], 4001)
    wanted = _exercise_solvers.curve(data, x) if curve is None else curve(x)
    if not np.allclose(_exercise_solvers.drawn(text, x), wanted, atol=1e-9):
        return False
    points = _exercise_solvers.corners(text)
    steepness = [(d - b) / (c - a) for (a, b), (c, d) in pairwise(points)]
    ends = (points[0][0], points[-1][0]) == (data["low"], data["high"])
    return ends and all(one != two for one, two in pairwise(steepness))


def equal(one: Any, other: Any, tolerance: float) -> bool:
    """Equal shapes, and every number within the tolerance."""
    if one is None or isinstance(one, str) or isinstance(other, str):
        return one == other
    a, b = np.asarray(one, float), np.asarray(other, float)
    return a.shape == b.shape and bool((np.abs(a - b) <= tolerance).all())


def rounding(question: Question) -> float:
    """Half a unit of the last decimal that is asked; whole answers are exact."""
    return 0.5 * 10.0**-question.decimals * (1 + 1e-6) if question.decimals else 1e-9


def check_answer(question: Question, found: Found) -> None:
    referee = solved(question)
    if equal(referee, question.answer, rounding(question)):
        found.equal += 1
    else:
        found.fail("another answer", f"{question.id}: {question.answer}, the referee has {referee}")


def check_conventions(question: Question, found: Found) -> None:
    said = " ".join([question.question, *question.conventions]).lower()
    data = question.data
    wanted = [PLACES] if {"row", "column", "place"} & set(data) else []
    if _is_matrix(data.get("kernel")) and data.get("task") != "what":
        wanted.append(FLIPPING)
    if _is_matrix(data.get("input")) and data.get("padding"):
        wanted.append(OUTSIDE)
    for words in wanted:
        if not any(word in said for word in words):
            found.fail("convention not stated", f"{question.id}: nothing of {' or '.join(words)}")


def _is_matrix(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], list | tuple)


def check_windows(question: Question, found: Found) -> None:
    for window in _exercise_solvers.windows(question.data):
        found.windows += 1
        if not np.any(window):
            found.fail("window of zeros", question.id)


def check_slips(question: Question, found: Found) -> None:
    values = [slip.value for slip in question.slips]
    for place, slip in enumerate(question.slips):
        if question.accepts(slip.value) or equal(slip.value, question.answer, 0.0):
            found.fail("a slip is right", f"{question.id}: {slip.name}")
        if any(equal(slip.value, other, 0.0) for other in values[:place]):
            found.fail("a slip twice", f"{question.id}: {slip.name}")
    made = _exercise_slips.of(question.topic, question.data, question.answer)
    # Slips of a whole answer may be fractions (a mean); they are given to two decimals.
    near = max(rounding(question), 0.005 * (1 + 1e-6) if question.kind == "matrix" else 1e-9)
    for slip in question.slips:
        found.slips += 1
        task = str(question.data.get("task"))
        if question.kind == "text-choice":
            found.derived += 1  # the referee has tried every choice, and only the answer fits
        elif slip.name not in made:
            found.open[f"{task}: {slip.name}"] += 1
        else:
            found.derived += 1
            other = made[slip.name]
            if callable(other):
                right = follows(question, str(slip.value), other)
            elif isinstance(other, list):
                right = any(equal(one, slip.value, near) for one in other)
            else:
                right = equal(other, slip.value, near)
            if not right:
                said = f"{question.id}, {task}, {slip.name}: {slip.value}, the referee has {other}"
                found.fail("a slip made otherwise", said)


def check_sheet(sheet: Sheet, found: Found) -> None:
    for name, texts in (
        ("id", [q.id for q in sheet.questions]),
        ("text", [q.question for q in sheet.questions]),
    ):
        for text, times in Counter(texts).items():
            if times > 1:
                found.fail(
                    "twice on a sheet", f"level {sheet.level}, seed {sheet.seed}, {name} {text[:60]!r}"
                )
    for question in sheet.questions:
        found.questions += 1
        found.levels[question.level] += 1
        check_answer(question, found)
        check_conventions(question, found)
        check_windows(question, found)
        check_slips(question, found)


def check_topic(name: str, count: int) -> Found:
    """`count` questions: sheet after sheet, level after level, a seed for every three sheets."""
    found = Found()
    sheets = 0
    while found.questions < count:
        level, seed = 1 + sheets % 3, sheets // 3
        each = SHEET if count > SHEET else -(-count // 3)
        check_sheet(generate([name], min(each, count - found.questions), level, seed), found)
        sheets += 1
    return found


def main(argv: Sequence[str]) -> int:
    given: Options = options(argv, __doc__)
    count = 20 if given.short else 1000
    all_found = {name: check_topic(name, count) for name in TOPICS}
    wrong = [f"{name}: {example}" for name, found in all_found.items() for example in found.examples]
    wrong += [
        f"{name}: {kind}, {times} times in all"
        for name, found in all_found.items()
        for kind, times in found.wrong.items()
        if times > SHOWN
    ]
    text = table(
        ["topic", "questions:", "by level:", "answers equal:", "windows:", "slips:", "slips made again:"],
        [
            (
                name, f"{found.questions:,}", " / ".join(str(found.levels[level]) for level in (1, 2, 3)),
                f"{found.equal:,}", f"{found.windows:,}", f"{found.slips:,}", f"{found.derived:,}",
            )
            for name, found in all_found.items()
        ],
    )  # fmt: skip
    left = {
        f"{name}, {slip}": times for name, found in all_found.items() for slip, times in found.open.items()
    }
    questions, equals = (
        sum(getattr(found, what) for found in all_found.values()) for what in ("questions", "equal")
    )
    slips, derived = (
        sum(getattr(found, what) for found in all_found.values()) for what in ("slips", "derived")
    )
    text += (
        f"\n\n**{equals:,} of {questions:,}** answers are the referee's; {derived:,} of {slips:,} slips were made "
        f"again from their names, the others ({slips - derived:,}) only held against the answer and each other: "
        f"{', '.join(left) or 'none'}."
    )
    figures = {
        "n": count,
        "topics": {
            name: {
                "questions": found.questions, "levels": dict(found.levels), "equal": found.equal,
                "windows": found.windows, "slips": found.slips, "derived": found.derived, "open": dict(found.open),
            }
            for name, found in all_found.items()
        },
    }  # fmt: skip
    return conclude("exercises", "Exercises, solved by an independent referee", given, figures, text, wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
