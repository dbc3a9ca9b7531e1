"""The command line run, and what happens to errors."""

from __future__ import annotations

import sys

from pellucid.errors import PellucidError
from pellucid.faces.cli import output
from pellucid.faces.cli.app import app
from pellucid.storage import storage_error


def run() -> None:
    """Run the command line; errors end in one message and exit status 1, never in a traceback unless --debug."""
    debug, as_json = "--debug" in sys.argv, "--json" in sys.argv
    output.forgive_encoding()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here, where a full disk behind it can still be told
    except PellucidError as error:
        if debug:
            raise
        output.print_error(error, as_json)
        sys.exit(1)
    except MemoryError:
        if debug:
            raise
        error = PellucidError(
            "There is not enough memory", remedy="a smaller --size, --batch-size or network"
        )
        output.print_error(error, as_json)
        sys.exit(1)
    except BrokenPipeError:  # whoever read our output has gone: nothing is left to say
        output.abandon_stdout()
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        if isinstance(error, OSError) and error.errno in output.FULL and error.filename is None:
            output.abandon_stdout()
            output.print_error(storage_error(error, "standard output"), as_json)
            sys.exit(1)
        output.print_error(
            PellucidError(
                "This is a defect of pellucid, not of what you did",
                received=f"{type(error).__name__}: {error}",
                remedy="please report it with what --debug prints",
            ),
            as_json,
        )
        sys.exit(1)
