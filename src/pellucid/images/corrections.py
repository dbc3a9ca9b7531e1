"""Labels that somebody corrected: a table beside the data, `photos.corrections.csv` for the folder `photos`.

    path,label,was,digest

`path` is the picture's in split.csv, `label` the corrected class (empty: it belongs to none and is left out), `was` the
one that the data says, `digest` that of its pixels in hexadecimal. A row holds as long as picture, label and class are
what they were; the data stays untouched, and every picture stays in its part. The built-in digits have no folder:
`mnist.corrections.csv` lies in the current one, as runs/ does.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.images.sources import Source, counted
from pellucid.images.split_table import NAME_ERRORS, quoted
from pellucid.storage import shown, write_atomically

SUFFIX = ".corrections.csv"
LARGEST = 64 << 20  # bytes
_COLUMNS = ["path", "label", "was", "digest"]


@dataclass(frozen=True)
class Correction:
    """One picture's corrected class ("" for none), and what it was when somebody looked at it."""

    path: str
    label: str
    was: str
    digest: bytes


@dataclass(frozen=True, eq=False)
class Corrected:
    """A `source` whose labels are corrected, how many of them were (`count`) by which `file`, which pictures belong to
    no class (`excluded` bool [n]), and the (path, reason) of corrections that don't hold any more."""

    source: Source
    file: Path | None
    count: int
    excluded: NDArray[np.bool_]
    passed_over: tuple[tuple[str, str], ...] = ()

    @property
    def note(self) -> str:
        """What `train` and `evaluate` say of it; empty where there is nothing to say."""
        out = int(self.excluded.sum())
        if self.file is None or not (self.count or out or self.passed_over):
            return ""
        left_out = f", {counted(out, 'picture')} left out" if out else ""
        text = f"{counted(self.count, 'label')} corrected{left_out} by {shown(self.file)}"
        if self.passed_over:
            path, reason = self.passed_over[0]
            text += f"; {len(self.passed_over):,} passed over, the first: {shown(path)}: {reason}"
        return text


def corrections_file(data: str | os.PathLike) -> Path | None:
    """Where the corrections of this data lie, whether there are any or not; None for a path without a name."""
    path = Path(data).expanduser().resolve()  # a folder may be given as . or .., or by a link
    return path.with_name(path.name + SUFFIX) if path.name else None


def read_corrections(path: Path) -> dict[str, Correction]:
    """The table's rows by path; none where there is no such file. DataError where it can't be read."""
    try:
        if path.stat().st_size > LARGEST:
            raise _bad_table(path, f"{path.stat().st_size:,} bytes", f"{LARGEST:,} at most")
        with path.open(encoding="utf-8", errors=NAME_ERRORS, newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if header != _COLUMNS:
                raise _bad_table(path, f"the header is {shown(','.join(header)[:80])!r}", ",".join(_COLUMNS))
            rows = [_checked(path, number, row) for number, row in enumerate(reader, start=1)]
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DataError(f"This table can't be read ({error.strerror})", where=shown(path)) from error
    except (csv.Error, ValueError) as error:
        raise _bad_table(path, str(error), "CSV in UTF-8") from error
    return {row.path: row for row in rows}


def write_corrections(path: Path, rows: Iterable[Correction]) -> None:
    """Write the table, whole or not at all. Raises StorageError."""
    lines = [",".join(_COLUMNS)]
    lines += [f"{quoted(row.path)},{quoted(row.label)},{quoted(row.was)},{row.digest.hex()}" for row in rows]
    write_atomically(path, "".join(line + "\n" for line in lines).encode("utf-8", NAME_ERRORS))


def corrected(source: Source, data: object, digests: NDArray[np.uint8]) -> Corrected:
    """The source with the corrections that lie beside `data`, where that is a path. `digests` uint8 [n, 16] are those
    of its pictures."""
    file = corrections_file(data) if isinstance(data, str | os.PathLike) else None
    rows = read_corrections(file) if file is not None else {}
    excluded = np.zeros(len(source), bool)
    if not rows:
        return Corrected(source, file, 0, excluded)
    classes = {name: place for place, name in enumerate(source.classes)}
    labels = np.array(source.labels, np.int64)
    waiting = dict(rows)
    passed: list[tuple[str, str]] = []
    count = 0
    for index in range(len(source)):
        row = waiting.pop(source.path(index), None)
        if row is None:
            continue
        if digests[index].tobytes() != row.digest:
            passed.append((row.path, "the picture has changed since"))
        elif row.label and row.label not in classes:
            passed.append((row.path, f"there is no class {shown(row.label)} any more"))
        elif source.classes[labels[index]] == row.label:
            continue  # the data says so itself by now
        elif source.classes[labels[index]] != row.was:
            passed.append((row.path, f"the data no longer says {shown(row.was)} of it"))
        elif not row.label:
            excluded[index] = True
        else:
            labels[index] = classes[row.label]
            count += 1
    passed += [(path, "there is no such picture any more") for path in waiting]
    return Corrected(replace(source, labels=labels), file, count, excluded, tuple(passed))


def _checked(path: Path, number: int, row: list[str]) -> Correction:
    if len(row) != len(_COLUMNS):
        raise _bad_table(path, f"row {number:,} has {len(row)} columns", str(len(_COLUMNS)))
    try:
        digest = bytes.fromhex(row[3])
    except ValueError:
        digest = b""
    if len(digest) != 16:
        raise _bad_table(
            path, f"row {number:,} has the digest {shown(row[3][:40])!r}", "32 hexadecimal digits"
        )
    return Correction(row[0], row[1], row[2], digest)


def _bad_table(path: Path, received: str, expected: str) -> DataError:
    return DataError(
        "This isn't a table of corrected labels",
        where=shown(path),
        received=f"{received}; expected {expected}",
        remedy="mend it, or take it away: training then goes by the data's own labels",
    )
