"""Any model file: ours, with its card, or another tool's."""

from __future__ import annotations

from pathlib import Path

from pellucid.errors import SettingsError
from pellucid.model.card import CARD_KEY
from pellucid.model.foreign import ForeignModel, Wishes
from pellucid.model.model import ModelFile
from pellucid.model.onnx_file import OnnxFile, read_file
from pellucid.model.read import check_seal
from pellucid.storage import shown

NO_WISHES = Wishes()


def open_any(
    path: str | Path, wishes: Wishes = NO_WISHES, threads: int | None = None
) -> ModelFile | ForeignModel:
    """Open a model file, whoever made it. `wishes` say how pictures come into one that has no card.

    ModelError where it can't be read, SettingsError where a file of ours is given wishes: it has its own way.
    """
    path = Path(path)
    data = read_file(path)
    where = shown(path)
    check_seal(data, where)
    file = OnnxFile(data, where, path.resolve().parent)
    if CARD_KEY not in file.metadata:
        return ForeignModel(file, wishes, threads)
    if wishes != NO_WISHES:
        raise SettingsError(
            "this file says itself how pictures come in and what its classes are", where=where,
            received="a file with a card", remedy="leave --scale, --mean, --std, --bgr, --fit, --size and --labels out",
        )  # fmt: skip
    return ModelFile(data, where, threads)
