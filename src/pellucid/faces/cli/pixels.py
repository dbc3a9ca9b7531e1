"""`--max-pixels`: how large a picture file may be, as people write it."""

import re

from pellucid.errors import SettingsError
from pellucid.images.reading import LARGEST_PICTURE

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "mp": 10**6, "mpx": 10**6, "g": 10**9}


def parse_pixels(text: str) -> int:
    """40000000, 40,000,000, 40M or 40MP; 0.5M too. Raises SettingsError."""
    match = re.fullmatch(
        r"([0-9]{1,12}(?:\.[0-9]{1,9})?) ?([a-z]{0,3})", re.sub("[,_]", "", text.strip().lower())
    )
    pixels = int(float(match[1]) * _UNITS[match[2]]) if match and match[2] in _UNITS else 0
    if not 1 <= pixels <= LARGEST_PICTURE:
        raise SettingsError(
            f"The most pixels of a picture are a number from 1 to {LARGEST_PICTURE:,}", where="--max-pixels",
            received=repr(text), remedy="--max-pixels 100M, or --max-pixels 100000000",
        )  # fmt: skip
    return pixels
