"""The Markdown that exercises are written in, as HTML.

It is a part of CommonMark with pipe tables: paragraphs, fenced text, lists, tables, `code`, **strong**, *emphasis*, and
backslashes before punctuation. Any other Markdown stands as it is, and no HTML comes through.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.evaluation.page.markup import Child, Markup, element, joined

_FENCE = re.compile(r"(`{3,}|~{3,})\s*\w*\s*$")
_ITEM = re.compile(r"(?:[-*+]|\d{1,3}[.)])\s+(?=\S)")
_RULE = re.compile(r"\|?(?:\s*:?-+:?\s*\|)*\s*:?-+:?\s*\|?$")
_INLINE = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?P<ticks>`+)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
    # As CommonMark has it: what opens stands before a letter and not after one, and the other way round.
    r"|(?<!\w)\*\*(?=[^\s*])(?P<strong>(?:[^*]|(?<=\w)\*(?=\w))+?)(?<=[^\s*])\*\*(?!\w)"
    r"|(?<![\w*])\*(?=[^\s*])(?P<emphasis>[^*]+?)(?<=[^\s*])\*(?![\w*])"
)
_CELL = re.compile(r"[-−+]?(\d[\d,]*\.?\d*|\.\d+)(e[-+]?\d+)?|\?|…|_+", re.IGNORECASE)
_NO_XML = re.compile(
    "[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)  # what XML 1.0 has no way to write


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Fenced:
    text: str


@dataclass(frozen=True)
class Listing:
    items: tuple[str, ...]
    ordered: bool


@dataclass(frozen=True)
class Table:
    """Cells as Markdown; a head of empty cells is that of a matrix. `right` says which columns stand to the right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]


Block = Paragraph | Fenced | Listing | Table


def blocks(text: str) -> list[Block]:
    """The parts of a Markdown text, in their order."""
    lines = text.replace("\r\n", "\n").split("\n")
    found: list[Block] = []
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        if not line:
            at += 1
        elif match := _FENCE.match(line):
            end = at + 1
            while end < len(lines) and not lines[end].strip().startswith(match[1]):
                end += 1
            found.append(Fenced("\n".join(lines[at + 1 : end])))
            at = end + 1
        elif _is_table(lines, at):
            end = at + 2
            while end < len(lines) and lines[end].strip().startswith("|"):
                end += 1
            found.append(_table(lines[at:end]))
            at = end
        elif _ITEM.match(line):
            at = _list(lines, at, found)
        else:
            end = at + 1
            while end < len(lines) and not _breaks(lines, end):
                end += 1
            found.append(Paragraph("\n".join(part.strip() for part in lines[at:end])))
            at = end
    return found


def html(text: str, bordered: bool = False, filled: bool = False) -> Markup:
    """A Markdown text as HTML elements. `bordered` tables draw their lines themselves, where no style sheet does;
    `filled` leaves out tables to fill in, as where there is another to fill in."""
    return joined([block(part, bordered) for part in blocks(text) if not (filled and unfilled(part))])


def unfilled(part: Block) -> bool:
    """Whether this is a table to fill in: nothing stands in it but the names of its rows and columns."""
    return (
        isinstance(part, Table) and bool(part.rows) and not any(cell for row in part.rows for cell in row[1:])
    )


def inline(text: str) -> Markup:
    """One run of Markdown as HTML; what isn't markup is escaped."""
    parts: list[Child] = []
    at = 0
    for match in _INLINE.finditer(text):
        parts.append(clean(text[at : match.start()]))
        at = match.end()
        if match["escaped"]:
            parts.append(match["escaped"])
        elif match["code"]:
            parts.append(element("code", clean(match["code"])))
        elif match["strong"]:
            parts.append(element("strong", inline(match["strong"])))
        else:
            parts.append(element("em", inline(match["emphasis"])))
    return joined([*parts, clean(text[at:])])


def matrix(text: str) -> tuple[tuple[str, ...], ...]:
    """The rows of a fenced text that is a matrix: numbers in lines of one length. Empty if it is anything else."""
    rows = tuple(tuple(line.split()) for line in text.splitlines() if line.strip())
    right = len({len(row) for row in rows}) == 1 and all(
        _CELL.fullmatch(cell) for row in rows for cell in row
    )
    return rows if right else ()


def plain(text: str) -> str:
    """A Markdown text on one line, without its marks, for a question's name. Tables are left out."""
    words = [block.text for block in blocks(text) if isinstance(block, Paragraph)]
    bare = re.sub(r"<[^>]*>", "", inline(" ".join(words)))
    return " ".join(bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").split())


def picture(svg: str, about: str, class_: str | None = None) -> Markup:
    """A drawing as an image that holds it: whatever stands in the SVG, nothing in it can run."""
    data = base64.b64encode(svg.encode()).decode()
    return element("img", src=f"data:image/svg+xml;base64,{data}", alt=clean(about), class_=class_)


def clean(text: str) -> str:
    """Text without the characters that neither XML nor HTML can hold."""
    return _NO_XML.sub("\ufffd", text)


def cells(line: str) -> list[str]:
    """The cells of one line of a pipe table."""
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def _breaks(lines: Sequence[str], at: int) -> bool:
    """Whether a paragraph ends before this line."""
    line = lines[at].strip()
    return not line or bool(_FENCE.match(line)) or _is_table(lines, at) or bool(re.match(r"[-*+]\s+\S", line))


def _is_table(lines: Sequence[str], at: int) -> bool:
    if not lines[at].strip().startswith("|") or at + 1 >= len(lines):
        return False
    rule = lines[at + 1].strip()
    return bool(_RULE.fullmatch(rule)) and len(cells(rule)) == len(cells(lines[at]))


def _table(lines: Sequence[str]) -> Table:
    head, rule, *body = (cells(line) for line in lines)
    rows = [tuple((row + [""] * len(head))[: len(head)]) for row in body]
    return Table(tuple(head), tuple(rows), tuple(cell.endswith(":") for cell in rule))


def _list(lines: Sequence[str], at: int, found: list[Block]) -> int:
    """Read the list that begins at this line; give the line after it."""
    ordered = lines[at].strip()[0].isdigit()
    items: list[str] = []
    while at < len(lines) and (line := lines[at].strip()):
        match = _ITEM.match(line)
        if match and line[0].isdigit() == ordered:
            items.append(line[match.end() :])
        elif match or _breaks(lines, at):
            break
        else:
            items[-1] += f"\n{line}"
        at += 1
    found.append(Listing(tuple(items), ordered))
    return at


def block(part: Block, bordered: bool = False) -> Markup:
    """One part as an element."""
    match part:
        case Paragraph(text):
            return element("p", inline(text))
        case Fenced(text):
            rows = matrix(text)
            return _matrix(rows, bordered) if rows else element("pre", element("code", clean(text)))
        case Listing(items, ordered):
            return element("ol" if ordered else "ul", [element("li", inline(item)) for item in items])
        case Table(head, rows, right):
            return _matrix(rows, bordered) if not any(head) else _named(head, rows, right, bordered)


def _matrix(rows: tuple[tuple[str, ...], ...], bordered: bool) -> Markup:
    """A matrix: its rows and columns are numbered from 1, for eyes and for readers of screens."""
    width = len(rows[0]) if rows else 0
    head = [element("th", str(place), scope="col") for place in range(1, width + 1)]
    body = [
        element("tr", element("th", str(place), scope="row"), [element("td", inline(cell)) for cell in row])
        for place, row in enumerate(rows, 1)
    ]
    corner = element("td")
    return _grid("matrix", element("tr", corner, head), body, bordered)


def _named(
    head: tuple[str, ...], rows: tuple[tuple[str, ...], ...], right: tuple[bool, ...], bordered: bool
) -> Markup:
    """A table whose columns have names; with an empty first name its first column names the rows."""

    def line(row: tuple[str, ...]) -> list[Markup]:
        made = []
        for place, cell in enumerate(row):
            class_ = "figure" if right[place] else None
            if place == 0 and not head[0]:
                made.append(element("th", inline(cell), scope="row"))
            else:
                made.append(element("td", inline(cell), class_=class_))
        return made

    names = [
        element("th", inline(name), scope="col", class_="figure" if right[place] else None)
        if name
        else element("td")
        for place, name in enumerate(head)
    ]
    return _grid("named", element("tr", names), [element("tr", line(row)) for row in rows], bordered)


def _grid(kind: str, head: Markup, body: Child, bordered: bool) -> Markup:
    border, space = (1, 4) if bordered else (None, None)
    return element(
        "table", element("thead", head), element("tbody", body), class_=kind, border=border, cellpadding=space
    )
