"""The pictures at hand: a folder, files, arrays, or the part that a model's training kept aside for the test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError, PellucidError, SettingsError
from pellucid.images import picture_digest
from pellucid.images.formats import KINDS
from pellucid.images.reading import MAX_PIXELS, is_picture_name, read_picture
from pellucid.images.sources import counted
from pellucid.model import ForeignModel, ModelFile
from pellucid.model.classifier import as_pixels
from pellucid.storage import shown
from pellucid.training.own_test import own_test_part

Pixels = NDArray[np.uint8]


@dataclass(eq=False)
class AtHand:
    """Pictures by `names`; `read(index)` gives one, uint8 [height, width, 1 or 3], or raises PellucidError.

    `described` says in words which they are. `left_out` collects the (name, reason) of those that can't be read.
    """

    names: Sequence[str]
    read: Callable[[int], Pixels]
    described: str
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)

    def each(self) -> Iterator[tuple[int, Pixels]]:
        """Every picture that can be read, with its index. DataError at the end where none could be."""
        good = 0
        for index, name in enumerate(self.names):
            try:
                pixels = self.read(index)
            except PellucidError as error:
                self.left_out.append((name, error.what))
                continue
            good += 1
            yield index, pixels
        if not good:
            why = self.left_out[-1][1] if self.left_out else "none was given"
            raise DataError("no picture could be read", where=self.described, received=why,
                            remedy=f"give {KINDS} files, or a folder that holds some")  # fmt: skip


def at_hand(model: ModelFile | ForeignModel, given: object = None, max_pixels: int = MAX_PIXELS) -> AtHand:
    """What `given` means: a folder (pictures at any depth), a file, an array, a list of these; None: the model's own
    test part. DataError where there is none, or the folder is empty."""
    if given is None or (isinstance(given, list | tuple) and not given):
        return _own_part(model)
    some = given if isinstance(given, list | tuple) else [given]
    if isinstance(given, np.ndarray) and given.ndim == 4:
        some = list(given)
    names: list[str] = []
    sources: list[object] = []
    for one in some:
        if isinstance(one, str | os.PathLike):
            paths = list(_files(Path(one)))
            names += [shown(path) for path in paths]
            sources += paths
        else:
            names.append(f"picture {len(names)}")
            sources.append(one)

    def read(index: int) -> Pixels:
        source = sources[index]
        if isinstance(source, Path):
            return read_picture(source, max_pixels=max_pixels)
        return as_pixels(source)

    where = (
        f" of {shown(Path(some[0]).name)}"
        if len(some) == 1 and isinstance(some[0], str | os.PathLike)
        else ""
    )
    return AtHand(names, read, f"{counted(len(names), 'picture')}{where}")


def _files(path: Path) -> Iterator[Path]:
    """A file as it is; a folder's pictures, sorted, all levels down."""
    try:
        is_folder = path.is_dir()
    except OSError:  # a name too long, say: reading it will tell
        is_folder = False
    if not is_folder:
        yield path
        return
    found = False
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(sub for sub in folders if not sub.startswith("."))
        for name in sorted(files):
            if is_picture_name(name):
                found = True
                yield Path(folder, name)
    if not found:
        raise DataError("there are no pictures in this folder", where=shown(path), received="no picture files",
                        remedy=f"give a folder that holds {KINDS} files")  # fmt: skip


def _own_part(model: ModelFile | ForeignModel) -> AtHand:
    if isinstance(model, ForeignModel):
        raise SettingsError(
            "this model's file doesn't say which pictures it was tested on", where=model.where,
            received="no pictures", remedy="give pictures or a folder of them",
        )  # fmt: skip
    try:
        part = own_test_part(model)
    except DataError as error:
        raise DataError(error.what, where=error.where, received=error.received,
                        remedy="give pictures or a folder of them") from error  # fmt: skip

    def read(index: int) -> Pixels:
        row = int(part.rows[index])
        pixels = part.source.read(row)
        if picture_digest(pixels) != part.digests[index].tobytes():
            raise DataError(
                "the picture has changed since the model was trained", where=part.source.path(row)
            )
        return pixels

    names = [shown(part.source.path(int(row))) for row in part.rows]
    return AtHand(
        names, read, f"{counted(len(names), 'picture')}, the test part of {shown(part.source.name)}"
    )
