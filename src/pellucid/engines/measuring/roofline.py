"""The roofline as a drawing: how many operations a byte a compiled step has, how fast it runs, and how fast it could.

After S. Williams, A. Waterman, D. Patterson: "Roofline: an insightful visual performance model for multicore
architectures" (2009). Both axes are logarithmic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pellucid.engines.measuring.figure import Row
from pellucid.network.svg import Svg, drawing, element, text, text_width

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 62, 24, 56, 52
LABELS = 12  # of the points that take most time: more words would cover each other
Box = tuple[float, float, float, float]
RULES = (
    ".roofline .grid{stroke:var(--rule)}.roofline .axis{stroke:var(--line)}"
    ".roofline .roof{fill:none;stroke:var(--blue);stroke-width:2}"
    ".roofline .memory{fill:none;stroke:var(--grey);stroke-width:2;stroke-dasharray:6 4}"
    ".roofline .sgemm{fill:none;stroke:var(--green);stroke-width:1.5;stroke-dasharray:2 3}"
    ".roofline .lead{stroke:var(--orange);stroke-width:.7}"
    ".roofline .layer{fill:var(--orange);stroke:var(--orange);stroke-width:1.5}"
    ".roofline .back{fill:var(--ground)}"
)


def roofline(rows: Sequence[Row], title: str) -> str:
    """One SVG element of the rows of `measure`: compiled steps that have products, forward and back."""
    machine = {row.name: row.median for row in rows if row.part == "machine"}
    peak, sgemm = machine["multiply-add"], machine["matrix product (sgemm)"]
    cache, memory = machine["cache bandwidth"], machine["memory bandwidth"]
    layers = [row for row in rows if row.part == "layers" and row.about.get("gflops")]
    intensities = [row.about["flop_per_byte"] for row in layers] + [peak / cache, peak / memory]
    rates = [row.about["gflops"] for row in layers]
    x0, x1 = _bounds(min(intensities) / 2, max(intensities) * 2)
    y0, y1 = _bounds(min([*rates, peak / 10]) / 1.5, max([*rates, peak]) * 1.5)

    def px(value: float) -> float:
        return LEFT + (math.log10(value) - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT)

    def py(value: float) -> float:
        share = (math.log10(value) - y0) / (y1 - y0)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def roof(bandwidth: float, class_: str) -> Svg:
        """Along the slope of a bandwidth up to the peak, then level."""
        low = max(10**x0, 10**y0 / bandwidth)
        knee = min(max(peak / bandwidth, low), 10**x1)
        points = [(low, low * bandwidth), (knee, min(knee * bandwidth, peak)), (10**x1, peak)]
        return element(
            "polyline", points=" ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in points), class_=class_
        )

    body: list[Svg] = [
        text(LEFT, 22, title, 14, "strong"),
        text(
            LEFT,
            42,
            "each point: a step of the engine in training, full on the way forward, hollow on the way back",
            11,
            "quiet",
        ),
    ]
    for axis, first, last in (("x", x0, x1), ("y", y0, y1)):
        for value in _round_numbers(first, last):
            label = f"{value:,g}"
            if axis == "x":
                line = {"x1": px(value), "x2": px(value), "y1": TOP, "y2": HEIGHT - BOTTOM}
                body.append(text(px(value), HEIGHT - BOTTOM + 16, label, 10, "quiet", "middle"))
            else:
                line = {"x1": LEFT, "x2": WIDTH - RIGHT, "y1": py(value), "y2": py(value)}
                body.append(text(LEFT - 6, py(value) + 4, label, 10, "quiet", "end"))
            body.append(element("line", class_="grid", **line))
    sgemm_from = min(max(10**x0, sgemm / cache), 10**x1)
    body += [
        roof(memory, "memory"),
        roof(cache, "roof"),
        element(
            "polyline",
            points=f"{px(sgemm_from):.1f},{py(sgemm):.1f} {WIDTH - RIGHT},{py(sgemm):.1f}",
            class_="sgemm",
        ),
    ]
    legend = (
        ("roof", f"peak {peak:,.0f} GFLOP/s · cache {cache:,.0f} GB/s"),
        ("memory", f"memory {memory:,.0f} GB/s"),
        ("sgemm", f"sgemm {sgemm:,.0f} GFLOP/s"),
    )
    for number, (class_, words) in enumerate(legend):
        y = HEIGHT - BOTTOM - 14 - 18 * (len(legend) - 1 - number)
        x = WIDTH - RIGHT - 12 - text_width(legend[0][1])
        body.append(element("line", x1=x - 34, x2=x - 8, y1=y - 4, y2=y - 4, class_=class_))
        body.append(text(x, y, words))
    places = [(px(row.about["flop_per_byte"]), py(row.about["gflops"])) for row in layers]
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in places]
    longest = sorted(zip(layers, places, strict=True), key=lambda point: -point[0].about["share_of_time"])
    for row, (x, y) in longest[:LABELS]:
        name = f"{row.about['layers'][0]} {row.about['pass']}"
        body += _label(f"{name}  {row.about['gflops']:,.0f}", x, y, taken)
    for row, (x, y) in zip(layers, places, strict=True):
        look = "layer" if row.about["pass"] == "forward" else "layer back"
        body.append(element("circle", cx=x, cy=y, r=4.5, class_=look))
    body.append(
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "operations a byte (FLOP / byte)", 11, "", "middle")
    )
    body.append(text(14, TOP - 8, "GFLOP/s", 11))
    about = "; ".join(
        f"{row.name} {row.about['pass']}: {row.about['gflops']:,.0f} GFLOP/s, "
        f"{row.about['share_of_ceiling']:.0%} of what is possible"
        for row in layers
    )
    return drawing("roofline", WIDTH, HEIGHT, title, about, body, RULES)


def _label(words: str, x: float, y: float, taken: list[Box]) -> list[Svg]:
    """The words beside their point: right or left of it where they cover nothing, else further down or up, with a line
    that leads there."""
    width, height = text_width(words), 13
    for away in sorted(range(-20, 21), key=abs):
        for side in (x + 8, x - 8):
            left = side if side > x else side - width
            box = (left, y - 7 + away * height, left + width, y - 7 + (away + 1) * height)
            inside = (
                box[0] > LEFT and box[2] < WIDTH - RIGHT and box[1] > TOP and box[3] < HEIGHT - BOTTOM - 60
            )
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                lead = element("line", x1=x, y1=y, x2=side, y2=box[1] + 7, class_="lead")
                anchor = "start" if side > x else "end"
                return [*([lead] if away else []), text(side, box[1] + 11, words, anchor=anchor)]
    return [text(x + 8, y + 4, words)]


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _bounds(low: float, high: float) -> tuple[float, float]:
    """The logarithms of the numbers 1, 2 or 5 times a power of ten just outside."""
    numbers = _round_numbers(math.log10(low) - 1, math.log10(high) + 1)
    return (
        math.log10(max(each for each in numbers if each <= low)),
        math.log10(min(each for each in numbers if each >= high)),
    )


def _round_numbers(first: float, last: float) -> list[float]:
    """Those of 1, 2 and 5 times powers of ten whose logarithm is from `first` to `last`."""
    powers = range(math.floor(first), math.ceil(last) + 1)
    numbers = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    return [each for each in numbers if first - 1e-9 <= math.log10(each) <= last + 1e-9]
