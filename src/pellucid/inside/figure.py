"""A figure for a lesson: HTML with drawings in SVG, in the page's own colours, and the same in words.

No scripts, style sheets, fonts or files from elsewhere, so that it stands in a notebook and on a page alike.
All on one line: Markdown would end the HTML at an empty one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.evaluation.page.markup import Markup, element

ROW = "display:flex;flex-wrap:wrap;align-items:center;gap:0.8em 1.2em;margin:0.4em 0"
TITLE = "margin:0 0 0.3em;font-size:0.85em;line-height:1.3"
# One accent for what is marked; signs as in inside/colours.py, see-through, so that they fit any ground.
ACCENT, POSITIVE, NEGATIVE = "#d6338a", "#d47e2c", "#439ad7"


@dataclass(frozen=True, repr=False)
class Figure:
    """`html`, one line of it; `alt`, what it shows in words, numbers included where they are few."""

    html: Markup
    alt: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.alt


def drawing(width: float, height: float, alt: str, *parts: Markup, title: str = "") -> Figure:
    """An SVG of this size in CSS pixels, no wider than the page; `title` stands above it as text."""
    image = element(
        "svg", parts, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width:g} {height:g}", width=f"{width:g}",
        height=f"{height:g}", role="img", aria_label=alt,
        style="max-width:100%;height:auto;display:block;color:inherit;font-family:inherit",
    )  # fmt: skip
    above = element("div", title, style=TITLE) if title else ""
    return Figure(element("div", above, image, style="max-width:100%"), f"{title}: {alt}" if title else alt)


def beside(*parts: Figure | str, alt: str = "") -> Figure:
    """Figures side by side, in several rows where the page is narrow; texts among them ("*", "=") stand between."""
    cells = [
        part.html if isinstance(part, Figure) else element("div", part, style="font-size:1.6em")
        for part in parts
    ]
    words = " ".join(part if isinstance(part, str) else f"[{part.alt}]" for part in parts)
    return Figure(element("div", cells, style=ROW), alt or words)


def letters(
    text: str, x: float, y: float, size: float = 13, anchor: str = "middle", *, fill: str = "currentColor",
    opacity: float = 1.0, bold: bool = False,
) -> Markup:  # fmt: skip
    """One line of text in a drawing; `y` is the middle of its digits."""
    return element(
        "text", text, x=round(x, 2), y=round(y + 0.36 * size, 2), font_size=size, text_anchor=anchor, fill=fill,
        opacity=None if opacity == 1 else opacity, font_weight="bold" if bold else None,
        style="font-variant-numeric:tabular-nums",
    )  # fmt: skip


def box(
    x: float, y: float, width: float, height: float, *, fill: str = "none", fill_opacity: float | None = None,
    stroke: str = "currentColor", stroke_width: float = 1, stroke_opacity: float | None = None, dash: str | None = None,
) -> Markup:  # fmt: skip
    """A rectangle of a drawing."""
    return element(
        "rect", x=round(x, 2), y=round(y, 2), width=round(width, 2), height=round(height, 2), fill=fill,
        fill_opacity=fill_opacity, stroke=stroke, stroke_width=stroke_width, stroke_opacity=stroke_opacity,
        stroke_dasharray=dash,
    )  # fmt: skip


def line(
    points: Sequence[tuple[float, float]],
    *,
    width: float = 1,
    stroke: str = "currentColor",
    opacity: float = 1,
    dash: str | None = None,
) -> Markup:
    """Straight lines through points."""
    return element(
        "polyline", points=" ".join(f"{x:.2f},{y:.2f}" for x, y in points), fill="none", stroke=stroke,
        stroke_width=width, stroke_opacity=opacity, stroke_dasharray=dash,
    )  # fmt: skip


__all__ = ["ACCENT", "NEGATIVE", "POSITIVE", "Figure", "beside", "box", "drawing", "letters", "line"]
