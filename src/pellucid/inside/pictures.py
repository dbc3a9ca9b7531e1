"""Feature maps and filters as sheets of tiles: every value a crisp square, numbered, with the scale in numbers.

Maps too large to draw value by value are drawn by the strongest value of each block; of too many, the strongest are
drawn and the rest named as left out. Both are said on the sheet.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from pellucid.inside.colours import LIGHT, Picture, Scale, Theme, Values, colour_weights, coloured, scale_of
from pellucid.storage import shown

Letters = ImageFont.FreeTypeFont | ImageFont.ImageFont
Pixel = TypeVar("Pixel", bound=np.generic)

WIDTH = 1000  # of a sheet, in pixels
MOST_TILES = 144
MOST_PIXELS = 2_500_000  # in tiles
TILE = 88  # up to this a tile is enlarged where there are many
FEW_TILE = 150  # where there are few
FEW = 16
LARGEST_TILE = 640
MARGIN, GAP, TEXT = 20, 12, 13
CAPTION = 132  # up to this a tile's room widens for its words
BAR, BAR_HEIGHT = 180, 12
SCALE_WIDTH = BAR + 160  # with its numbers


@dataclass(frozen=True, eq=False)
class Sheet:
    """A drawing uint8 [height, width, 3], and which tiles are on it: `drawn` in their order, `left_out` the rest."""

    picture: Picture
    drawn: tuple[int, ...]
    left_out: tuple[int, ...]


def map_sheet(
    maps: Values,
    title: str,
    *,
    per_map: bool = False,
    theme: Theme = LIGHT,
    names: Sequence[str] = (),
    largest: int = LARGEST_TILE,
) -> Sheet:
    """Feature maps [channels, height, width] as tiles, numbered by channel, with their `names` if they have some.

    One scale for all maps, or `per_map` one for each, whose ends stand beside its number. Maps with a side above
    `largest` are drawn by the strongest value of each block.
    """
    strength = np.abs(np.nan_to_num(maps.astype(np.float64), posinf=0, neginf=0)).mean((1, 2))
    block = -(-max(maps.shape[1:]) // largest)
    small = [-(-length // block) for length in maps.shape[1:]]
    drawn, left_out = _chosen(strength, *_tile_size(small, len(maps)))
    whole = scale_of(maps)
    scales = [scale_of(maps[place]) if per_map else whole for place in drawn]
    tiles = [
        coloured(_strongest(maps[place], block), scale, theme)
        for place, scale in zip(drawn, scales, strict=True)
    ]
    captions = [f"{place}: {names[place]}" if names else str(place) for place in drawn]
    if per_map:
        captions = [f"{place}: {_ends(scale)}" for place, scale in zip(drawn, scales, strict=True)]
    notes = [] if block == 1 else [f"each square is the strongest value of {block} x {block}"]
    if left_out:
        most = strength[list(left_out)].max()
        notes.append(
            f"the {len(drawn):,} strongest of {len(maps):,} maps by mean |value|, strongest first; "
            f"not drawn: {len(left_out):,}, means up to {most:.3g}"
        )
    if not np.isfinite(maps).all():
        notes.append("grey: not a number, or infinite")
    legend = None if per_map else whole
    if per_map:
        notes.insert(0, "each map on its own scale, zero is the ground's colour")
    return Sheet(_laid_out(tiles, captions, title, legend, notes, theme), drawn, left_out)


def kernel_sheet(
    kernels: Values,
    title: str,
    captions: Sequence[str] = (),
    *,
    per_kernel: bool = False,
    theme: Theme = LIGHT,
) -> Sheet:
    """Filters [filters, 1 or 3, height, width] as tiles: of one channel by sign, of three in their own colours.

    `captions`, one for each (such as the nearest classical filter), stand under the numbers.
    """
    strength = np.sqrt((np.nan_to_num(kernels.astype(np.float64), posinf=0, neginf=0) ** 2).sum((1, 2, 3)))
    drawn, left_out = _chosen(strength, *_tile_size(kernels.shape[1:], len(kernels)))
    whole = Scale(scale_of(kernels).end, True)
    ends = [scale_of(kernels[place]).end if per_kernel else whole.end for place in drawn]
    colour = kernels.shape[1] == 3
    tiles = [
        colour_weights(kernels[place], end)
        if colour
        else coloured(kernels[place, 0], Scale(end, True), theme)
        for place, end in zip(drawn, ends, strict=True)
    ]
    numbers = [
        f"{place}: ±{end:.3g}" if per_kernel else str(place) for place, end in zip(drawn, ends, strict=True)
    ]
    words = [
        f"{number}\n{captions[place]}" if captions else number
        for place, number in zip(drawn, numbers, strict=True)
    ]
    notes = []
    if colour:
        ends_are = "the ends beside its number" if per_kernel else f"±{whole.end:.3g}"
        notes.append(f"red, green and blue weights as colours: mid grey is 0, 0 and 255 are {ends_are}")
    elif per_kernel:
        notes.append("each filter on its own scale, zero is the ground's colour")
    if left_out:
        notes.append(
            f"the {len(drawn):,} strongest of {len(kernels):,} filters by their sums of squares, strongest first; "
            f"not drawn: {len(left_out):,}"
        )
    legend = None if colour or per_kernel else whole
    return Sheet(_laid_out(tiles, words, title, legend, notes, theme), drawn, left_out)


def enlarged(picture: NDArray[Pixel], times: int) -> NDArray[Pixel]:
    """Every pixel as a square of `times` x `times`."""
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def png(picture: Picture, about: Mapping[str, str]) -> bytes:
    """The picture as a PNG file with `about` as its text: what it shows ("Title"), the model, versions ("Software")."""
    info = PngInfo()
    for name, text in about.items():
        info.add_text(name, shown(text))
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def lettering(size: int = TEXT) -> Letters:
    """Pillow's own letters."""
    return ImageFont.load_default(size)


def draw_scale(canvas: ImageDraw.ImageDraw, left: int, top: int, scale: Scale, theme: Theme) -> None:
    """A bar of the scale's colours with its ends in numbers, and a tick at zero."""
    low, high = scale.ends
    letters = lettering()
    canvas.text((left, top - 3), low, theme.quiet, letters)
    left += int(canvas.textlength(low, letters)) + 8
    steps = np.linspace(-scale.end if scale.signed else 0, scale.end, BAR)
    for place, colour in enumerate(coloured(steps, scale, theme)):
        canvas.line(
            (left + place, top, left + place, top + BAR_HEIGHT - 1), tuple(int(part) for part in colour)
        )
    canvas.rectangle((left - 1, top - 1, left + BAR, top + BAR_HEIGHT), outline=theme.line)
    canvas.text((left + BAR + 8, top - 3), high, theme.quiet, letters)
    if scale.signed:
        middle = left + BAR // 2
        canvas.line((middle, top + BAR_HEIGHT, middle, top + BAR_HEIGHT + 3), theme.quiet)


def _ends(scale: Scale) -> str:
    return f"±{scale.end:.3g}" if scale.signed else f"0 to {scale.end:.3g}"


def _strongest(values: Values, block: int) -> Values:
    """The value farthest from zero in each block x block; the last blocks may be smaller."""
    if block == 1:
        return values
    height, width = (-(-length // block) for length in values.shape)
    padded = np.zeros((height * block, width * block), values.dtype)
    padded[: values.shape[0], : values.shape[1]] = values
    blocks = padded.reshape(height, block, width, block).swapaxes(1, 2).reshape(height, width, -1)
    best = np.abs(blocks).argmax(-1)
    return np.take_along_axis(blocks, best[..., None], -1)[..., 0]


def _tile_size(shape: Sequence[int], count: int) -> tuple[int, int]:
    """Height and width in pixels of tiles of this shape [..., height, width], enlarged to whole squares a value."""
    times = _times(shape[-2], shape[-1], count)
    return shape[-2] * times, shape[-1] * times


def _times(height: int, width: int, count: int) -> int:
    return max(1, (FEW_TILE if count <= FEW else TILE) // max(height, width))


def _chosen(strength: Values, height: int, width: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """All in their order where they fit, else the strongest, strongest first; and the rest."""
    most = max(1, min(MOST_TILES, MOST_PIXELS // (height * width)))
    if len(strength) <= most:
        return tuple(range(len(strength))), ()
    order = np.argsort(-strength, kind="stable")
    return tuple(order[:most].tolist()), tuple(sorted(order[most:].tolist()))


def _laid_out(
    tiles: Sequence[Picture],
    captions: Sequence[str],
    title: str,
    scale: Scale | None,
    notes: Sequence[str],
    theme: Theme,
) -> Picture:
    """Title, scale and notes above rows of framed tiles, each with its caption below."""
    letters = lettering(TEXT - 1)
    height, width = tiles[0].shape[:2]
    times = _times(height, width, len(tiles))
    height, width = height * times, width * times
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    longest = max(int(ruler.textlength(line, letters)) + 1 for text in captions for line in text.split("\n"))
    cell = max(width + 2, min(longest, CAPTION))
    words = [
        [row for line in text.split("\n") for row in _wrapped(ruler, line, letters, cell)]
        for text in captions
    ]
    across = max(1, min(len(tiles), (WIDTH - 2 * MARGIN + GAP) // (cell + GAP)))
    step = height + 2 + 5 + (TEXT + 2) * max(map(len, words)) + GAP
    head = heading(title, notes, scale, theme, max(WIDTH - 2 * MARGIN, width))
    top = MARGIN + head.height + 6
    size = (
        max(across * (cell + GAP) - GAP, head.width) + 2 * MARGIN,
        top + -(-len(tiles) // across) * step - GAP + MARGIN,
    )
    image = Image.new("RGB", size, theme.ground)
    image.paste(head, (MARGIN, MARGIN))
    canvas = ImageDraw.Draw(image)
    for place, (tile, lines) in enumerate(zip(tiles, words, strict=True)):
        x, y = MARGIN + place % across * (cell + GAP), top + place // across * step
        canvas.rectangle((x, y, x + width + 1, y + height + 1), outline=theme.line)
        image.paste(Image.fromarray(enlarged(tile, times)), (x + 1, y + 1))
        for row, line in enumerate(lines):
            canvas.text((x, y + height + 5 + row * (TEXT + 2)), line, theme.quiet, letters)
    return np.asarray(image)


def heading(title: str, notes: Sequence[str], scale: Scale | None, theme: Theme, most: int) -> Image.Image:
    """Title, notes and the scale, one below the other, at most `most` pixels wide."""
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    large, small = lettering(TEXT + 2), lettering(TEXT - 1)
    lines = [(line, large, theme.ink, TEXT + 9) for line in _wrapped(ruler, title, large, most)]
    lines += [
        (line, small, theme.quiet, TEXT + 5) for note in notes for line in _wrapped(ruler, note, small, most)
    ]
    width = max(int(ruler.textlength(line, letters)) + 1 for line, letters, *_ in lines)
    height = sum(step for *_, step in lines)
    if scale:
        width, height = max(width, SCALE_WIDTH), height + BAR_HEIGHT + 14
    image = Image.new("RGB", (width, height), theme.ground)
    canvas, y = ImageDraw.Draw(image), 0
    for line, letters, colour, step in lines:
        canvas.text((0, y), line, colour, letters)
        y += step
    if scale:
        draw_scale(canvas, 0, y + 5, scale, theme)
    return image


def _wrapped(ruler: ImageDraw.ImageDraw, text: str, letters: Letters, most: int) -> list[str]:
    lines, line = [], ""
    for word in shown(text).split(" "):
        longer = f"{line} {word}".strip()
        if line and ruler.textlength(longer, letters) > most:
            lines.append(_cut(ruler, line, letters, most))
            longer = word
        line = longer
    return [*lines, _cut(ruler, line, letters, most)]


def _cut(ruler: ImageDraw.ImageDraw, text: str, letters: Letters, most: int) -> str:
    """The text, its end replaced by dots where it is too wide."""
    text = shown(text)[:400]
    if ruler.textlength(text, letters) <= most:
        return text
    while text and ruler.textlength(f"{text}...", letters) > most:
        text = text[:-1]
    return f"{text}..."
