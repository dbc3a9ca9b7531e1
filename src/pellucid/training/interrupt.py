"""Ctrl-C: the first asks the run to save and stop, the second stops at once (the last checkpoint stands)."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """While this lasts, SIGINT and SIGTERM make the given function say True instead of ending the program."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set  # signals reach the main thread only
        return

    def on_signal(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        # Not print: the signal may have come in the middle of another one.
        with suppress(OSError, ValueError):
            os.write(sys.stderr.fileno(), b"\nstopping after this step and saving; once more stops at once\n")

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
