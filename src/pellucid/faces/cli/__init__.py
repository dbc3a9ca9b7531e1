"""The command line: `pellucid VERB`. Nothing heavy is imported before a verb needs it."""

import gc
import signal
import threading


def main() -> None:
    """Run the command line. Until a run holds something to save, Ctrl-C just ends it, without a traceback."""
    if threading.current_thread() is not threading.main_thread():
        return _run()
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return _run()
    finally:
        signal.signal(signal.SIGINT, before)


def _run() -> None:
    from pellucid.faces.cli.running import run

    try:
        run()
    except SystemExit as end:
        if not end.code:
            _leave_cycles()
        raise
    _leave_cycles()


def _leave_cycles() -> None:
    """Python's end would look through all that is there for cycles: a fifth of a second for memory that goes anyway.

    Not after an error, which holds on to what failed: the compiled part would tell of it as of a leak.
    """
    gc.freeze()


__all__ = ["main"]
