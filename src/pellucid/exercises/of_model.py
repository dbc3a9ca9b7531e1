"""Questions about a trained model and one picture: values of its own layers, with its own weights.

The numbers that are shown are rounded, and the answer follows from the rounded ones; what the model itself stored, from
all digits, is said in the working. `data`: `layer`, `place` (channel, row, column from 1), and `task`: "convolution"
(one channel's window `input` [h][w] under its `kernel` [h][w], plus `bias`, where the layer has but one input channel,
or `bias` 0 and the one channel's share asked for), "maxpool" (the largest of `input`), "relu" (of the row `input`,
from `place` on), "probability" (of class `chosen`, from 1, by softmax of `logits`), "class" (the likeliest of
`classes` by `logits`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from pellucid.errors import ModelError
from pellucid.exercises.draw import Draw
from pellucid.exercises.generator import check
from pellucid.exercises.of_network import TOPICS_OF_NETWORKS, chosen_topics, from_network, sheet_of
from pellucid.exercises.question import VERSION, Question, Sheet, Slip, ask, block, figure, table
from pellucid.exercises.slips import slip
from pellucid.exercises.topics.softmax import NATURAL
from pellucid.exercises.wording import FROM_ONE, SLIDES
from pellucid.exercises.worked import Values, computed, rows_of
from pellucid.inside.number import Inside, Number
from pellucid.inside.scores import find_scores
from pellucid.model import ForeignModel, ModelFile, open_any
from pellucid.model.classifier import as_pixels
from pellucid.network.operations import Linear, Node
from pellucid.network.operations.activation import Relu
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.pooling import MaxPooling
from pellucid.network.operations.softmax import Softmax
from pellucid.storage import shown

TOPICS_OF_MODELS = ("convolution", "pooling", "relu", "softmax", *TOPICS_OF_NETWORKS)
DECIMALS = 2
LARGEST_WINDOW = 49  # cells that a student multiplies
MOST_CLASSES = 12
PLACES = 6  # places asked about in each layer
NEIGHBOURS = 5  # values that a ReLU question has
ROUNDED = "The numbers shown are rounded to two decimals; work with them, and give two decimals."


def from_model(
    model: ModelFile | ForeignModel | str | Path,
    picture: object,
    *,
    topics: Sequence[str] = (),
    count: int = 8,
    level: int = 1,
    seed: int = 0,
) -> Sheet:
    """A sheet about this model and this picture (a path, or uint8 [height, width] or [height, width, 1 or 3]).

    `topics` from TOPICS_OF_MODELS. For a model of another tool the questions are about values alone. Raises ModelError,
    DataError, SettingsError.
    """
    check(count, level, seed)
    opened = open_any(model) if isinstance(model, str | Path) else model
    pixels = as_pixels(picture)
    chosen = chosen_topics(topics, TOPICS_OF_MODELS)
    inside = Inside(opened.opened(pixels))
    draw = Draw((VERSION, seed, level, 7))
    found = {q.id: q for q in _questions(inside, opened.classes, level, draw) if q.topic in chosen}
    if isinstance(opened, ModelFile) and any(name in TOPICS_OF_NETWORKS for name in chosen):
        own = from_network(opened.network, count=1_000, level=level, seed=seed)
        found |= {q.id: q for q in own.questions if q.topic in chosen}
    return sheet_of(
        found, chosen, count, level, seed, opened.where, f"Exercises on {Path(opened.where).name}"
    )


def _questions(inside: Inside, classes: Sequence[str], level: int, draw: Draw) -> Iterator[Question]:
    for node in inside.opened.graph.nodes:
        shape = inside.places.short(node.outputs[0]) if node.outputs[0] else ()
        if len(shape) != 3 or not isinstance(node.operation, Convolution | MaxPooling | Relu):
            continue
        asked = 0
        for attempt in range(8 * PLACES):
            index = tuple(
                draw.whole(f"{node.name} {attempt} {axis}", 0, n - 1) for axis, n in enumerate(shape)
            )
            number = inside.open(inside.places.at(node.outputs[0], (0, *index)))
            question = _about(inside, node, number, level)
            if question is not None and len(question.slips) >= 2:
                yield question
                asked += 1
            if asked == PLACES:
                break
    yield from _answers(inside, classes, level, draw)


def _about(inside: Inside, node: Node, number: Number, level: int) -> Question | None:
    if isinstance(node.operation, Convolution):
        return _convolution(inside, node, number, level)
    if isinstance(node.operation, MaxPooling):
        return _pooling(number, level)
    return _relu(inside, node, number, level)


def _place(number: Number) -> tuple[str, list[int]]:
    channel, row, column = number.place.index
    words = f"channel {channel + 1}, row {row + 1}, column {column + 1} of {shown(number.place.name)}"
    return words, [channel + 1, row + 1, column + 1]


def _convolution(inside: Inside, node: Node, number: Number, level: int) -> Question | None:
    """One window of one channel, and its kernel."""
    opening = number.opening
    if not isinstance(opening, Linear) or opening.window is None or number.closes is not True:
        return None
    cells, part = opening.window.cells, opening.parts[0]
    if part.weights is None or cells.ndim != 3 or cells[0].size > LARGEST_WINDOW or (cells < 0).any():
        return None
    plane = int(np.argmax([abs(part.products[each.ravel()]).sum() for each in cells]))
    values = np.round(part.values[cells[plane]], DECIMALS) + 0.0
    weights = np.round(part.weights[cells[plane]], DECIMALS) + 0.0
    if np.count_nonzero(values * weights) < 3:
        return None
    alone = len(cells) == 1
    bias = round(opening.bias, DECIMALS) + 0.0 if alone else 0.0
    total = float((values * weights).sum()) + bias
    answer = round(total, DECIMALS)
    where, place = _place(number)
    channel = int(opening.window.channels[plane]) + 1
    left = "+".join(f"{_b(v)}*{_b(w)}" for v, w in zip(values.ravel(), weights.ravel(), strict=True))
    ends = f"+{_b(bias)}" if bias else ""
    source = inside.places.names.get(node.inputs[0], node.inputs[0])
    exact = number.stored if alone else float(part.products[cells[plane].ravel()].sum())
    what = (
        f"and the bias is {figure(bias, DECIMALS)}. Which value stands there?"
        if alone
        else f"What does channel {channel} of {len(cells)} add to the sum?"
    )
    flipped = float((values * weights[::-1, ::-1]).sum()) + bias
    return ask(
        "convolution",
        level,
        "number",
        f"In your network, {where} looks at this window of channel {channel} of "
        f"{shown(source)}:\n\n{block(rows_of(values), 2)}\n\n"
        f"The kernel for it is\n\n{block(rows_of(weights), 2)}\n\n{what}",
        answer,
        working=[
            f"`{left}{ends} = {figure(answer, DECIMALS)}`",
            f"With all digits the model has {exact:.6g}.",
        ],
        conventions=[SLIDES, FROM_ONE, ROUNDED],
        slips=[
            slip("kernel flipped", round(flipped, 2)),
            slip("bias forgotten", round(total - bias, 2)) if bias else None,
            slip("bias subtracted", round(total - 2 * bias, 2)) if bias else None,
            slip("kernel transposed", round(float((values * weights.T).sum()) + bias, 2))
            if weights.shape[0] == weights.shape[1]
            else None,
            slip("signs lost", round(float((values * abs(weights)).sum()) + bias, 2)),
            slip("products not weighted", round(float(values.sum()) + bias, 2)),
        ],
        data={
            "task": "convolution",
            "layer": number.place.name,
            "place": place,
            "input": values.tolist(),
            "kernel": weights.tolist(),
            "bias": bias,
        },
        decimals=DECIMALS,
    )


def _pooling(number: Number, level: int) -> Question | None:
    opening = number.opening
    if opening is None or opening.window is None or (opening.window.cells < 0).any():
        return None
    values = np.round(opening.parts[0].values[opening.window.cells[0]], DECIMALS) + 0.0
    if values.size > LARGEST_WINDOW or len(np.unique(values)) < 3:
        return None
    where, place = _place(number)
    answer = float(values.max())
    return ask(
        "pooling",
        level,
        "number",
        f"In your network, {where} looks at this window:\n\n{block(rows_of(values), 2)}\n\nIt is max "
        f"pooling. Which value stands "
        "there?",
        answer,
        working=[
            f"`max({', '.join(figure(float(v), 2) for v in values.ravel())}) = {figure(answer, 2)}`",
            f"With all digits the model has {number.stored:.6g}.",
        ],
        conventions=[FROM_ONE, ROUNDED],
        slips=[
            slip("average for maximum", round(float(values.mean()), 2)),
            slip("minimum", float(values.min())),
            slip("sum", round(float(values.sum()), 2)),
            slip("absolute values", float(abs(values).max())),
        ],
        data={"task": "maxpool", "layer": number.place.name, "place": place, "input": values.tolist()},
        decimals=DECIMALS,
        tolerance=1e-9,
    )


def _relu(inside: Inside, node: Node, number: Number, level: int) -> Question | None:
    """Some neighbours in a row, on both sides of zero."""
    channel, row, column = number.place.index
    line = np.asarray(inside.places.value(node.inputs[0]))[0, channel, row, column : column + NEIGHBOURS]
    values = np.round(line.astype(np.float64), DECIMALS) + 0.0
    if len(values) < 2 or values.min() > -0.05 or values.max() < 0.05:
        return None
    answer = rows_of(np.maximum(values, 0)[None])
    where = f"channel {channel + 1}, row {row + 1}, columns {column + 1} to {column + len(values)}"
    return ask(
        "relu",
        level,
        "matrix",
        f"In your network these values go into {shown(number.place.name)}, a ReLU ({where}):\n\n"
        f"{block(rows_of(values[None]), 2)}\n\nWhat comes out?",
        answer,
        working=[f"`max(0, {figure(v, 2)}) = {figure(max(v, 0), 2)}`" for v in values.tolist()],
        conventions=["f(x) = max(0, x)", FROM_ONE],
        slips=[
            slip("absolute values", rows_of(np.abs(values)[None])),
            slip("ReLU forgotten", rows_of(values[None])),
            slip("sides of zero swapped", rows_of(np.minimum(values, 0)[None])),
        ],
        data={
            "task": "relu",
            "layer": number.place.name,
            "place": [channel + 1, row + 1, column + 1],
            "input": [values.tolist()],
        },
        decimals=DECIMALS,
        tolerance=1e-9,
    )


def _answers(inside: Inside, classes: Sequence[str], level: int, draw: Draw) -> Iterator[Question]:
    """Which class, and how probable, from the scores of this picture."""
    try:
        scores = find_scores(inside.opened)
    except ModelError:
        return
    logits: Values = np.round(scores.values, DECIMALS) + 0.0
    if not scores.softmax or not 2 <= len(logits) <= MOST_CLASSES or len(np.unique(logits)) < len(logits):
        return
    names = [shown(name) for name in classes]
    given = (
        "For your picture, the network's last layer gives these scores (logits):\n\n"
        + table([[f"{z:.2f}" for z in logits]], (), names)
        + "\n\n"
    )
    powers = np.exp(logits)
    order = np.argsort(-logits)
    best = int(order[0])
    others = [int(k) for k in dict.fromkeys([*order[1:3], order[-1]]) if k != best]
    yield ask(
        "softmax",
        level,
        "text-choice",
        f"{given}Which class does it answer?",
        names[best],
        working=[f"The largest score is {logits[best]:.2f}, that of {names[best]}; softmax keeps the order."],
        conventions=["The answer is the class with the greatest probability."],
        slips=[
            Slip(names[k], f"score of {names[k]}", f"Its score {logits[k]:.2f} isn't the largest.")
            for k in others
        ],
        data={"task": "class", "logits": logits.tolist(), "classes": names},
    )
    probabilities = computed(Softmax((0,)), logits)
    for k in [k for k in draw.order("class", range(len(logits))) if 0.01 < probabilities[k] < 0.99][:3]:
        yield ask(
            "softmax",
            level,
            "number",
            f"{given}What is the probability of **{names[k]}** after softmax?",
            round(float(probabilities[k]), DECIMALS),
            working=[
                f"`e^({logits[k]:.2f})/({'+'.join(f'e^({z:.2f})' for z in logits)}) = {probabilities[k]:.2f}`"
            ],
            conventions=[NATURAL, ROUNDED],
            slips=[
                slip("not normalised", round(float(powers[k]), 2)),
                slip("base 2", round(float(2.0 ** logits[k] / (2.0**logits).sum()), 2)),
                slip("sigmoid", round(float(1 / (1 + np.exp(-logits[k]))), 2)),
                slip("other class", round(float(probabilities[int(order[-1]) if k == best else best]), 2)),
            ],
            data={"task": "probability", "logits": logits.tolist(), "chosen": k + 1},
            decimals=DECIMALS,
        )


def _b(value: float) -> str:
    text = f"{value:.{DECIMALS}f}"
    return f"({text})" if text.startswith("-") else text
