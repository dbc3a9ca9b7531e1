"""What the explorer is told, whether it runs as an app, in a notebook or as a page: the network's description, and
what a run's folder adds. web/src/types.ts is made from this file and from schema.py, by web/make_types.py.

Names are those on the screen; `tensor` is what the file calls the same thing. Shapes and indices are without the batch,
channel first, unless `full` or `channel_last` says otherwise.
"""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from pellucid.inside.schema import (
    Document,
    ExplanationDocument,
    LevelDocument,
    OpenedDocument,
)

Family = Literal[
    "convolution", "dense", "pooling", "normalisation", "activation", "join", "softmax", "reshape", "other"
]


class InputDocument(Document):
    """What stands between a picture and the network: raw pixels, any size -> resized by `fit` to height x width,
    brought to `channels`, then scale x pixel + shift by channel, which is (pixel - mean) / deviation.

    `picture` and `input` are the tensors at its ends. `raw`: the network takes whole pixels, so nothing is scaled.
    `bgr`: blue comes first; `channel_last`: the network's input is [height, width, channels]. `renamed`: tensors of
    the preprocessing whose usual names the file has given away. `assumed`: what a file without a card left open.
    """

    picture: str
    input: str
    height: int
    width: int
    channels: Literal[1, 3]
    fit: Literal["stretch", "pad", "crop"]
    scale: list[float]
    shift: list[float]
    mean: list[float]
    deviation: list[float]
    raw: bool
    bgr: bool
    channel_last: bool
    renamed: dict[str, str]
    own: bool
    assumed: list[str]


class NodeDocument(Document):
    """One node of the graph: `kind` in words, ONNX's `type`, and the `operation` that it executes (module and class
    of network/operations) with its attributes; null where it isn't known, and `unknown` says why. `inputs` are the
    tensors that are its operands, "" for one left out; `aliases`, other names it answers to."""

    name: str
    kind: str
    type: str
    operation: str | None
    attributes: dict[str, JsonValue]
    inputs: list[str]
    outputs: list[str]
    aliases: list[str]
    unknown: str | None


class TensorDocument(Document):
    """A computed tensor: `full` is its shape with the batch, `batch` whether an index leaves that out, `axes` what
    each number of an index counts. `values` is how many."""

    tensor: str
    name: str
    shape: list[int]
    full: list[int]
    batch: bool
    axes: list[str]
    channel_last: bool
    dtype: str
    values: int


class WeightDocument(Document):
    """A constant that nodes take in. Its values stand in the weights' bytes from `offset` on, little-endian, `stored`
    as this number type, whatever the file's own `dtype`. `learned`: training changes it; `replayed`: a run's
    snapshots have it."""

    tensor: str
    shape: list[int]
    axes: list[str]
    dtype: str
    stored: Literal["float32", "float64"]
    offset: int
    learned: bool
    replayed: bool


class FormulasDocument(Document):
    """How each figure of a layer comes about, with its numbers put in."""

    shape: str
    parameters: str
    mult_adds: str
    receptive_field: str


class LayerDocument(Document):
    """A row of the summary table, and a column of the explorer. `kind` is one word, `operation` its whole text,
    `words` a sentence for somebody who sees it for the first time. `shape` is channel last, as in the table; `maps`,
    the tensor's own shape, channel first.

    `inputs` are the names of the layers that feed it ("input" is the network's own); `stage` numbers those that are
    bracketed together (conv, relu, pool), from 0; `column` and `row` say where the stage stands: as far right as its
    longest way from the input, branches under one another. `nodes` are the graph's nodes that it consists of;
    `weights`, the constants it takes in.
    """

    name: str
    tensor: str
    kind: str
    family: Family
    operation: str
    words: str
    shape: list[int]
    maps: list[int]
    values: int
    parameters: int
    mult_adds: int
    receptive_field: list[int]
    formulas: FormulasDocument
    inputs: list[str]
    stage: int
    column: int
    row: int
    nodes: list[str]
    weights: list[str]


class ClassicalDocument(Document):
    """A hand-made filter in a frame of a learned kernel's size, of length 1: what learned ones are held against.
    `name` is its name in filters, `title` its words, `shift` how far its middle lies below and right of the frame's."""

    name: str
    title: str
    shift: list[float]
    enlarged: bool
    kernel: list[list[float]]


class FrameDocument(Document):
    """The classical filters for kernels of one size, in their order; `thresholds`, by the number of channels, from
    which likeness on they count as near."""

    height: int
    width: int
    thresholds: dict[str, float]
    filters: list[ClassicalDocument]


class AnswerDocument(Document):
    """How the classes' answer is read. `probabilities` is the output tensor; `ending` what makes probabilities of it:
    "" it has them, "softmax" or "divided by their sum". `scores` is the tensor that explanations begin at (logits,
    where a softmax follows: `logits`). `start` is the network's floating point input; `layer`, the tensor whose maps
    Grad-CAM weighs; null where there is none, and `lacking` says why."""

    probabilities: str
    ending: Literal["", "softmax", "divided by their sum"]
    scores: str | None
    logits: bool
    start: str | None
    layer: str | None
    lacking: list[str]


class GraphDocument(Document):
    """All that a view needs to know of a network. `fingerprint` is the file's sha256, `versions` what wrote this.

    `named` is False where the file doesn't say what its classes are called: they are numbers then. `nodes` begin at
    the network's input; what prepares the picture depends on the picture's size and follows from `input`.
    `weight_bytes` is how many bytes of weights there are.
    """

    format: Literal[1]
    title: str
    file: str
    fingerprint: str
    versions: dict[str, str]
    network: str | None
    classes: list[str]
    named: bool
    input: InputDocument
    answer: AnswerDocument
    nodes: list[NodeDocument]
    tensors: list[TensorDocument]
    weights: list[WeightDocument]
    weight_bytes: int
    layers: list[LayerDocument]
    parameters: int
    mult_adds: int
    values: int
    classical: list[FrameDocument]
    figures: FiguresDocument | None


class FiguresDocument(Document):
    """What the card says the network was measured at; null where nothing was."""

    validation_accuracy: float | None
    test_accuracy: float | None
    test_interval: tuple[float, float] | None
    test_count: int
    epoch: int | None
    data: str | None


class PictureEntry(Document):
    """A picture of the test part. `truth` and `answer` are places among the classes; `truth` is null where it isn't
    known. `probability` is the answer's, `of_truth` the true class'. `corrected`: the label that a person gave it
    since, "" where they said that it belongs to none, null where nobody said anything."""

    id: str
    name: str
    truth: int | None
    answer: int | None
    probability: float | None
    of_truth: float | None
    height: int
    width: int
    corrected: str | None


class ClassFiguresDocument(Document):
    """One class: how many pictures, and the shares; null means 0/0."""

    label: str
    count: int
    precision: float | None
    recall: float | None
    f1: float | None


class MistakesDocument(Document):
    """The test part in figures: `confusion` has the true class in rows, the answer in columns. `count` pictures,
    `wrong` of them answered wrongly; `worst`, the surest mistakes first; `corrections`, how many labels were changed by
    hand since, and the file they are in."""

    classes: list[str]
    accuracy: float
    interval: tuple[float, float]
    count: int
    wrong: int
    confusion: list[list[int]]
    per_class: list[ClassFiguresDocument]
    worst: list[PictureEntry]
    corrections: int
    corrections_file: str | None


class EpochDocument(Document):
    """One finished epoch, counted from 1. `kept`: its weights are there to be replayed."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float
    best: bool
    kept: bool


class ReplayDocument(Document):
    """The run's epochs, oldest first; `best` is the one that the model holds. Weights of a kept epoch are float16."""

    epochs: list[EpochDocument]
    best: int | None


class SummaryRow(Document):
    """A row of `pellucid summary --json`; `output_shape` is channel last."""

    name: str
    kind: str
    text: str
    inputs: list[str]
    output_shape: list[int]
    values: int
    parameters: int
    mult_adds: int
    receptive_field: list[int]
    parameter_bytes: int
    value_bytes: int
    formulas: FormulasDocument


class SummaryDocument(Document):
    """`pellucid summary --json` of a network in text; `words` has a plain sentence for each row."""

    input_shape: list[int]
    network: str
    rows: list[SummaryRow]
    words: list[str]
    parameters: int
    mult_adds: int
    values: int
    parameter_bytes: int
    value_bytes: int
    largest_value_bytes: int
    largest_layer: str


GraphDocument.model_rebuild()

# What types.ts holds: these and all that they are made of.
DOCUMENTS: tuple[type[Document], ...] = (
    LevelDocument,
    OpenedDocument,
    ExplanationDocument,
    GraphDocument,
    PictureEntry,
    MistakesDocument,
    ReplayDocument,
    SummaryDocument,
)
