"""The command line: `pellucid VERB`. Nothing heavy is imported before a verb needs it."""

from pellucid.faces.cli.app import main

__all__ = ["main"]
