"""The explorer as one HTML file: the front end, the network with its weights, and some test pictures.

It asks nothing of anybody: it works from a double click, offline, and on any host. Its blocks are `pellucid-page` (the
package's document), `pellucid-weights`, `pellucid-pictures` and `pellucid-epochs` (its bytes).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ModelError, PellucidError, SettingsError, StorageError
from pellucid.images.reading import Pixels
from pellucid.inside.editing import Edited
from pellucid.inside.explorer_files import built_file
from pellucid.inside.explorer_package import PICTURES, Package, packed
from pellucid.inside.number import Inside
from pellucid.model import ForeignModel, ModelFile
from pellucid.shipping.embedding import Parts, bytes_block, json_block, page_of
from pellucid.storage import shown, write_atomically

LARGEST = 25 * 10**6  # bytes: what mail and most hosts still take
LARGEST_DIFFERENCE = 1e-6  # between the answers of what was read back and the model's own
_LACKS = {
    "correct": "A published page keeps nothing: labels are corrected in pellucid open.",
    "build": "A published page has its own network alone: others are tried in pellucid open.",
}


@dataclass(frozen=True)
class Page:
    """A page that was written: its `path`, `size` in bytes, how many `pictures` are in it, and the `agreement`: the
    largest difference between a probability of what was read back from it and of the model."""

    path: str
    size: int
    pictures: int
    agreement: float


def write_page(model: ModelFile | ForeignModel, path: str | Path, pictures: int = PICTURES) -> Page:
    """Write the model's page, read it back and hold it against the model.

    SettingsError where it would be larger than 25 MB, NotBuilt where the front end isn't here, ModelError where what
    was read back doesn't agree (the file is then removed).
    """
    template = built_file("page.html").decode()
    if (size := sum(array.nbytes for array in model.file.weights.values())) > LARGEST:
        raise _too_large(size * 4 / 3, size * 4 / 3, 0, 0)
    package = packed(model, pictures, _LACKS)
    blocks = [
        json_block("pellucid-page", package.document),
        bytes_block("pellucid-weights", package.weights),
        bytes_block("pellucid-pictures", package.pictures),
        bytes_block("pellucid-epochs", package.epochs),
    ]
    data = page_of(template, f"{package.described.document.title} · pellucid", blocks).encode()
    if len(data) > LARGEST:
        raise _too_large(len(data), *(len(block) for block in blocks[1:]))
    path = Path(path)
    write_atomically(path, data)
    try:
        agreement = _agreement(path, model, package)
    except PellucidError:
        path.unlink(missing_ok=True)
        raise
    return Page(str(path), len(data), len(package.pixels), agreement)


def _agreement(path: Path, model: ModelFile | ForeignModel, package: Package) -> float:
    """What the page's own numbers answer, run by onnxruntime, against the model. ModelError where they don't agree."""
    try:
        parts = Parts(path.read_text("utf-8"))
        document, weights = parts.document("pellucid-page"), parts.bytes("pellucid-weights")
        pictures = _pixels(document, parts.bytes("pellucid-pictures"))
    except (OSError, ValueError, KeyError, zlib.error) as error:
        raise StorageError(
            "The page can't be read back", where=shown(path), received=str(error)[:200]
        ) from error
    if not parts.allows_itself() or document != package.document:
        raise ModelError("The page that was written isn't what was meant", where=shown(path))
    size = package.described.document.input
    black = np.zeros((size.height, size.width, size.channels), np.uint8)
    inside = Inside(model.opened(black))
    read = _weights(document["graph"], weights)
    for name, array in read.items():
        if not np.array_equal(array, inside.places.value(name).astype(array.dtype), equal_nan=True):
            raise ModelError(
                "A weight in the page isn't the model's", where=shown(path), received=shown(name)
            )
    own = {name: array.astype(model.file.weights[name].dtype) for name, array in read.items()
           if name in model.file.weights}  # fmt: skip
    again = Edited(model, inside, own)
    largest = 0.0
    for found, meant in zip(pictures or [black], package.pixels or (black,), strict=True):
        difference = again.probabilities(found[None]) - model.probabilities(meant[None])
        largest = max(largest, float(np.abs(difference).max()))
    if not largest <= LARGEST_DIFFERENCE:
        raise ModelError(
            "The page doesn't answer as the model does", where=shown(path), received=f"{largest:g} apart"
        )
    return largest


def _pixels(document: Mapping[str, Any], data: bytes) -> list[Pixels]:
    """The pictures as the page's script finds them."""
    return [
        np.frombuffer(zlib.decompress(data[each["from"] : each["to"]]), np.uint8).reshape(
            each["height"], each["width"], each["channels"]
        )
        for each in document["pictures"]
    ]


def _weights(graph: Mapping[str, Any], data: bytes) -> dict[str, NDArray[Any]]:
    """The weights as the page's script finds them: by their offsets."""
    found = {}
    for about in graph["weights"]:
        dtype = np.dtype("<f4" if about["stored"] == "float32" else "<f8")
        count = int(np.prod(about["shape"]))
        found[about["tensor"]] = np.frombuffer(data, dtype, count, about["offset"]).reshape(about["shape"])
    return found


def _too_large(size: float, weights: float, pictures: float, epochs: float) -> SettingsError:
    parts = [("its weights", weights), ("the pictures", pictures), ("the weights by epoch", epochs)]
    said = ", ".join(f"{what} {part / 1e6:.1f} MB" for what, part in parts if part > 1e5)
    remedy = (
        "fewer pictures: --pictures 0"
        if pictures and size - pictures < LARGEST
        else "a smaller network (pellucid summary tells each layer's parameters; the dense layers usually have the "
        "most), or pellucid open, which has no limit"
    )
    return SettingsError(
        f"the page would be larger than {LARGEST // 10**6} MB", where="page",
        received=f"{size / 1e6:.1f} MB: {said}", remedy=remedy,
    )  # fmt: skip
