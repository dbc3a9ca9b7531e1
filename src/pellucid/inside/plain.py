"""One opened value as one line of plain arithmetic, as a person would write it: 105*0+102*(-1)+...+104*0 = 89.

Terms stand in the order of the window: channel by channel, row by row. Numbers are written to six digits; whole ones
exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

import numpy as np

from pellucid.inside.number import Inside, Number
from pellucid.network.operations import Formula, Linear
from pellucid.network.operations.base import number as written
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.pooling import MaxPooling
from pellucid.network.operations.softmax import Softmax
from pellucid.storage import shown

LONGEST = 100  # terms written out; the middle of a longer sum is given as its own sum


def in_line(inside: Inside, number: Number, padding: bool = False) -> str:
    """The equation of one value, without its name: "1*2+3*4+5 = 19".

    With `padding`, the cells of a convolution's window that hang over the border are written, too, as 0*weight. A
    value that merely moved is named by its source. Where the stored value reads otherwise, it is given beside.
    """
    opening = number.opening
    if opening is None:
        return f"{written(number.stored)} ({number.reason})"
    if isinstance(opening, Linear):
        if _moved(number, opening):
            term = number.term(0, 0)
            left = shown(str(term.source))
        else:
            left = _sum(inside, number, opening, padding)
    else:
        assert isinstance(opening, Formula)
        left = _formula(number, opening)
    right = written(opening.value)
    stored = written(number.stored)
    return f"{left} = {right}" + ("" if stored == right else f" (stored: {stored})")


def _moved(number: Number, opening: Linear) -> bool:
    one = opening.count == 1 and not opening.bias and opening.bias_operand is None and opening.divisor == 1
    return one and all(part.weights is None for part in opening.parts if len(part))


def _sum(inside: Inside, number: Number, opening: Linear, padding: bool) -> str:
    terms: list[tuple[float, float | None]] = []
    for part in opening.parts:
        weights = [None] * len(part) if part.weights is None else part.weights.tolist()
        terms += zip(part.values.tolist(), weights, strict=True)
    if padding:
        terms = _with_padding(inside, number, opening, terms)
    texts = [
        _factor(value, first=place == 0) if weight is None
        else f"{_factor(value, first=place == 0)}*{_factor(weight, first=False)}"
        for place, (value, weight) in enumerate(terms)
    ]  # fmt: skip
    if len(texts) > LONGEST:
        half = LONGEST // 2
        middle = fsum(value * (1.0 if weight is None else weight) for value, weight in terms[half:-half])
        texts[half:-half] = [f"({len(texts) - 2 * half:,} more: {written(middle)})"]
    if opening.bias_operand is not None or opening.bias:
        texts.append(_factor(opening.bias, first=not texts))
    text = "+".join(texts) or "0"
    if opening.divisor == 1:
        return text
    return f"({text})/{written(opening.divisor)}" if len(texts) > 1 else f"{text}/{written(opening.divisor)}"


def _with_padding(
    inside: Inside, number: Number, opening: Linear, terms: Sequence[tuple[float, float | None]]
) -> list[tuple[float, float | None]]:
    """The terms of every cell of a convolution's window, those over the border as 0 times their weight."""
    node, window = number.node, opening.window
    if node is None or window is None or not isinstance(node.operation, Convolution):
        return list(terms)
    weight = inside.operands(node)[1]
    assert weight is not None
    kernel = weight[number.place.full[1]]
    return [
        terms[int(entry)] if entry >= 0 else (0.0, float(kernel[cell]))
        for cell, entry in np.ndenumerate(window.cells)
    ]


def _formula(number: Number, opening: Formula) -> str:
    if number.node is None or not 0 < opening.count <= LONGEST:
        return opening.text
    operation, part = number.node.operation, opening.parts[0]
    if isinstance(operation, MaxPooling) and number.place.tensor == number.node.outputs[0]:
        return f"max({', '.join(written(value) for value in part.values.tolist())})"
    if isinstance(operation, Softmax) and not operation.logarithm:
        powers = [f"e^{_factor(value, first=False)}" for value in part.values.tolist()]
        own = np.flatnonzero((part.index == number.place.full).all(axis=1))[0]
        return f"{powers[own]}/({'+'.join(powers)})"
    return opening.text


def _factor(value: float, first: bool) -> str:
    """A number among others: a negative one in brackets unless it stands first."""
    text = written(value)
    return f"({text})" if text.startswith("-") and not first else text
