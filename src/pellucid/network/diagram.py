"""A network as a block diagram in SVG: every layer once, to scale, in words, and every connection as a line."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from pellucid.errors import NetworkError
from pellucid.network import block, layout
from pellucid.network.block import Scale, StageCard
from pellucid.network.graph import Network
from pellucid.network.layers import size_text
from pellucid.network.routing import Lines
from pellucid.network.stages import Plan, kind_of, plan
from pellucid.network.svg import Svg, cut_short, drawing, element, number, text, text_width, wrapped
from pellucid.network.text import layer_text

ROWS = (
    1140.0,
    1420.0,
    1700.0,
    2100.0,
)  # how long a row may be; the first that makes a page no higher than this:
HIGHEST = 1.42  # times its width, as paper is
MARGIN = 18.0
OVER = (20.0, 40.0)  # room for a fold's words: above it, or to its left where the diagram runs down
MOST_CARDS, MOST_LINES = 2_000, 10_000

# Kinds in the legend's order, with their colours.
LOOKS = {
    "input": "grey",
    "convolution": "blue",
    "normalisation": "grey",
    "activation": "green",
    "pooling": "orange",
    "dense": "purple",
    "join": "yellow",
    "other": "grey",
}
LEGEND = {"join": "addition (+) or concatenation (||)", "other": "flatten, dropout and other"}

_K = ".pellucid-diagram"
RULES = (
    f"{_K} .card{{fill:var(--card);stroke:var(--rule)}}{_K} .edge{{fill:none;stroke:var(--line);stroke-width:1.4}}"
    f"{_K} .head,{_K} .fork{{fill:var(--line)}}{_K} .fold{{fill:none;stroke:var(--line);stroke-dasharray:5 4}}"
    f"{_K} .face{{stroke:var(--ground);stroke-width:.6}}{_K} path.face{{opacity:.72}}{_K} path.far{{opacity:.5}}"
    f"{_K} .pattern{{fill:none;stroke:var(--ground);stroke-width:1}}"
    f"{_K} .sum{{fill:var(--card);stroke:var(--ink);stroke-width:1.4}}"
    f"{_K} .sign{{fill:none;stroke:var(--ink);stroke-width:1.6}}"
) + "".join(f"{_K} .{kind}>.face{{fill:var(--{colour})}}" for kind, colour in LOOKS.items())


def diagram(network: Network, title: str = "", fold: bool = False, down: bool = False) -> str:
    """The network as one SVG element, on one line.

    Layers that follow each other with nothing else between (conv, batchnorm, relu, pool) share a card, an addition or
    concatenation begins one; `fold` draws cards in a row that repeat once, with their count; `down` lets data flow
    down in one column, else it flows to the right, in rows. `title` stands above, the network's text unless given.
    NetworkError where it would be too large to be read.
    """
    made = plan(network, fold)
    ranked = layout.Ranked(len(made.stages), tuple(sorted(made.edges)))
    if ranked.count > MOST_CARDS or ranked.spans > MOST_LINES:
        raise NetworkError(
            f"the diagram would have {ranked.count:,} cards and {ranked.spans:,} pieces of line, more than the "
            f"{MOST_CARDS:,} and {MOST_LINES:,} that could still be read",
            where=network.text[:80],
            remedy="a part of the network"
            if fold
            else "draw what repeats once (fold), or a part of the network",
        )
    return _Drawing(network, made, ranked, down).svg(title)


class _Drawing:
    """One diagram in the making: from the layout's (main, cross) to the page's x and y."""

    def __init__(self, network: Network, made: Plan, ranked: layout.Ranked, down: bool) -> None:
        self.network, self.plan, self.down = network, made, down
        scale = self.scale = Scale.of(network)
        self.cards = [StageCard(network, stage, scale, beside=down) for stage in made.stages]
        self.zone = max(card.blocks_width for card in self.cards) + 2 * block.PAD if down else 0.0
        folds = [(fold.first, fold.last) for fold in made.folds]
        rooms = [self._room(card) for card in self.cards]
        for longest in (inf,) if down else ROWS:
            self.places = layout.Places(ranked, rooms, folds, longest, OVER[down])
            last = self.places.rows[-1]
            if last.spine + last.bottom + 120 <= HIGHEST * (self.places.length + 2 * MARGIN):
                break
        self.lines = Lines(self.places)
        first = self.places.rows[0]
        self.shift = MARGIN, MARGIN - (first.spine + first.top)  # main, cross

    def svg(self, title: str) -> Svg:
        last = self.places.rows[-1]
        long = self.places.length + 2 * MARGIN
        across = last.spine + last.bottom + self.shift[1] + MARGIN
        width, height = (across, long) if self.down else (long, across)
        facts = (
            f"input {size_text(self.network.input_shape)} · {len(self.network.nodes):,} layers · "
            f"{self.network.parameter_count:,} parameters · {self.network.mult_adds:,} mult-adds"
        )
        width = max(width, text_width(facts) + 2 * MARGIN, 340.0)
        heading = cut_short(title or self.network.text, width - 2 * MARGIN, 15, strong=True)
        legend, deep = self._legend(width - 2 * MARGIN)
        top = 56.0
        body = [
            block.patterns(),
            text(MARGIN, 28, heading, 15, "strong"),
            text(MARGIN, 47, facts, 11, "quiet"),
            element("g", self._body(), transform=f"translate(0 {number(top)})"),
            element("g", legend, transform=f"translate({number(MARGIN)} {number(top + height)})"),
        ]
        return drawing(
            "pellucid-diagram", width, top + height + deep + MARGIN, title or self.network.text[:200],
            self._about(facts), body, RULES,
        )  # fmt: skip

    def _room(self, card: StageCard) -> layout.Card:
        width, height = card.size(self.zone)
        if self.down:
            return layout.Card(height, self.zone / 2, width - self.zone / 2)
        return layout.Card(width, block.ZONE / 2, height - block.ZONE / 2)

    def _page(self, main: float, cross: float) -> tuple[float, float]:
        main, cross = main + self.shift[0], cross + self.shift[1]
        return (cross, main) if self.down else (main, cross)

    def _body(self) -> list[Svg]:
        folds = [part for number_ in range(len(self.plan.folds)) for part in self._fold(number_)]
        edges = [self._edge(edge) for edge in self.lines.paths]
        forks = [self._page(*fork) for fork in sorted(self.lines.forks)]
        dots = [element("circle", class_="fork", cx=x, cy=y, r=2.6) for x, y in forks]
        cards = []
        for number_, card in enumerate(self.cards):
            rank = self.places.ranked.rank[number_]
            x, y = self._page(self.places.start[rank], self.lines.page(rank, number_))
            before = self.zone / 2 if self.down else block.ZONE / 2
            corner = (x - before, y) if self.down else (x, y - before)
            cards.append(card.draw(*corner, self.zone))
        return [*folds, *edges, *dots, *cards]

    def _edge(self, edge: tuple[int, int]) -> Svg:
        points = [self._page(*point) for point in self.lines.paths[edge]]
        wires = " ".join(f"{source}>{target}" for source, target in self.plan.edges[edge])
        (x, y), size = points[-1], 6.0
        if self.down:
            head = f"M{number(x)} {number(y)}l-4 -{number(size)}h8z"
        else:
            head = f"M{number(x)} {number(y)}l-{number(size)} -4v8z"
        return element(
            "g",
            element("path", class_="edge", d=rounded(points)),
            element("path", class_="head", d=head),
            data_wires=wires,
        )

    def _fold(self, number_: int) -> list[Svg]:
        drawn = []
        words = f"x {self.plan.folds[number_].times}"
        for place, (start, low, end, high) in enumerate(self.lines.folds[number_]):
            x, y = self._page(start, low)
            right, bottom = self._page(end, high)
            drawn += [
                element("rect", class_="fold", x=x, y=y, width=right - x, height=bottom - y, rx=8),
                text(x + 8, y + 15, words + ", continued" * bool(place), 12, "strong"),
            ]
        return drawn

    def _legend(self, width: float) -> tuple[list[Svg], float]:
        """Its elements from (0, 0) on, and how high they are."""
        there = {kind_of(node) for node in self.network.nodes}
        drawn: list[Svg] = []
        x, y = 0.0, 0.0
        for kind in LOOKS:
            if kind in there:
                words = LEGEND.get(kind, kind)
                room = 18 + text_width(words) + 14
                if x and x + room > width:
                    x, y = 0.0, y + 18
                drawn += [block.swatch(kind, x, y), text(x + 18, y + 10, words, 11, "quiet")]
                x += room
        y += 30
        for line in wrapped(self.scale.about(), width):
            drawn.append(text(0, y, line, 11, "quiet"))
            y += 15
        return drawn, y - 12

    def _about(self, facts: str) -> str:
        """What a reader without the picture is told."""
        nodes = self.network.nodes
        said = [
            f"{node.name} ({layer_text(node.layer)}) takes in {' and '.join(node.inputs[:8])} and gives "
            f"{size_text(self.network.shapes[node.name])}"
            for node in nodes[:200]
        ]
        if len(nodes) > 200:
            said.append(f"and {len(nodes) - 200:,} further layers")
        repeats = [
            f"the cards from {self.plan.stages[fold.first].layers[0]} to {self.plan.stages[fold.last].layers[-1]} "
            f"stand {fold.times} times in a row"
            for fold in self.plan.folds
        ]
        return ". ".join(["A network as blocks and lines", facts, "; ".join(said), *repeats])


def rounded(points: Sequence[tuple[float, float]], radius: float = 5.0) -> str:
    """A line through these corners, each horizontal or vertical to the next, its corners round."""
    x, y = points[0]
    words = [f"M{number(x)} {number(y)}"]
    for before, (x, y), after in zip(points, points[1:], points[2:], strict=False):
        into, out = (x - before[0], y - before[1]), (after[0] - x, after[1] - y)
        lengths = [abs(step[0]) + abs(step[1]) for step in (into, out)]
        r = min(radius, lengths[0] / 2, lengths[1] / 2)
        if r < 0.05:
            continue
        start = x - into[0] / lengths[0] * r, y - into[1] / lengths[0] * r
        end = x + out[0] / lengths[1] * r, y + out[1] / lengths[1] * r
        words.append(
            f"L{number(start[0])} {number(start[1])}Q{number(x)} {number(y)} {number(end[0])} {number(end[1])}"
        )
    return "".join([*words, f"L{number(points[-1][0])} {number(points[-1][1])}"])
