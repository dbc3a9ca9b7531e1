"""A stage as a card: its layers as blocks to scale, and beneath or beside them what they are, in words.

Blocks are boxes in parallel projection: as high as log2 of the feature map's rows, as deep as that of its columns, as
wide as that of its channels; once flattened, a bar as high as log2 of its values. The largest of the network is full
size, and the legend says which that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2, prod

from pellucid.network.fitting import INPUT
from pellucid.network.graph import Network
from pellucid.network.layers import Form, Layer, Shape, size_text
from pellucid.network.stages import KINDS, Stage
from pellucid.network.svg import Svg, cut_short, element, number, text, text_width
from pellucid.network.text import layer_text, node_text

SIZE, LEADING, PAD = 10.5, 14.0, 9.0
WORDS = 184.0  # how wide the words of a card may be
ZONE = 74.0  # how high the part with the blocks is
LEFT_OUT = {"nobias", "epsilon", "momentum"}  # said in the card's title alone
HIGH, DEEP, WIDE = (4.0, 42.0), (2.0, 13.0), (5.0, 30.0)  # a block's least, and what the largest adds to it

Sizes = tuple[float, float, float]  # width, height, depth
Line = tuple[str, str, str]  # a name, what stands beside it, and a class


@dataclass(frozen=True)
class Scale:
    """The largest of each in a network."""

    rows: int
    columns: int
    channels: int
    values: int
    called: str = "rows"

    @classmethod
    def of(cls, network: Network) -> Scale:
        """The scale on which every layer's output fits."""
        maps = [shape for shape in network.shapes.values() if len(shape) > 1]
        flat = [shape[0] for shape in network.shapes.values() if len(shape) == 1]
        return cls(
            max((_rows(shape) for shape in maps), default=1),
            max((shape[-1] for shape in maps), default=1),
            max((shape[0] for shape in maps), default=1),
            max(flat, default=1),
            "depth x rows" if any(len(shape) > 3 for shape in maps) else "rows",
        )

    def about(self) -> str:
        """What the sizes mean, with the largest."""
        said = []
        if self.channels > 1 or self.rows > 1 or self.columns > 1:
            said.append(
                f"Blocks are as high as log2 of their {self.called} (most: {self.rows:,}), as deep as log2 of "
                f"their columns ({self.columns:,}) and as wide as log2 of their channels ({self.channels:,})."
            )
        if self.values > 1:
            said.append(f"Bars are as high as log2 of their values ({self.values:,}).")
        return " ".join(said)


def _rows(shape: Shape) -> int:
    """A signal's one, a picture's rows, a volume's depth times rows: all spatial axes but the last."""
    return prod(shape[1:-1])


def _grown(size: tuple[float, float], n: int, most: int) -> float:
    return size[0] + size[1] * (log2(n + 1) / log2(most + 1))


def operation(layer: Layer, shape: Shape) -> list[str]:
    """What a layer does, as a reader would say it: ["conv 3x3, 64", "stride 2", "pad 1"]; `shape` goes in."""
    forms = {argument.word: argument.form for argument in layer.arguments if argument.word}
    plain: list[str] = []
    options: list[str] = []
    words = iter(layer_text(layer).split())
    for word in words:
        if word not in forms:
            plain.append(word)
            continue
        value = "" if forms[word] is Form.FLAG else next(words, "")
        if word == "groups" and value == str(shape[0]):
            options.append("depthwise")
        elif word not in LEFT_OUT:
            options.append(f"{word} {value}".rstrip())
    if layer.word == "conv":
        plain = [
            "conv",
            f"{'x'.join(plain[2].split('x') * (1 if 'x' in plain[2] else len(shape) - 1))},",
            plain[1],
        ]
    return [" ".join(plain), *options]


def names(stage: Stage, place: int) -> str:
    """The name of a stage's layer, with its names in the repetitions."""
    all_names = [stage.layers[place], *(copy[place] for copy in stage.copies)]
    if len(all_names) > 3:
        all_names = [all_names[0], "…", all_names[-1]]
    return ", ".join(cut_short(name, 90, SIZE, strong=True) for name in all_names).replace(", …,", " …")


class StageCard:
    """One card: its lines of words, its blocks, and the room that they take."""

    def __init__(self, network: Network, stage: Stage, scale: Scale, beside: bool) -> None:
        """`beside`: words to the right of the blocks, for diagrams that run down."""
        self.network, self.stage, self.scale, self.beside = network, stage, scale, beside
        self.nodes = {node.name: node for node in network.nodes if node.name in stage.layers}
        self.lines = self._lines()
        self.words = max(_line_width(line) for line in self.lines)
        self.blocks, self.blocks_width = self._blocks()

    def size(self, zone: float) -> tuple[float, float]:
        """(width, height) on the page; `zone`: the width kept for blocks where words stand beside them."""
        high = LEADING * len(self.lines)
        if self.beside:
            return zone + self.words + 2 * PAD, max(ZONE, high + 2 * PAD)
        return max(self.words, self.blocks_width) + 2 * PAD, ZONE + high + PAD

    def draw(self, x: float, y: float, zone: float) -> Svg:
        """The card with its upper left corner there."""
        width, height = self.size(zone)
        left = x + (zone - self.blocks_width) / 2 if self.beside else x + PAD
        middle = y + height / 2 if self.beside else y + ZONE / 2
        words_x = x + zone + PAD if self.beside else x + PAD
        words_y = y + (height - LEADING * len(self.lines)) / 2 if self.beside else y + ZONE
        runs = "|".join(" ".join(run) for run in (self.stage.layers, *self.stage.copies))
        return element(
            "g",
            element("title", self.title()),
            element("rect", class_="card", x=x, y=y, width=width, height=height, rx=6),
            [_cuboid(kind, left + at, middle, sizes) for kind, at, sizes in self.blocks],
            [
                text(words_x, words_y + LEADING * n + SIZE, _marked(name, rest), SIZE, look)
                for n, (name, rest, look) in enumerate(self.lines)
            ],
            class_="stage",
            data_layers=runs,
        )

    def title(self) -> str:
        """All that the card says, and what it leaves out, as one text."""
        if self.stage.layers == (INPUT,):
            return f"input: {size_text(self.network.input_shape)}"
        said = []
        for place, name in enumerate(self.stage.layers):
            node = self.nodes[name]
            called = ", ".join([name, *(copy[place] for copy in self.stage.copies)])
            said.append(
                f"{called}: {node_text(node, node.inputs[0])}, gives {size_text(self.network.shapes[name])}"
            )
        return "; ".join(said)

    def _lines(self) -> list[Line]:
        if self.stage.layers == (INPUT,):
            return [(INPUT, "", ""), ("", size_text(self.network.input_shape), "quiet")]
        lines: list[Line] = []
        shown: Shape | None = None
        for place, name in enumerate(self.stage.layers):
            node = self.nodes[name]
            inputs = self.network.inputs_of(node)
            called = names(self.stage, place)
            pieces = operation(node.layer, inputs[0])
            lines += _filled(called, [piece + "," for piece in pieces[:-1]] + pieces[-1:])
            facts = []
            shape = self.network.shapes[name]
            if shape != shown:
                facts.append(size_text(shape) if len(shape) > 1 else f"{prod(shape):,} values")
                shown = shape
            count = sum(prod(each) for each in node.layer.weight_shapes(*inputs).values())
            if count:
                times = f"{self.stage.times} x " if self.stage.times > 1 else ""
                facts.append(f"{times}{count:,} parameter{'s' * (count > 1)}")
            if len(facts) == 2 and text_width(" · ".join(facts), SIZE) <= WORDS:
                facts = [" · ".join(facts)]
            lines += [("", fact, "quiet") for fact in facts]
        return lines

    def _blocks(self) -> tuple[list[tuple[str, float, Sizes]], float]:
        """(kind, where, (width, height, depth)) of each, and the width of all."""
        found: list[tuple[str, float, Sizes]] = []
        at = 0.0
        before: Shape | None = None
        for name in self.stage.layers:
            shape = self.network.shapes[name]
            node = self.nodes.get(name)
            kind = "input" if node is None else KINDS.get(node.layer.word, "other")
            if kind == "join" and node is not None:
                found.append((node.layer.word, at, (18, 18, 0)))
                at += 24
            sizes = self._size(shape)
            if shape == before and kind not in ("convolution", "dense"):
                sizes = (4.0, *sizes[1:])  # it changes values, not their shape: a thin slice
            found.append((kind, at, sizes))
            at += sizes[0] + sizes[2] + (3 if shape == before else 5)
            before = shape
        return found, at - 3

    def _size(self, shape: Shape) -> Sizes:
        if len(shape) == 1:
            return 6.0, _grown((4.0, 52.0), shape[0], self.scale.values), 0.0
        return (
            _grown(WIDE, shape[0], self.scale.channels),
            _grown(HIGH, _rows(shape), self.scale.rows),
            _grown(DEEP, shape[-1], self.scale.columns),
        )


def _line_width(line: Line) -> float:
    name, rest, _ = line
    return text_width(name, SIZE, strong=True) + text_width(" " * bool(name and rest) + rest, SIZE)


def _marked(name: str, rest: str) -> list[str]:
    return [element("tspan", name, class_="strong"), f" {rest}" if rest else ""] if name else [rest]


def _filled(name: str, pieces: Sequence[str]) -> list[Line]:
    """A name and pieces after it, on as many lines as they need."""
    lines: list[Line] = [(name, "", "")]
    for piece in pieces:
        called, rest, look = lines[-1]
        longer = (called, f"{rest} {piece}".strip(), look)
        if _line_width(longer) <= WORDS:
            lines[-1] = longer
        else:
            lines.append(("", cut_short(piece, WORDS, SIZE), ""))
    return lines


def _cuboid(kind: str, x: float, middle: float, sizes: Sizes) -> Svg:
    """A block whose left edge is at x and which is centred on `middle`; joins are their sign in a circle."""
    width, height, depth = sizes
    if kind in ("add", "concat"):
        r = width / 2
        cross = (
            f"M{number(x + 4)} {number(middle)}h{number(width - 8)}M{number(x + r)} {number(middle - r + 4)}v"
        )
        bars = f"M{number(x + r - 3)} {number(middle - 5)}v10m6 -10v"
        return element(
            "g",
            element("circle", class_="sum", cx=x + r, cy=middle, r=r),
            element("path", class_="sign", d=f"{cross}{number(width - 8)}" if kind == "add" else f"{bars}10"),
        )
    top = middle - (height + depth) / 2 + depth
    front = {"x": x, "y": top, "width": width, "height": height}
    faces = []
    if depth:
        lid = f"M{number(x)} {number(top)}l{number(depth)} -{number(depth)}h{number(width)}l-{number(depth)} "
        side = f"M{number(x + width)} {number(top)}l{number(depth)} -{number(depth)}v{number(height)}"
        faces = [
            element("path", class_="face", d=f"{lid}{number(depth)}z"),
            element("path", class_="face far", d=f"{side}l-{number(depth)} {number(depth)}z"),
        ]
    return element(
        "g",
        faces,
        element("rect", class_="face", **front),
        element("rect", class_="over", fill=f"url(#pellucid-{kind})", **front) if kind in PATTERNS else "",
        class_=f"block {kind}",
    )


# What tells the kinds apart without colour: lines over the front of a block, on a square of 4 or 5.
PATTERNS = {
    "pooling": "M0 2h4",
    "activation": "M-1 1l2 -2M0 4l4 -4M3 5l2 -2",
    "normalisation": "M1 1h1.4M3 3h1.4",
    "join": "M0 2h4M2 0v4",
    "dense": "M2 0v4",
}


def patterns() -> Svg:
    """Their definitions."""
    return element(
        "defs",
        [
            element(
                "pattern",
                element("path", class_="pattern", d=path),
                id=f"pellucid-{kind}",
                width=4,
                height=4,
                patternUnits="userSpaceOnUse",
            )
            for kind, path in PATTERNS.items()
        ],
    )


def swatch(kind: str, x: float, y: float) -> Svg:
    """A small block for the legend, its upper left corner there."""
    return _cuboid(kind, x, y + 6, (12.0, 12.0, 0.0))
