"""A chapter's source: Markdown with live cells.

    ```python live          a cell that is run, and shown with what it gives; the last value is shown, as in a notebook
    ```python live fold     the same, its code folded away on the page
    Caption: words          right below a cell that draws: what is to be seen (a cell that draws needs one)
    {{2 + 3}} {{share:.1%}} in the text: the value, computed when the documents are built, formatted as by an f-string
    !!! hand "By hand"      a box, its text indented by four; kinds: hand, try, slip, note
    ??? answer "Answer"     the same, folded

All of a chapter's cells share one fresh kernel, in order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(
    r"^```python live(?P<fold> fold)?\n(?P<code>.*?)^```\n(?:Caption: (?P<caption>[^\n]+)\n)?", re.M | re.S
)
VALUE = re.compile(r"\{\{(.+?)\}\}", re.S)
BOX = re.compile(
    r'^(?P<mark>!!!|\?\?\?) (?P<kind>\w+) "(?P<title>[^"]*)"\n(?P<body>(?:\n| {4}[^\n]*\n)+)', re.M
)
KINDS = ("hand", "try", "slip", "note", "answer")


@dataclass(frozen=True)
class Text:
    """Markdown, with the expressions in it."""

    markdown: str


@dataclass(frozen=True)
class Live:
    """A cell; its caption is Markdown with expressions, too."""

    code: str
    caption: str = ""
    fold: bool = False


def expressions(markdown: str) -> list[str]:
    """What is to be computed in a text, in order."""
    return [each.strip() for each in VALUE.findall(markdown)]


def with_values(markdown: str, values: Sequence[str]) -> str:
    """A text with its expressions replaced by their values, in order."""
    found = iter(values)
    return VALUE.sub(lambda _: next(found), markdown)


@dataclass(frozen=True)
class Chapter:
    """A chapter: its file's name without the ending, its heading, its parts; `trains`: it needs torch."""

    name: str
    title: str
    parts: tuple[Text | Live, ...]

    @property
    def trains(self) -> bool:
        return any("pellucid.train(" in part.code for part in self.parts if isinstance(part, Live))

    @property
    def words(self) -> int:
        """Of the text alone."""
        return sum(len(re.findall(r"\w+", part.markdown)) for part in self.parts if isinstance(part, Text))


def parse(name: str, source: str) -> Chapter:
    """A chapter from its source. Raises ValueError, with the chapter's name, for what isn't right in it."""
    heading = re.match(r"# (\d+ · [^\n]+)\n", source)
    if not heading:
        raise ValueError(f'{name}: a chapter begins with "# 1 · Title"')
    parts: list[Text | Live] = []
    last = 0
    for match in FENCE.finditer(source):
        parts.append(Text(source[last : match.start()].strip("\n")))
        parts.append(Live(match["code"].rstrip("\n"), match["caption"] or "", bool(match["fold"])))
        last = match.end()
    parts.append(Text(source[last:].strip("\n")))
    for part in parts:
        if isinstance(part, Text):
            _check(name, part.markdown)
    return Chapter(name, heading[1], tuple(part for part in parts if isinstance(part, Live) or part.markdown))


def chapters(folder: Path) -> list[Chapter]:
    """All chapters of a folder, in order."""
    return [parse(path.stem, path.read_text()) for path in sorted(folder.glob("[0-9][0-9]-*.md"))]


def _check(name: str, markdown: str) -> None:
    if "python live" in markdown or re.search(r"^Caption:", markdown, re.M):
        raise ValueError(
            f"{name}: a live cell or a caption stands where it isn't understood: {markdown[:200]!r}"
        )
    for kind in re.findall(r"^(?:!!!|\?\?\?) (\w+)", markdown, re.M):
        if kind not in KINDS:
            raise ValueError(f"{name}: there is no box {kind!r}, only {', '.join(KINDS)}")
