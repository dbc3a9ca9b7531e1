"""Bytes with a head: four bytes little-endian, how long the head is; the head, JSON; then the values.

The head is filled up with spaces, so that the values begin at a multiple of eight, where a browser can look at them as
numbers without copying.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pellucid.errors import SettingsError

LARGEST_HEAD = 1 << 20


def framed(head: Mapping[str, Any], *values: bytes) -> bytes:
    """The head and the values, one after the other."""
    text = json.dumps(head, allow_nan=False).encode()
    text += b" " * (-(4 + len(text)) % 8)
    return b"".join([len(text).to_bytes(4, "little"), text, *values])


def unframed(data: bytes) -> tuple[dict[str, Any], memoryview]:
    """The head and the rest. SettingsError where it is no such thing."""
    length = int.from_bytes(data[:4], "little")
    if len(data) < 4 or length > min(LARGEST_HEAD, len(data) - 4):
        raise SettingsError("this is no head with values after it", received=f"{len(data):,} bytes")
    try:
        head = json.loads(data[4 : 4 + length])
    except (ValueError, RecursionError) as error:
        raise SettingsError("the head is no JSON", received=str(error)[:80]) from error
    if not isinstance(head, dict):
        raise SettingsError("the head is no JSON object", received=type(head).__name__)
    return head, memoryview(data)[4 + length :]
