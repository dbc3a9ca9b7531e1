"""Folders of class folders, with or without train, validation and test above them.

| in the folder                                                  | what happens                                       |
| -------------------------------------------------------------- | -------------------------------------------------- |
| hidden names, __MACOSX, Thumbs.db, desktop.ini                 | left out without a word                            |
| an empty class                                                 | left out, listed                                   |
| one picture in a class                                         | it is for train; a warning names the class         |
| numbers as class names                                         | in the order of numbers                            |
| a PNG called .jpg                                              | read: the content tells                            |
| a JPEG called .txt                                             | left out, listed: the name says it is no picture   |
| a text called a.jpg                                            | left out, listed, when the pictures are read       |
| a folder called a.jpg                                          | entered, as any folder                             |
| links that lead nowhere, to themselves, or to a folder read already | left out, listed                              |
| a file without permission                                      | left out, listed; a folder without is an error     |
| names that are no UTF-8, with line ends, commas, quotes        | read; escaped on the screen, kept in split.csv     |
| equal pictures in two splits                                   | kept in the later one, dropped from the other, told |

proof/messy_folder.py shows each of these.
"""

import os
from pathlib import Path

import numpy as np

from pellucid.errors import DataError
from pellucid.images.formats import KINDS
from pellucid.images.reading import MAX_PIXELS, is_picture_name
from pellucid.images.sources import PARTS, FileSource, check_classes, class_order, counted, listed
from pellucid.storage import shown

# "training" and "testing" too: read as classes they would give a model that tells train from test.
PART_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_SYSTEM_NAMES = frozenset({"__macosx", "thumbs.db", "desktop.ini"})

LeftOut = list[tuple[str, str]]


def folder_source(folder: Path, max_pixels: int = MAX_PIXELS) -> FileSource:
    """A Source from a folder of class folders, or of part folders with class folders inside.

    Pictures are .jpg, .jpeg, .jpe, .jfif and .png files anywhere below a class folder; links are followed,
    each folder once for a class. Hidden names are passed over in silence; other files, empty classes and
    whatever lies beside the class folders are in `left_out`. Ordered by part, class, path. Raises DataError.
    """
    root = str(folder.absolute())
    left_out: LeftOut = []
    part_folders = _part_folders(folder)
    found: list[tuple[str, str, str]] = []  # part, class, path
    for part, name in part_folders or [("", "")]:
        found += [(part, *rest) for rest in _classes_in(root, name, left_out)]
    if part_folders:
        named = {name for _, name in part_folders}
        _leave_out_others(root, "", named, left_out, "beside the part folders")
    if not found:
        raise _nothing(folder, part_folders, left_out)
    classes = class_order(name for _, name, _ in found)
    place = {name: i for i, name in enumerate(classes)}
    order = {part: i for i, part in enumerate(("", *PARTS))}
    found.sort(key=lambda row: (order[row[0]], place[row[1]], row[2]))
    labels = np.array([place[name] for _, name, _ in found], dtype=np.int64)
    parts = np.array([part for part, _, _ in found], dtype="<U10")
    if len(classes) == 1:
        _check_wrapper(folder, part_folders, classes[0])
    check_classes(classes, labels, parts, shown(folder))
    return FileSource(
        name=shown(Path(root).resolve().name or root),
        where=shown(folder),
        classes=classes,
        labels=labels,
        parts=parts,
        left_out=tuple((shown(path), reason) for path, reason in left_out),
        root=root,
        paths=tuple(path for _, _, path in found),
        max_pixels=max_pixels,
    )


def _part_folders(folder: Path) -> list[tuple[str, str]]:
    """(part, folder name) if this folder is divided into parts, else nothing. Raises DataError."""
    root = str(folder)
    folders = [entry.name for entry in _entries(root) if _is_folder(entry)]
    named: dict[str, list[str]] = {}
    for name in folders:
        if part := PART_FOLDERS.get(name.lower()):
            named.setdefault(part, []).append(name)
    if not named:
        return []
    inside = {name: _has_folders(root, name) for names in named.values() for name in names}
    only_parts = sum(map(len, named.values())) == len(folders)
    if not any(inside[name] for name in named.get("train", [])) and not only_parts:
        return []  # class folders, one of which happens to be called train or test
    for part, names in named.items():
        if len(names) > 1:
            raise DataError(
                f"Two folders could both be {part}",
                where=shown(root),
                received=listed(names),
                remedy="put them together, or take one of them away",
            )
    if "train" not in named:
        raise DataError(
            "There is no train folder beside the others",
            where=shown(root),
            received=listed(folders),
            remedy="add a folder called train with the same class folders inside",
        )
    if not inside[named["train"][0]]:
        raise _no_class_folders(folder / named["train"][0], "")
    return [(part, named[part][0]) for part in PARTS if part in named]


def _classes_in(root: str, name: str, left_out: LeftOut) -> list[tuple[str, str]]:
    """(class, path below root) of every picture in the class folders of `root`/`name`."""
    above = _join(root, name) if name else root
    found: list[tuple[str, str]] = []
    class_folders = [entry.name for entry in _entries(above) if _is_folder(entry)]
    for class_name in class_folders:
        inside = _join(name, class_name)
        paths = _pictures_below(root, inside, {_identity(root), _identity(above)}, left_out)
        found += [(class_name, path) for path in paths]
        if not paths:
            left_out.append((inside, "a class folder without pictures"))
    _leave_out_others(root, name, set(class_folders), left_out, "beside the class folders")
    return found


def _pictures_below(root: str, start: str, seen: set[tuple[int, int]], left_out: LeftOut) -> list[str]:
    """Paths below root of the pictures in a class folder; `seen` holds the folders not to enter (again)."""
    paths: list[str] = []
    waiting = [start]
    while waiting:
        inside = waiting.pop()
        identity = _identity(_join(root, inside))
        if identity in seen:
            left_out.append((inside, "a link to a folder that is read already"))
            continue
        seen.add(identity)
        for entry in _entries(_join(root, inside)):
            path = _join(inside, entry.name)
            if _is_folder(entry):
                waiting.append(path)
            elif is_picture_name(entry.name) and _is_file(entry):
                paths.append(path)
            else:
                left_out.append((path, _reason(entry)))
    return sorted(paths)


def _join(*names: str) -> str:
    return os.path.join(*names)  # noqa: PTH118 - no Path objects: there may be millions


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What is in a folder, by name, without what is hidden. Raises DataError."""
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not _is_hidden(entry.name)]
    except OSError as error:
        raise DataError(
            f"This folder can't be read ({os.strerror(error.errno or 0).lower()})",
            where=shown(folder),
            remedy="change its permissions, or move it out of the way",
        ) from error
    return sorted(visible, key=lambda entry: entry.name)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _SYSTEM_NAMES


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _has_folders(root: str, name: str) -> bool:
    return any(_is_folder(entry) for entry in _entries(_join(root, name)))


def _identity(folder: str) -> tuple[int, int]:
    try:
        state = os.stat(folder)  # noqa: PTH116
    except OSError as error:
        raise DataError(
            f"This folder can't be read ({os.strerror(error.errno or 0).lower()})", where=shown(folder)
        ) from error
    return state.st_dev, state.st_ino


def _reason(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink() and not _is_file(entry):
        return "a link that leads nowhere"
    if not _is_file(entry):
        return "not a file"
    return "not a picture by its name"


def _leave_out_others(root: str, name: str, known: set[str], left_out: LeftOut, place: str) -> None:
    for entry in _entries(_join(root, name) if name else root):
        if entry.name not in known:
            what = "a picture" if is_picture_name(entry.name) and _is_file(entry) else "a file"
            what = "a folder" if _is_folder(entry) else what
            left_out.append((_join(name, entry.name), f"{what} {place}"))


def _nothing(folder: Path, part_folders: list[tuple[str, str]], left_out: LeftOut) -> DataError:
    """The error for a folder in which no picture of any class was found."""
    loose = sum(reason.startswith("a picture") for _, reason in left_out)
    if loose:
        return _no_class_folders(folder, f"{counted(loose, 'picture')} directly in it")
    others = [path for path, reason in left_out if reason == "not a picture by its name"]
    if others:
        return DataError(
            f"There are no {KINDS} pictures in this folder",
            where=shown(folder),
            received=f"{counted(len(others), 'file')} of other kinds, such as {shown(others[0])}",
            remedy="save the pictures as .jpg or .png",
        )
    return DataError(
        "There are no pictures here",
        where=shown(folder),
        received="empty class folders" if left_out or part_folders else "an empty folder",
        remedy=_example(folder),
    )


def _no_class_folders(folder: Path, received: str) -> DataError:
    return DataError(
        "This folder has pictures but no class folders",
        where=shown(folder),
        received=received,
        remedy=_example(folder),
    )


def _example(folder: Path) -> str:
    name = shown(folder.absolute().name or "pictures")
    return (
        f"put the pictures of each class into a folder of its own, whose name is the class: "
        f"{name}/cat/1.jpg, {name}/dog/1.jpg"
    )


def _check_wrapper(folder: Path, part_folders: list[tuple[str, str]], only: str) -> None:
    """One class that itself holds folders is probably the real data folder, one level too deep."""
    if part_folders:
        return
    inside = [entry.name for entry in _entries(str(folder / only)) if _is_folder(entry)]
    if len(inside) > 1:
        raise DataError(
            "There is only one class folder here, and a classifier needs two or more",
            where=shown(folder),
            received=f"{shown(only)}, which holds the folders {listed(inside)}",
            remedy=f"if those are the classes, give {shown(folder / only)}",
        )
