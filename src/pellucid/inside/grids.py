"""Numbers drawn as a grid of cells: pictures, kernels, maps, with padding, windows, and stacks of channels."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from math import isfinite

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.errors import SettingsError
from pellucid.evaluation.page.markup import Markup, element
from pellucid.inside.colours import coloured, scale_of
from pellucid.inside.figure import ACCENT, NEGATIVE, POSITIVE, Figure, box, drawing, letters
from pellucid.inside.pictures import png

Numbers = NDArray[np.float64]
Window = tuple[int, int, int, int]  # row, column, height, width; from 0

# CSS pixels of a cell, by how many columns there are at most.
CELLS = ((6, 36), (10, 31), (1_600, 23))
MOST_CELLS = 1_600  # with numbers
SAID = 100  # numbers that the words for a screen reader spell out
DASHES = (None, "7 3", "2 3", "10 3 2 3")  # of several windows
COUNTING = 18  # room for the numbers of rows and columns


def grid(
    values: ArrayLike, title: str = "", *, shade: str = "grey", mark: Sequence[Window] = (), padding: int = 0,
    counts: int | None = None, decimals: int | None = None, said: str = "",
) -> Figure:  # fmt: skip
    """Numbers [height, width] as cells.

    `shade`: "grey" fills each cell with its grey level (0 black, 255 white), "sign" by sign and size (blue below zero,
    orange above), "none" not. `mark`: windows to outline, as (row, column, height, width) from 0, counted with the
    padding. `padding`: so many outer rings are drawn as what lies outside. `counts`: rows and columns are numbered from
    this (0 or 1). `decimals`: at most so many (unless given, three significant figures). `said`: the words for a screen
    reader, unless given the numbers themselves. Raises SettingsError for what isn't a small table of numbers.
    """
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or not table.size or table.size > MOST_CELLS:
        raise SettingsError(
            f"a grid shows numbers [height, width], at most {MOST_CELLS:,}",
            where="grid",
            received=f"an array of shape {table.shape}",
            remedy="picture() draws larger ones without their numbers",
        )
    height, width = table.shape
    cell = next(size for most, size in CELLS if width <= most)
    edge = COUNTING if counts is not None else 2
    texts = [[written(value, decimals) for value in row] for row in table]
    longest = max(len(text) for row in texts for text in row)
    size = min(14, cell * 0.42, (cell - 4) / (0.6 * longest))
    largest = float(np.abs(table[np.isfinite(table)]).max(initial=0)) or 1.0
    parts: list[Markup] = []
    for (row, column), value in np.ndenumerate(table):
        x, y = edge + column * cell, edge + row * cell
        outside = min(row, column, height - 1 - row, width - 1 - column) < padding
        fill, opacity, ink = _fill(float(value), shade, largest)
        if outside:
            parts.append(box(x + 1, y + 1, cell - 2, cell - 2, stroke_opacity=0.45, dash="3 3"))
            parts.append(letters(texts[row][column], x + cell / 2, y + cell / 2, size, opacity=0.65))
            continue
        parts.append(
            box(x, y, cell, cell, fill=fill, fill_opacity=opacity, stroke="#888", stroke_opacity=0.55)
        )
        parts.append(letters(texts[row][column], x + cell / 2, y + cell / 2, size, fill=ink))
    if counts is not None:
        for place in range(width):
            parts.append(letters(str(place + counts), edge + (place + 0.5) * cell, 8, 10.5, opacity=0.7))
        for place in range(height):
            parts.append(letters(str(place + counts), 8, edge + (place + 0.5) * cell, 10.5, opacity=0.7))
    for place, (row, column, high, wide) in enumerate(mark):
        inset = (
            2.5 * place if len(mark) > 1 and max(high, wide) > 1 else 0.0
        )  # so that overlapping ones stay apart
        parts.append(
            box(edge + column * cell + inset, edge + row * cell + inset, wide * cell - 2 * inset,
                high * cell - 2 * inset, stroke=ACCENT, stroke_width=2.5, dash=DASHES[place % len(DASHES)])
        )  # fmt: skip
    words = said or _in_words(table, texts, padding, mark)
    return drawing(edge + width * cell + 2, edge + height * cell + 2, words, *parts, title=title)


def picture(
    pixels: ArrayLike, title: str = "", *, size: int = 224, mark: Sequence[Window] = (), said: str = ""
) -> Figure:
    """A picture without numbers, every pixel a crisp square, about `size` CSS pixels wide.

    `pixels`: uint8 [height, width, 1 or 3] or [height, width] as they are; other numbers [height, width] by sign and
    size, blue below zero, orange above. `mark` outlines windows (row, column, height, width).
    `said`: what it shows, for a screen reader.
    """
    array = np.asarray(pixels)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or not array.size or (array.ndim == 3 and array.shape[2] != 3):
        raise SettingsError(
            "a picture has the shape [height, width], or with 1 or 3 channels",
            where="picture",
            received=f"an array of shape {array.shape}",
            remedy="give one channel, or three",
        )
    height, width = array.shape[:2]
    if array.dtype != np.uint8:
        array = coloured(array, scale_of(array))
    times = size / width
    data = base64.b64encode(png(array, {"Software": "pellucid"})).decode()
    shown = element(
        "image", href=f"data:image/png;base64,{data}", x=1, y=1, width=width * times, height=height * times,
        style="image-rendering:pixelated", preserveAspectRatio="none",
    )  # fmt: skip
    marks = [
        box(1 + column * times, 1 + row * times, wide * times, high * times, stroke=ACCENT, stroke_width=2.5)
        for row, column, high, wide in mark
    ]
    frame = box(0.5, 0.5, width * times + 1, height * times + 1, stroke_opacity=0.35)
    words = said or f"a picture of {height} x {width} pixels"
    return drawing(width * times + 2, height * times + 2, words, shown, frame, *marks, title=title)


def stack(
    values: ArrayLike, title: str = "", *, names: Sequence[str] = (), shade: str = "grey", mark: Window | None = None,
    padding: int = 0, decimals: int | None = None,
) -> Figure:  # fmt: skip
    """A volume [channels, height, width] as its channels, one grid for each, top to bottom or side by side as room is.

    `names`, one for each channel; `mark`, one window in all of them.
    """
    volume = np.asarray(values, np.float64)
    if volume.ndim != 3:
        raise SettingsError(
            "a stack shows numbers [channels, height, width]",
            where="stack",
            received=f"an array of shape {volume.shape}",
            remedy="grid() shows one channel",
        )
    marks = () if mark is None else (mark,)
    named = names or [f"channel {n}" for n in range(len(volume))]
    shown = [
        grid(channel, name, shade=shade, mark=marks, padding=padding, decimals=decimals)
        for channel, name in zip(volume, named, strict=True)
    ]
    above = element("div", title, style="margin:0.2em 0 0;font-size:0.95em") if title else ""
    row = element(
        "div", [each.html for each in shown], style="display:flex;flex-wrap:wrap;gap:0.6em 1em;margin:0.3em 0"
    )
    words = "; ".join(each.alt for each in shown)
    return Figure(element("div", above, row), f"{title}: {words}" if title else words)


def written(value: float, decimals: int | None = None) -> str:
    """A number for a cell: whole ones as they are, others to three significant figures or so many decimals."""
    if not isfinite(value):
        return str(value)
    text = f"{value:.4g}" if decimals is None and value == round(value) else ""
    if not text:
        text = f"{value:.3g}" if decimals is None else f"{value:.{decimals}f}"
    if value == round(value) and abs(value) < 1e6:
        text = f"{value:.0f}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def _fill(value: float, shade: str, largest: float) -> tuple[str, float | None, str]:
    """A cell's colour, how much of it, and the ink on it."""
    if shade == "grey":
        level = int(np.clip(round(value), 0, 255)) if isfinite(value) else 128
        return f"rgb({level},{level},{level})", None, "#000" if level > 140 else "#fff"
    if shade == "sign" and isfinite(value) and value:
        return POSITIVE if value > 0 else NEGATIVE, round(0.7 * abs(value) / largest, 3), "currentColor"
    return "none", None, "currentColor"


def _in_words(table: Numbers, texts: list[list[str]], padding: int, mark: Sequence[Window]) -> str:
    height, width = table.shape
    words = f"{height} rows of {width} numbers"
    if padding:
        words += f", the outer {padding} of padding"
    if table.size <= SAID:
        words += ": " + "; ".join(" ".join(row) for row in texts)
    else:
        words += f", from {written(float(table.min()))} to {written(float(table.max()))}"
    for row, column, high, wide in mark:
        words += f"; marked: rows {row} to {row + high - 1}, columns {column} to {column + wide - 1}"
    return words


__all__ = ["grid", "picture", "stack", "written"]
