"""What is taken for what: the confusion matrix, and the pictures of its cells."""

from __future__ import annotations

import base64
import math
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from pellucid.evaluation.page.markup import Child, Markup, element, name_of, path_of
from pellucid.evaluation.page.records import Picture, Report
from pellucid.evaluation.page.words import percent, plural
from pellucid.storage import shown

MOST_IN_TABLE = 30  # classes; more are drawn small
LEVELS = 5
PAIRS_IN_SIGHT = 8
MOST_PAIRS = 60  # without pictures
HEAT_SIDE = 960  # of the drawing, in pixels

Cell = tuple[int, int]


def confusion_section(report: Report) -> Markup:
    """The section as a whole."""
    evaluation = report.evaluation
    wrong = evaluation.count - int(evaluation.confusion.trace())
    pictures = _by_cell(report)
    opened = "Choose a number to see its pictures. " if len(evaluation.classes) <= MOST_IN_TABLE else ""
    words = element(
        "p",
        "Each row is what the pictures are, each column what they were called. The diagonal is right; "
        f"everything beside it is a mistake, more strongly tinted where it takes a larger share of its row. {opened}"
        f"{plural(wrong, 'mistake')} in {plural(evaluation.count, 'picture')}.",
    )
    in_table = len(evaluation.classes) <= MOST_IN_TABLE
    matrix = _table(report, pictures) if in_table else _heat(report, pictures)
    pairs = _pairs(report, pictures)
    layout = element("div", element("div", matrix, class_="matrix-side"), element("div", pairs), class_="two")
    return element(
        "section", element("h2", "What is taken for what", id="h-confusion"), words,
        layout if in_table else [matrix, pairs], aria_labelledby="h-confusion", id="confusion",
    )  # fmt: skip


def image(picture: Picture, alt: str, class_: str = "") -> Markup:
    """The picture itself, inside the page; or why it can't be shown."""
    if picture.image is None:
        return element("span", f"can't be shown: {picture.reason}", class_=f"gone {class_}".strip())
    data = base64.b64encode(picture.image.data).decode()
    crisp = "crisp" if max(picture.image.width, picture.image.height) <= 64 else ""
    return element(
        "img", src=f"data:{picture.image.media};base64,{data}", alt=alt,
        width=picture.image.width, height=picture.image.height, class_=f"{class_} {crisp}".strip() or None,
    )  # fmt: skip


def _by_cell(report: Report) -> Mapping[Cell, list[int]]:
    """The places of the pictures that are shown, by their cell, in the order they were chosen."""
    cells: dict[Cell, list[int]] = defaultdict(list)
    for place in report.pictures:
        cells[int(report.labels[place]), int(report.predicted[place])].append(place)
    return cells


def _levels(report: Report) -> np.ndarray:
    """How dark each mistake's cell is, 1 to LEVELS, by its share of the row; 0 where there is none."""
    confusion = report.evaluation.confusion
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(shares, 0)
    most = shares.max(initial=0)
    return np.ceil(LEVELS * np.sqrt(shares / most)).astype(int) if most else shares.astype(int)


def _anchor(cell: Cell) -> str:
    return f"c-{cell[0]}-{cell[1]}"


def _table(report: Report, pictures: Mapping[Cell, list[int]]) -> Markup:
    evaluation, levels = report.evaluation, _levels(report)
    heads = [element("th", name_of(name), scope="col", title=shown(name)) for name in evaluation.classes]
    rows = []
    for i, name in enumerate(evaluation.classes):
        cells = [element("th", name_of(name), scope="row", title=shown(name))]
        for j, other in enumerate(evaluation.classes):
            count = int(evaluation.confusion[i, j])
            kind = "right" if i == j else f"t{levels[i, j]}" if count else "none"
            inside: Markup | str = element("span", "0", class_="zero")
            if count:
                said = f"{plural(count, 'picture')} of {shown(name)} called {shown(other)}"
                inside = f"{count:,}"
                if (i, j) in pictures:
                    inside = element("a", inside, href=f"#{_anchor((i, j))}", aria_label=said)
            cells.append(element("td", inside, class_=kind))
        rows.append(element("tr", cells))
    table = element(
        "table",
        element("caption", "Confusion matrix: rows are what the pictures are, columns what they were called"),
        element("thead", element("tr", element("td", "is ↓ called →", class_="corner"), heads)),
        element("tbody", rows), class_="matrix",
    )  # fmt: skip
    return element("div", table, class_="scroll", tabindex=0, role="region", aria_label="Confusion matrix")


def _heat(report: Report, pictures: Mapping[Cell, list[int]]) -> Markup:
    """Many classes: each cell a small square, shades as in the table, those with pictures linked."""
    evaluation, levels = report.evaluation, _levels(report)
    count = len(evaluation.classes)
    side = max(HEAT_SIDE / count, 1.5)
    label_every = math.ceil(11 / side)
    size, room = count * side, 74  # for the names of the rows
    top = max(len(_short(name)) for name in evaluation.classes) * 6 + 12  # for those of the columns
    parts = []
    for level in range(1, LEVELS + 1):
        cells = [(int(i), int(j)) for i, j in np.argwhere(levels == level)]
        squares = "".join(f"M{j} {i}h1v1h-1z" for i, j in cells if (i, j) not in pictures)
        parts.append(element("path", d=squares, class_=f"t{level}") if squares else Markup(""))
        for i, j in cells:
            if (i, j) in pictures:
                parts.append(
                    _linked(report, (i, j), element("path", d=f"M{j} {i}h1v1h-1z", class_=f"t{level}"))
                )
    diagonal = "".join(f"M{i} {i}h1v1h-1z" for i in range(count) if evaluation.confusion[i, i])
    cells = element(
        "g", element("path", d=diagonal, class_="right"), parts, transform=f"translate({room} {top}) scale({side:.6g})"
    )  # fmt: skip
    labels = []
    for i in range(0, count, label_every):
        name, middle = _short(evaluation.classes[i]), (i + 0.5) * side
        labels.append(element("text", name, x=room - 5, y=round(top + middle + 3, 1), class_="tiny end"))
        turned = f"translate({room + middle + 3:.1f} {top - 5}) rotate(-90)"
        labels.append(element("text", name, transform=turned, class_="tiny"))
    frame = element("rect", x=room, y=top, width=size, height=size, class_="frame")
    corner = element("text", "is ↓ called →", x=room - 5, y=top - 5, class_="tiny end")
    whole, tall = round(room + size + 2), round(top + size + 2)
    drawing = element(
        "svg", frame, cells, labels, corner, viewBox=f"0 0 {whole} {tall}", width=whole, height=tall, class_="heat",
        role="img", aria_label=f"Confusion matrix of {count:,} classes in shades; the list below names its pairs",
    )  # fmt: skip
    return element("div", drawing, class_="scroll", tabindex=0, role="region", aria_label="Confusion matrix")


def _short(name: str) -> str:
    text = shown(name)
    return text if len(text) <= 12 else f"{text[:11]}…"


def _linked(report: Report, cell: Cell, square: Markup) -> Markup:
    title = element("title", _said(report, cell))
    return element("a", title, square, href=f"#{_anchor(cell)}", tabindex=-1)


def _said(report: Report, cell: Cell) -> str:
    names = [shown(report.evaluation.classes[i]) for i in cell]
    return f"{plural(int(report.evaluation.confusion[cell]), 'picture')} of {names[0]} called {names[1]}"


def _pairs(report: Report, pictures: Mapping[Cell, list[int]]) -> Markup:
    """The confused pairs, the most frequent first, each opening on its pictures; then the right answers."""
    confusion = report.evaluation.confusion
    wrong = [(int(i), int(j)) for i, j in np.argwhere(confusion) if i != j]
    wrong.sort(key=lambda cell: -int(confusion[cell]))
    kept = [cell for rank, cell in enumerate(wrong) if rank < MOST_PAIRS or cell in pictures]
    right = sorted(cell for cell in pictures if cell[0] == cell[1])
    parts = [element("h3", "The pairs, most frequent first")]
    if not wrong:
        parts.append(element("p", "No class was taken for another."))
    parts += [
        _pair(report, cell, pictures.get(cell, []), rank == 0)
        for rank, cell in enumerate(kept[:PAIRS_IN_SIGHT])
    ]
    if rest := kept[PAIRS_IN_SIGHT:]:
        inner = [_pair(report, cell, pictures.get(cell, []), False) for cell in rest]
        hidden = len(wrong) - len(kept)
        note = (
            element("p", f"{plural(hidden, 'rarer pair')} more, without pictures here.") if hidden else None
        )
        parts.append(_folded(f"{plural(len(rest), 'more pair')}", [inner, note]))
    if right:
        inner = [_pair(report, cell, pictures[cell], False) for cell in right]
        parts.append(_folded("right, but the least sure of each class", inner))
    return Markup("".join(parts))


def _folded(title: str, inside: Child) -> Markup:
    return element("details", element("summary", title), inside, class_="more")


def _pair(report: Report, cell: Cell, places: list[int], opened: bool) -> Markup:
    confusion, classes = report.evaluation.confusion, report.evaluation.classes
    count, support = int(confusion[cell]), int(confusion[cell[0]].sum())
    names = [name_of(classes[i]) for i in cell]
    same = cell[0] == cell[1]
    title = [
        element("span", names[0], element("span", " called ", class_="quiet"), names[1], class_="pair-name"),
        element("span", f"{count:,} of {support:,}", class_="pair-count"),
    ]
    if not places:
        return element("p", title, class_="pair bare")
    items = []
    for place in places:
        picture = report.pictures[place]
        alt = f"{shown(picture.path)}: {shown(classes[cell[0]])}, called {shown(classes[cell[1]])}"
        caption = element(
            "figcaption", element("b", percent(float(report.confidence[place]))), " ", path_of(picture.path)
        )
        items.append(element("li", element("figure", image(picture, alt), caption)))
    order = "least sure" if same else "surest"
    some = f"{len(places)} of {count:,} shown, the {order} first; the figure is how sure it was."
    return element(
        "details", element("summary", title), element("p", some, class_="note"), element("ul", items, class_="thumbs"),
        class_="pair", id=_anchor(cell), open=opened,
    )  # fmt: skip
