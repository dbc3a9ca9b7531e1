"""Small SVG drawings for exercises: curves on axes through the origin, and pictures as squares of grey.

Text is text; colours are neutral, and change with `prefers-color-scheme`, so that a drawing stands on any ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from pellucid.evaluation.page.markup import Markup, element
from pellucid.exercises.worked import Values
from pellucid.network.operations import number

LOWEST, HIGHEST = -6.0, 10.0  # the y that axes show at most
UNIT = 26  # pixels a unit
EDGE = 26
# Scoped, and without ids, as several drawings may stand in one page.
_STYLE = (
    ".exercise-plot text{font:12px system-ui,sans-serif;fill:#444}.exercise-plot .axis{stroke:#555;stroke-width:1.2}"
    ".exercise-plot .grid{stroke:#d8d8d8}.exercise-plot .name{font-style:italic}"
    ".exercise-plot .frame{fill:none;stroke:#888}"
    ".exercise-plot .curve{fill:none;stroke:#0b62c4;stroke-width:2.5;stroke-linejoin:round}"
    "@media(prefers-color-scheme:dark){.exercise-plot text{fill:#ccc}.exercise-plot .axis{stroke:#bbb}"
    ".exercise-plot .grid{stroke:#444}.exercise-plot .curve{stroke:#6cb1ff}}"
)


def curve(points: Sequence[tuple[float, float]], title: str, description: str) -> str:
    """Straight lines through these points on axes of whole units, both scaled alike; cut off at LOWEST and HIGHEST."""
    xs = [x for x, _ in points]
    ys = [min(max(y, LOWEST), HIGHEST) for _, y in points]
    left, right = min(0, int(np.floor(min(xs)))), max(0, int(np.ceil(max(xs))))
    low, high = min(-1, int(np.floor(min(ys)))), max(1, int(np.ceil(max(ys))))
    width, height = (right - left) * UNIT + 2 * EDGE, (high - low) * UNIT + 2 * EDGE

    def px(x: float) -> float:
        return round(EDGE + (x - left) * UNIT, 2)

    def py(y: float) -> float:
        return round(EDGE + (high - y) * UNIT, 2)

    parts: list[Markup] = []
    for x in range(left, right + 1):
        parts.append(
            element("line", x1=px(x), x2=px(x), y1=py(low), y2=py(high), class_="axis" if x == 0 else "grid")
        )
        if x and x % 2 == 0:
            parts.append(element("text", number(x), x=px(x), y=py(0) + 15, text_anchor="middle"))
    for y in range(low, high + 1):
        parts.append(
            element(
                "line", x1=px(left), x2=px(right), y1=py(y), y2=py(y), class_="axis" if y == 0 else "grid"
            )
        )
        if y and y % 2 == 0:
            parts.append(element("text", number(y), x=px(0) - 6, y=py(y) + 4, text_anchor="end"))
    for run in _within(points, low, high):
        parts.append(element("polyline", points=" ".join(f"{px(x)},{py(y)}" for x, y in run), class_="curve"))
    parts.append(element("text", "x", x=px(right) + 8, y=py(0) + 4, class_="name"))
    parts.append(element("text", "y", x=px(0) - 4, y=EDGE - 10, class_="name"))
    return _svg(width, height, title, description, parts)


def _within(
    points: Sequence[tuple[float, float]], low: float, high: float
) -> list[list[tuple[float, float]]]:
    """A line through points, cut to the y that the axes show: the stretches that are left."""
    runs: list[list[tuple[float, float]]] = []
    for (x0, y0), (x1, y1) in pairwise(points):
        enter, leave = 0.0, 1.0
        for limit, sign in ((low, 1), (high, -1)):
            first, last = sign * (y0 - limit), sign * (y1 - limit)  # negative outside
            if first < 0 and last < 0:
                enter, leave = 1.0, 0.0
            elif first < 0:
                enter = max(enter, first / (first - last))
            elif last < 0:
                leave = min(leave, first / (first - last))
        if enter >= leave:
            continue
        ends = [(x0 + t * (x1 - x0), y0 + t * (y1 - y0)) for t in (enter, leave)]
        if runs and enter == 0 and runs[-1][-1] == ends[0]:
            runs[-1].append(ends[1])
        else:
            runs.append(ends)
    return runs


def picture(array: Values, title: str, description: str, side: int = 24) -> str:
    """A matrix as squares from black (its least value) to white (its greatest)."""
    low, high = float(array.min()), float(array.max())
    squares = []
    for (y, x), value in np.ndenumerate(array):
        grey = round(255 * (float(value) - low) / (high - low)) if high > low else 128
        squares.append(
            element(
                "rect",
                x=x * side + 1,
                y=y * side + 1,
                width=side,
                height=side,
                fill=f"#{grey:02x}{grey:02x}{grey:02x}",
            )
        )
    height, width = array.shape
    frame = element("rect", x=0.5, y=0.5, width=width * side + 1, height=height * side + 1, class_="frame")
    return _svg(width * side + 2, height * side + 2, title, description, [*squares, frame])


def _svg(width: int, height: int, title: str, description: str, parts: list[Markup]) -> str:
    return element(
        "svg",
        element("title", title),
        element("desc", description),
        element("style", Markup(_STYLE)),
        parts,
        xmlns="http://www.w3.org/2000/svg",
        width=width,
        height=height,
        viewBox=f"0 0 {width} {height}",
        role="img",
        class_="exercise-plot",
    )
