"""A picture before and after a filter on one sheet: side by side, each with its histogram, and the kernel's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pellucid.filters.showing import BINS, ends, histogram
from pellucid.inside.colours import LIGHT, Picture, Scale, Theme, Values, coloured, scale_of
from pellucid.inside.columns import aligned
from pellucid.inside.on_picture import rgb
from pellucid.inside.pictures import (
    BAR_HEIGHT,
    GAP,
    MARGIN,
    SCALE_WIDTH,
    TEXT,
    draw_scale,
    enlarged,
    heading,
    lettering,
)

SIDE = 512  # the pictures' longest, at least one pixel a pixel of a picture up to that
LEAST = 256
HISTOGRAM = 96  # its height
MOST_NUMBERS = 9  # a kernel up to so many columns and rows is written out
CELL = 22
MOST_KERNELS = 12
_CHANNELS = ((200, 40, 30), (20, 130, 50), (30, 70, 200))


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two pictures: its `caption`, what is shown of it (uint8 [height, width, 1 or 3]), and the values
    behind that [height, width, channels], for the histogram."""

    caption: str
    picture: Picture
    values: Values


def comparison_sheet(
    before: Side, after: Side, kernels: Sequence[tuple[str, NDArray[np.float64]]], title: str,
    notes: Sequence[str] = (), theme: Theme = LIGHT,
) -> Picture:  # fmt: skip
    """uint8 [height, width, 3]. `kernels`: name and numbers [planes, height, width] of each, on one scale by sign."""
    columns = [_column(side, theme) for side in (before, after)]
    scale = Scale(max((scale_of(kernel).end for _, kernel in kernels), default=0.0), True)
    drawn = [_kernel(name, kernel, scale, theme) for name, kernel in kernels[:MOST_KERNELS]]
    if len(kernels) > MOST_KERNELS:
        notes = [*notes, f"the first {MOST_KERNELS} of {len(kernels):,} kernels are drawn"]
    across = sum(column.width for column in columns) + GAP
    head = heading(title, notes, None, theme, max(across, 640))
    rows = _rows(drawn, max(across, head.width))
    tall = sum(max(each.height for each in row) + GAP for row in rows)
    width = max([across, head.width, SCALE_WIDTH, *(_wide(row) for row in rows)]) + 2 * MARGIN
    top = MARGIN + head.height + 8
    height = top + max(column.height for column in columns) + MARGIN
    if rows:
        height += tall + BAR_HEIGHT + 14
    image = Image.new("RGB", (width, height), theme.ground)
    image.paste(head, (MARGIN, MARGIN))
    x = MARGIN
    for column in columns:
        image.paste(column, (x, top))
        x += column.width + GAP
    y = top + max(column.height for column in columns) + GAP
    for row in rows:
        x = MARGIN
        for each in row:
            image.paste(each, (x, y))
            x += each.width + 2 * GAP
        y += max(each.height for each in row) + GAP
    if rows:
        draw_scale(ImageDraw.Draw(image), MARGIN, y, scale, theme)
    return np.asarray(image)


def _column(side: Side, theme: Theme) -> Image.Image:
    """Caption, picture and histogram, one below the other."""
    picture = _fitted(rgb(side.picture))
    bars = _histogram(side.values, picture.shape[1], theme)
    head = heading(side.caption, (), None, theme, max(picture.shape[1], LEAST))
    width = max(picture.shape[1] + 2, bars.width, head.width)
    top = head.height + 2
    image = Image.new("RGB", (width, top + picture.shape[0] + 2 + 8 + bars.height), theme.ground)
    image.paste(head, (0, 0))
    ImageDraw.Draw(image).rectangle(
        (0, top, picture.shape[1] + 1, top + picture.shape[0] + 1), outline=theme.line
    )
    image.paste(Image.fromarray(picture), (1, top + 1))
    image.paste(bars, (0, top + picture.shape[0] + 10))
    return image


def _fitted(picture: Picture) -> Picture:
    """A small picture enlarged in whole squares a pixel, a large one shrunk."""
    side = max(picture.shape[:2])
    if side <= SIDE:
        return enlarged(picture, max(1, SIDE // side if side <= LEAST else 1))
    height, width = (max(1, round(length * SIDE / side)) for length in picture.shape[:2])
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def _histogram(values: Values, wide: int, theme: Theme) -> Image.Image:
    """How often each value occurs: of a colour picture one line a channel, else bars; the ends below in numbers."""
    bytes_only = values.dtype == np.uint8
    low, high = (0.0, 255.0) if bytes_only else ends(values)
    lines = values.shape[2] == 3
    parts = [values[:, :, channel : channel + 1] for channel in range(3)] if lines else [values]
    span = (low - 0.5, high + 0.5) if bytes_only else (low, high if high > low else low + 1)
    counts = [histogram(part, *span) for part in parts]
    most = max(int(each.max()) for each in counts) or 1
    wide = max(wide, LEAST)
    image = Image.new("RGB", (wide + 2, TEXT + 6 + HISTOGRAM + TEXT + 8), theme.ground)
    canvas, letters = ImageDraw.Draw(image), lettering(TEXT - 1)
    first, last = TEXT + 6, TEXT + 6 + HISTOGRAM
    edges = np.linspace(0, wide, BINS + 1).round().astype(int)
    if not bytes_only and low < 0 < high:
        zero = round(-low / (high - low) * wide)
        canvas.line((zero, first, zero, last), theme.line)
        canvas.text((min(max(zero - 4, 60), wide - 70), last + 3), "0", theme.quiet, letters)
    for part, colour in zip(counts, _CHANNELS if len(counts) == 3 else (theme.quiet,), strict=True):
        tops = last - np.round(part * ((HISTOGRAM - 2) / most)).astype(int)
        if len(counts) == 3:
            middles = (edges[1:] + edges[:-1]) // 2
            canvas.line([(int(x), int(y)) for x, y in zip(middles, tops, strict=True)], colour)
        else:
            for left, right, top in zip(edges[:-1], edges[1:], tops, strict=True):
                if top < last:
                    canvas.rectangle(
                        (int(left), int(top), max(int(left), int(right) - 1), last - 1), fill=colour
                    )
    canvas.line((0, last, wide, last), theme.quiet)
    right = f"{high:.4g}"
    canvas.text((0, last + 3), f"{low:.4g}", theme.quiet, letters)
    canvas.text((wide - canvas.textlength(right, letters), last + 3), right, theme.quiet, letters)
    peak = f"highest: {most:,} of {int(counts[0].sum()):,} values"
    canvas.text((0, 0), peak, theme.quiet, letters)
    return image


def _kernel(name: str, kernel: NDArray[np.float64], scale: Scale, theme: Theme) -> Image.Image:
    """Planes side by side, every number on its colour; a large kernel in colours alone."""
    planes, height, width = kernel.shape
    letters, written = lettering(TEXT - 2), max(height, width) <= MOST_NUMBERS
    texts = aligned([float(value) for value in kernel.ravel()])
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    cell = CELL if written else max(4, 160 // max(height, width))
    across = (
        max(CELL, int(max(ruler.textlength(text.strip(), letters) for text in texts)) + 8)
        if written
        else cell
    )
    head = heading(name, (), None, theme, max(planes * (width * across + GAP), 120))
    size = (max(head.width, planes * (width * across + GAP)) + 2, head.height + height * cell + 2)
    image = Image.new("RGB", size, theme.ground)
    image.paste(head, (0, 0))
    canvas = ImageDraw.Draw(image)
    colours = coloured(kernel, scale, theme)
    words = iter(texts)
    for plane, row, column in np.ndindex(planes, height, width):
        x, y = plane * (width * across + GAP) + column * across, head.height + row * cell
        ground = tuple(int(part) for part in colours[plane, row, column])
        canvas.rectangle((x, y, x + across, y + cell), fill=ground, outline=theme.line if written else ground)
        word = next(words).strip()
        if written:
            ink = theme.ink if sum(ground) > 380 else theme.ground
            canvas.text((x + (across - ruler.textlength(word, letters)) / 2 + 1, y + 4), word, ink, letters)
    return image


def _rows(drawn: Sequence[Image.Image], across: int) -> list[list[Image.Image]]:
    """The kernels in rows that aren't wider than `across`, where one alone isn't."""
    rows: list[list[Image.Image]] = []
    for each in drawn:
        if rows and _wide([*rows[-1], each]) <= across:
            rows[-1].append(each)
        else:
            rows.append([each])
    return rows


def _wide(row: Sequence[Image.Image]) -> int:
    return sum(each.width for each in row) + 2 * GAP * (len(row) - 1)
