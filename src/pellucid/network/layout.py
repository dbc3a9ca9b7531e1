"""Where cards go: a layered layout in which no line meets a card, and so no line crosses text.

Data flows along the main axis, rank by rank; a card's rank is the length of the longest way to it. The longest way to
the output is the spine, and lies straight. What skips ranks passes them in a lane of its own: above the cards where it
comes from the spine, below them otherwise. A row ends where it is full and little is under way.

Sugiyama, Tagawa and Toda, Methods for visual understanding of hierarchical system structures (1981), is the general
method; here all orders follow from the spine, so there is nothing to iterate. Coordinates are (main, cross); cross is
relative to the row's spine. `routing` draws the lines between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

LANE, GAP, TRACK, ROOM = 14.0, 18.0, 8.0, 28.0
AROUND = 12.0  # between a fold's outline and its cards


@dataclass(frozen=True)
class Card:
    """The room that a card takes: along the main axis, and to both sides of where its lines go in and out."""

    length: float
    before: float
    after: float


@dataclass(frozen=True)
class Ranked:
    """Cards and lines by rank. Every edge leads from a card to a later one."""

    count: int
    edges: tuple[tuple[int, int], ...]

    @cached_property
    def targets(self) -> dict[int, list[int]]:
        """What takes in each card's output."""
        found: dict[int, list[int]] = defaultdict(list)
        for source, target in self.edges:
            found[source].append(target)
        return found

    @cached_property
    def sources(self) -> dict[int, list[int]]:
        """What each card takes in."""
        found: dict[int, list[int]] = defaultdict(list)
        for source, target in self.edges:
            found[target].append(source)
        return found

    @cached_property
    def rank(self) -> list[int]:
        """The length of the longest way to each card."""
        rank = [0] * self.count
        for card in range(self.count):
            rank[card] = max((rank[each] + 1 for each in self.sources.get(card, ())), default=0)
        return rank

    @cached_property
    def members(self) -> list[list[int]]:
        """The cards of each rank."""
        members: list[list[int]] = [[] for _ in range(max(self.rank) + 1)]
        for card, rank in enumerate(self.rank):
            members[rank].append(card)
        return members

    @cached_property
    def last(self) -> list[int]:
        """The rank to which each card's output goes furthest; its own where nothing takes it in."""
        return [
            max((self.rank[t] for t in self.targets.get(card, ())), default=self.rank[card])
            for card in range(self.count)
        ]

    @property
    def spans(self) -> int:
        """How many pieces of line there are between neighbouring ranks."""
        return sum(last - rank for last, rank in zip(self.last, self.rank, strict=True))

    @cached_property
    def crossing(self) -> list[list[int]]:
        """By rank: the cards whose output goes on from it to the next one."""
        crossing: list[list[int]] = [[] for _ in self.members]
        for card in range(self.count):
            for rank in range(self.rank[card], self.last[card]):
                crossing[rank].append(card)
        return crossing

    @cached_property
    def spine(self) -> frozenset[int]:
        """The cards of the longest way to the last card."""
        at = self.count - 1
        spine = {at}
        while self.sources.get(at):
            at = max(self.sources[at], key=lambda card: (self.rank[card], -card))
            spine.add(at)
        return frozenset(spine)

    @cached_property
    def lanes(self) -> dict[int, int]:
        """Above the spine: the lane of each output that skips ranks; 0 is next to the cards, the shortest first."""
        skipping = [c for c in self.spine if self.last[c] > self.rank[c] + 1]
        taken: list[set[int]] = []
        lanes = {}
        for card in sorted(skipping, key=lambda c: (self.last[c] - self.rank[c], c)):
            ranks = range(self.rank[card], self.last[card])
            lane = next((n for n, used in enumerate(taken) if used.isdisjoint(ranks)), len(taken))
            if lane == len(taken):
                taken.append(set())
            taken[lane].update(ranks)
            lanes[card] = lane
        return lanes

    @cached_property
    def branch(self) -> list[int]:
        """The first card off the spine on the way to each: branches keep this order below it."""
        branch = list(range(self.count))
        for card in range(self.count):
            off = [each for each in self.sources.get(card, ()) if each not in self.spine]
            if off:
                branch[card] = min(branch[each] for each in off)
        return branch

    def anchor(self, rank: int) -> int:
        """The card that lies on the row's line."""
        return next((card for card in self.members[rank] if card in self.spine), self.members[rank][0])

    def passing(self, rank: int) -> list[int]:
        """Whose output passes a rank without ending there."""
        return [card for card in self.crossing[rank] if self.rank[card] < rank]

    def turning(self, rank: int) -> int:
        """How many outputs may turn between this rank and the next."""
        return sum(
            card not in self.lanes
            or self.rank[card] == rank
            or any(self.rank[t] == rank + 1 for t in self.targets[card])
            for card in self.crossing[rank]
        )


@dataclass
class Row:
    """Ranks in one row. `spine` is its cross coordinate on the page; `top` and `bottom` are relative to it."""

    ranks: range
    spine: float = 0.0
    top: float = 0.0
    bottom: float = 0.0


class Places:
    """Where everything is: `start` of each rank on the main axis, and `cross` of (rank, card): the card's own line at
    its rank, its lane at later ones. `columns` are the ranks' lengths, `channels` the room behind each."""

    def __init__(
        self,
        ranked: Ranked,
        cards: Sequence[Card],
        folds: Sequence[tuple[int, int]],
        longest: float,
        over: float,
    ) -> None:
        """`folds`: first and last card of each; `longest`: a row's length; `over`: room above folds for words."""
        self.ranked, self.cards = ranked, cards
        self.folds = [_ranks_of(ranked, first, last) for first, last in folds]
        self.columns = [max(cards[card].length for card in members) for members in ranked.members]
        self.channels = [
            ROOM
            + TRACK * max(0, ranked.turning(rank) - 1)
            + (AROUND + 4) * sum(rank + 1 in (fold.start, fold.stop) for fold in self.folds)
            for rank in range(len(ranked.members))
        ]
        self.rows = [Row(ranks) for ranks in self._broken(longest)]
        self.left = max((self.half(row.ranks.start - 1) for row in self.rows[1:]), default=0.0)
        if any(fold.start == row.ranks.start for fold in self.folds for row in self.rows):
            self.left = max(self.left, AROUND + 2)
        self.start: dict[int, float] = {}
        self.cross: dict[tuple[int, int], float] = {}
        for row in self.rows:
            self._lengthwise(row)
            self._crosswise(row, over)
        self.length = max(self.end(row.ranks[-1]) for row in self.rows)
        self.length += max((self.half(row.ranks[-1]) for row in self.rows[:-1]), default=0.0)
        self._stack()

    def end(self, rank: int) -> float:
        """Where a rank's longest card ends."""
        return self.start[rank] + self.columns[rank]

    def half(self, rank: int) -> float:
        """The room that lines take behind a row's last rank, or before the next one's first."""
        return ROOM + TRACK * (len(self.ranked.crossing[rank]) - 1) + AROUND

    def _broken(self, longest: float) -> list[range]:
        """The rows: few, even, and ending where one line goes on and no fold is cut in two."""
        count = len(self.columns)
        best: list[tuple[float, int]] = [(0.0, 0)] + [(float("inf"), 0)] * count
        for stop in range(1, count + 1):
            if stop < count:
                ends = 1.0 + 6 * (len(self.ranked.crossing[stop - 1]) - 1)
                ends += 6 * sum(fold.start < stop < fold.stop for fold in self.folds)
            else:
                ends = 0.0
            length = 0.0
            for start in range(stop - 1, -1, -1):
                length += self.columns[start] + (self.channels[start] if start < stop - 1 else 0.0)
                if length > longest and start < stop - 1:
                    break
                empty = max(0.0, 1 - length / longest) if longest < float("inf") else 0.0
                cost = best[start][0] + ends + (empty**2 if stop < count else empty**2 / 4)
                best[stop] = min(best[stop], (cost, start))
        rows, stop = [], count
        while stop:
            rows.append(range(best[stop][1], stop))
            stop = best[stop][1]
        return rows[::-1]

    def _lengthwise(self, row: Row) -> None:
        at = self.left
        for rank in row.ranks:
            self.start[rank] = at
            at += self.columns[rank] + self.channels[rank]

    def _crosswise(self, row: Row, over: float) -> None:
        ranked, cards = self.ranked, self.cards
        before = max(cards[ranked.anchor(rank)].before for rank in row.ranks)
        row.top = -before
        for rank in row.ranks:
            anchor = ranked.anchor(rank)
            self.cross[rank, anchor] = 0.0
            filled = cards[anchor].after
            others = [card for card in (*ranked.members[rank], *ranked.passing(rank)) if card != anchor]
            for card in sorted(others, key=lambda c: (ranked.branch[c], c)):
                own = ranked.rank[card] == rank
                if not own and card in ranked.lanes:
                    y = -before - GAP / 2 - LANE * (ranked.lanes[card] + 0.5)
                    row.top = min(row.top, y - LANE / 2)
                elif own:
                    wanted = [self.cross.get((rank - 1, s), 0.0) for s in ranked.sources[card]]
                    y = max(filled + GAP + cards[card].before, *wanted)
                    filled = y + cards[card].after
                else:
                    y = max(filled + LANE, self.cross.get((rank - 1, card), 0.0))
                    y = self._apart(rank, card, y)
                    filled = y
                self.cross[rank, card] = y
            row.bottom = max(row.bottom, filled)
        if any(fold.start in row.ranks or fold.stop - 1 in row.ranks for fold in self.folds):
            row.top -= over
            row.bottom += AROUND

    def _apart(self, rank: int, card: int, y: float) -> float:
        """A lane that isn't where another output comes from, so that two lines never lie on one another."""
        others = [self.cross.get((rank - 1, each)) for each in self.ranked.crossing[rank - 1] if each != card]
        while any(other is not None and abs(other - y) < 4 for other in others):
            y += 4
        return y

    def _stack(self) -> None:
        below = 0.0
        for before, row in zip([None, *self.rows], self.rows, strict=False):
            if before is not None:
                below += 20 + TRACK * len(self.ranked.crossing[before.ranks[-1]])
            row.spine = below - row.top
            below = row.spine + row.bottom


def _ranks_of(ranked: Ranked, first: int, last: int) -> range:
    ranks = [ranked.rank[card] for card in range(first, last + 1)]
    return range(min(ranks), max(ranks) + 1)
