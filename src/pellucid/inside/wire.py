"""What was opened, as JSON documents with a schema: for `--json`, the browser, and whoever reads along.

Numbers that JSON lacks are the words "NaN", "Infinity" and "-Infinity". An index has one number for each axis without
the batch, from 0; `axes` says what each counts.
"""

from __future__ import annotations

from math import isfinite, isnan
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pellucid.inside.number import Number, Term
from pellucid.inside.places import Place
from pellucid.inside.tree import Branch, Level
from pellucid.network.operations import Formula, Linear

Figure = float | Literal["NaN", "Infinity", "-Infinity"]


class Document(BaseModel):
    """One JSON document; what doesn't apply is null."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PlaceDocument(Document):
    """A value's place: the name on the screen, and the index."""

    name: str
    index: list[int]


class TermDocument(Document):
    """One term: the input value and where it stands, its weight and where that stands, and their product."""

    source: str
    index: list[int]
    input: Figure
    weight: Figure | None
    product: Figure
    weight_source: PlaceDocument | None
    role: str
    opened: LevelDocument | None = None


class Remainder(Document):
    """Terms that aren't listed: how many, and their sum (null where the formula is no sum)."""

    count: int
    sum: Figure | None


class LevelDocument(Document):
    """An opened value. `value` is what the runtime stored, `sum` what its terms or formula come to.

    A sum has `terms` (the products, before the `divisor`) and a `bias`; any other operation has `operands` and its
    `formula` with the numbers put in. `remainder` stands for the terms that aren't listed.
    """

    name: str
    index: list[int]
    axes: list[str]
    kind: str
    operation: str
    value: Figure
    sum: Figure | None
    difference: Figure | None
    closes: bool | None
    terms: list[TermDocument] | None
    operands: list[TermDocument] | None
    remainder: Remainder | None
    bias: Figure | None
    bias_source: PlaceDocument | None
    divisor: Figure | None
    facts: dict[str, Figure]
    formula: str | None
    note: str
    reason: str


class FieldDocument(Document):
    """The pixels that reach a value: first and last row and column, how many, and whether that is exact."""

    rows: tuple[int, int]
    columns: tuple[int, int]
    pixels: int
    exact: bool


class ReachedDocument(Document):
    """How many values of one layer a pixel, a value or a weight reaches."""

    name: str
    values: int
    of: int


class OpenedDocument(LevelDocument):
    """What `explain --at` prints: the opened value, with its receptive field, or what it reaches."""

    field: FieldDocument | None
    reaches: list[ReachedDocument] | None
    assumed: list[str]


TermDocument.model_rebuild()


def level_document(level: Level) -> dict[str, Any]:
    """The fields of a LevelDocument."""
    number, opening = level.number, level.number.opening
    terms = [
        _term(branch.term, LevelDocument(**level_document(branch.level)) if branch.level else None)
        for branch in level.branches
    ]
    linear = isinstance(opening, Linear)
    return {
        "name": number.place.name,
        "index": list(number.place.index),
        "axes": list(number.place.axes),
        "kind": number.kind,
        "operation": number.node.type if number.node else "",
        "value": figure(number.stored),
        "sum": None if number.sum is None else figure(number.sum),
        "difference": None if number.difference is None else figure(number.difference),
        "closes": number.closes,
        "terms": terms if linear else None,
        "operands": terms if isinstance(opening, Formula) else None,
        "remainder": (
            Remainder(count=level.rest, sum=None if level.rest_sum is None else figure(level.rest_sum))
            if level.rest
            else None
        ),
        "bias": figure(opening.bias) if linear else None,
        "bias_source": place_document(number.bias_source),
        "divisor": figure(opening.divisor) if linear else None,
        "facts": {name: figure(value) for name, value in opening.facts.items()} if opening else {},
        "formula": opening.formula if opening else None,
        "note": opening.note if isinstance(opening, Formula) else "",
        "reason": number.reason,
    }


def number_document(number: Number) -> dict[str, Any]:
    """The fields of a LevelDocument with every term, none of them opened."""
    return level_document(Level(number, tuple(Branch(term, None) for term in number.terms()), 0, None))


def place_document(place: Place | None) -> PlaceDocument | None:
    """A place, if there is one."""
    return None if place is None else PlaceDocument(name=place.name, index=list(place.index))


def figure(value: float) -> Figure:
    """A number, or the word for one that JSON lacks."""
    if isfinite(value):
        return float(value)
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _term(term: Term, opened: LevelDocument | None) -> TermDocument:
    return TermDocument(
        source=term.source.name,
        index=list(term.source.index),
        input=figure(term.input),
        weight=None if term.weight is None else figure(term.weight),
        product=figure(term.product),
        weight_source=place_document(term.weight_source),
        role=term.role,
        opened=opened,
    )
