"""`pellucid evaluate`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np

from pellucid.errors import DataError, SettingsError
from pellucid.evaluation import Evaluation, Measured, measure
from pellucid.evaluation.abstention import Choice
from pellucid.evaluation.calibration import merged
from pellucid.evaluation.page import write_report
from pellucid.faces.cli import output
from pellucid.faces.cli.pixels import parse_pixels
from pellucid.faces.cli.wishes import open_model
from pellucid.images import Source, open_source
from pellucid.images.reading import MAX_PIXELS
from pellucid.model import ForeignModel, ModelFile, Wishes
from pellucid.storage import shown
from pellucid.training import own_test_part, validation_answers
from pellucid.training.data import refuse_left_out
from pellucid.training.report import OWN_TEST, make_report, read_run

# Of the 15 bins of the reliability curve: up to 60%, to 80%, to 93%, above.
SURENESS = ((0, 9), (9, 12), (12, 14), (14, 15))
SHOWN_THRESHOLDS = (0.5, 0.9, 0.99)
MOST_IN_MATRIX = 20  # classes; a larger matrix is in --json


def evaluate_command(
    path: str, data: str | None, report: str | None, max_pixels: str | None, strict: bool, as_json: bool,
    wishes: Wishes,
) -> None:  # fmt: skip
    """Measure the model on its own test part, or on other labelled pictures; write the report where asked."""
    pixels = None if max_pixels is None else parse_pixels(max_pixels)
    model = open_model(path, wishes)
    if isinstance(model, ForeignModel) and report is not None:
        raise SettingsError("a report is about a model that pellucid trained", where="--report",
                            received=shown(path), remedy="leave --report out, or take --json")  # fmt: skip
    validation = None if isinstance(model, ForeignModel) else validation_answers(model)
    if data is None:
        if isinstance(model, ForeignModel):
            raise DataError("another tool's file doesn't say which pictures test it", where=shown(path),
                            remedy="give labelled pictures: pellucid evaluate MODEL DATA")  # fmt: skip
        part = own_test_part(model, pixels)
        source, what, measured_on = part.source, "its own test part", OWN_TEST
        if part.note:
            output.stderr().print(f"note      {part.note}", markup=False, soft_wrap=True)
        measured = measure(model, source, part.rows, part.digests, validation)
    else:
        source, what = open_source(data, pixels or MAX_PIXELS), "all of it"
        if strict:  # before the pictures are read, which can take long
            refuse_left_out(source.left_out, source.where)
        measured_on = f"they are all of {shown(source.where)}"
        if isinstance(model, ForeignModel):
            model = matched(model, source)
        measured = measure(model, source, np.arange(len(source)), validation=validation)
    if strict:
        refuse_left_out(measured.left_out, source.where)
    left_out = (*source.left_out, *measured.left_out) if data else measured.left_out
    for name, reason in left_out:
        output.stderr().print(f"left out  {name}: {reason}", markup=False, soft_wrap=True)
    if report is not None and isinstance(model, ModelFile):
        run = read_run(model)
        excluded = source.left_out if data or not run else (*source.left_out, *run.excluded)
        write_report(report, make_report(model, source, measured, measured_on, run, excluded))
    if as_json:
        document = measured.evaluation.as_dict() | {"data": source.where, "left_out": len(measured.left_out)}
        for mistake in document["mistakes"]:
            mistake["path"] = source.path(int(measured.rows[mistake["picture"]]))
        output.print_json(document | ({} if report is None else {"report": report}))
        return
    print(f"{source.name} · {measured.evaluation.count:,} pictures · {what}")
    print_evaluation(measured)
    if report is not None:
        print(f"\nreport  {shown(report)}")


def matched(model: ForeignModel, source: Source) -> ForeignModel:
    """The model, its classes called as those of the pictures where nobody named them and they are as many."""
    names = tuple(shown(name) for name in source.classes)
    if model.is_named or set(names) <= set(model.classes):
        return model
    if len(names) != len(model.classes):
        raise DataError(
            "which class of the pictures is which of the model's isn't known", where=source.where,
            received=f"{len(names):,} classes, {', '.join(names[:5])}{' …' * (len(names) > 5)}; "
            f"the model has {len(model.classes):,} without names",
            remedy="--labels FILE: the model's classes, one a line, called as the pictures' are",
        )  # fmt: skip
    pairs = ", ".join(f"{number} is {name}" for number, name in enumerate(names[:10]))
    print(f"assumed: its classes are the pictures' in their order: {pairs}{' …' * (len(names) > 10)}",
          file=sys.stderr)  # fmt: skip
    return model.with_classes(names)


def further_lines(evaluation: Evaluation) -> Iterator[str]:
    """Right among five; how sure against how right; what leaving unsure answers open gains."""
    percent = output.percent
    if evaluation.top5 is not None:
        yield f"top 5     {percent(evaluation.top5)}  the right class is among the five likeliest"
    groups = []
    for first, last in SURENESS:
        group = merged(evaluation.reliability[first:last])
        if group.confidence is not None and group.accuracy is not None:
            groups.append(
                f"{percent(group.confidence, 1)} sure, {percent(group.accuracy, 1)} right (n = {group.count:,})"
            )
    yield "sure      " + "   ".join(groups)
    rows = [
        row for row in evaluation.abstention if row.threshold in SHOWN_THRESHOLDS and row.accuracy is not None
    ]
    kept = [
        f"from {row.threshold:g} on {percent(row.share, 1)}, {percent(row.accuracy or 0)} right"
        for row in rows
    ]
    yield "answers   " + ("   ".join(kept) or f"none is as sure as {SHOWN_THRESHOLDS[0]:g}")
    if choice := next((choice for choice in evaluation.choices if choice.threshold), None):
        yield (
            f"          for {100 * choice.wanted:g}% right, chosen on validation pictures: "
            f"--threshold {choice.threshold:g} answers {_effect(choice)}"
        )


def _effect(choice: Choice) -> str:
    here = choice.measured
    if here is None or here.accuracy is None or here.interval is None:
        return "none of these"
    low, high = here.interval
    return (
        f"{output.percent(here.share, 1)} of these, {output.percent(here.accuracy)} right "
        f"(95% interval {100 * low:.2f} – {100 * high:.2f})"
    )


def print_evaluation(measured: Measured) -> None:
    """The headline, a row for each class, and the confusion matrix where it fits."""
    from rich.table import Table

    evaluation = measured.evaluation
    print(f"accuracy  {output.headline(evaluation)}")
    for line in further_lines(evaluation):
        print(line)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("class", overflow="fold")
    for title in ("precision", "recall", "F1", "pictures"):
        table.add_column(title, justify="right")
    for name, row in zip(evaluation.classes, evaluation.per_class, strict=True):
        cells = [
            "-" if value is None else output.percent(value) for value in (row.precision, row.recall, row.f1)
        ]
        table.add_row(output.escaped(name), *cells, f"{row.support:,}")
    console = output.stdout()
    console.print(table)
    if len(evaluation.classes) <= MOST_IN_MATRIX:
        print("\nconfusion: the true class in rows, the answer in columns")
        matrix = Table(box=None, pad_edge=False, header_style="dim")
        matrix.add_column("")
        for name in evaluation.classes:
            matrix.add_column(output.escaped(name), justify="right")
        for name, counts in zip(evaluation.classes, evaluation.confusion, strict=True):
            matrix.add_row(output.escaped(name), *(f"{count:,}" if count else "." for count in counts))
        console.print(matrix)
    else:
        print(f"confusion matrix of {len(evaluation.classes)} classes: --json", file=sys.stderr)
