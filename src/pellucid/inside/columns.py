"""Numbers in columns: one count of decimals for what is added up, one width for what stands together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10


@dataclass(frozen=True)
class Row:
    """A line whose figure stands in the common column at the right (None: text alone); `note` comes after it."""

    text: str
    figure: float | None = None
    note: str = ""


def in_column(rows: Sequence[Row], least: int = 0) -> list[str]:
    """The rows as lines: figures signed, to one count of decimals (six digits of the largest), right-aligned."""
    figures = signed([row.figure for row in rows if row.figure is not None])
    width = max((len(figure) for figure in figures), default=0)
    with_figure = max((len(row.text) for row in rows if row.figure is not None), default=0)
    longest = max((len(row.text) for row in rows), default=0)
    column = max(longest, with_figure + 2 + width, least)
    lines = []
    left = iter(figures)
    for row in rows:
        if row.figure is None:
            lines.append(row.text.rstrip())
            continue
        text = row.text + next(left).rjust(column - len(row.text))
        lines.append(f"{text}     {row.note}" if row.note else text)
    return lines


def signed(values: Sequence[float]) -> list[str]:
    """With their signs, all to the decimals that give the largest six digits; whole numbers stay whole."""
    finite = [abs(value) for value in values if isfinite(value)]
    largest = max(finite, default=0.0)
    if all(value == int(value) for value in finite) and largest < 1e12:
        return [f"{value:+.0f}" if value else "0" for value in values]
    if largest < 1e-6 or largest >= 1e9:
        return [f"{value:+.5e}" for value in values]
    decimals = min(10, max(0, 5 - floor(log10(largest))))
    return [f"{value:+.{decimals}f}" for value in values]


def aligned(values: Sequence[float]) -> list[str]:
    """Numbers of one block, to one count of decimals (three digits of the largest) and one width."""
    finite = [abs(value) for value in values if isfinite(value)]
    largest = max(finite, default=0.0)
    if all(value == int(value) for value in finite) and largest < 1e7:
        texts = [f"{value:.0f}" for value in values]
    elif largest >= 1e7 or 0 < largest < 1e-4:
        texts = [f"{value:.2e}" for value in values]
    else:
        decimals = min(6, max(0, 2 - floor(log10(largest)))) if largest else 0
        texts = [f"{value:.{decimals}f}" for value in values]
        texts = [
            text[1:] if isfinite(float(text)) and float(text) == 0 and text[0] == "-" else text
            for text in texts
        ]
    width = max((len(text) for text in texts), default=0)
    return [text.rjust(width) for text in texts]
