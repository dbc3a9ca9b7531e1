"""The drawings of a report: an array of small squares for the odds, and the curves."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.evaluation.abstention import Abstention, Answers, curve
from pellucid.evaluation.calibration import Bin
from pellucid.evaluation.page.chart import BOTTOM, HEIGHT, TOP, WIDTH, Axis, Plot, outward
from pellucid.evaluation.page.markup import Markup, element
from pellucid.evaluation.page.records import Epoch
from pellucid.evaluation.page.words import Odds, percent

LABEL_ROOM = 74  # at the right, for the names of lines


def odds_array(odds: Odds) -> Markup:
    """One square a picture, the wrong ones empty with a cross; up to 1,000 squares."""
    columns, side = (20, 16) if odds.of == 100 else (50, 8)
    rows = odds.of // columns
    width, height = columns * side, rows * side
    gap = side / 8
    wrong = []
    for place in range(odds.right, odds.of):
        x, y = place % columns * side, place // columns * side
        inner = side - 2 * gap
        cross = f"M{x + 2 * gap} {y + 2 * gap}l{inner - 2 * gap} {inner - 2 * gap}m0 {2 * gap - inner}l{2 * gap - inner} {inner - 2 * gap}"  # noqa: E501
        wrong.append(element("rect", x=x, y=y, width=side, height=side, class_="ground"))
        wrong.append(
            element(
                "rect", x=x + gap + 0.5, y=y + gap + 0.5, width=inner - 1, height=inner - 1, class_="miss"
            )
        )
        wrong.append(element("path", d=cross, class_="cross"))
    square = element("rect", x=gap, y=gap, width=side - 2 * gap, height=side - 2 * gap, class_="hit")
    pattern = element("pattern", square, id="squares", width=side, height=side, patternUnits="userSpaceOnUse")
    return element(
        "svg", element("defs", pattern), element("rect", width=width, height=height, fill="url(#squares)"), wrong,
        viewBox=f"0 0 {width} {height}", role="img", class_="odds",
        aria_label=f"{odds.right:,} of {odds.of:,} squares filled, {odds.of - odds.right:,} empty with a cross",
    )  # fmt: skip


def reliability_figure(bins: Sequence[Bin]) -> Markup:
    """Share right over the mean confidence, a point a bin with its interval; bars show where the pictures are."""
    plot = Plot(Axis("how sure the answer was", 0, 1), Axis("of such answers, right", 0, 1))
    total = sum(row.count for row in bins)
    parts = [plot.line([(0, 0), (1, 1)], "ideal")]
    for row in bins:
        if row.accuracy is None or row.confidence is None or row.interval is None:
            continue
        left, right = plot.px(row.low), plot.px(row.high)
        top = plot.py(row.count / total)
        parts.insert(0, element("rect", x=round(left + 0.5, 1), width=round(right - left - 1, 1), y=round(top, 1),
                                height=round(HEIGHT - BOTTOM - top, 1), class_="bar"))  # fmt: skip
        x = round(plot.px(row.confidence), 1)
        low, high = (round(plot.py(bound), 1) for bound in row.interval)
        parts.append(element("line", x1=x, x2=x, y1=low, y2=high, class_="whisker"))
        parts.append(element("circle", cx=x, cy=round(plot.py(row.accuracy), 1), r=4, class_="point"))
    label = (
        "Reliability curve: for each group of answers, how sure they were against how many were right; "
        "the dashed line is where both are equal. The table below has the figures."
    )
    return plot.drawing(label, *parts)


def abstention_figure(answers: Answers, marks: Sequence[Abstention]) -> Markup:
    """Accuracy of the answered pictures over the share answered, with some thresholds marked."""
    shares = [row.share for row in marks if row.answered]
    low = min([*shares, 0.9]) if len(shares) == len(marks) else 0.0
    low = outward(low, 1.0)[0] if low > 0.2 else 0.0
    shown = curve(answers, low)
    floor = min(
        [accuracy for _, accuracy in shown] + [row.accuracy for row in marks if row.accuracy is not None]
    )
    bottom = max(outward(min(floor, 0.99), 1.0)[0], 0.0)
    plot = Plot(
        Axis("share of the pictures that is answered", low, 1), Axis("of the answered, right", bottom, 1)
    )
    parts = [plot.line(shown, "curve")]
    taken: list[tuple[float, float]] = []
    for row in marks:
        if row.accuracy is None or row.share < low:
            continue
        x, y = plot.px(row.share), plot.py(row.accuracy)
        if any(abs(x - a) < 30 and abs(y - b) < 16 for a, b in taken):
            continue
        taken.append((x, y))
        name = "all" if row.threshold == 0 else f"{row.threshold:g}"
        end = x > WIDTH - 60
        parts.append(element("circle", cx=round(x, 1), cy=round(y, 1), r=4, class_="point"))
        parts.append(element("text", name, x=round(x - 7 if end else x + 2, 1), y=round(y + 15, 1),
                             class_="tick end" if end else "tick"))  # fmt: skip
    label = (
        "Abstention curve: the share of right answers among those given, over the share of pictures that is "
        "answered, as the threshold rises. The table below has the figures."
    )
    return plot.drawing(label, *parts)


def learning_figure(epochs: Sequence[Epoch], best: int | None, loss: bool) -> Markup:
    """Loss or accuracy over the epochs, training dashed, validation solid, the chosen epoch marked."""
    train = [(epoch.number, epoch.loss if loss else epoch.accuracy) for epoch in epochs]
    validation = [
        (epoch.number, epoch.validation_loss if loss else epoch.validation_accuracy) for epoch in epochs
    ]
    values = [y for _, y in train + validation]
    low, high = outward(0.0 if loss else min(values), max(values) if loss else 1.0)
    y = Axis("loss (nats; less is better)" if loss else "right answers", max(low, 0.0), high, share=not loss)
    plot = Plot(_epoch_axis(len(epochs)), y, right=LABEL_ROOM)
    parts = [plot.line(train, "second"), plot.line(validation, "curve")]
    if len(epochs) <= 30:
        parts += [_dot(plot, x, y, "hollow") for x, y in train]
        parts += [_dot(plot, x, y, "point small") for x, y in validation]
    if best is not None and best <= len(epochs):
        x = round(plot.px(best), 1)
        parts.insert(0, element("line", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM, class_="mark"))
        parts.append(_dot(plot, *validation[best - 1], "ring"))
    first, second = plot.py(train[-1][1]), plot.py(validation[-1][1])
    if abs(first - second) < 14:  # the names would lie on each other
        middle, up = (first + second) / 2, 7 if first <= second else -7
        middle = min(max(middle, TOP + 4), HEIGHT - BOTTOM - 9)
        first, second = middle - up, middle + up
    x = WIDTH - LABEL_ROOM + 8
    parts.append(element("text", "training", x=x, y=round(first + 4, 1), class_="name"))
    parts.append(element("text", "validation", x=x, y=round(second + 4, 1), class_="name main"))
    what = "Loss" if loss else "Share of right answers"
    label = (
        f"{what} by epoch: training from {_said(train[0][1], loss)} to {_said(train[-1][1], loss)}, "
        f"validation from {_said(validation[0][1], loss)} to {_said(validation[-1][1], loss)}."
    )
    return plot.drawing(label, *parts)


def _epoch_axis(count: int) -> Axis:
    return _Epochs("epoch", 0.5, 1.5, share=False) if count == 1 else _Epochs("epoch", 1, count, share=False)


class _Epochs(Axis):
    """Whole epochs only."""

    def ticks(self) -> list[float]:
        return [tick for tick in super().ticks() if tick == int(tick)] or [1.0]

    def text(self, value: float) -> str:
        return f"{value:.0f}"


def _dot(plot: Plot, x: float, y: float, class_: str) -> Markup:
    radius = 6 if class_ == "ring" else 3
    return element("circle", cx=round(plot.px(x), 1), cy=round(plot.py(y), 1), r=radius, class_=class_)


def _said(value: float, loss: bool) -> str:
    return f"{value:.3f}" if loss else percent(value)
