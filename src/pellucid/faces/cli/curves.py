"""The run's curves as a small chart for the terminal: loss and accuracy, training and validation.

Validation is a whole line, training a broken one; each is named at its end. So they can be told apart without colour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pellucid.faces.cli.output import percent
from pellucid.training.events import EpochRecord

ROWS = 6  # of characters, a chart
WIDEST = 44  # characters of a chart's own field
NARROWEST = 12
TRAIN, VALIDATION = "train", "validation"
_DASH = (True, True, False, False, False)  # of the training curve, along its way
# A braille character's dots, [down][across], as bits above U+2800 (Unicode 16.0, chapter 21.1).
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


@dataclass(frozen=True)
class _Curves:
    """Two series over the epochs, and how a figure of theirs is written. `scale` bends the axis."""

    title: str
    train: Sequence[float]
    validation: Sequence[float]
    write: Callable[[float], str]
    scale: Callable[[float], float] = float


def chart(history: Sequence[EpochRecord], width: int, unicode: bool = True) -> list[str]:
    """The lines of both charts, none wider than `width`: side by side where they fit, else one above the other.

    None where there are fewer than two epochs, or no room. Without `unicode`, in ASCII.
    """
    if len(history) < 2:
        return []
    both = (
        _Curves(
            "loss (log scale)",
            [record.loss for record in history],
            [record.validation_loss for record in history],
            lambda value: f"{value:.3f}" if value < 1000 else f"{value:.1e}",
            lambda value: math.log(max(value, 1e-4)),
        ),
        _Curves(
            "accuracy",
            [record.accuracy for record in history],
            [record.validation_accuracy for record in history],
            lambda value: percent(value, 1),
        ),
    )
    epochs = [record.epoch for record in history]
    # Beside the field: the axis' figures and its line, the name at a curve's end.
    beside = 8 + 2 + 1 + len(VALIDATION)
    half = (width - 3) // 2 - beside
    if half >= NARROWEST:
        left, right = (_drawn(curves, epochs, min(half, WIDEST), unicode) for curves in both)
        across = max(map(len, left))
        return [f"{one:<{across}}   {other}".rstrip() for one, other in zip(left, right, strict=True)]
    whole = width - beside
    if whole < NARROWEST:
        return []
    above, below = (_drawn(curves, epochs, min(whole, WIDEST), unicode) for curves in both)
    return [*above, "", *below]


def _drawn(curves: _Curves, epochs: Sequence[int], columns: int, unicode: bool) -> list[str]:
    """One chart: its title, ROWS lines, the axis of the epochs."""
    low, high = min(*curves.train, *curves.validation), max(*curves.train, *curves.validation)
    bottom, top = curves.scale(low), curves.scale(high)
    across, down = (2 * columns, 4 * ROWS) if unicode else (columns, ROWS)

    def places(series: Sequence[float]) -> list[tuple[int, int]]:
        steps = max(len(series) - 1, 1)
        span = top - bottom or 1.0
        return [
            (
                round(index * (across - 1) / steps),
                round((top - curves.scale(value)) / span * (down - 1)) if top > bottom else down // 2,
            )
            for index, value in enumerate(series)
        ]

    train, validation = _line(places(curves.train)), _line(places(curves.validation))
    broken = [place for index, place in enumerate(train) if _DASH[index % len(_DASH)]]
    field = _braille(broken, validation, columns) if unicode else _ascii(broken, validation, columns)
    ends = _ends(train[-1][1] * ROWS // down, validation[-1][1] * ROWS // down)
    corner, wall, floor = ("└", "│", "─") if unicode else ("+", "|", "-")
    lines = [f"{'':8}  {curves.title}"]
    for row in range(ROWS):
        figure = curves.write(high) if row == 0 else curves.write(low) if row == ROWS - 1 else ""
        lines.append(f"{figure:>8} {wall}{field[row]} {ends.get(row, '')}".rstrip())
    first, last = f"epoch {epochs[0]}", str(epochs[-1])
    lines.append(f"{'':8} {corner}{floor * columns}")
    lines.append(f"{'':8}  {first}{last:>{max(columns - len(first), len(last) + 1)}}")
    return lines


def _ends(train: int, validation: int) -> dict[int, str]:
    """The row of each curve's name; where both end in one, the names stand above each other."""
    if train != validation:
        return {train: TRAIN, validation: VALIDATION}
    return {train: VALIDATION, train - 1 if train else train + 1: TRAIN}


def _line(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """All dots (across, down) of the straight lines between neighbours, each once, in order."""
    dots = [places[0]]
    for (x0, y0), (x1, y1) in pairwise(places):
        steps = max(abs(x1 - x0), abs(y1 - y0))
        for step in range(1, steps + 1):
            dots.append((round(x0 + (x1 - x0) * step / steps), round(y0 + (y1 - y0) * step / steps)))
    return dots


def _braille(broken: Sequence[tuple[int, int]], whole: Sequence[tuple[int, int]], columns: int) -> list[str]:
    cells = [[0] * columns for _ in range(ROWS)]
    for x, y in (*broken, *whole):
        cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
    return ["".join(chr(0x2800 + cell) if cell else " " for cell in row) for row in cells]


def _ascii(broken: Sequence[tuple[int, int]], whole: Sequence[tuple[int, int]], columns: int) -> list[str]:
    cells = [[" "] * columns for _ in range(ROWS)]
    for dots, sign in ((broken, "."), (whole, "#")):
        for x, y in dots:
            cells[y][x] = sign
    return ["".join(row) for row in cells]
