"""The explorer's built front end, as it lies in an installed package."""

from __future__ import annotations

from pathlib import Path

from pellucid.errors import PellucidError

FOLDER = Path(__file__).parent.parent / "faces" / "explorer"
BUILD = "npm ci && npm run build"


class NotBuilt(PellucidError):
    """The front end isn't here: pellucid was installed from its sources without node."""


def built_file(name: str) -> bytes:
    """One of its files. NotBuilt where there is none."""
    try:
        return (FOLDER / name).read_bytes()
    except OSError as error:
        raise NotBuilt(
            "The explorer's page isn't in this installation: it was made from the sources without node",
            where=str(FOLDER / name), received=error.strerror or str(error),
            remedy=f"install a wheel of pellucid, or node 20 or newer, and in the sources' web/: {BUILD}",
        ) from error  # fmt: skip
