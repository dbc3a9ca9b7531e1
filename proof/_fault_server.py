"""Runs commands of pellucid in forks of one process that has loaded everything: a fresh state, without the start.

Each line of stdin is a JSON object: `arguments`, `cwd`, `out` and `err` (files), `variables` of the environment. The
answer is a line with the exit status. Meant to run with _fault.c in LD_PRELOAD.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from importlib import import_module

from pellucid.faces.cli import main

LONGEST = 60  # seconds; a command takes one or two


def serve() -> None:
    """Until stdin ends."""
    for verb in ("app", "evaluate", "predict", "train"):
        import_module(f"pellucid.faces.cli.{verb}")
    import_module("pellucid.engines.torch")
    for line in sys.stdin:
        order = json.loads(line)
        code = _forked(order)
        # A library's thread may hold a lock at the moment of the fork, which nobody in the child ever opens.
        print(_forked(order) if code == -signal.SIGKILL else code, flush=True)


def _forked(order: dict) -> int:
    """The exit status of the order, in a child that is killed when it hangs."""
    child = os.fork()
    if child == 0:
        _run(order)
    ends = time.monotonic() + LONGEST
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > ends:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.01)


def _run(order: dict) -> None:
    """In the fork; does not come back."""
    code = 99
    try:
        os.chdir(order["cwd"])
        for descriptor, path in ((1, order["out"]), (2, order["err"])):
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            os.dup2(file, descriptor)
            os.close(file)
        os.environ.update(order["variables"])  # from here on calls are noted or fail
        sys.argv = ["pellucid", *order["arguments"]]
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                code = code or 98
        os._exit(code)


if __name__ == "__main__":
    serve()
