"""A network with some of its pictures, packed for a place without a server: a published page or a notebook's cell.

web/src/sources/embedded.ts reads it. Pictures are raw pixels, deflated, one after the other; epochs are float16
weights, one epoch after the other.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import ModelError, PellucidError
from pellucid.images.reading import Pixels
from pellucid.inside.explorer_browser import not_in_browser
from pellucid.inside.explorer_document import Described, described
from pellucid.inside.explorer_schema import PictureEntry
from pellucid.inside.run_folder import MOST_AT_ONCE, RunFolder
from pellucid.model import ForeignModel, ModelFile
from pellucid.storage import shown

PICTURES = 24
MOST_PICTURE_BYTES = 6 * 10**6  # deflated, of all together
MOST_EPOCH_BYTES = 10**6  # so that a page of a digits network stays small


@dataclass(frozen=True, eq=False)
class Package:
    """What a place without a server gets: the `document` (JSON), and the bytes of weights, pictures and epochs.
    `pixels` are the pictures as they were before they were packed."""

    document: dict[str, Any]
    weights: bytes
    pictures: bytes
    epochs: bytes
    pixels: tuple[Pixels, ...]
    described: Described


def packed(
    model: ModelFile | ForeignModel,
    count: int,
    lacks: Mapping[str, str],
    given: tuple[str, Pixels] | None = None,
) -> Package:
    """A model with the picture `given` and up to `count` of its test pictures; `lacks`, what the place can't do.

    ModelError where it has an operation that a browser doesn't compute by itself.
    """
    made, folder = described(model), RunFolder(model)
    if strange := not_in_browser(made.document):
        more = f" and {len(strange) - 3:,} more" if len(strange) > 3 else ""
        raise ModelError(
            "this network has what a browser can't compute by itself", where=model.where,
            received=", ".join(shown(each) for each in strange[:3]) + more,
            remedy="pellucid open shows it, as it computes with onnxruntime",
        )  # fmt: skip
    epochs = _epochs(folder, made)
    chosen = list(_chosen(folder, count))
    if given is not None:
        chosen.insert(0, _given(*given))
    kept: list[tuple[dict[str, Any], Pixels, bytes]] = []
    place = 0
    for entry, pixels in chosen:
        data = zlib.compress(pixels.tobytes(), 9)
        if kept and place + len(data) > MOST_PICTURE_BYTES:
            break
        height, width, channels = pixels.shape
        about = entry.model_dump(mode="json") | {"height": height, "width": width, "channels": channels}
        kept.append((about | {"from": place, "to": place + len(data)}, pixels, data))
        place += len(data)
    return Package(
        _document(made, folder, [about for about, _, _ in kept], list(epochs), lacks),
        made.weights(), b"".join(data for _, _, data in kept), b"".join(epochs.values()),
        tuple(pixels for _, pixels, _ in kept), made,
    )  # fmt: skip


def _document(
    made: Described,
    folder: RunFolder,
    pictures: list[dict[str, Any]],
    epochs: list[int],
    lacks: Mapping[str, str],
) -> dict[str, Any]:
    said = dict(folder.lacks) | dict(lacks)
    if pictures:
        said.pop("pictures", None)
    elif "pictures" not in said:
        said["pictures"] = "No pictures are in here: drop one of your own."
    mistakes = replay = None
    if "mistakes" not in said:
        here = {entry["id"] for entry in pictures}
        whole = folder.mistakes()
        worst = [entry for entry in whole.worst if entry.id in here]
        mistakes = whole.model_copy(update={"worst": worst, "corrections_file": None}).model_dump(mode="json")
    if "replay" not in said and not epochs:
        said["replay"] = "The weights by epoch would be too large for this place: pellucid open replays them."
    if "replay" not in said:
        whole = folder.replay()
        kept = [epoch.model_copy(update={"kept": epoch.epoch in epochs}) for epoch in whole.epochs]
        replay = whole.model_copy(update={"epochs": kept}).model_dump(mode="json")
    return {
        "graph": made.document.model_dump(mode="json"), "lacks": said, "pictures": pictures,
        "mistakes": mistakes, "replay": replay, "epochs": epochs,
    }  # fmt: skip


def _given(name: str, pixels: Pixels) -> tuple[PictureEntry, Pixels]:
    entry = PictureEntry(
        id="given", name=shown(name), truth=None, answer=None, probability=None, of_truth=None,
        height=pixels.shape[0], width=pixels.shape[1], corrected=None,
    )  # fmt: skip
    return entry, pixels


def _chosen(folder: RunFolder, count: int) -> Iterable[tuple[PictureEntry, Pixels]]:
    """Half mistakes, the surest first, half others, the classes by turns."""
    entries: list[PictureEntry] = []
    if count and "mistakes" not in folder.lacks:
        entries += folder.entries("mistakes", 0, count // 2)
    if count and "pictures" not in folder.lacks:
        taken = {entry.id for entry in entries}
        others = [entry for entry in folder.entries("test", 0, MOST_AT_ONCE) if entry.id not in taken]
        entries = [*_by_turns(others)[: count - len(entries)], *entries]
    for entry in entries:
        try:
            yield entry, folder.picture(entry.id)
        except PellucidError:
            continue  # it has changed, or isn't there any more


def _by_turns(entries: list[PictureEntry]) -> list[PictureEntry]:
    """One of each class, then a second one of each ..."""
    seen: dict[int | None, int] = {}
    turns = []
    for entry in entries:
        seen[entry.truth] = seen.get(entry.truth, 0) + 1
        turns.append((seen[entry.truth], -1 if entry.truth is None else entry.truth, entry))
    return [entry for _, _, entry in sorted(turns, key=lambda turn: turn[:2])]


def _epochs(folder: RunFolder, made: Described) -> dict[int, bytes]:
    """The weights of some epochs spread over the run, the first and last among them; none where two are too many."""
    if "replay" in folder.lacks:
        return {}
    kept = [epoch.epoch for epoch in folder.replay().epochs if epoch.kept]
    most = MOST_EPOCH_BYTES // max(1, made.document.weight_bytes // 2)
    if most < 2:
        return {}
    if len(kept) > most:
        kept = [kept[int(place)] for place in np.linspace(0, len(kept) - 1, most).round()]
    return {epoch: made.snapshot(folder.weights_of(epoch)) for epoch in dict.fromkeys(kept)}
