"""An evaluation for people: as text, and as HTML for a notebook. Nothing is said by colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pellucid.network.notebook import paragraph, table_html, table_text
from pellucid.storage import shown

if TYPE_CHECKING:
    from pellucid.evaluation.report import Evaluation

MOST_CLASSES = 30  # rows of the table by class
MOST_IN_MATRIX = 20
_SCALE = "▁▂▃▄▅▆▇█"
_TITLES = ("class", "precision", "recall", "F1", "pictures")
_CONFUSION = "confusion: the true class in rows, the answer in columns"
_LEGEND = "; the bar beside a count is its share of the row, ▁ up to 1/8, █ above 7/8"


def headline(evaluation: Evaluation) -> str:
    """accuracy 99.41% (95% interval 99.24 – 99.54, n = 10,000), calibration error 0.4%"""
    low, high = evaluation.interval
    return (
        f"accuracy {evaluation.accuracy:.2%} (95% interval {100 * low:.2f} – {100 * high:.2f}, "
        f"n = {evaluation.count:,}), calibration error {evaluation.calibration_error:.1%}"
    )


def plain(evaluation: Evaluation) -> str:
    """The headline, a line for each class, and the confusion matrix."""
    parts = [headline(evaluation), table_text([list(_TITLES), *_by_class(evaluation)]), _left_out(evaluation)]
    if len(evaluation.classes) <= MOST_IN_MATRIX:
        names = [shown(name) for name in evaluation.classes]
        parts += [_CONFUSION + _LEGEND, table_text([["", *names], *_matrix(evaluation)])]
    return "\n".join(part for part in parts if part)


def html(evaluation: Evaluation) -> str:
    """The same as HTML."""
    right = [False, True, True, True, True]
    parts = [paragraph(headline(evaluation)), table_html(_TITLES, _by_class(evaluation), right)]
    if _left_out(evaluation):
        parts.append(paragraph(_left_out(evaluation)))
    if len(evaluation.classes) <= MOST_IN_MATRIX:
        names = [shown(name) for name in evaluation.classes]
        parts.append(paragraph(_CONFUSION + _LEGEND))
        parts.append(table_html(["", *names], _matrix(evaluation), [False] + [True] * len(names)))
    return "".join(parts)


def _by_class(evaluation: Evaluation) -> list[list[str]]:
    """A row for each class; of many classes those with the least F1."""
    pairs = list(zip(evaluation.classes, evaluation.per_class, strict=True))
    if len(pairs) > MOST_CLASSES:
        pairs = sorted(pairs, key=lambda pair: -1 if pair[1].f1 is None else pair[1].f1)[:MOST_CLASSES]
    return [
        [shown(name), *map(_percent, (row.precision, row.recall, row.f1)), f"{row.support:,}"]
        for name, row in pairs
    ]


def _left_out(evaluation: Evaluation) -> str:
    count = len(evaluation.classes)
    said = [
        f"{count - MOST_CLASSES:,} more classes, with a higher F1, are in .per_class"
        * (count > MOST_CLASSES),
        f"the confusion matrix of {count:,} classes is in .confusion" * (count > MOST_IN_MATRIX),
    ]
    return "; ".join(text for text in said if text)


def _matrix(evaluation: Evaluation) -> list[list[str]]:
    rows = []
    for name, counts in zip(evaluation.classes, evaluation.confusion.tolist(), strict=True):
        total = max(sum(counts), 1)
        rows.append([shown(name), *(_count(count, total) for count in counts)])
    return rows


def _count(count: int, total: int) -> str:
    """A count with its bar, or a dot for none."""
    return f"{count:,} {_SCALE[min(count * 8 // total, 7)]}" if count else "."


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
