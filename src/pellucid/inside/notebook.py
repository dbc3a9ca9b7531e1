"""What was opened, for people: as text, and as HTML for a notebook. Nothing is said by colour alone."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from pellucid.inside.equation import text as number_text
from pellucid.inside.on_picture import heat_panel
from pellucid.inside.pictures import png
from pellucid.network.notebook import paragraph, table_html
from pellucid.network.operations import number
from pellucid.storage import shown

if TYPE_CHECKING:
    from pellucid.inside.explanation import Explanation
    from pellucid.inside.number import Number
    from pellucid.inside.trail import Step

RUNNERS_UP = 4
TERMS = 5


def number_html(opened: Number) -> str:
    """An opened value: the equation as it is written in the terminal."""
    return preformatted(number_text(opened))


def preformatted(text: str) -> str:
    """Lines of text, escaped, in one line of HTML (Markdown would end it at an empty line)."""
    lines = "<br>".join(escape(line).replace("  ", "&nbsp; ") for line in text.split("\n"))
    return f'<div style="overflow-x:auto"><code style="white-space:pre;background:none">{lines}</code></div>'


def answer_line(explanation: Explanation) -> str:
    """8, 99.5%; runners-up 3 0.2%, 9 0.1%."""
    answer = explanation.answer
    (label, probability), *others = answer.top(1 + RUNNERS_UP)
    line = f"{shown(label)}   {probability:.1%}"
    if others:
        line += "   runners-up " + ", ".join(f"{shown(name)} {p:.1%}" for name, p in others)
    if answer.classes[answer.target] != label:
        line += (
            f"   explained: {shown(answer.classes[answer.target])} {answer.probabilities[answer.target]:.1%}"
        )
    return line


def versus_lines(explanation: Explanation) -> list[str]:
    """Why this class and not the other: the terms of the difference of two sums, the strongest first."""
    versus = explanation.versus
    if versus is None:
        return []
    names = explanation.answer.classes
    a, b = shown(names[versus.a]), shown(names[versus.b])
    order = versus.order()[:TERMS]
    places = [explanation.inside.places.at(versus.source, versus.index[i]) for i in order]
    width = max((len(str(place)) for place in places), default=0)
    lines = [
        f"why {a} and not {b}: their sums differ by {number(versus.score_a - versus.score_b)} "
        f"({number(versus.score_a)} - {number(versus.score_b)}), term by term"
    ]
    for i, place in zip(order, places, strict=True):
        product = float(versus.products[i])
        weights = f"({number(float(versus.weights_a[i]))} - {number(float(versus.weights_b[i]))})"
        lines.append(
            f"  {shown(str(place)):<{width}}  {float(versus.inputs[i]):>8.4g} x {weights:<24} "
            f"{product:+.4f}   for {a if product > 0 else b}"
        )
    rest = float(np.delete(versus.products, order).sum())
    if len(versus.products) > len(order):
        lines.append(
            f"  {f'the other {len(versus.products) - len(order):,} terms':<{width + 37}} {rest:+.4f}"
        )
    lines.append(f"  {'biases':<{width + 37}} {versus.bias_a - versus.bias_b:+.4f}")
    lines.append(f"  {'total':<{width + 37}} {versus.value:+.4f}")
    return lines


def trail_rows(explanation: Explanation) -> list[tuple[str, str, str]]:
    """(value, what it is, its strongest terms) for every step of the network that isn't a mere move, and the pixel."""
    before = explanation.inside.places.channel_last
    steps = [step for step in explanation.trail if not step.moved and step.number.place.tensor not in before]
    rows = [(_place(step), number(step.number.stored), _strongest(step)) for step in steps]
    last = explanation.trail[-1].strongest if explanation.trail else ()
    if last and last[0].source.tensor in explanation.inside.opened.graph.inputs:
        rows.append(
            (shown(str(last[0].source)), number(last[0].input), "the picture's pixel, before preprocessing")
        )
    return rows


def heat_line(explanation: Explanation) -> str:
    """What the heatmap is, and whether it is faithful."""
    if explanation.heatmap is None:
        return ""
    line = explanation.heatmap.method
    return f"{line}: {explanation.deletion.verdict}" if explanation.deletion else line


def grad_cam_lines(explanation: Explanation) -> list[str]:
    """Grad-CAM as its own arithmetic, at its strongest place: channel weights x maps, summed, no less than 0."""
    grad = explanation.grad_cam
    if grad is None or not grad.heat.size:
        return []
    place = np.unravel_index(int(grad.heat.argmax()), grad.heat.shape)
    values = grad.maps[(slice(None), *place)]
    products = grad.weights * values
    order = np.argsort(-np.abs(products), kind="stable")[:TERMS]
    where = ",".join(str(int(n)) for n in place)
    name = shown(grad.layer)
    lines = [f"its strongest place is [{where}]: each channel of {name} there, times its mean gradient"]
    names = [f"{name}[{channel},{where}]" for channel in order]
    width = max(map(len, names))
    for channel, text in zip(order, names, strict=True):
        left = f"  {text:<{width}}  {values[channel]:>9.4g} x {grad.weights[channel]:>+11.4g}"
        lines.append(f"{left}  {products[channel]:+.6f}")
    rest = float(np.delete(products, order).sum())
    if len(products) > len(order):
        lines.append(f"  {f'the other {len(products) - len(order):,} channels':<{width + 25}}  {rest:+.6f}")
    total = float(grad.weighted[place])
    lines.append(f"  {'sum':<{width + 25}}  {total:+.6f}")
    lines.append(f"  heat[{where}] = max(0, {number(total)}) = {number(float(grad.heat[place]))}")
    return lines


def explanation_text(explanation: Explanation) -> str:
    """Answer, runners-up, why not the other, the trail, the heatmap in words, and what was lacking."""
    rows = trail_rows(explanation)
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    lines = [answer_line(explanation), *versus_lines(explanation)]
    lines.append("the strongest evidence, layer by layer, back to a pixel")
    lines += [f"  {a:<{widths[0]}}  {b:>{widths[1]}}   {c}" for a, b, c in rows]
    lines += [each for each in (heat_line(explanation),) if each]
    lines += grad_cam_lines(explanation)
    lines += explanation.lacking
    lines += [f"assumed: {each}" for each in explanation.assumed]
    return "\n".join(lines)


def explanation_html(explanation: Explanation) -> str:
    """The same as HTML, with the picture and its heatmap."""
    parts = [paragraph(answer_line(explanation))]
    if explanation.heatmap is not None:
        picture = base64.b64encode(panel_png(explanation)).decode()
        said = shown(heat_line(explanation)).replace('"', "'")
        parts.append(
            f'<img style="max-width:100%" alt="{_attribute(said)}" src="data:image/png;base64,{picture}">'
        )
        parts.append(paragraph(heat_line(explanation)))
    if explanation.grad_cam is not None:
        parts.append(preformatted("\n".join(grad_cam_lines(explanation))))
    if explanation.versus is not None:
        parts.append(preformatted("\n".join(versus_lines(explanation))))
    parts.append(paragraph("the strongest evidence, layer by layer, back to a pixel"))
    parts.append(
        table_html(("value", "is", "its strongest terms"), trail_rows(explanation), (False, True, False))
    )
    parts += [
        paragraph(each) for each in (*explanation.lacking, *(f"assumed: {a}" for a in explanation.assumed))
    ]
    return "".join(parts)


def panel_png(explanation: Explanation) -> bytes:
    """The picture beside the one under its heatmap, as a PNG file."""
    heatmap, answer = explanation.heatmap, explanation.answer
    assert heatmap is not None
    height, width = explanation.pixels.shape[:2]
    title = (
        f"{shown(answer.classes[answer.target])} {answer.probabilities[answer.target]:.1%}: {heatmap.method}"
    )
    panel = heat_panel(explanation.pixels, heatmap.over(height, width), title)
    return png(panel, {"Title": title, "Model": explanation.where, "Software": "pellucid"})


def _place(step: Step) -> str:
    return shown(str(step.number.place))


def _strongest(step: Step) -> str:
    texts = [
        f"{shown(str(term.source))} {number(float(f'{term.input:.4g}'))}"
        if term.weight is None
        else f"{shown(str(term.source))} {term.product:+.4g}"
        for term in step.strongest
    ]
    if step.rest > 0:
        texts.append(f"{step.rest:,} more")
    return ", ".join(texts)


def _attribute(text: str) -> str:
    return escape(text, quote=True)
