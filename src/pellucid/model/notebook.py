"""A model for a notebook: what it is in a few lines of text, and the same as HTML with its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pellucid.network.notebook import paragraph
from pellucid.storage import shown

if TYPE_CHECKING:
    from pellucid.model.model import ModelFile

_MOST = 20  # classes named


def about(model: ModelFile) -> list[str]:
    """Lines: the file and what goes in, its classes, where it comes from, how good it was."""
    card, size, names = model.card, model.card.preprocessing, model.classes
    colours = "grey" if size.channels == 1 else "colour"
    more = f" and {len(names) - _MOST:,} more" if len(names) > _MOST else ""
    lines = [
        f"Model {shown(model.where) or 'in memory'}: {len(names):,} classes, pictures of any size, brought to "
        f"{size.height}x{size.width} {colours}",
        "classes " + ", ".join(shown(name) for name in names[:_MOST]) + more,
    ]
    if card.data and card.split:
        lines.append(f"trained on {card.split.train:,} pictures of {shown(card.data.name)}")
    figures = card.figures
    if figures.test_accuracy is not None and figures.test_interval:
        low, high = figures.test_interval
        lines.append(
            f"test accuracy {figures.test_accuracy:.2%} (95% interval {100 * low:.2f} – {100 * high:.2f}, "
            f"n = {figures.test_count:,})"
        )
    else:
        lines.append("not measured on a test part of its own")
    return lines


def html(model: ModelFile) -> str:
    """The same as HTML, with a row for each layer."""
    return "".join(paragraph(line) for line in about(model)) + model.network.summary()._repr_html_()
