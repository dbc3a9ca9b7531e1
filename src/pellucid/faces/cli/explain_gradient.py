"""`pellucid explain MODEL IMAGE --gradient WEIGHT[index]`: how one weight learns from one picture."""

from __future__ import annotations

from math import fsum

import numpy as np

from pellucid.errors import SettingsError
from pellucid.faces.cli import output
from pellucid.inside import wire
from pellucid.inside.columns import Row, aligned, in_column
from pellucid.inside.learning import GradientTerms, LearningStep, learning_step
from pellucid.inside.number import Inside
from pellucid.network.operations import number
from pellucid.storage import shown


def explain_gradient(
    inside: Inside, text: str, label: int, classes: tuple[str, ...], rate: float, top: int, as_json: bool
) -> None:
    """Print one learning step of one weight: its gradient as terms, the update with its numbers."""
    place = inside.places.find(text)
    if not inside.places.is_constant(place.tensor):
        raise SettingsError(
            "only weights learn: this is a value that is computed", where="--gradient", received=shown(text),
            remedy="a weight as conv1.weight[3,0,1,1]",
        )  # fmt: skip
    step = learning_step(inside.opened, place.tensor, place.full, label, rate)
    if as_json:
        output.print_json(wire.learning_document(inside, step, classes[label]).model_dump(mode="json"))
        return
    name = shown(str(place))
    print(
        f"{name}   one step on this picture, labelled {shown(classes[label])}: [{', '.join(place.axes)}], from 0"
    )
    print(f"  loss {number(step.loss)} = -log of the label's probability {step.probability:.6g}")
    rows = [row for terms in step.terms for row in _terms(inside, terms, top)]
    rows.append(Row("  gradient of the loss by this weight", step.gradient, _held(step)))
    print("\n".join(in_column(rows, least=52)))
    print("  weight after = weight before - rate x gradient")
    print(f"  {name} = {step.formula}")
    print(f"  loss after   {number(step.loss_after)}, the label's probability {step.probability_after:.6g}")


def _terms(inside: Inside, terms: GradientTerms, top: int) -> list[Row]:
    order = np.argsort(-np.abs(terms.products), kind="stable")
    taken = order[:top]
    results = [shown(str(inside.places.at(terms.result, terms.result_index[i]))) for i in taken]
    sources = [_source(inside, terms, int(i)) for i in taken]
    deltas = [f"{terms.deltas[i]:.4g}" for i in taken]
    inputs = aligned([float(terms.inputs[i]) for i in taken])
    widths = [max(map(len, texts), default=0) for texts in (results, deltas, sources)]
    some = f", the {top} largest" if len(order) > top else ""
    rows = [
        Row(
            f"  {len(order):,} terms{some}: how the loss changes with a result x the input that the weight met"
        )
    ]
    for i, result, delta, source, value in zip(taken, results, deltas, sources, inputs, strict=True):
        left = f"  d loss / d {result:<{widths[0]}}  {delta:>{widths[1]}}  x  {source:<{widths[2]}}  {value}"
        rows.append(Row(left, float(terms.products[i])))
    if len(order) > top:
        rest = fsum(float(terms.products[i]) for i in order[top:])
        rows.append(Row(f"  the other {len(order) - top:,} terms", rest))
    return rows


def _source(inside: Inside, terms: GradientTerms, i: int) -> str:
    if not terms.source or terms.input_index is None:
        return ""
    return shown(str(inside.places.at(terms.source, terms.input_index[i])))


def _held(step: LearningStep) -> str:
    return f"PyTorch's own {number(step.by_autograd)}, difference {step.difference:.0e}"
