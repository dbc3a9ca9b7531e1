"""The lines of a layout, corner by corner: each output that turns between two ranks has a track of its own there.

At a row's end the tracks turn down into a corridor between the rows, run back, and go in again from the other side.
Two outputs never lie on one another; one output's lines to several layers share their way and part at a fork.
"""

from __future__ import annotations

from collections import defaultdict

from pellucid.network.layout import AROUND, TRACK, Places, Row

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # main start, cross start, main end, cross end

PORT = 12.0  # between the places where lines go into one card


class Lines:
    """The lines of a layout, in the page's coordinates (main, cross). `paths`: the corners of each edge; `forks`: where
    one output goes two ways; `folds`: the outlines of each fold, one for each row that it stands in."""

    def __init__(self, places: Places) -> None:
        self.places, self.ranked = places, places.ranked
        self.row_of: dict[int, Row] = {rank: row for row in places.rows for rank in row.ranks}
        self.entry = self._entries()
        self.forks: set[Point] = set()
        # (rank, card): where the card's output turns behind that rank.
        self.turns: dict[tuple[int, int], tuple[float, ...]] = {}
        for rank in range(len(self.ranked.members) - 1):
            self._tracks(rank)
        self.paths = {edge: self._path(*edge) for edge in self.ranked.edges}
        self.folds = [self._outlines(fold) for fold in places.folds]

    def page(self, rank: int, card: int) -> float:
        """The cross coordinate of a card or its lane at a rank, on the page."""
        return self.row_of[rank].spine + self.places.cross[rank, card]

    def _entries(self) -> dict[tuple[int, int], float]:
        """Where each edge goes into its card, relative to the card's line: straight for the nearest, by order."""
        entry = {}
        for target in range(self.ranked.count):
            rank = self.ranked.rank[target]
            own = self.places.cross[rank, target]
            sources = sorted(
                self.ranked.sources.get(target, ()), key=lambda s: (self.places.cross[rank - 1, s], s)
            )
            if not sources:
                continue
            middle = min(
                range(len(sources)), key=lambda n: abs(self.places.cross[rank - 1, sources[n]] - own)
            )
            step = min(PORT, 30 / max(1, middle, len(sources) - 1 - middle))
            for place, source in enumerate(sources):
                others = [
                    self.places.cross[rank - 1, each]
                    for each in self.ranked.crossing[rank - 1]
                    if each != source
                ]
                offset = (place - middle) * step
                tries = 0
                while tries < 6 and any(abs(own + offset - other) < 3 for other in others):
                    offset, tries = offset + 3, tries + 1
                entry[source, target] = offset
        return entry

    def _goals(self, rank: int, card: int) -> list[float]:
        """Where a card's output goes behind a rank: lines into cards of the next one, and its lane there."""
        after = rank + 1
        goals = [
            self.page(after, target) + self.entry[card, target]
            for target in self.ranked.targets[card]
            if self.ranked.rank[target] == after
        ]
        if self.ranked.last[card] > after:
            goals.append(self.page(after, card))
        return goals

    def _tracks(self, rank: int) -> None:
        cards = sorted(self.ranked.crossing[rank], key=lambda c: (self.places.cross[rank, c], c))
        row = self.row_of[rank]
        if self.row_of[rank + 1] is row:
            behind = self.places.end(rank) + 11
            if any(rank + 1 in (fold.start, fold.stop) for fold in self.places.folds):
                behind += (AROUND + 4) * sum(rank + 1 == fold.stop for fold in self.places.folds)
            for card in cards:
                goals = self._goals(rank, card)
                here = self.page(rank, card)
                if any(abs(goal - here) > 0.01 for goal in goals):
                    self.turns[rank, card] = (behind,)
                    self._fork(behind, here, goals)
                    behind += TRACK
            return
        count = len(cards)
        for number, card in enumerate(cards):  # the uppermost turns outermost, so that none cross
            out = self.places.end(rank) + 11 + AROUND + TRACK * (count - 1 - number)
            between = row.spine + row.bottom + 12 + TRACK * (count - 1 - number)
            back = self.places.start[rank + 1] - 17 - AROUND - TRACK * number
            self.turns[rank, card] = (out, between, back)
            self._fork(back, between, self._goals(rank, card))

    def _fork(self, main: float, here: float, goals: list[float]) -> None:
        """Points of a track at which more than one way goes on."""
        ends = {here, *goals}
        if len(set(goals)) > 1:
            inner = {goal for goal in goals if min(ends) < goal < max(ends)}
            both = {here} if here in goals or min(goals) < here < max(goals) else set()
            self.forks |= {(main, cross) for cross in inner | both}

    def _path(self, source: int, target: int) -> list[Point]:
        cross = self.page(self.ranked.rank[source], source)
        points = [(self.places.start[self.ranked.rank[source]] + self.places.cards[source].length, cross)]
        for rank in range(self.ranked.rank[source], self.ranked.rank[target]):
            ends = rank + 1 == self.ranked.rank[target]
            goal = self.page(rank + 1, target if ends else source)
            goal += self.entry[source, target] if ends else 0.0
            turn = self.turns.get((rank, source), ())
            if len(turn) == 3:
                out, between, back = turn
                points += [(out, cross), (out, between), (back, between), (back, goal)]
            elif turn and abs(goal - cross) > 0.01:
                points += [(turn[0], cross), (turn[0], goal)]
            cross = goal
        return [*points, (self.places.start[self.ranked.rank[target]], cross)]

    def _outlines(self, fold: range) -> list[Box]:
        boxes: dict[int, Box] = {}
        bottoms: dict[int, float] = defaultdict(float)
        for rank in fold:
            row = self.row_of[rank]
            key = row.ranks.start
            for card in self.ranked.members[rank]:
                low = self.page(rank, card) + self.places.cards[card].after
                bottoms[key] = max(bottoms[key], low + AROUND - 4)
            for card in self.ranked.passing(rank):
                bottoms[key] = max(bottoms[key], self.page(rank, card) + 6)
            first = max(fold.start, key)
            boxes[key] = (
                self.places.start[first] - AROUND,
                row.spine + row.top,
                self.places.end(rank) + AROUND,
                bottoms[key],
            )
        return [boxes[key] for key in sorted(boxes)]
