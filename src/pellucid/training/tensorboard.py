"""The curves of a run as TensorBoard's event files: `tensorboard/train/` and `tensorboard/validation/`.

Written here, not by a package: those that need no torch write in a thread of their own, where a full disk is lost.
The form is small. A record is its length (uint64), that length's checksum, the data, the data's checksum; checksums
are CRC-32C, turned by 15 bits, plus a constant (tensorflow/core/lib/io/record_writer.h). The data are an `Event` of
tensorboard/compat/proto/event.proto, in protobuf's encoding.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pellucid.storage import storage_error, sync_folder
from pellucid.training.events import EpochRecord

FOLDER = "tensorboard"
# One file a part; the name needs no host nor time, as a resumed run goes on with it.
FILE = "events.out.tfevents.0.pellucid"


def write_events(run: Path, history: Sequence[EpochRecord]) -> None:
    """Add the epochs of `history` that the files lack. The epoch is TensorBoard's step.

    Epochs that a killed run wrote and then lost, and half a record at the end, are taken out first: each epoch stands
    there once. A write that fails leaves what stood there. StorageError.
    """
    parts = {
        "train": lambda record: {
            "loss": record.loss, "accuracy": record.accuracy,
            "learning_rate": record.learning_rate, "pictures_per_second": record.rate,
        },
        "validation": lambda record: {
            "loss": record.validation_loss, "accuracy": record.validation_accuracy,
        },
    }  # fmt: skip
    for part, figures in parts.items():
        path = run / FOLDER / part / FILE
        try:
            new = not path.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("r+b" if not new else "xb") as file:
                data = b"" if new else file.read()
                whole, last = _whole(data, len(history))
                record = b"" if whole else _record(_event(0, version="brain.Event:2"))
                record += b"".join(
                    _record(_event(epoch.epoch, figures(epoch))) for epoch in history if epoch.epoch > last
                )
                _append(file.fileno(), whole, record)
            if new:
                sync_folder(path.parent)
        except OSError as error:
            raise storage_error(error, path) from error


def _append(descriptor: int, start: int, data: bytes) -> None:
    """The file's bytes from `start` on become `data`; where the disk refuses, what stood before `start` stays."""
    try:
        if os.fstat(descriptor).st_size != start:
            os.ftruncate(descriptor, start)
        os.lseek(descriptor, start, os.SEEK_SET)
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, start)
        raise


def _whole(data: bytes, most: int) -> tuple[int, int]:
    """How many bytes hold whole records of steps up to `most`, and the last of these steps."""
    end, last = 0, 0
    for event, after in _records(data):
        step = _step_of(event)
        if step > most:
            break
        end, last = after, step
    return end, last


def _records(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Each whole record's data, and where the record ends."""
    start = 0
    while start + 12 <= len(data):
        length, check = struct.unpack_from("<QI", data, start)
        end = start + 12 + length + 4
        if check != _masked(data[start : start + 8]) or end > len(data):
            return
        event = data[start + 12 : end - 4]
        if struct.unpack_from("<I", data, end - 4)[0] != _masked(event):
            return
        yield event, end
        start = end


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", _masked(length)) + data + struct.pack("<I", _masked(data))


def _event(step: int, figures: Mapping[str, float] | None = None, version: str = "") -> bytes:
    """Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5 }, where
    Summary { repeated Value value = 1 } and Value { string tag = 1; float simple_value = 2 }."""
    event = b"\x09" + struct.pack("<d", time.time()) + b"\x10" + _varint(step)
    if version:
        event += _bytes(3, version.encode())
    if figures:
        values = (
            _bytes(1, tag.encode()) + b"\x15" + struct.pack("<f", value) for tag, value in figures.items()
        )
        event += _bytes(5, b"".join(_bytes(1, value) for value in values))
    return event


def _step_of(event: bytes) -> int:
    """The step of an event that _event wrote."""
    step, place = 0, 10
    while place < len(event):
        step |= (event[place] & 127) << 7 * (place - 10)
        if event[place] < 128:
            break
        place += 1
    return step


def _bytes(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes(digits) + bytes([number])


def _table() -> list[int]:
    """CRC-32C (Castagnoli), reflected, by byte."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()


def _masked(data: bytes) -> int:
    check = 0xFFFFFFFF
    for byte in data:
        check = _TABLE[(check ^ byte) & 255] ^ check >> 8
    check ^= 0xFFFFFFFF
    return ((check >> 15 | check << 17) + 0xA282EAD8) & 0xFFFFFFFF
