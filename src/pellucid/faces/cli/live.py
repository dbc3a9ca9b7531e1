"""Training as it happens: a bar for what is under way, a line for each epoch that is done."""

from __future__ import annotations

from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from pellucid.faces.cli import curves, output
from pellucid.storage import shown
from pellucid.training import events

MOST_LISTED = 10  # files that were left out


class Live:
    """Shows the records of a run. On a terminal with a bar; elsewhere one plain line an epoch."""

    def __init__(self, stream: TextIO):
        self.console: Console = output.stderr()
        self.terminal = stream.isatty()
        self.encoding = stream.encoding
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20 if self._is_wide() else 8),
            TextColumn("{task.fields[figures]}"),
            console=self.console,
            transient=True,
            disable=not self.terminal,
        )
        self.task: TaskID | None = None

    def __enter__(self) -> Live:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def reading(self, done: int, total: int) -> None:
        """Pictures on their way into the cache."""
        self._bar("reading pictures", done, total, f"{done:,} of {total:,}")
        if done == total:
            self._no_bar()

    def show(self, event: events.Event) -> None:
        """One record of the run."""
        match event:
            case events.DataReady():
                self._data(event)
            case events.NetworkReady():
                self._network(event)
            case events.Progress():
                self._bar(
                    f"epoch {event.epoch:>{len(str(event.epochs))}}/{event.epochs}",
                    event.done,
                    event.total,
                    self._figures(event),
                )
            case events.EpochRecord():
                self._no_bar()
                self._epoch(event)
            case events.Note():
                self._say(event.text)
            case events.Finished():
                self._no_bar()
                self._curves(event)

    def _is_wide(self) -> bool:
        """Whether bar and figures fit in full; a line too long for the terminal would lose its bar."""
        return self.console.width >= 100

    def _figures(self, event: events.Progress) -> str:
        left, loss = f"{clock(event.seconds_left)} left", f"loss {event.loss:.3f}"
        if not self._is_wide():
            return f"{loss}  {event.rate:,.0f}/s  {left}"
        accuracy = f"accuracy {output.percent(event.accuracy, 1)}"
        return f"{loss}   {accuracy}   {event.rate:>7,.0f} pictures/s   {left}"

    def _data(self, event: events.DataReady) -> None:
        colours = "grey" if event.channels == 1 else "colour"
        self._say(
            f"{shown(event.name)} · {event.count:,} pictures, {event.height}x{event.width} {colours} · "
            f"{len(event.classes):,} classes · train {event.train:,}  validation {event.validation:,}  "
            f"test {event.test:,} (kept aside)"
        )
        self._say("classes " + " ".join(shown(name) for name in event.classes[:100])
                  + (" …" if len(event.classes) > 100 else ""))  # fmt: skip
        for path, reason in event.left_out[:MOST_LISTED]:
            self._say(f"left out {shown(path)}: {reason}")
        if len(event.left_out) > MOST_LISTED:
            self._say(f"left out {len(event.left_out) - MOST_LISTED:,} more files")
        for note in event.notes:
            self._say(f"note: {note}")

    def _network(self, event: events.NetworkReady) -> None:
        text = event.text if len(event.text) < 160 else f"{event.text[:90]} … {event.text[-40:]}"
        name = f"network {event.name}: " if event.name != event.text and "," not in event.name else "network "
        self._say(f"{name}{text} · {event.parameters:,} parameters · {event.engine}")
        if event.resumed:
            self._say(f"going on after epoch {event.resumed}")

    def _epoch(self, record: events.EpochRecord) -> None:
        width = len(str(record.epochs))
        rate, best = f"{record.rate:>7,.0f} pictures/s", "best so far"
        if not self._is_wide():  # 80 columns
            rate, best = f"{record.rate:>7,.0f}/s", "best"
        self._say(
            f"epoch {record.epoch:>{width}}/{record.epochs}   loss {record.loss:.3f}   "
            f"accuracy {output.percent(record.accuracy, 1)}   "
            f"validation {output.percent(record.validation_accuracy)}   {rate}"
            + (f"   {best}" if record.best else "")
        )

    def _curves(self, event: events.Finished) -> None:
        """On a terminal only: elsewhere the lines of the epochs have said it, and history.jsonl has it."""
        if not self.terminal:
            return
        for line in curves.chart(event.history, self.console.width, output.writes(self.encoding, "⣿│")):
            self.console.print(line, markup=False, no_wrap=True, crop=False)

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, soft_wrap=not self.terminal)

    def _bar(self, what: str, done: int, total: int, figures: str) -> None:
        if not self.terminal:
            return
        if self.task is None:
            self.task = self.progress.add_task(what, total=total, figures=figures)
        self.progress.update(self.task, description=what, completed=done, total=total, figures=figures)

    def _no_bar(self) -> None:
        if self.task is not None:
            self.progress.remove_task(self.task)
            self.task = None


def clock(seconds: float) -> str:
    """0:01:05."""
    whole = int(seconds + 0.5)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
