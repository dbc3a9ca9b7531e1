"""The explorer in a notebook's cell: the network and its weights go to the browser, which computes them there.

The cell needs no server and no kernel once it is shown, so that a saved notebook still opens.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import anywidget
import traitlets

from pellucid.errors import SettingsError
from pellucid.images.reading import Pixels
from pellucid.inside.explorer_files import built_file
from pellucid.inside.explorer_package import PICTURES, packed
from pellucid.model import ForeignModel, ModelFile

LARGEST = 32 << 20  # bytes of weights: a notebook holds them in its own file
HEIGHT = 760
_LACKS = {
    "correct": "A notebook's cell keeps nothing: labels are corrected in pellucid open.",
    "build": "Here, networks are tried in Python: pellucid.Network.from_text(...).summary().",
}


class Explorer(anywidget.AnyWidget):
    """The cell's explorer. `package` and the bytes are what web/src/sources/embedded.ts reads; `address` is where it
    begins, in the words of web/src/state/trail.ts."""

    package = traitlets.Dict().tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)
    pictures = traitlets.Bytes().tag(sync=True)
    epochs = traitlets.Bytes().tag(sync=True)
    height = traitlets.Int(HEIGHT).tag(sync=True)
    address = traitlets.Unicode().tag(sync=True)


def explorer(
    model: ModelFile | ForeignModel,
    given: tuple[str, Pixels] | None,
    pictures: int = PICTURES,
    height: int = HEIGHT,
    address: str = "",
) -> Explorer:
    """The widget of a model, with a picture and an address to begin with. SettingsError for a network too large for a
    notebook."""
    size = sum(array.nbytes for array in model.file.weights.values())
    if size > LARGEST:
        raise SettingsError(
            "this network is too large for a notebook's cell", where=model.where,
            received=f"{size / 1e6:.0f} MB of weights", remedy="pellucid open MODEL, in a terminal",
        )  # fmt: skip
    cell = _with_front_end()
    made = packed(model, pictures, _LACKS, given)
    return cell(
        package=made.document,
        weights=made.weights,
        pictures=made.pictures,
        epochs=made.epochs,
        height=height,
        address=address,
    )


@cache
def _with_front_end() -> type[Explorer]:
    """The class with the built script and styles, which are read when the first cell is made. NotBuilt."""
    script, style = built_file("widget.js").decode(), built_file("widget.css").decode()

    class Cell(Explorer):
        _esm: Any = script
        _css: Any = style

    return Cell
