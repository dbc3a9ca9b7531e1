"""`pellucid open`: the explorer in the browser."""

from __future__ import annotations

import sys

from pellucid.errors import DataError
from pellucid.faces.cli import output
from pellucid.faces.cli.pixels import parse_pixels
from pellucid.faces.cli.wishes import open_model
from pellucid.images.reading import MAX_PIXELS, Pixels, read_picture
from pellucid.inside.explorer_files import built_file
from pellucid.model import Wishes
from pellucid.storage import shown


def open_command(
    name: str,
    image: str | None,
    port: int,
    browser: bool,
    max_pixels: str | None,
    as_json: bool,
    wishes: Wishes,
) -> None:
    """Serve the explorer of a model until Ctrl-C. What can't work is said before anything is served."""
    model = open_model(name, wishes)
    _ = model.classes  # a file of labels is read here, or what is wrong with it is said
    given = None
    if image is not None:
        limit = MAX_PIXELS if max_pixels is None else parse_pixels(max_pixels)
        given = image, _picture(image, limit)
    built_file("app.html")
    from pellucid.faces.server.serving import open_door, serve, show
    from pellucid.faces.server.session import Session

    door = open_door(port)

    def ready() -> None:
        if as_json:
            output.print_json({"address": door.address, "port": door.port})
        else:
            print(f"{shown(model.where)} is open at  {door.address}")
            print("Ctrl-C ends it", file=sys.stderr)
        sys.stdout.flush()
        if browser:
            show(door.address)

    serve(Session(model, given), door, ready)
    print("the explorer is closed", file=sys.stderr)


def _picture(image: str, limit: int) -> Pixels:
    """The picture to begin with; what is wrong with it is said with what would help."""
    try:
        return read_picture(image, max_pixels=limit)
    except DataError as error:
        if error.remedy:
            raise
        raise DataError(
            error.what, where=error.where or "IMAGE", received=error.received or shown(image),
            remedy="name another picture (JPEG, PNG, WebP, GIF, BMP, TIFF), or none: one can be dropped on the page",
        ) from error  # fmt: skip
