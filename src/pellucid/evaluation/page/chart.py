"""Axes for small charts in SVG: where a value lies, ticks at round numbers, the frame around the curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.evaluation.page.markup import Markup, element

# In units of the viewBox, about one CSS pixel on a phone of 360.
WIDTH, HEIGHT = 360, 260
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 44


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high`; `share` axes are written in percent."""

    title: str
    low: float
    high: float
    share: bool = True

    def at(self, value: float) -> float:
        """From 0 at `low` to 1 at `high`."""
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round numbers, about five."""
        step = round_step(self.high - self.low)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [i * step for i in range(first, last + 1)]

    def text(self, value: float) -> str:
        """A tick in figures, with as many decimals as the step has."""
        step = round_step(self.high - self.low) * (100 if self.share else 1)
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        return f"{100 * value:.{decimals}f}%" if self.share else f"{value:,.{decimals}f}"


def round_step(span: float) -> float:
    """1, 2 or 5 times a power of ten, so that about five fit into the span."""
    rough = span / 5
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def outward(low: float, high: float) -> tuple[float, float]:
    """The range, widened to round numbers."""
    span = max(high - low, 1e-6)
    step = round_step(span)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


@dataclass(frozen=True)
class Plot:
    """A chart's place on its axes."""

    x: Axis
    y: Axis
    right: int = RIGHT

    def px(self, value: float) -> float:
        return LEFT + self.x.at(value) * (WIDTH - LEFT - self.right)

    def py(self, value: float) -> float:
        return HEIGHT - BOTTOM - self.y.at(value) * (HEIGHT - TOP - BOTTOM)

    def line(self, values: Sequence[tuple[float, float]], class_: str) -> Markup:
        """A line through (x, y) values."""
        points = " ".join(f"{self.px(x):.1f},{self.py(y):.1f}" for x, y in values)
        return element("polyline", points=points, class_=class_)

    def frame(self) -> Markup:
        """Grid lines, ticks and titles."""
        parts = []
        bottom, right = HEIGHT - BOTTOM, WIDTH - self.right
        for value in self.y.ticks():
            y = self.py(value)
            parts.append(element("line", x1=LEFT, x2=right, y1=round(y, 1), y2=round(y, 1), class_="grid"))
            parts.append(
                element("text", self.y.text(value), x=LEFT - 6, y=round(y + 4, 1), class_="tick end")
            )
        for value in self.x.ticks():
            x = round(self.px(value), 1)
            parts.append(element("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="axis"))
            parts.append(element("text", self.x.text(value), x=x, y=bottom + 17, class_="tick middle"))
        parts.append(element("line", x1=LEFT, x2=right, y1=bottom, y2=bottom, class_="axis"))
        middle = (LEFT + right) / 2
        parts.append(element("text", self.x.title, x=middle, y=HEIGHT - 8, class_="title middle"))
        return Markup("".join(parts))

    def drawing(self, label: str, *parts: Markup) -> Markup:
        """The whole chart; `label` says in words what it shows. The y axis' title stands above it."""
        return element(
            "div",
            element("p", self.y.title, class_="ytitle", aria_hidden="true"),
            element(
                "svg", self.frame(), parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label,
                class_="chart",
            ),
        )  # fmt: skip
