"""What can be asked for: a class by its name or place, a way to a heatmap."""

from __future__ import annotations

from typing import Literal

from pellucid.errors import SettingsError
from pellucid.storage import shown

Method = Literal["auto", "gradcam", "occlusion", "gradient", "integrated"]
METHODS: tuple[Method, ...] = ("auto", "gradcam", "occlusion", "gradient", "integrated")


def class_of(classes: tuple[str, ...], wanted: str | int, option: str) -> int:
    """The place of a class by its name, or by its number from 0 where no class has that name."""
    if isinstance(wanted, str) and wanted in classes:
        return classes.index(wanted)
    if str(wanted).isascii() and str(wanted).isdigit() and int(wanted) < len(classes):
        return int(wanted)
    listed = ", ".join(shown(name) for name in classes[:20])
    more = f" and {len(classes) - 20:,} more" if len(classes) > 20 else ""
    raise SettingsError("the model has no such class", where=option, received=shown(str(wanted)),
                        remedy=f"one of {listed}{more}")  # fmt: skip
