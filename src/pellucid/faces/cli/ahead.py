"""What can begin while the rest of the program loads."""

from __future__ import annotations

import json
from pathlib import Path

_LARGEST = 1 << 20  # bytes of a settings file


def read_ahead(data: str | None, settings_file: Path | None) -> None:
    """Begin to read MNIST where the run will be on it: a quarter of a second that loading the rest then hides.

    A guess only: what is wrong with the settings is said later, by what reads them.
    """
    if data is None and settings_file is not None:
        data = _data_of(settings_file)
    if data in (None, "mnist"):
        from pellucid.images.builtin import read_ahead

        read_ahead()


def _data_of(settings_file: Path) -> str:
    try:
        if not settings_file.is_file():  # what comes through a pipe can be read only once
            return ""
        with settings_file.open("rb") as file:
            values = json.loads(file.read(_LARGEST))
        return str(values.get("data", "mnist"))
    except (OSError, ValueError, AttributeError, RecursionError):
        return ""
