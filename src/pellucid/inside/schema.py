"""The published schema of what is opened: the documents of `--json`, the browser and the page.

Numbers that JSON lacks are the words "NaN", "Infinity" and "-Infinity". An index has one number for each axis without
the batch, from 0; `axes` says what each counts. docs/explain.schema.json is made from this file.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

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


class WindowDocument(Document):
    """How the terms of a sliding window lie: `shape` is [channels, *kernel], `cells` has for each place of it, in
    order, the number of its term, or -1 where padding stands; `start`, the input's first row and column (may be
    negative); `step`, the dilation; `channels`, the input channel of each plane."""

    shape: list[int]
    cells: list[int]
    start: list[int]
    step: list[int]
    channels: list[int]


class LevelDocument(Document):
    """An opened value. `value` is what the runtime stored, `sum` what its terms or formula come to.

    A sum has `terms` (the products, before the `divisor`) and a `bias`; any other operation has `operands` and its
    `formula` with the numbers put in. `remainder` stands for the terms that aren't listed. `window` says how they lie,
    where a window slides and every term is listed. `chosen` is the operand that decided (a maximum's winner).
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
    window: WindowDocument | None = None
    chosen: int | None = None


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


class StepDocument(Document):
    """One value on the trail from the answer to a pixel, and its strongest terms."""

    name: str
    index: list[int]
    kind: str
    value: Figure
    strongest: list[TermDocument]
    others: int


class VersusDocument(Document):
    """Why one class and not the other: score a - score b as the difference of two sums, every term listed."""

    a: str
    b: str
    layer: str
    source: str
    terms: list[DifferenceTerm]
    biases: Figure
    sum: Figure
    scores: tuple[Figure, Figure]


class DifferenceTerm(Document):
    """input x (weight_a - weight_b)."""

    index: list[int]
    input: Figure
    weight_a: Figure
    weight_b: Figure
    product: Figure


class DeletionDocument(Document):
    """The check of a heatmap: the class' probability while the most important pixels are replaced, and by chance."""

    shares: list[float]
    probabilities: list[float]
    area: float
    random_areas: list[float]
    faithful: bool
    verdict: str


class HeatmapDocument(Document):
    """Where the picture speaks for the class. `values` in rows, evenly over `frame`: top, left, height, width in pixels
    of the picture, which it may reach out of. `weights` are Grad-CAM's, one for each channel of `layer`."""

    method: str
    path: str | None
    layer: str | None
    weights: list[float] | None
    values: list[list[float]]
    frame: tuple[float, float, float, float]
    deletion: DeletionDocument | None


class ExplanationDocument(Document):
    """What `explain MODEL IMAGE` prints."""

    model: str
    label: str
    probability: float
    top: list[ClassDocument]
    explained: str
    versus: VersusDocument | None
    trail: list[StepDocument]
    heatmap: HeatmapDocument | None
    lacking: list[str]
    assumed: list[str]


class ClassDocument(Document):
    """A class and its probability."""

    label: str
    probability: float


class GradientTerm(Document):
    """d loss / d result x the input that the weight met there."""

    result: PlaceDocument
    delta: Figure
    source: PlaceDocument | None
    input: Figure
    product: Figure


class LearningDocument(Document):
    """What `explain --gradient` prints: one step of one weight, after = before - rate x gradient."""

    name: str
    index: list[int]
    axes: list[str]
    label: str
    rate: float
    before: Figure
    gradient: Figure
    autograd: Figure
    terms: list[GradientTerm]
    after: Figure
    loss: Figure
    loss_after: Figure
    formula: str


for _document in (TermDocument, VersusDocument, ExplanationDocument):
    _document.model_rebuild()
