"""split.csv: which picture was for what, as a table that outlives the run."""

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.images.sources import PARTS, listed
from pellucid.images.splitting import DROPPED, UNREADABLE
from pellucid.storage import shown, write_atomically

_COLUMNS = ["path", "label", "part", "digest"]
# How bytes in a name that are no UTF-8 get through a table.
NAME_ERRORS = "surrogatepass" if os.name == "nt" else "surrogateescape"


@dataclass(frozen=True, eq=False)
class SplitTable:
    """split.csv as columns: `paths`, `labels` (class names), `parts`, and `digests` uint8 [n, 16]."""

    paths: tuple[str, ...]
    labels: tuple[str, ...]
    parts: NDArray[np.str_]
    digests: NDArray[np.uint8]


def write_split(
    path: str | os.PathLike,
    paths: Sequence[str],
    labels: Sequence[str],
    parts: Sequence[str] | NDArray[np.str_],
    digests: NDArray[np.uint8],
) -> None:
    """Write split.csv, whole or not at all: UTF-8, a header, one row a picture, digests in hexadecimal.

    Names may hold commas, quotes and line ends. Bytes in a name that are no UTF-8 are written as they are.
    Raises StorageError.
    """
    size = digests.shape[1]
    figures = np.ascontiguousarray(digests).tobytes().hex()
    hexadecimal = [figures[at : at + 2 * size] for at in range(0, len(figures), 2 * size)]
    columns = zip(_quoted(paths), _quoted(labels), np.asarray(parts).tolist(), hexadecimal, strict=True)
    lines = [",".join(_COLUMNS), *map(",".join, columns), ""]
    write_atomically(path, "\n".join(lines).encode("utf-8", NAME_ERRORS))


def read_split(path: str | os.PathLike) -> SplitTable:
    """Read what write_split wrote. Raises DataError naming the row."""
    try:
        with Path(path).open(encoding="utf-8", errors=NAME_ERRORS, newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if header != _COLUMNS:
                raise _bad_table(path, f"the header is {shown(','.join(header)[:80])!r}", ",".join(_COLUMNS))
            rows = []
            for number, row in enumerate(reader, start=1):
                rows.append(_checked_row(path, number, row))
    except OSError as error:
        raise DataError(f"This table can't be read ({error.strerror})", where=shown(path)) from error
    except (csv.Error, ValueError) as error:
        raise _bad_table(path, str(error), "CSV in UTF-8") from error
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    digests = np.frombuffer(b"".join(columns[3]), dtype=np.uint8).reshape(-1, 16)
    return SplitTable(columns[0], columns[1], np.array(columns[2], dtype="<U10"), digests)


def quoted(text: str) -> str:
    """A cell of a CSV table, in quotes where it needs them."""
    # Not by csv.writer, which leaves a lone carriage return bare and then can't read it back.
    if _needs_quotes(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _quoted(texts: Sequence[str]) -> Sequence[str]:
    """Each as a cell; of tens of thousands hardly any needs quotes, which one look at all of them tells."""
    return [quoted(text) for text in texts] if _needs_quotes("".join(texts)) else texts


def _needs_quotes(text: str) -> bool:
    return "," in text or '"' in text or "\n" in text or "\r" in text


def _checked_row(path: str | os.PathLike, number: int, row: list[str]) -> tuple[str, str, str, bytes]:
    if len(row) != 4:
        raise _bad_table(path, f"row {number:,} has {len(row)} columns", "4")
    if row[2] not in (*PARTS, DROPPED, UNREADABLE):
        expected = listed([*PARTS, DROPPED, UNREADABLE])
        raise _bad_table(path, f"row {number:,} has the part {shown(row[2][:40])!r}", expected)
    try:
        digest = bytes.fromhex(row[3])
    except ValueError:
        digest = b""
    if len(digest) != 16:
        expected = "32 hexadecimal digits"
        raise _bad_table(path, f"row {number:,} has the digest {shown(row[3][:40])!r}", expected)
    return row[0], row[1], row[2], digest


def _bad_table(path: str | os.PathLike, received: str, expected: str) -> DataError:
    return DataError(
        "This isn't the table of a split",
        where=shown(path),
        received=f"{received}; expected {expected}",
        remedy="give the split.csv of a run",
    )
