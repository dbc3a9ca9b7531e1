"""Tables of paths and labels: CSV, with commas, semicolons or tabs, as spreadsheets and programs write them.

| the table                                       | what happens                                                       |
| ----------------------------------------------- | ------------------------------------------------------------------ |
| first row names a path and a label column       | it is the header; other columns don't matter                       |
| no such first row                               | columns are path, label and, if there is a third, part             |
| UTF-8 with or without a mark at its start, UTF-16 with one, any line ends | read                                     |
| names in quotes, with commas, quotes, line ends | read                                                               |
| a path                                          | is relative to the table's folder, or absolute                     |
| a path with `\\` that names no file             | is tried with `/`                                                  |
| empty lines                                     | passed over                                                        |
| a row without path or label, or too short, or of an unknown part | left out, listed with its line number             |
| a file that is missing, or no file              | left out, listed with its line number                              |
| the same path and label once more               | left out, listed with its line number                              |
| the same path with another label                | kept: the split warns of a picture in two classes                  |
| quotes that never end, or a field of over 131,072 letters | refused, with the line's number                          |
| parts for some rows only                        | refused, with the first such line                                  |
"""

import csv
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pellucid.errors import DataError
from pellucid.images.folder import PART_FOLDERS
from pellucid.images.reading import MAX_PIXELS, read_file
from pellucid.images.sources import PARTS, FileSource, check_classes, class_order, counted, listed
from pellucid.storage import shown

EXTENSIONS = frozenset({".csv", ".tsv"})
DELIMITERS = (",", ";", "\t")

_PATH = frozenset({"path", "file", "filename", "filepath", "image", "imagepath", "img", "picture"})
_LABEL = frozenset({"label", "class", "classname", "category", "target"})
_PART = frozenset({"split", "part", "set", "subset", "fold", "partition"})
_LOOKED_AT = 50  # rows that tell which delimiter this table has

Row = tuple[int, list[str]]  # the line it begins on, its cells


def table_source(path: Path, max_pixels: int = MAX_PIXELS) -> FileSource:
    """A Source from a table, in the order of its rows. Which pictures can be read shows later. Raises DataError."""
    text = _text(path)
    delimiter = _delimiter(text)
    rows = _rows(path, text, delimiter)
    columns, rows = _columns(path, rows, delimiter)
    root = str(path.absolute().parent)
    left_out: list[tuple[str, str]] = []
    found: list[tuple[int, str, str, str]] = []  # line, path, label, part
    seen: dict[tuple[str, str], int] = {}
    for line, cells in rows:
        place = f"line {line:,}"
        try:
            name, label, part = _cells(cells, columns)
            name = _file(root, name)
            if (name, label) in seen:
                raise DataError(f"stands in line {seen[name, label]:,} already", where=name)
        except DataError as error:
            left_out.append((place, f"{shown(error.where)}: {error.what}" if error.where else error.what))
            continue
        seen[name, label] = line
        found.append((line, name, label, part))
    if not found:
        raise _nothing(path, left_out)
    _check_parts(path, found)
    classes = class_order(label for _, _, label, _ in found)
    place_of = {name: i for i, name in enumerate(classes)}
    labels = np.array([place_of[label] for _, _, label, _ in found], dtype=np.int64)
    parts = np.array([part for _, _, _, part in found], dtype="<U10")
    check_classes(classes, labels, parts, shown(path))
    return FileSource(
        name=shown(path.stem),
        where=shown(path),
        classes=classes,
        labels=labels,
        parts=parts,
        left_out=tuple(left_out),
        root=root,
        paths=tuple(name for _, name, _, _ in found),
        max_pixels=max_pixels,
    )


def _text(path: Path) -> str:
    data, _ = read_file(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise DataError("This table is not the UTF-16 that it begins as", where=shown(path),
                            received=str(error), remedy="save it as CSV in UTF-8") from error  # fmt: skip
    # Names of files are bytes: those that are no UTF-8 stay what they are.
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


def _delimiter(text: str) -> str:
    """The one that gives a header that is known; else the one with the same number of columns, two or more, in the
    most rows."""
    best, best_score = ",", (-1, -1)
    for delimiter in DELIMITERS:
        first: list[list[str]] = []
        try:
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
                first += [row] if any(cell.strip() for cell in row) else []
                if len(first) == _LOOKED_AT:
                    break
        except csv.Error:
            pass  # told when the rows are read
        header = bool(first) and _header(first[0]) is not None
        counts = [len(row) for row in first if len(row) > 1]
        score = (int(header), max((counts.count(number) for number in set(counts)), default=0))
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _rows(path: Path, text: str, delimiter: str) -> Iterator[Row]:
    """The rows that aren't empty, with the numbers of the lines that they begin on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                "This table can't be read", where=f"{shown(path)}, line {line:,}", received=str(error),
                remedy='close the quotes that begin there, and write a quote inside them twice: ""',
            ) from error  # fmt: skip
        if any(cell.strip() for cell in cells):
            yield line, cells


def _header(cells: list[str]) -> tuple[int, int, int | None] | None:
    """The places of path, label and part, if this row names the first two."""
    names = [cell.strip().lower().replace("_", "").replace(" ", "") for cell in cells]
    places = [[i for i, name in enumerate(names) if name in known] for known in (_PATH, _LABEL, _PART)]
    if not places[0] or not places[1]:
        return None
    return places[0][0], places[1][0], places[2][0] if places[2] else None


def _columns(
    path: Path, rows: Iterator[Row], delimiter: str
) -> tuple[tuple[int, int, int | None], Iterator[Row]]:
    first = next(rows, None)
    if first is None:
        raise DataError("This table is empty", where=shown(path), remedy=_EXAMPLE)
    if header := _header(first[1]):
        return header, rows
    width = len(first[1])
    if width > 3:
        raise DataError(
            "Which columns of this table are the path and the label?",
            where=f"{shown(path)}, line {first[0]:,}", received=listed(first[1]), remedy=_EXAMPLE,
        )  # fmt: skip

    def with_first() -> Iterator[Row]:
        yield first
        yield from rows

    return (0, 1, 2 if width == 3 else None), with_first()


_EXAMPLE = "begin it with a line that names the columns: path,label"


def _cells(cells: list[str], columns: tuple[int, int, int | None]) -> tuple[str, str, str]:
    """(path, label, part) of a row. Raises DataError."""
    path, label, part = columns
    needed = max(column for column in columns if column is not None) + 1
    if len(cells) < needed:
        raise DataError(f"{counted(len(cells), 'column')}, and {needed} are wanted")
    if not cells[path].strip():
        raise DataError("no path")
    if not cells[label].strip():
        raise DataError("no label", where=cells[path])
    if part is None or not (said := cells[part].strip()):
        return cells[path], cells[label].strip(), ""
    if said.lower() not in PART_FOLDERS:
        known = ", ".join(sorted(PART_FOLDERS))
        raise DataError(f"the part {shown(said[:40])!r} is none of {known}", where=cells[path])
    return cells[path], cells[label].strip(), PART_FOLDERS[said.lower()]


def _file(root: str, name: str) -> str:
    """The path as the file system has it. Raises DataError."""
    for candidate in dict.fromkeys((name, name.strip(), name.strip().replace("\\", os.sep))):
        full = candidate if ".." in candidate else os.path.normpath(candidate)  # a link's .. is the system's
        try:
            state = os.stat(os.path.join(root, full))  # noqa: PTH116, PTH118 - there may be millions
        except (OSError, ValueError):
            continue
        if not stat.S_ISREG(state.st_mode):
            raise DataError("not a file", where=name)
        return full
    raise DataError("there is no such file", where=name)


def _check_parts(path: Path, found: list[tuple[int, str, str, str]]) -> None:
    without = [line for line, _, _, part in found if not part]
    if without and len(without) < len(found):
        raise DataError(
            "Some rows of this table have a part, and others have none",
            where=f"{shown(path)}, line {without[0]:,}",
            received=f"{counted(len(without), 'row')} without, {len(found) - len(without):,} with",
            remedy="write train, validation or test into every row, or into none",
        )
    parts = {part for _, _, _, part in found}
    if parts != {""} and "train" not in parts:
        raise DataError(
            "No row of this table is for train", where=shown(path),
            received=listed([part for part in PARTS if part in parts]), remedy="write train into some rows",
        )  # fmt: skip


def _nothing(path: Path, left_out: list[tuple[str, str]]) -> DataError:
    if not left_out:
        return DataError("This table has a header and no rows", where=shown(path), remedy=_EXAMPLE)
    first = ", ".join(f"{line}: {reason}" for line, reason in left_out[:3])
    return DataError(
        "No row of this table can be used", where=shown(path),
        received=f"{counted(len(left_out), 'row')}; {first}",
        remedy=f"paths are relative to {shown(path.absolute().parent)}; {_EXAMPLE}",
    )  # fmt: skip
