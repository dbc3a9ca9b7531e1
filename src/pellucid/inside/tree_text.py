"""A value opened recursively, as lines: one for each term, one step further in for each level."""

from __future__ import annotations

from collections.abc import Iterator

from pellucid.inside.equation import formula_text
from pellucid.inside.tree import Level
from pellucid.network.operations import Formula, Linear, number
from pellucid.storage import shown


def tree_lines(level: Level, indent: int = 1) -> Iterator[str]:
    """The terms of a level and, under each, what it was opened to; what isn't shown is one line with its sum."""
    opened, opening, space = level.number, level.number.opening, "  " * indent
    if opening is None:
        yield f"{space}{opened.reason}"
        return
    if isinstance(opening, Formula):
        yield f"{space}= {formula_text(opening)}"
    for branch in level.branches:
        term = branch.term
        weighed = "" if term.weight is None else f" x {number(term.weight)} = {number(term.product)}"
        kind = f"   {branch.level.number.kind}" if branch.level is not None else ""
        yield f"{space}{shown(str(term.source))} {number(term.input)}{weighed}{kind}"
        if branch.level is not None:
            yield from tree_lines(branch.level, indent + 1)
    if level.rest:
        rest = "" if level.rest_sum is None else f", together {number(level.rest_sum)}"
        yield f"{space}{level.rest:,} more{rest}"
    if isinstance(opening, Linear) and (opening.count > 1 or opening.bias_operand is not None):
        if opening.bias_operand is not None:
            yield f"{space}bias {number(opening.bias)}"
        over = f" / {number(opening.divisor)}" if opening.divisor != 1 else ""
        yield f"{space}{over}= {number(level.total or 0.0)}"
