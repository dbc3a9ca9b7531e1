"""A value opened recursively: its largest terms, each opened in turn, and the rest of a sum as one remainder.

A remainder is the sum of the terms that it stands for, never a subtraction, so that every level adds up by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import fsum

from pellucid.inside.number import Inside, Number, Term
from pellucid.network.operations import Linear

LARGEST_TREE = 100_000  # values opened at most
DEEPEST = 100  # levels below one another at most: JSON is written little deeper


@dataclass(frozen=True, eq=False)
class Branch:
    """One term of a level, and the level below it, if it was opened."""

    term: Term
    level: Level | None


@dataclass(frozen=True, eq=False, repr=False)
class Level:
    """An opened value with its largest terms; `rest` are how many others there are, and what they add up to
    (before the divisor, as the terms). A formula that is no sum has no remainder: `rest_sum` is None."""

    number: Number
    branches: tuple[Branch, ...]
    rest: int
    rest_sum: float | None

    @property
    def total(self) -> float | None:
        """What the level comes to: its terms, its remainder and bias, over the divisor; or its formula's result."""
        opening = self.number.opening
        if not isinstance(opening, Linear):
            return self.number.sum
        terms = [branch.term.product for branch in self.branches]
        return fsum([*terms, self.rest_sum or 0.0, opening.bias]) / opening.divisor

    def _repr_html_(self) -> str:
        from pellucid.inside import notebook  # it writes levels

        return notebook.preformatted(repr(self))

    def __repr__(self) -> str:
        from pellucid.inside.tree_text import tree_lines

        return "\n".join([f"{self.number.place}   {self.number.kind}", *tree_lines(self)])

    def levels(self) -> Iterator[Level]:
        """This level and all below it, from the top."""
        yield self
        for branch in self.branches:
            if branch.level is not None:
                yield from branch.level.levels()


def expand(
    inside: Inside, number: Number, depth: int, top: int, _budget: list[int] | None = None, _above: int = 1
) -> Level:
    """Open a value `depth` levels down, `top` terms at each; a value that merely moved takes no level of its own.

    However deep and wide is asked for, no more than LARGEST_TREE values are opened, DEEPEST below one another.
    """
    budget = _budget if _budget is not None else [LARGEST_TREE]
    opening = number.opening
    if opening is None:
        return Level(number, (), 0, None)
    order = number.order
    taken = order[:top]
    branches = []
    for part, entry in taken:
        term = number.term(part, entry)
        level = None
        computed = term.source.tensor in inside.opened.graph.maker
        moved = opening.count == 1 and term.weight is None and isinstance(opening, Linear)
        if computed and (depth > 1 or moved) and budget[0] > 0 and _above < DEEPEST:
            budget[0] -= 1
            below = inside.open(term.source)
            level = expand(inside, below, depth if moved else depth - 1, top, budget, _above + 1)
        branches.append(Branch(term, level))
    rest_sum = None
    if isinstance(opening, Linear):
        rest_sum = fsum(float(opening.parts[part].products[entry]) for part, entry in order[top:])
    return Level(number, tuple(branches), len(order) - len(taken), rest_sum)
