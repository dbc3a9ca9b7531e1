"""HTML from Python: elements whose text is escaped unless it is markup already, so that no name becomes markup."""

from __future__ import annotations

import html
from collections.abc import Iterable

from pellucid.storage import shown

VOID = frozenset({"meta", "img", "br", "line", "rect", "path", "circle", "polyline", "use"})  # no closing tag


class Markup(str):
    """Text that is HTML; any other text is escaped on its way into an element."""


Child = str | int | Iterable["Child"] | None


def element(name: str, /, *children: Child, **attributes: str | int | float | bool | None) -> Markup:
    """`<name attributes>children</name>`.

    What comes out is well-formed as XML, too. Attributes: a trailing underscore goes (class_), inner ones become
    hyphens (aria_label); True is written as the attribute's own name, False and None not at all. Children: text,
    numbers, elements, or lists of them.
    """
    words = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        value = f"{value:.6g}" if isinstance(value, float) else value
        words.append(f'{key}="{key if value is True else html.escape(str(value))}"')
    start = "<" + " ".join(words)
    if name in VOID:
        return Markup(start + "/>")
    return Markup(f"{start}>{joined(children)}</{name}>")


def joined(children: Child) -> Markup:
    """Children one after the other."""
    if children is None:
        return Markup("")
    if isinstance(children, Markup):
        return children
    if isinstance(children, str | int):
        return Markup(html.escape(str(children), quote=False))
    return Markup("".join(joined(child) for child in children))


def name_of(text: str) -> Markup:
    """A class's or a file's name: on one line, never markup, its direction its own."""
    return element("bdi", shown(text))


def path_of(text: str) -> Markup:
    """A file's path, which may be broken anywhere."""
    return element("bdi", shown(text), class_="path")
