"""Functions, histories and shares drawn for a lesson: lines over axes, bars with their names and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from pellucid.errors import SettingsError
from pellucid.evaluation.page.chart import Axis, outward
from pellucid.evaluation.page.markup import Markup
from pellucid.inside.figure import ACCENT, NEGATIVE, POSITIVE, Figure, box, drawing, letters, line

WIDTH, HEIGHT = 360, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 14, 42
COLOURS = ("currentColor", ACCENT, NEGATIVE, POSITIVE)
DASHES = (None, None, "6 3", "2 3")  # a second signal beside the colour
BAR_WIDTH, BAR_HEIGHT = 190, 24
MOST_BARS = 40


def curves(
    lines: Mapping[str, tuple[ArrayLike, ArrayLike]], title: str = "", *, x: str = "x", y: str = "y",
    points: Sequence[tuple[float, float]] = (), said: str = "",
) -> Figure:  # fmt: skip
    """Lines by name, each (x values, y values) of one length, over common axes titled `x` and `y`; `points` are dots.

    `said`: what is to be seen, in words. At most four lines. SettingsError for others.
    """
    drawn = {
        name: (np.asarray(xs, np.float64), np.asarray(ys, np.float64)) for name, (xs, ys) in lines.items()
    }
    if not 1 <= len(drawn) <= len(COLOURS) or any(
        xs.ndim != 1 or xs.shape != ys.shape or not xs.size for xs, ys in drawn.values()
    ):
        raise SettingsError(
            "curves are one to four lines, each of x and y values of one length",
            where="curves",
            received=str({name: (xs.shape, ys.shape) for name, (xs, ys) in drawn.items()}),
            remedy='curves({"ReLU": (x, y)})',
        )
    dots = np.asarray(points, np.float64).reshape(-1, 2)
    across = Axis(x, *_range([*(xs for xs, _ in drawn.values()), dots[:, 0]]), share=False)
    up = Axis(y, *_range([*(ys for _, ys in drawn.values()), dots[:, 1]]), share=False)

    def at(value_x: float, value_y: float) -> tuple[float, float]:
        return (
            LEFT + across.at(value_x) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - up.at(value_y) * (HEIGHT - TOP - BOTTOM),
        )

    parts: list[Markup] = []
    for tick in up.ticks():
        _, level = at(across.low, tick)
        strong = tick == 0 and up.low < 0
        parts.append(
            line([(LEFT, level), (WIDTH - RIGHT, level)], opacity=0.6 if strong or tick == up.low else 0.15)
        )
        parts.append(letters(_signed(up.text(tick)), LEFT - 7, level, 11.5, "end", opacity=0.8))
    for tick in across.ticks():
        place, _ = at(tick, up.low)
        parts.append(
            line(
                [(place, TOP), (place, HEIGHT - BOTTOM)], opacity=0.6 if tick == 0 and across.low < 0 else 0.1
            )
        )
        parts.append(letters(_signed(across.text(tick)), place, HEIGHT - BOTTOM + 13, 11.5, opacity=0.8))
    parts.append(letters(x, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 9, 12.5))
    for (xs, ys), colour, dash in zip(drawn.values(), COLOURS, DASHES, strict=False):
        parts.append(
            line(
                [at(a, b) for a, b in zip(xs, ys, strict=True)],
                width=2.4,
                stroke=colour,
                dash=dash,
            )
        )
    for a, b in dots:
        px, py = at(a, b)
        parts.append(box(px - 3.5, py - 3.5, 7, 7, fill=ACCENT, stroke="none"))
    extra = 0.0
    if len(drawn) > 1:
        for place, (name, colour, dash) in enumerate(zip(drawn, COLOURS, DASHES, strict=False)):
            level = HEIGHT + 10 + 18 * place
            parts.append(line([(LEFT, level), (LEFT + 30, level)], width=2.4, stroke=colour, dash=dash))
            parts.append(letters(name, LEFT + 38, level, 12.5, "start"))
        extra = 18.0 * len(drawn) + 4
    words = said or "; ".join(
        f"{name or y}: from {ys[0]:.4g} at {xs[0]:.4g} to {ys[-1]:.4g} at {xs[-1]:.4g}, lowest {ys.min():.4g}, "
        f"highest {ys.max():.4g}"
        for name, (xs, ys) in drawn.items()
    )
    return drawing(WIDTH, HEIGHT + extra, words, *parts, title=title or y)


def bars(shares: Mapping[str, float], title: str = "", *, percent: bool = True) -> Figure:
    """Numbers by name as bars, one below the other; below zero they go to the left. SettingsError for too many."""
    values = {str(name): float(value) for name, value in shares.items()}
    if not 1 <= len(values) <= MOST_BARS or not np.isfinite(list(values.values())).all():
        raise SettingsError(f"bars are 1 to {MOST_BARS} finite numbers by name", where="bars",
                            received=f"{len(values)} of them", remedy="leave the smallest out")  # fmt: skip
    largest = max(map(abs, values.values())) or 1.0
    texts = {name: _percent(value) if percent else _plain(value) for name, value in values.items()}
    below = min(0.0, *values.values()) / largest
    above = max(0.0, *values.values()) / largest
    name_width = 8.0 * max(len(name) for name in values) + 12
    scale = BAR_WIDTH / ((above - below) or 1.0)
    zero = name_width - below * scale
    parts: list[Markup] = []
    for place, (name, value) in enumerate(values.items()):
        level = place * BAR_HEIGHT + BAR_HEIGHT / 2
        length = value / largest * scale
        parts.append(letters(name, name_width - 8, level, 13, "end"))
        parts.append(box(zero + min(0.0, length), level - 8, abs(length), 16, stroke="none",
                         fill=POSITIVE if value >= 0 else NEGATIVE))  # fmt: skip
        text = texts[name]
        parts.append(letters(text, max(zero, zero + length) + 7, level, 13, "start"))
    height = len(values) * BAR_HEIGHT
    parts.append(line([(zero, 0), (zero, height)], opacity=0.6))
    words = ", ".join(f"{name} {text}" for name, text in texts.items())
    room = 8.0 * max(len(text) for text in texts.values()) + 14
    return drawing(name_width + BAR_WIDTH + room, height, words, *parts, title=title)


def _percent(value: float) -> str:
    """A share with two decimals; what isn't quite nothing isn't written as nothing."""
    return "< 0.01%" if 0 < value < 5e-5 else f"{100 * value:.2f}%"


def _plain(value: float) -> str:
    """Whole numbers with thousands separators, others to four significant figures."""
    text = f"{value:,.0f}" if value == round(value) and abs(value) < 1e12 else f"{value:.4g}"
    return text.replace("-", "−")


def _range(values: Sequence[np.ndarray]) -> tuple[float, float]:
    every = np.concatenate([np.ravel(each) for each in values])
    low, high = float(every.min()), float(every.max())
    return outward(low, high if high > low else low + 1)


def _signed(text: str) -> str:
    return text.replace("-", "−")


__all__ = ["bars", "curves"]
