"""The explorer as one HTML file: the front end, the network with its weights, and some test pictures.

It asks nothing of anybody: it works from a double click, offline, and on any host. Its blocks are read by
web/src/sources/page.ts: `pellucid-page` (a document), `pellucid-weights`, `pellucid-pictures` (deflated pixels one
after the other) and `pellucid-epochs` (float16 weights one epoch after the other).
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
from pellucid.inside.explorer_document import Described, described
from pellucid.inside.explorer_files import built_file
from pellucid.inside.explorer_schema import PictureEntry
from pellucid.inside.number import Inside
from pellucid.inside.run_folder import RunFolder
from pellucid.model import ForeignModel, ModelFile
from pellucid.shipping.embedding import Parts, bytes_block, json_block, page_of
from pellucid.storage import shown, write_atomically

LARGEST = 25 * 10**6  # bytes: what mail and most hosts still take
PICTURES = 24
MOST_PICTURE_BYTES = 6 * 10**6  # deflated, of all together
MOST_EPOCH_BYTES = 10**6  # so that a page of a digits network stays small
LARGEST_DIFFERENCE = 1e-6  # between the answers of what was read back and the model's own
_KEEPS_NOTHING = "A published page keeps nothing: labels are corrected in pellucid open."
_BUILDS_NOTHING = "A published page only has its own network: others are tried in pellucid open."


@dataclass(frozen=True)
class Page:
    """A page that was written: its `path`, `size` in bytes, how many `pictures` are in it, and the `agreement`: the
    largest difference between a probability of what was read back from it and of the model."""

    path: str
    size: int
    pictures: int
    agreement: float


@dataclass(frozen=True, eq=False)
class _Shown:
    """Pictures that go into the page, with their entries."""

    entries: tuple[PictureEntry, ...]
    pixels: tuple[Pixels, ...]
    packed: tuple[bytes, ...]


def write_page(model: ModelFile | ForeignModel, path: str | Path, pictures: int = PICTURES) -> Page:
    """Write the model's page, read it back and hold it against the model.

    SettingsError where it would be larger than 25 MB, NotBuilt where the front end isn't here, ModelError where what
    was read back doesn't agree (the file is then removed).
    """
    template = built_file("page.html").decode()
    made = described(model)
    if made.document.weight_bytes * 4 / 3 > LARGEST:
        raise _too_large(made.document.weight_bytes * 4 // 3 + len(template), made, 0, 0)
    folder = RunFolder(model)
    shown_ones = _pictures(folder, pictures)
    epochs = _epochs(folder, made)
    document = _document(made, folder, shown_ones, list(epochs))
    blocks = [
        json_block("pellucid-page", document),
        bytes_block("pellucid-weights", made.weights()),
        bytes_block("pellucid-pictures", b"".join(shown_ones.packed)),
        bytes_block("pellucid-epochs", b"".join(epochs.values())),
    ]
    data = page_of(template, f"{made.document.title} · pellucid", blocks).encode()
    if len(data) > LARGEST:
        raise _too_large(len(data), made, len(blocks[2]), len(blocks[3]))
    path = Path(path)
    write_atomically(path, data)
    try:
        agreement = _agreement(path, model, made, shown_ones)
    except PellucidError:
        path.unlink(missing_ok=True)
        raise
    return Page(str(path), len(data), len(shown_ones.entries), agreement)


def _document(made: Described, folder: RunFolder, chosen: _Shown, epochs: list[int]) -> dict[str, Any]:
    lacks = dict(folder.lacks) | {"correct": _KEEPS_NOTHING, "build": _BUILDS_NOTHING}
    if not chosen.entries and "pictures" not in lacks:
        lacks["pictures"] = "This page was made without pictures: drop one of your own."
    mistakes = replay = None
    if "mistakes" not in lacks:
        here = {entry.id for entry in chosen.entries}
        whole = folder.mistakes()
        worst = [entry for entry in whole.worst if entry.id in here]
        mistakes = whole.model_copy(update={"worst": worst, "corrections_file": None}).model_dump(mode="json")
    if "replay" not in lacks:
        whole = folder.replay()
        kept = [epoch.model_copy(update={"kept": epoch.epoch in epochs}) for epoch in whole.epochs]
        replay = whole.model_copy(update={"epochs": kept}).model_dump(mode="json")
        if not epochs:
            replay = None
            lacks["replay"] = (
                "The weights by epoch would make this page too large: pellucid open replays them."
            )
    places = np.cumsum([0, *(len(packed) for packed in chosen.packed)]).tolist()
    return {
        "graph": made.document.model_dump(mode="json"),
        "lacks": lacks,
        "pictures": [
            entry.model_dump(mode="json") | {"channels": pixels.shape[2], "from": start, "to": end}
            for entry, pixels, start, end in zip(
                chosen.entries, chosen.pixels, places[:-1], places[1:], strict=True
            )
        ],
        "mistakes": mistakes,
        "replay": replay,
        "epochs": epochs,
    }


def _pictures(folder: RunFolder, count: int) -> _Shown:
    """Half mistakes, the surest first, half others, the classes by turns; as many as there is room for."""
    entries: list[PictureEntry] = []
    if count and "mistakes" not in folder.lacks:
        entries += folder.entries("mistakes", 0, count // 2)
    if count and "pictures" not in folder.lacks:
        taken = {entry.id for entry in entries}
        others = [entry for entry in folder.entries("test", 0, 500) if entry.id not in taken]
        entries = [*_by_turns(others)[: count - len(entries)], *entries]
    kept, pixels, packed, size = [], [], [], 0
    for entry in entries:
        try:
            picture = folder.picture(entry.id)
        except PellucidError:
            continue  # it has changed, or isn't there any more
        data = zlib.compress(picture.tobytes(), 9)
        if size + len(data) > MOST_PICTURE_BYTES:
            break
        size += len(data)
        kept.append(entry.model_copy(update={"height": picture.shape[0], "width": picture.shape[1]}))
        pixels.append(picture)
        packed.append(data)
    return _Shown(tuple(kept), tuple(pixels), tuple(packed))


def _by_turns(entries: list[PictureEntry]) -> list[PictureEntry]:
    """One of each class, then a second one of each ..."""
    seen: dict[int | None, int] = {}
    turns = []
    for entry in entries:
        seen[entry.truth] = seen.get(entry.truth, 0) + 1
        turns.append((seen[entry.truth], -1 if entry.truth is None else entry.truth, entry))
    return [entry for _, _, entry in sorted(turns, key=lambda turn: turn[:2])]


def _epochs(folder: RunFolder, made: Described) -> dict[int, bytes]:
    """The weights of some epochs spread over the run, the first and the last among them."""
    if "replay" in folder.lacks:
        return {}
    kept = [epoch.epoch for epoch in folder.replay().epochs if epoch.kept]
    most = MOST_EPOCH_BYTES // max(1, made.document.weight_bytes // 2)
    if most < 2:
        return {}
    if len(kept) > most:
        kept = [kept[round(i * (len(kept) - 1) / (most - 1))] for i in range(most)]
    return {epoch: made.snapshot(folder.weights_of(epoch)) for epoch in dict.fromkeys(kept)}


def _agreement(path: Path, model: ModelFile | ForeignModel, made: Described, chosen: _Shown) -> float:
    """What the page's own numbers answer, run by onnxruntime, against the model. ModelError where they don't agree."""
    try:
        parts = Parts(path.read_text("utf-8"))
        document, weights = parts.document("pellucid-page"), parts.bytes("pellucid-weights")
        pictures = parts.bytes("pellucid-pictures")
    except (OSError, ValueError) as error:
        raise StorageError(
            "The page can't be read back", where=shown(path), received=str(error)[:200]
        ) from error
    if not parts.allows_itself() or document["graph"] != made.document.model_dump(mode="json"):
        raise ModelError("The page that was written isn't what was meant", where=shown(path))
    size = made.document.input
    black = np.zeros((size.height, size.width, size.channels), np.uint8)
    inside = Inside(model.opened(black))
    read = _read_weights(document["graph"], weights)
    for name, array in read.items():
        if not np.array_equal(array, inside.places.value(name).astype(array.dtype), equal_nan=True):
            raise ModelError(
                "A weight in the page isn't the model's", where=shown(path), received=shown(name)
            )
    own = {name: array.astype(model.file.weights[name].dtype) for name, array in read.items()
           if name in model.file.weights}  # fmt: skip
    again = Edited(model, inside, own)
    shown_again = [black] if not document["pictures"] else [
        np.frombuffer(zlib.decompress(pictures[each["from"] : each["to"]]), np.uint8).reshape(
            each["height"], each["width"], each["channels"]
        )
        for each in document["pictures"]
    ]  # fmt: skip
    largest = 0.0
    for found, meant in zip(shown_again, chosen.pixels or (black,), strict=True):
        difference = again.probabilities(found[None]) - model.probabilities(meant[None])
        largest = max(largest, float(np.abs(difference).max()))
    if not largest <= LARGEST_DIFFERENCE:
        raise ModelError(
            "The page doesn't answer as the model does", where=shown(path), received=f"{largest:g} apart"
        )
    return largest


def _read_weights(graph: Mapping[str, Any], data: bytes) -> dict[str, NDArray[Any]]:
    """The weights as the page's script finds them: by their offsets."""
    found = {}
    for about in graph["weights"]:
        dtype = np.dtype("<f4" if about["stored"] == "float32" else "<f8")
        count = int(np.prod(about["shape"]))
        found[about["tensor"]] = np.frombuffer(data, dtype, count, about["offset"]).reshape(about["shape"])
    return found


def _too_large(size: float, made: Described, pictures: int, epochs: int) -> SettingsError:
    weights = made.document.weight_bytes * 4 / 3
    parts = [("its weights", weights), ("the pictures", pictures), ("the weights by epoch", epochs)]
    said = ", ".join(f"{what} {part / 1e6:.1f} MB" for what, part in parts if part > 1e5)
    remedy = "fewer pictures: --pictures 0" if weights + epochs < LARGEST * 0.9 and pictures else (
        "a smaller network (pellucid summary tells each layer's parameters; the dense layers are usually the largest), "
        "or pellucid open, which has no limit"
    )  # fmt: skip
    return SettingsError(
        f"the page would be larger than {LARGEST // 10**6} MB", where="page", received=f"{size / 1e6:.1f} MB: {said}",
        remedy=remedy,
    )  # fmt: skip
