"""gzip files in large pieces. Python's own reader takes 8 KB at a time, and waits for Python's lock with each: far too
long beside a thread that is busy loading modules."""

from __future__ import annotations

import io
import zlib
from typing import IO, Any

_PIECE = 1 << 20  # bytes
_GZIP = 31  # zlib's name for gzip's frame, whose checksum and length it checks


def gunzipped(file: IO[bytes]) -> io.BufferedReader:
    """What a gzip file of one member or several holds. Reading raises EOFError where it is cut short, zlib.error where
    it is damaged."""
    return io.BufferedReader(_Gunzip(file), _PIECE)


class _Gunzip(io.RawIOBase):
    def __init__(self, file: IO[bytes]):
        self._file = file
        self._inflate = zlib.decompressobj(_GZIP)

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        """Fill the start of the target; 0 at the end."""
        while data := self._more():
            piece = self._inflate.decompress(data, len(target))
            if piece:
                target[: len(piece)] = piece
                return len(piece)
        return 0

    def _more(self) -> bytes:
        """Compressed bytes to go on with; none at the end of the last member."""
        if not self._inflate.eof:
            data = self._inflate.unconsumed_tail or self._file.read(_PIECE)
            if not data:
                raise EOFError("the file ended before its end marker")
            return data
        data = self._inflate.unused_data
        while not data.lstrip(b"\0"):  # zeros may follow a member
            data = self._file.read(_PIECE)
            if not data:
                return b""
        self._inflate = zlib.decompressobj(_GZIP)
        return data.lstrip(b"\0")
