"""Training in a notebook: one display below the cell, renewed as it goes, that ends as a line and a table."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from pellucid.network.notebook import paragraph, table_html, table_text
from pellucid.storage import shown
from pellucid.training import Event, Finished
from pellucid.training.events import DataReady, EpochRecord, NetworkReady, Note, Progress

MOST_ROWS = 12  # epochs in the table
_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 20  # of the bar, in letters
_TITLES = ("epoch", "loss", "accuracy", "validation", "")


def live_cell() -> Callable[[Event], None] | None:
    """What shows a run's records below the running cell; None outside a notebook (a terminal's IPython is none)."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if getattr(shell, "kernel", None) is None:
        return None
    return LiveCell().show


class LiveCell:
    """The display of one run. Each part is text; HTML and plain text are made from the same."""

    def __init__(self) -> None:
        self.lines: list[str] = []  # what is being trained on what, and notes
        self.now = "reading the pictures"
        self.history: list[EpochRecord] = []
        self.handle: Any = None

    def show(self, event: Event) -> None:
        """Take in one record, and renew the display."""
        match event:
            case DataReady():
                self.lines = [_data(event), *(f"note: {note}" for note in event.notes)]
                if event.left_out:
                    path, reason = event.left_out[0]
                    count = len(event.left_out)
                    self.lines.append(f"left out {count:,} files, the first: {shown(path)}: {reason}")
            case NetworkReady():
                self.lines.append(f"network {shown(event.text)} · {event.parameters:,} parameters")
            case Progress():
                self.now = _bar(event)
            case EpochRecord():
                self.history.append(event)
                self.now = f"epoch {event.epoch}/{event.epochs} done"
            case Note():
                self.lines.append(event.text)
            case Finished():
                self.history, self.now = list(event.history), _done(event)
        self._renew()

    def _renew(self) -> None:
        from IPython.display import display

        if self.handle is None:
            self.handle = display(self._bundle(), raw=True, display_id=True)
        else:
            self.handle.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, str]:
        rows = [_row(record) for record in _picked(self.history)]
        lines = [self.now, *self.lines, *_curve(self.history)]
        table = table_html(_TITLES, rows, [True, True, True, True, False]) if rows else ""
        plain = [table_text([_TITLES, *rows])] if rows else []
        return {
            "text/plain": "\n".join([*lines, *plain]),
            "text/html": "".join(map(paragraph, lines)) + table,
        }


def _data(event: DataReady) -> str:
    colours = "grey" if event.channels == 1 else "colour"
    return (
        f"{shown(event.name)} · {event.count:,} pictures, {event.height}x{event.width} {colours} · "
        f"{len(event.classes):,} classes · train {event.train:,}  validation {event.validation:,}  "
        f"test {event.test:,} (kept aside)"
    )


def _bar(event: Progress) -> str:
    full = round(_WIDTH * event.done / max(event.total, 1))
    left = int(event.seconds_left + 0.5)
    return (
        f"epoch {event.epoch}/{event.epochs}  {'━' * full}{'─' * (_WIDTH - full)}  loss {event.loss:.3f}  "
        f"{event.rate:,.0f} pictures/s  {left // 60}:{left % 60:02} left"
    )


def _done(event: Finished) -> str:
    test = event.test
    if test:
        low, high = (100 * share for share in test.interval)
        result = f"test {test.accuracy:.2%} (95% interval {low:.2f} – {high:.2f}, n = {test.count:,})"
    else:
        result = "no test part"
    return f"{result} · {shown(event.model)} after {event.seconds:.1f} s, weights of epoch {event.best_epoch}"


def _row(record: EpochRecord) -> list[str]:
    return [
        f"{record.epoch}/{record.epochs}",
        f"{record.loss:.3f}",
        f"{record.accuracy:.1%}",
        f"{record.validation_accuracy:.2%}",
        "best so far" if record.best else "",
    ]


def _picked(history: list[EpochRecord]) -> list[EpochRecord]:
    """All epochs, or of many some spread over the run: the first, the last, and the best always among them."""
    if len(history) <= MOST_ROWS:
        return history
    last = len(history) - 1
    places = {round(i * last / (MOST_ROWS - 2)) for i in range(MOST_ROWS - 1)}
    places.add(max(i for i, record in enumerate(history) if record.best))
    return [history[i] for i in sorted(places)]


def _curve(history: list[EpochRecord]) -> list[str]:
    """The validation accuracy over the epochs as a line of bars; at most 60."""
    if len(history) < 3:
        return []
    step = max(1, -(-len(history) // 60))
    shares = [record.validation_accuracy for record in history[::step]]
    low, high = min(shares), max(shares)
    span = high - low or 1
    bars = "".join(_BARS[min(int(8 * (share - low) / span), 7)] for share in shares)
    return [f"validation {bars} from {low:.2%} (▁) to {high:.2%} (█)"]


__all__ = ["LiveCell", "live_cell"]
