"""What was opened, as documents of the published schema (`inside/schema.py`)."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

from pellucid.inside.number import Inside, Number, Term
from pellucid.inside.places import Place
from pellucid.inside.schema import (
    ClassDocument,
    DeletionDocument,
    DifferenceTerm,
    ExplanationDocument,
    Figure,
    GradientTerm,
    HeatmapDocument,
    LearningDocument,
    LevelDocument,
    PlaceDocument,
    Remainder,
    StepDocument,
    TermDocument,
    VersusDocument,
    WindowDocument,
)
from pellucid.inside.tree import Branch, Level
from pellucid.network.operations import Formula, Linear, Window

if TYPE_CHECKING:
    from pellucid.inside.difference import Difference
    from pellucid.inside.explanation import Explanation
    from pellucid.inside.heatmap import Heatmap
    from pellucid.inside.learning import LearningStep


def explanation_document(explanation: Explanation, path: str | None) -> ExplanationDocument:
    """An explanation; `path`, where its heatmap was written."""
    answer, versus, heatmap = explanation.answer, explanation.versus, explanation.heatmap
    top = [ClassDocument(label=label, probability=p) for label, p in answer.top(10)]
    return ExplanationDocument(
        model=explanation.where,
        label=top[0].label,
        probability=top[0].probability,
        top=top,
        explained=answer.classes[answer.target],
        versus=None if versus is None else _versus(explanation, versus),
        trail=[
            StepDocument(
                name=step.number.place.name,
                index=list(step.number.place.index),
                kind=step.number.kind,
                value=figure(step.number.stored),
                strongest=[_term(term, None) for term in step.strongest],
                others=step.rest,
            )
            for step in explanation.trail
        ],
        heatmap=None if heatmap is None else _heatmap(explanation, heatmap, path),
        lacking=list(explanation.lacking),
        assumed=list(explanation.assumed),
    )


def learning_document(inside: Inside, step: LearningStep, label: str) -> LearningDocument:
    """One learning step of one weight."""
    place = inside.places.at(step.name, step.index)
    return LearningDocument(
        name=place.name,
        index=list(place.index),
        axes=list(place.axes),
        label=label,
        rate=step.rate,
        before=figure(step.weight),
        gradient=figure(step.gradient),
        autograd=figure(step.by_autograd),
        terms=[
            GradientTerm(
                result=_place(inside, terms.result, terms.result_index[i]),
                delta=figure(float(terms.deltas[i])),
                source=None
                if terms.input_index is None
                else _place(inside, terms.source, terms.input_index[i]),
                input=figure(float(terms.inputs[i])),
                product=figure(float(terms.products[i])),
            )
            for terms in step.terms
            for i in range(len(terms))
        ],
        after=figure(step.after),
        loss=figure(step.loss),
        loss_after=figure(step.loss_after),
        formula=step.formula,
    )


def _place(inside: Inside, tensor: str, full: Iterable[int]) -> PlaceDocument:
    place = inside.places.at(tensor, full)
    return PlaceDocument(name=place.name, index=list(place.index))


def _versus(explanation: Explanation, versus: Difference) -> VersusDocument:
    names = explanation.answer.classes
    rows = zip(versus.index, versus.inputs, versus.weights_a, versus.weights_b, versus.products, strict=True)
    return VersusDocument(
        a=names[versus.a],
        b=names[versus.b],
        layer=versus.layer,
        source=explanation.inside.places.names.get(versus.source, versus.source),
        terms=[
            DifferenceTerm(
                index=list(explanation.inside.places.at(versus.source, index).index),
                input=figure(float(value)),
                weight_a=figure(float(a)),
                weight_b=figure(float(b)),
                product=figure(float(product)),
            )
            for index, value, a, b, product in rows
        ],
        biases=figure(versus.bias_a - versus.bias_b),
        sum=figure(versus.value),
        scores=(figure(versus.score_a), figure(versus.score_b)),
    )


def _heatmap(explanation: Explanation, heatmap: Heatmap, path: str | None) -> HeatmapDocument:
    grad, deletion = explanation.grad_cam, explanation.deletion
    return HeatmapDocument(
        method=heatmap.method,
        path=path,
        layer=None if grad is None else grad.layer,
        weights=None if grad is None else [float(weight) for weight in grad.weights.ravel()],
        values=[[float(value) for value in row] for row in heatmap.values],
        frame=(heatmap.frame.top, heatmap.frame.left, heatmap.frame.height, heatmap.frame.width),
        deletion=None
        if deletion is None
        else DeletionDocument(
            shares=deletion.shares.tolist(),
            probabilities=deletion.curve.tolist(),
            area=deletion.area,
            random_areas=deletion.random_areas.tolist(),
            faithful=deletion.faithful,
            verdict=deletion.verdict,
        ),
    )


def level_document(level: Level) -> dict[str, Any]:
    """The fields of a LevelDocument."""
    number, opening = level.number, level.number.opening
    terms = [
        _term(branch.term, LevelDocument(**level_document(branch.level)) if branch.level else None)
        for branch in level.branches
    ]
    linear = isinstance(opening, Linear)
    return {
        "name": number.place.name,
        "index": list(number.place.index),
        "axes": list(number.place.axes),
        "kind": number.kind,
        "operation": number.node.type if number.node else "",
        "value": figure(number.stored),
        "sum": None if number.sum is None else figure(number.sum),
        "difference": None if number.difference is None else figure(number.difference),
        "closes": number.closes,
        "terms": terms if linear else None,
        "operands": terms if isinstance(opening, Formula) else None,
        "remainder": (
            Remainder(count=level.rest, sum=None if level.rest_sum is None else figure(level.rest_sum))
            if level.rest
            else None
        ),
        "bias": figure(opening.bias) if linear else None,
        "bias_source": place_document(number.bias_source),
        "divisor": figure(opening.divisor) if linear else None,
        "facts": {name: figure(value) for name, value in opening.facts.items()} if opening else {},
        "formula": opening.formula if opening else None,
        "note": opening.note if isinstance(opening, Formula) else "",
        "reason": number.reason,
    }


def number_document(number: Number) -> dict[str, Any]:
    """The fields of a LevelDocument with every term in the order of the window, none of them opened."""
    document = level_document(Level(number, tuple(Branch(term, None) for term in number.terms()), 0, None))
    opening = number.opening
    if opening is not None and opening.window is not None:
        document["window"] = _window(opening.window)
    if isinstance(opening, Formula):
        document["chosen"] = opening.chosen
    return document


def _window(window: Window) -> WindowDocument:
    return WindowDocument(
        shape=list(window.cells.shape),
        cells=window.cells.ravel().tolist(),
        start=[int(n) for n in window.start],
        step=[int(n) for n in window.step],
        channels=window.channels.tolist(),
    )


def place_document(place: Place | None) -> PlaceDocument | None:
    """A place, if there is one."""
    return None if place is None else PlaceDocument(name=place.name, index=list(place.index))


def figure(value: float) -> Figure:
    """A number, or the word for one that JSON lacks."""
    if isfinite(value):
        return float(value)
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _term(term: Term, opened: LevelDocument | None) -> TermDocument:
    return TermDocument(
        source=term.source.name,
        index=list(term.source.index),
        input=figure(term.input),
        weight=None if term.weight is None else figure(term.weight),
        product=figure(term.product),
        weight_source=place_document(term.weight_source),
        role=term.role,
        opened=opened,
    )
