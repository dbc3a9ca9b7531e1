"""`pellucid evaluate`."""

from __future__ import annotations

import sys

import numpy as np

from pellucid.evaluation import Evaluation, Measured, measure
from pellucid.faces.cli import output
from pellucid.faces.cli.pixels import parse_pixels
from pellucid.images import open_source
from pellucid.images.reading import MAX_PIXELS
from pellucid.model import ModelFile
from pellucid.training import own_test_part
from pellucid.training.data import refuse_left_out

MOST_IN_MATRIX = 20  # classes; a larger matrix is in --json


def evaluate_command(
    path: str, data: str | None, max_pixels: str | None, strict: bool, as_json: bool
) -> None:
    """Measure the model on its own test part, or on other labelled pictures."""
    pixels = None if max_pixels is None else parse_pixels(max_pixels)
    model = ModelFile.open(path)
    if data is None:
        part = own_test_part(model, pixels)
        source, what = part.source, "its own test part"
        measured = measure(model, source, part.rows, part.digests)
    else:
        source, what = open_source(data, pixels or MAX_PIXELS), "all of it"
        if strict:  # before the pictures are read, which can take long
            refuse_left_out(source.left_out, source.where)
        measured = measure(model, source, np.arange(len(source)))
    if strict:
        refuse_left_out(measured.left_out, source.where)
    for name, reason in (*source.left_out, *measured.left_out) if data else measured.left_out:
        output.stderr().print(f"left out  {name}: {reason}", markup=False, soft_wrap=True)
    if as_json:
        output.print_json(
            measured.evaluation.as_dict() | {"data": source.where, "left_out": len(measured.left_out)}
        )
        return
    print(f"{source.name} · {measured.evaluation.count:,} pictures · {what}")
    print_evaluation(measured)


def headline(evaluation: Evaluation) -> str:
    """99.41%  (95% interval 99.24 – 99.54, n = 10,000)      calibration error 0.4%"""
    low, high = evaluation.interval
    return (
        f"{output.percent(evaluation.accuracy)}  (95% interval {100 * low:.2f} – {100 * high:.2f}, "
        f"n = {evaluation.count:,})      calibration error {output.percent(evaluation.calibration_error, 1)}"
    )


def print_evaluation(measured: Measured) -> None:
    """The headline, a row for each class, and the confusion matrix where it fits."""
    from rich.table import Table

    evaluation = measured.evaluation
    print(f"accuracy  {headline(evaluation)}")
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
