"""The trail from an answer back to a pixel: at each value the strongest of what it was made of, and on from there."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid.inside.number import Inside, Number, Term
from pellucid.inside.places import Place
from pellucid.network.operations import Linear

LONGEST = 2_000  # steps; a graph is passed through once


@dataclass(frozen=True, eq=False)
class Step:
    """One value on the trail, its strongest terms (first the one that the trail follows), and how many more it has."""

    number: Number
    strongest: tuple[Term, ...]
    rest: int

    @property
    def moved(self) -> bool:
        """Whether the value only came from elsewhere."""
        opening = self.number.opening
        return isinstance(opening, Linear) and opening.count == 1 and opening.parts[0].weights is None


def trail(inside: Inside, start: Place, top: int = 3) -> list[Step]:
    """From a value to a pixel. Among the terms, only computed ones and the picture's are followed, not weights."""
    steps: list[Step] = []
    place: Place | None = start
    while place is not None and len(steps) < LONGEST:
        number = inside.open(place)
        if number.node is None:
            break
        constants = inside.opened.graph.constants
        terms = [number.term(*each) for each in number.order[: 8 * top]]
        data = [term for term in terms if term.source.tensor not in constants]
        shown = tuple(data[:top])
        steps.append(Step(number, shown, (number.opening.count if number.opening else 0) - len(shown)))
        place = shown[0].source if shown else None
    return steps
