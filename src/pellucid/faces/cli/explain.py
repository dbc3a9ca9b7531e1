"""`pellucid explain`: why this answer, and any number of it opened."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from pellucid.errors import SettingsError
from pellucid.faces.cli.pixels import parse_pixels
from pellucid.faces.zoo import model_path
from pellucid.images.reading import MAX_PIXELS, read_picture
from pellucid.inside.number import Inside
from pellucid.model import Wishes, open_any
from pellucid.storage import shown


@dataclass(frozen=True)
class Asked:
    """What the command line asked for; see the options' help."""

    model: str
    image: str
    at: str | None
    depth: int
    top: int
    maps: str | None
    filters: str | None
    out: str | None
    field: str | None
    max_pixels: str | None
    as_json: bool


def explain_command(asked: Asked, wishes: Wishes) -> None:
    """Open a model on one picture and show what was asked for."""
    _one_of(asked)
    limit = MAX_PIXELS if asked.max_pixels is None else parse_pixels(asked.max_pixels)
    model = open_any(model_path(asked.model), wishes)
    pixels = read_picture(asked.image, max_pixels=limit)
    inside = Inside(model.opened(pixels))
    assumed = getattr(model, "assumed", ())
    for sentence in assumed:
        print(f"assumed: {sentence}", file=sys.stderr)
    if asked.at is not None:
        from pellucid.faces.cli.explain_value import explain_value

        again = f"pellucid explain {shown(asked.model)} {shown(asked.image)}"
        explain_value(
            inside, asked.at, asked.depth, asked.top, asked.field, pixels, asked.as_json, assumed, again
        )
        return
    from pellucid.faces.cli.explain_layer import explain_filters, explain_maps

    stem = Path(asked.image).stem
    if asked.maps is not None:
        explain_maps(inside, asked.maps, asked.out or f"{stem}-{_plain(asked.maps)}.png", asked.as_json)
    elif asked.filters is not None:
        explain_filters(
            inside, asked.filters, asked.out or f"{_plain(asked.filters)}-filters.png", asked.as_json
        )


def _one_of(asked: Asked) -> None:
    given = [name for name in ("at", "maps", "filters") if getattr(asked, name) is not None]
    if len(given) > 1:
        raise SettingsError("one question at a time", where=f"--{given[1]}",
                            received=", ".join(f"--{name}" for name in given),
                            remedy="one command for each")  # fmt: skip


def _plain(name: str) -> str:
    """A layer's name as a part of a file name."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)[:80]
