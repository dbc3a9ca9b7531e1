"""Pictures in the terminal: two pixels a character where it has colours, else figures and shades.

A half block's foreground is the upper pixel, its background the lower one. Without colours a value takes two
characters: signed ones as figures from -9 to 9, the scale's ends, with a dot for nought; all others as shades.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from pellucid.faces.cli.output import writes
from pellucid.inside.colours import Picture, Scale, Values

TRUE_COLOURS = 2**24
HALF = "▀"
SHADES = " .:-=+*#%@"
_RESET = "\x1b[0m"
# xterm's 256 colours from 16 on: a cube of six steps, then 24 greys; the first 16 are the user's own.
_STEPS = (0, 95, 135, 175, 215, 255)
_XTERM = np.array(
    [(r, g, b) for r in _STEPS for g in _STEPS for b in _STEPS] + [(8 + 10 * i,) * 3 for i in range(24)],
    np.int32,
)


def colours_of(console: Any) -> int:
    """How many colours a rich console has for blocks: 2**24, 256, or 0 for too few, NO_COLOR, or no terminal."""
    if not console.is_terminal or console.no_color or not writes(console.encoding, HALF):
        return 0
    return {"truecolor": TRUE_COLOURS, "256": 256}.get(console.color_system or "", 0)


def is_light() -> bool:
    """Whether the terminal says that its ground is light (COLORFGBG of rxvt, Konsole and others); most say nothing."""
    return os.environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")


def block_lines(picture: Picture, columns: int, colours: int) -> list[str]:
    """uint8 [height, width, 3] as lines of half blocks, none wider than `columns`; each ends with a reset.

    A wider picture is shrunk to fit, by the mean of the pixels. `colours`: 256 or more.
    """
    pixels = _shrunk(picture.astype(np.float64), columns).round().astype(np.uint8)
    height, width = pixels.shape[:2]
    kinds, where = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True)
    if colours < TRUE_COLOURS:
        codes = [f"5;{16 + int(((_XTERM - kind) ** 2).sum(1).argmin())}" for kind in kinds]
    else:
        codes = [f"2;{red};{green};{blue}" for red, green, blue in kinds.tolist()]
    rows = [[codes[kind] for kind in row] for row in where.reshape(height, width).tolist()]
    lines = []
    for top in range(0, height, 2):
        line, last = [], ("", "")
        below = rows[top + 1] if top + 1 < height else [""] * width
        for pair in zip(rows[top], below, strict=True):
            if pair != last:
                ground = f"48;{pair[1]}" if pair[1] else "49"
                line.append(f"\x1b[38;{pair[0]};{ground}m")
                last = pair
            line.append(HALF)
        lines.append("".join(line) + _RESET)
    return lines


def plain_lines(values: Values, scale: Scale, columns: int) -> list[str]:
    """[height, width] as lines of plain text, two characters a value, none wider than `columns`.

    Signed: a figure from -9 to 9, the ends of the scale, a dot for nought. Else a shade, blank for 0. A wider map is
    shrunk to fit, by the mean of the values. What isn't finite is "??".
    """
    shares = _shrunk(scale.shares(values), max(1, columns // 2))
    return ["".join(_characters(share, scale.signed) for share in row).rstrip() for row in shares.tolist()]


def grey_lines(picture: Picture, columns: int) -> list[str]:
    """A photograph uint8 [height, width, 1 or 3] as lines of shades, the brightest densest."""
    grey = picture.mean(axis=2) if picture.shape[2] == 1 else picture @ np.array((0.299, 0.587, 0.114))
    scale = Scale(255.0, False)
    if 2 * grey.shape[1] <= columns:
        return plain_lines(grey, scale, columns)
    # One character a value then, which is twice as high as wide.
    narrow = scale.shares(_shrunk(grey, columns))
    shares = np.add.reduceat(narrow, np.arange(0, len(narrow), 2), axis=0)
    shares /= np.array([2] * (len(narrow) // 2) + [1] * (len(narrow) % 2))[:, None]
    return ["".join(_characters(share, False)[0] for share in row).rstrip() for row in shares.tolist()]


def scale_line(scale: Scale) -> str:
    """What `plain_lines` show, in a line."""
    low, high = scale.ends
    if scale.signed:
        return f"9 is {high}, -9 is {low}, a dot is 0"
    return f'from {low} "{SHADES[0]}" to {high} "{SHADES[-1]}", shades {SHADES.strip()}'


def _characters(share: float, signed: bool) -> str:
    if share != share:
        return "??"
    if signed:
        ninth = round(share * 9)
        return f"{ninth:2d}" if ninth else " ."
    return 2 * SHADES[min(round(share * (len(SHADES) - 1)), len(SHADES) - 1)]


def _shrunk(values: Values, most: int) -> Values:
    """Rows and columns averaged in equal blocks so that there are at most `most` columns."""
    block = -(-values.shape[1] // most)
    if block == 1:
        return values
    for axis in (0, 1):
        length = values.shape[axis]
        starts = np.arange(0, length, block)
        counts = np.minimum(starts + block, length) - starts
        values = np.add.reduceat(values, starts, axis=axis) / counts.reshape(
            [-1] + [1] * (values.ndim - 1 - axis)
        )
    return values
