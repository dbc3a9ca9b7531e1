"""The published schema of a sheet of exercises. docs/exercise.schema.json is made from this file."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from pellucid.exercises.question import Kind

Value = int | float | str | list[int] | list[list[int | float]]


class Document(BaseModel):
    """One JSON document. Numbers stay what they are: 1 is whole, 1.0 is not."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SlipDocument(Document):
    """A wrong answer, the slip behind it, why it is wrong, and for a plot the drawing (SVG) that it leads to."""

    value: Value
    name: str
    why: str
    figure: str


class QuestionDocument(Document):
    """One exercise. Texts are Markdown, figures SVG or empty.

    `answer` is a number, a shape ([height, width, channels]), a matrix (a list of rows), or the words of a choice or of
    what a plot shows. A number that isn't whole is asked to so many `decimals`
    and may be off by `tolerance`. `rows` and `columns` name those of a
    table to fill in. `data` holds the numbers that the question is solved from.
    """

    id: str
    topic: str
    level: int
    kind: Kind
    question: str
    answer: Value
    answer_text: str
    decimals: int
    tolerance: float
    rows: list[str]
    columns: list[str]
    working: list[str]
    conventions: list[str]
    slips: list[SlipDocument]
    figure: str
    answer_figure: str
    data: dict[str, Any]


class SheetDocument(Document):
    """A sheet: topics, level, seed and version make the same questions again; `about` says which network they ask
    about, if any."""

    format: str
    title: str
    seed: int
    level: int
    topics: list[str]
    version: int
    about: dict[str, Any]
    questions: list[QuestionDocument]
