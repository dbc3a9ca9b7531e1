"""Filtered values as pictures to look at: clipped, stretched or equalised to uint8; and histograms.

A filter's answers are seldom within 0 to 255. `clipped` shows what a picture file keeps of them, `stretched` all of
them in their proportions, `equalised` all of them in their order, each grey level taken equally often. They are for
showing: only the values themselves can be computed with.

Equalising: with the cumulative share c(v) of the values up to and with each bin, the bins being the grey levels of an
8-bit picture, else 256 equal ones from the least to the greatest, a value becomes 255 c(v), linear between the middles
(Gonzalez and Woods, Digital Image Processing, chapter 3.3; the convention of scikit-image's equalize_hist). Of a colour
picture the luminance is equalised and the change added to all three channels, which leaves the colour differences (Cb
and Cr) as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.filters.applying import LUMA

Picture = NDArray[np.uint8]
Values = NDArray[Any]

SHOWS = ("clip", "stretch", "equalise")
BINS = 256
_ROWS = 256  # handled at once


def show(values: Values, how: str) -> Picture:
    """Values [height, width, channels] as uint8 of that shape, `how` being one of SHOWS."""
    return {"clip": clipped, "stretch": stretched, "equalise": equalised}[how](values)


def clipped(values: Values) -> Picture:
    """Rounded to the nearest whole number (a half to the even one) and held within 0 to 255; NaN is 0."""
    made = np.empty(values.shape, np.uint8)
    for begin in range(0, len(values), _ROWS):
        part = np.nan_to_num(values[begin : begin + _ROWS], posinf=255, neginf=0)
        made[begin : begin + _ROWS] = np.clip(np.rint(part), 0, 255)
    return made


def ends(values: Values) -> tuple[float, float]:
    """The least and the greatest finite value; (0, 0) where there is none."""
    low, high = np.inf, -np.inf
    for begin in range(0, len(values), _ROWS):
        part = values[begin : begin + _ROWS]
        part = part[np.isfinite(part)]
        if part.size:
            low, high = min(low, float(part.min())), max(high, float(part.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def stretched(values: Values) -> Picture:
    """The least value as 0, the greatest as 255, linear between, all channels on one scale. One grey is clipped."""
    low, high = ends(values)
    if low == high:
        return clipped(values)
    made = np.empty(values.shape, np.uint8)
    for begin in range(0, len(values), _ROWS):
        part = values[begin : begin + _ROWS].astype(np.float64)
        made[begin : begin + _ROWS] = clipped((part - low) * (255 / (high - low)))
    return made


def equalised(values: Values) -> Picture:
    """Every grey level about equally often; colour by its luminance. One grey is clipped."""
    grey = luminance(values)
    low, high = ends(grey)
    if low == high:
        return clipped(values)
    whole = values.dtype == np.uint8 and values.shape[2] == 1
    span, bins = ((low - 0.5, high + 0.5), int(high - low) + 1) if whole else ((low, high), BINS)
    counts = histogram(grey, *span, bins)
    edges = np.linspace(*span, bins + 1)
    middles, shares = (edges[1:] + edges[:-1]) / 2, np.cumsum(counts) / counts.sum()
    made = np.empty(values.shape, np.uint8)
    # Colours in the picture's own scale, so that the luminance's change and the colours go together.
    scale = 1.0 if low >= 0 and high <= 255 else 255 / (high - low)
    for begin in range(0, len(values), _ROWS):
        part = grey[begin : begin + _ROWS]
        level = 255 * np.interp(part, middles, shares)
        if values.shape[2] == 3:
            colours = values[begin : begin + _ROWS].astype(np.float64) - part
            level = level + scale * colours
        made[begin : begin + _ROWS] = clipped(level)
    return made


def luminance(values: Values) -> NDArray[np.float32]:
    """0.299 red + 0.587 green + 0.114 blue [height, width, 1] of three channels; else the channels' mean."""
    if values.shape[2] == 1:
        return values.astype(np.float32, copy=False)
    weights = (
        [part / 65536 for part in LUMA] if values.shape[2] == 3 else (1 / values.shape[2],) * values.shape[2]
    )
    made = np.zeros((*values.shape[:2], 1), np.float32)
    for channel, weight in enumerate(weights):
        made[:, :, 0] += values[:, :, channel] * np.float32(weight)
    return made


def histogram(values: Values, low: float, high: float, bins: int = BINS) -> NDArray[np.int64]:
    """How many finite values fall into each of so many equal bins from `low` to `high`, the last end included."""
    counts = np.zeros(bins, np.int64)
    for begin in range(0, len(values), _ROWS):
        part = values[begin : begin + _ROWS]
        counts += np.histogram(part[np.isfinite(part)], bins, (low, high))[0]
    return counts
