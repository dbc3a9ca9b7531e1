"""Networks and tables as HTML for a notebook, fit for any theme: text and rules have the page's own colour.

No scripts or style sheets. All on one line: Markdown would end the HTML at an empty one.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from pellucid.errors import NetworkError
from pellucid.network import table
from pellucid.network.graph import Network

LARGEST_DIAGRAM = 60_000  # bytes; ResNet-18's has 56,000

_CELL = "padding:0.15em 0.6em;vertical-align:top;white-space:"


def paragraph(text: str) -> str:
    """A line of text, escaped."""
    return f'<p style="margin:0.4em 0">{escape(text)}</p>'


def table_html(
    titles: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], total: bool = False
) -> str:
    """A table; the cells are text, and are escaped. The first cell of a row is its header; `total` sets off the last.

    `right` says which columns are set to the right. A table wider than the page scrolls by itself.
    """
    head = "".join(_cell("th", "col", t, r, "") for t, r in zip(titles, right, strict=True))
    rows = []
    for number, row in enumerate(cells):
        rule = "border-top:1px solid" if total and number == len(cells) - 1 else ""
        first, *others = zip(row, right, strict=True)
        rows.append(
            f"<tr>{_cell('th', 'row', *first, rule)}"
            + "".join(_cell("td", "", text, to_right, rule) for text, to_right in others)
            + "</tr>"
        )
    return (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;font-variant-numeric:tabular-nums">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def table_text(lines: Sequence[Sequence[str]]) -> str:
    """Its twin as text: the titles' line first, the first column to the left, the others to the right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "   ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def summary_html(rows: Sequence[table.Row]) -> str:
    """The summary of a network: a row for each layer, the totals, and what they take in memory."""
    sums = table.totals(rows)
    cells = [[cell.strip() for cell in row] for row in table.columns(rows, sums)]
    axes = table.axes_text(len(rows[0].receptive_field) if rows else 2)
    titles = [title.format(axes=axes) for title, _ in table.COLUMNS]
    shown = table_html(titles, cells, [right for _, right in table.COLUMNS], total=True)
    return shown + paragraph(table.memory(sums))


def diagram_html(network: Network) -> str:
    """The network's diagram as a picture, so that its colours and ids stay its own; nothing where it is a large one."""
    try:
        svg = network.diagram(fold=True).encode()
    except NetworkError:
        return ""
    if len(svg) > LARGEST_DIAGRAM:
        return ""
    source = f"data:image/svg+xml;base64,{b64encode(svg).decode()}"
    words = f"The network as blocks and lines: {len(network.nodes):,} layers, as in the table."
    return f'<p><img style="max-width:100%" alt="{escape(words)}" src="{source}"></p>'


def _cell(tag: str, scope: str, text: str, right: bool, rule: str) -> str:
    align = "right" if right else "left"
    place = f' scope="{scope}"' if scope else ""
    wrap = "nowrap" if right else "pre-wrap"  # a number in two lines would read as two
    style = f"text-align:{align};{_CELL}{wrap}" + (f";{rule}" if rule else "")
    return f'<{tag}{place} style="{style}">{escape(text)}</{tag}>'
