"""Words on the screen: results to stdout, all else to stderr, plain text where nobody looks at a terminal."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from pellucid.errors import NetworkError, PellucidError
from pellucid.storage import shown

if TYPE_CHECKING:
    from pellucid.evaluation import Evaluation

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}  # what a disk behind stdout may say


def forgive_encoding() -> None:
    """A name with letters that the terminal's encoding lacks is written with escapes: no reason to stop."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def writes(encoding: str | None, letters: str) -> bool:
    """Whether a stream of this encoding has these letters."""
    try:
        letters.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def abandon_stdout() -> None:
    """Let what is still buffered for stdout go nowhere, or Python would fail on it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(document: Any) -> None:
    """One JSON document on one line of stdout. NaN and infinities would be no JSON, and are a defect."""
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    text = json.dumps(document, ensure_ascii=plain, allow_nan=False)
    print(text.encode("utf-8", "backslashreplace").decode())


def print_error(error: PellucidError, as_json: bool) -> None:
    """The error's parts on stderr, as people read them or as one JSON object."""
    if as_json:
        print(json.dumps(error.as_dict()), file=sys.stderr)
        return
    console = stderr()
    if isinstance(error, NetworkError) and error.fitted is not None:
        _print_fitted(error)
    console.print(f"[bold red]error[/]     {escaped(upper(error.what))}", soft_wrap=True)
    for name, text in (("where", error.where), ("received", error.received), ("try", error.remedy)):
        if text:
            console.print(f"{name:<9} {escaped(text)}", soft_wrap=True)


def stdout() -> Any:
    """A console on stdout: colour and the terminal's width on a terminal, plain long lines elsewhere."""
    return _console(sys.stdout)


def stderr() -> Any:
    """The same on stderr."""
    return _console(sys.stderr)


def percent(share: float, digits: int = 2) -> str:
    """0.9941 as 99.41%."""
    return f"{100 * share:.{digits}f}%"


def upper(sentence: str) -> str:
    """A sentence with its first letter large, unless it begins with a name of ours (`pool2 does …`)."""
    first = sentence.split(" ", 1)[0]
    return (
        sentence
        if any(letter.isdigit() or letter in "_." for letter in first)
        else sentence[:1].upper() + sentence[1:]
    )


def _console(stream: Any) -> Any:
    from rich.console import Console

    terminal = stream.isatty()
    return Console(
        file=stream,
        width=None if terminal else 100_000,
        highlight=False,
        emoji=False,
        no_color=not terminal or None,
    )


def escaped(text: str) -> str:
    """Text as it is: what rich would take for markup, or the terminal for an order, is shown and not obeyed."""
    from rich.markup import escape

    return escape("\n".join(shown(line) for line in text.split("\n")))


def _print_fitted(error: NetworkError) -> None:
    from pellucid.network import Network
    from pellucid.network.table import plain, rows

    if isinstance(error.fitted, Network) and error.fitted.nodes:
        print(plain(rows(error.fitted)), file=sys.stderr)


def headline(evaluation: Evaluation) -> str:
    """99.41%  (95% interval 99.24 – 99.54, n = 10,000)      calibration error 0.4%"""
    low, high = evaluation.interval
    return (
        f"{percent(evaluation.accuracy)}  (95% interval {100 * low:.2f} – {100 * high:.2f}, "
        f"n = {evaluation.count:,})      calibration error {percent(evaluation.calibration_error, 1)}"
    )
