"""Answers as people spell them, read as numbers, shapes, matrices and choices.

A spelling can mean two things: 1,234 is a whole number or one with three decimals. `readings` gives all that it can
mean, the likeliest first; an answer is right if one of them is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from pellucid.exercises.choices import choices
from pellucid.exercises.question import Answer, Question

LONGEST = 20_000  # letters of one answer; more is no answer
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
_BLANKS = re.compile(r"[\s\u00a0\u2009\u202f]+")
_TIMES = re.compile(r"\s*[xX×*✕·]\s*|\s+by\s+")
_WORDS = re.compile(r"\s+[A-Za-z]\w*(?:[\s-]+[A-Za-z]\w*)*\.?$")  # 208 parameters
_NAMED = re.compile(r"(?:[A-Za-z]\w*\s*)?(?:[=≈]|->)\s*")  # y = 3


def readings(question: Question, given: Any) -> list[Answer]:
    """What a given answer can mean to this question; empty if it can't be read."""
    if isinstance(given, bool) or given is None:
        return []
    if isinstance(given, str):
        given = given.strip()
        if not given or len(given) > LONGEST:
            return []
    match question.kind:
        case "number":
            return [*_number(given)]
        case "shape":
            return [*_shape(given)]
        case "matrix":
            return [*_matrix(given, bool(question.rows))]
        case "text-choice":
            return _choice(question, given)
        case _:
            return []


def _number(given: Any) -> Iterable[int | float]:
    if isinstance(given, int | float):
        return [given] if math.isfinite(given) else []
    if isinstance(given, list):
        return _number(given[0]) if len(given) == 1 else []
    return _spelt(given) if isinstance(given, str) else []


def _spelt(text: str) -> list[int | float]:
    """A number's text as the numbers that it can mean."""
    text = _plain(text)
    if match := _NAMED.match(text):
        text = text[match.end() :]
    percent = text.endswith("%")
    text = text.removesuffix("%").strip() if percent else _WORDS.sub("", text)
    if match := re.fullmatch(rf"\(?\s*({_NUMBER})\s*/\s*({_NUMBER})\s*\)?", text):
        above, below = (Fraction(part) for part in match.groups())
        found = [float(above / below)] if below else []
    else:
        found = [value for spelling in _commas(text) if (value := _value(spelling)) is not None]
    return [value / 100 for value in found] if percent else found


def _commas(text: str) -> list[str]:
    """The text without thousands separators, and with a decimal comma as a point."""
    grouped = re.fullmatch(r"[+-]?\d{1,3}(?:([,' ])\d{3})(?:\1\d{3})*(?:\.\d+)?", text)
    spellings = [re.sub(r"[,' ]", "", text)] if grouped else [text]
    if text.count(",") == 1 and "." not in text and " " not in text:
        spellings.append(text.replace(",", "."))
    return spellings


def _value(text: str) -> int | float | None:
    if re.fullmatch(r"[+-]?\d{1,300}", text):
        return int(text)
    value = float(text) if re.fullmatch(_NUMBER, text) else math.nan
    return value if math.isfinite(value) else None


def _shape(given: Any) -> Iterable[tuple[int, ...]]:
    if isinstance(given, int | float):
        given = [given]
    if isinstance(given, list):
        sizes = [next(iter(_number(item)), None) for item in given]
        if not sizes or any(size is None or size != int(size) for size in sizes):
            return []
        return [tuple(int(size) for size in sizes if size is not None)]
    if not isinstance(given, str):
        return []
    text = _NAMED.sub("", _plain(given), count=1).strip("()[]{} ")
    text = _WORDS.sub("", text) if not re.search(r"\d\s*[xX]\s*\d*$", text) else text
    parts: list[list[str]] = []
    if len(by_times := _TIMES.split(text)) > 1:
        parts.append(by_times)
    else:
        parts.append([part for part in re.split(r"[\s,;]+", text) if part])
        parts.append([text])  # 1,152 alone: one size with its thousands
    found = []
    for sizes in parts:
        values = [next((n for n in _spelt(size.strip()) if isinstance(n, int)), None) for size in sizes]
        if values and None not in values:
            found.append(tuple(value for value in values if value is not None))
    return list(dict.fromkeys(found))


def _matrix(given: Any, named_rows: bool) -> Iterable[tuple[tuple[int | float, ...], ...]]:
    if isinstance(given, int | float):
        given = [given]
    if isinstance(given, list):
        lines = given if all(isinstance(line, list) for line in given) else [given]
        rows = [tuple(next(iter(_number(item)), None) for item in line) for line in lines]
        if not rows or any(not row or None in row for row in rows):
            return []
        return [tuple(tuple(value for value in row if value is not None) for row in rows)]
    if not isinstance(given, str):
        return []
    rows = [_row(line, named_rows) for line in _lines(given)]
    if not rows or any(not row for row in rows) or len({len(row) for row in rows}) > 1:
        return []
    return [tuple(rows)]


def _lines(text: str) -> list[str]:
    """A matrix's rows: lines, or what stands between semicolons or inner brackets; a pipe table without its head."""
    text = text.strip().strip("`").strip()
    if re.search(r"[\])}]\s*,?\s*[\[({]", text):
        lines = re.split(r"[\])}]\s*,?\s*[\[({]", text)
    else:
        lines = re.split(r"[;\n]", text)
    rule = next((n for n, line in enumerate(lines) if re.fullmatch(r"[\s|:-]*-{2,}[\s|:-]*", line)), -1)
    return [line for line in lines[rule + 1 :] if line.strip(" \t[](){}|,")]


def _row(line: str, named_rows: bool) -> tuple[int | float, ...]:
    """The numbers of one row, between | or blanks or commas; in 1 1 7,344 the comma is within a number."""
    line = _plain(line).strip("[](){}, ")
    if "|" in line:
        cells = line.strip("|").split("|")
    elif re.search(r"[^\s,] +[^\s,]", line) and not re.search(r", ", line):
        cells = line.split()
    else:
        cells = re.split(r"[\s,]+", line)
    values = [next(iter(_spelt(cell.strip())), None) for cell in cells if cell.strip()]
    if named_rows:  # a row's name may stand before its numbers
        while values and values[0] is None:
            values.pop(0)
    found = tuple(value for value in values if value is not None)
    return found if len(found) == len(values) else ()


def _choice(question: Question, given: Any) -> list[Answer]:
    said = _folded(str(given)) if isinstance(given, str | int | float) else ""
    offered = choices(question)
    exact = [choice.value for choice in offered if _folded(choice.written) == said]
    if exact:
        return exact
    letter = re.fullmatch(r"\(?([a-z])[).:]?(?:\s+(.*))?", said)
    if letter is None:
        return []
    return [
        choice.value
        for choice in offered
        if choice.letter == letter[1] and letter[2] in (None, "", _folded(choice.written))
    ]


def _folded(text: str) -> str:
    return " ".join(re.sub(r"[*`\"“”]", "", text).casefold().split()).rstrip(".")


def _plain(text: str) -> str:
    """Signs and blanks as a keyboard has them."""
    text = text.replace("−", "-").replace("–", "-").replace("’", "'").strip()
    return _BLANKS.sub(" ", text)


def first_difference(
    right: Sequence[Sequence[float]], given: Sequence[Sequence[float]], tolerance: float
) -> str:
    """How many of a matrix's places agree, and the first that doesn't, in words."""
    places = [
        (row, column)
        for row, line in enumerate(right)
        for column, value in enumerate(line)
        if abs(value - given[row][column]) > tolerance * (1 + 1e-9)
    ]
    count = sum(len(line) for line in right)
    if not places:
        return ""
    row, column = places[0]
    return (
        f"{count - len(places)} of {count} places are right; the first that isn't stands in row {row + 1}, "
        f"column {column + 1}"
    )
