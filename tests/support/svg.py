"""A drawing of ours read back: its texts with the room they take, its rectangles and its lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree

from pellucid.network.svg import text_width

SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]
Segment = tuple[float, float, float, float]


@dataclass(frozen=True)
class Line:
    """One path: the connections it stands for, and its straight pieces (a round corner is cut)."""

    wires: tuple[str, ...]
    pieces: tuple[Segment, ...]
    ends: tuple[tuple[float, float], tuple[float, float]]


class Drawing:
    """An SVG of pellucid's, parsed as XML."""

    def __init__(self, svg: str) -> None:
        self.root = ElementTree.fromstring(svg)
        self.size = tuple(float(n) for n in self.root.attrib["viewBox"].split()[2:])
        self.texts: list[tuple[str, Box]] = []
        self.rects: dict[str, list[Box]] = {}
        self.lines: list[Line] = []
        self.forks: list[tuple[float, float]] = []
        self._read(self.root, 0.0, 0.0, ())

    @property
    def runs(self) -> list[list[list[str]]]:
        """By card: the names of its layers, then those of each repetition."""
        found = [
            each.attrib["data-layers"] for each in self.root.iter(f"{SVG}g") if "data-layers" in each.attrib
        ]
        return [[run.split() for run in runs.split("|")] for runs in found]

    def _read(self, at: ElementTree.Element, dx: float, dy: float, wires: tuple[str, ...]) -> None:
        moved = re.fullmatch(r"translate\((\S+) (\S+)\)", at.attrib.get("transform", ""))
        if moved:
            dx, dy = dx + float(moved[1]), dy + float(moved[2])
        wires = tuple(at.attrib.get("data-wires", "").split()) or wires
        if at.tag == f"{SVG}defs":
            return
        if at.tag == f"{SVG}text":
            self.texts.append(("".join(at.itertext()), _box(at, dx, dy)))
        elif at.tag == f"{SVG}rect":
            x, y, width, height = (float(at.attrib.get(name, 0)) for name in ("x", "y", "width", "height"))
            box = (x + dx, y + dy, x + dx + width, y + dy + height)
            self.rects.setdefault(at.attrib.get("class", ""), []).append(box)
        elif at.tag == f"{SVG}circle" and at.attrib.get("class") == "fork":
            self.forks.append((float(at.attrib["cx"]) + dx, float(at.attrib["cy"]) + dy))
        elif at.tag == f"{SVG}path" and at.attrib.get("class") in ("edge", "link"):
            self.lines.append(_line(at.attrib["d"], dx, dy, wires))
        for child in at:
            self._read(child, dx, dy, wires)


def _box(at: ElementTree.Element, dx: float, dy: float) -> Box:
    size = float(at.attrib["font-size"])
    strong = at.attrib.get("class") == "strong"
    width = text_width(at.text or "", size, strong)
    for part in at:
        width += text_width(part.text or "", size, strong=True) + text_width(part.tail or "", size)
    x, y = float(at.attrib["x"]) + dx, float(at.attrib["y"]) + dy
    if at.attrib.get("text-anchor") == "middle":
        x -= width / 2
    elif at.attrib.get("text-anchor") == "end":
        x -= width
    return (x, y - 0.8 * size, x + width, y + 0.22 * size)


def _line(path: str, dx: float, dy: float, wires: tuple[str, ...]) -> Line:
    points = []
    pieces = []
    for command, numbers in re.findall(r"([MLQh])([-\d. ]+)", path):
        values = [float(n) for n in numbers.split()]
        x, y = (points[-1][0] - dx + values[0], points[-1][1] - dy) if command == "h" else values[-2:]
        here = (x + dx, y + dy)
        if command in "Lh":
            pieces.append((*points[-1], *here))
        points.append(here)
    return Line(wires, tuple(pieces), (points[0], points[-1]))


def overlap(one: Box, other: Box, by: float = 0.0) -> bool:
    """Whether two boxes share more than `by`."""
    return (
        min(one[2], other[2]) - max(one[0], other[0]) > by
        and min(one[3], other[3]) - max(one[1], other[1]) > by
    )


def meets(piece: Segment, box: Box) -> bool:
    """Whether a horizontal or vertical piece of line enters a box."""
    x0, x1 = sorted(piece[0::2])
    y0, y1 = sorted(piece[1::2])
    return x1 > box[0] + 0.2 and x0 < box[2] - 0.2 and y1 > box[1] + 0.2 and y0 < box[3] - 0.2
