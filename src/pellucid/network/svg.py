"""SVG from Python: elements whose text is escaped, the room that a text takes, and the looks that drawings share.

A drawing is one element on one line, well-formed as XML. Its text stays text. Its rules begin with its own class, so
that inside a page they reach nothing else; it is light or dark as the reader's system is, and light on paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

# Okabe and Ito's colours, apart for every kind of colour vision: (on light ground, on dark ground).
COLOURS = {
    "blue": ("#0072b2", "#56b4e9"),
    "orange": ("#d55e00", "#f0a860"),
    "green": ("#00795a", "#3cc9a0"),
    "purple": ("#a3497f", "#e19cc6"),
    "grey": ("#6b7078", "#a3a8b0"),
    "yellow": ("#9a7b00", "#e8d44d"),
}
INK = {"ink": ("#16181d", "#eceef2"), "quiet": ("#50555e", "#b3b8c2"), "line": ("#7c828c", "#858b96"),
       "ground": ("#ffffff", "#14161a"), "card": ("#f6f7f9", "#1d2026"), "rule": ("#d3d6dc", "#3a3f49")}  # fmt: skip
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, 'DejaVu Sans', sans-serif"

Child = str | Iterable["Child"]


class Svg(str):
    """Text that is SVG already; any other text is escaped on its way into an element."""


def element(name: str, *children: Child, **attributes: str | int | float) -> Svg:
    """`<name attributes>children</name>`. An underscore in an attribute's name becomes a hyphen, one at its end goes;
    numbers are written with at most one decimal."""
    words = [name]
    for key, value in attributes.items():
        written = value if isinstance(value, str) else number(value)
        words.append(f'{key.rstrip("_").replace("_", "-")}="{escape(legal(written))}"')
    inside = joined(children)
    return Svg(f"<{' '.join(words)}>{inside}</{name}>" if inside else f"<{' '.join(words)}/>")


def joined(children: Child) -> Svg:
    """Children one after the other."""
    if isinstance(children, Svg):
        return children
    if isinstance(children, str):
        return Svg(escape(legal(children), quote=False))
    return Svg("".join(joined(child) for child in children))


def legal(text: str) -> str:
    """Without the characters that XML can't hold (most control characters, halves of pairs)."""
    return "".join(
        letter
        if letter >= " " and not 0xD800 <= ord(letter) <= 0xDFFF and letter not in "\ufffe\uffff"
        else "\ufffd"
        for letter in text
    )


def number(value: float) -> str:
    """With one decimal at most, as a coordinate needs no more."""
    short = f"{value:.1f}".removesuffix(".0")
    return "0" if short == "-0" else short


def text(x: float, y: float, words: Child, size: float = 11, look: str = "", anchor: str = "start") -> Svg:
    """A line of text whose baseline is at y. `look`: classes, as "strong" or "quiet"."""
    classes = {"class_": look} if look else {}
    anchors = {"text_anchor": anchor} if anchor != "start" else {}
    return element("text", words, x=x, y=y, font_size=size, **classes, **anchors)


def text_width(words: str, size: float = 11, strong: bool = False) -> float:
    """How wide a line is at most in the usual sans-serif fonts: the widest of them (DejaVu Sans) by its letters."""
    ems = sum(_ems(letter) for letter in words)
    return ems * size * (1.12 if strong else 1)


def _ems(letter: str) -> float:
    if letter in "ijl.,:;|!'`I()[] ":
        return 0.4
    if letter in "mMwW%@—…" or ord(letter) > 0x2FF:
        return 1.0
    return 0.78 if letter.isupper() or letter in "+=<>&~#" else 0.64


def cut_short(words: str, width: float, size: float = 11, strong: bool = False) -> str:
    """The line if it fits, or as much as does, with an ellipsis."""
    if text_width(words, size, strong) <= width:
        return words
    while words and text_width(words + "…", size, strong) > width:
        words = words[:-1]
    return words.rstrip() + "…"


def wrapped(words: str, width: float, size: float = 11, strong: bool = False) -> list[str]:
    """Words on as many lines of this width as they need; a longer word is cut short."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, size, strong) <= width:
            lines[-1] = longer
        else:
            lines.append(cut_short(word, width, size, strong))
    return [line for line in lines if line]


def drawing(
    kind: str, width: float, height: float, title: str, about: str, body: Sequence[Child], rules: str = ""
) -> Svg:
    """The whole drawing. `kind` is its own class; `title` and `about` are read aloud; `rules` is further CSS, in which
    every selector begins with the class and colours are var(--NAME) of INK and COLOURS."""
    names = INK | COLOURS
    light = ";".join(f"--{name}:{pair[0]}" for name, pair in names.items())
    dark = ";".join(f"--{name}:{pair[1]}" for name, pair in names.items())
    own = f".{kind}"
    css = (
        f"{own}{{{light};font-family:{FONT}}}"
        f"@media screen and (prefers-color-scheme:dark){{{own}{{{dark}}}}}"
        f"{own} text{{fill:var(--ink);font-variant-numeric:tabular-nums}}{own} .strong{{font-weight:600}}"
        f"{own} .quiet{{fill:var(--quiet)}}{own} .ground{{fill:var(--ground)}}"
        f"@media print{{{own} .ground{{fill:none}}}}{rules}"
    )
    size = {
        "width": number(width),
        "height": number(height),
        "viewBox": f"0 0 {number(width)} {number(height)}",
    }
    return element(
        "svg",
        element("title", title),
        element("desc", about),
        element("style", Svg(escape(css, quote=False))),
        element("rect", class_="ground", width=width, height=height),
        body,
        xmlns="http://www.w3.org/2000/svg",
        role="graphics-document",
        class_=kind,
        **size,
    )
