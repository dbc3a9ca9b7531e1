"""From shallow to deep, drawn: the strongest patches, preferred inputs, the growing field, the layers' character."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pellucid.inside.character import Character, LayerCharacter
from pellucid.inside.colours import LIGHT, Colour, Picture, Theme
from pellucid.inside.growth import Grown, Growth
from pellucid.inside.on_picture import rgb
from pellucid.inside.patches import Patches
from pellucid.inside.pictures import GAP, MARGIN, TEXT, enlarged, heading, lettering
from pellucid.inside.preferred import Preferences
from pellucid.network.operations import number

TILE = 84  # a patch's longer side on the sheet, about
LARGEST_TILE = 132
HATCH = 6  # pixels between the lines that stand for outside
OUTLINES = 9  # drawn on a picture; more can't be told apart
LINES: tuple[Colour, ...] = ((0, 114, 226), (212, 126, 44))
SEEN_SIDE = 560
PANEL = (620, 250)  # of a chart's plot
_SPREAD = 0.34  # of a layer's room on each side


def patches_sheet(patches: Patches, theme: Theme = LIGHT) -> Picture:
    """A row for each channel: its number, and its patches, strongest first, each with its value."""
    height, width = patches.field
    fit = tuple(min(n, side) for n, side in zip((height, width), patches.side, strict=True))
    notes = [
        f"{len(patches.channels):,} of {patches.of:,} channels ({patches.chosen}), "
        f"in {patches.described}"
        + (f", {len(patches.left_out):,} of which can't be read" if patches.left_out else "")
        + (": one patch a picture at most" if patches.by == "pictures" else ": patches that don't overlap"),
        f"each cut to its receptive field, {height} x {width} pixels of the network's input "
        f"({patches.side[0]} x {patches.side[1]}), and drawn in these pixels",
    ]
    if fit != (height, width):
        notes.append("the field reaches beyond the input: the input is shown whole, and no more of the field")
    if fit == (height, width) and any(not patch.inside.all() for row in patches.rows for patch in row):
        notes.append("hatched: outside of the input, or not seen")
    rows = [
        (
            str(channel),
            [
                (_tile(patch.pixels, patch.inside, patch.window.rows, patch.window.columns, patches.side),
                 number(float(f"{patch.value:.4g}")))
                for patch in row
            ],
        )
        for channel, row in zip(patches.channels, patches.rows, strict=True)
    ]  # fmt: skip
    return _rows_sheet(f"{patches.layer}: the strongest patches of its channels", notes, rows, theme)


def preferences_sheet(found: Preferences, theme: Theme = LIGHT) -> Picture:
    """For each channel what it likes best, cut to its field, with its value, the start's, and the real pictures'."""
    side = found.channels[0].picture.shape[:2]
    height, width = (max(n) for n in zip(*(each.window.size for each in found.channels), strict=True))
    notes = [
        f"{len(found.channels):,} of {found.of:,} channels; {found.steps:,} steps of gradient ascent from noise "
        f"(seed {found.seed}) in waves, moved about by up to a 16th of the window",
        f"each cut to its receptive field, {height} x {width} pixels of the network's input ({side[0]} x {side[1]})",
        "the value is what onnxruntime computes for the rounded picture",
    ]
    if found.described:
        notes.append(f"real: the channel's strongest value over {found.described}")
    rows = []
    for each in found.channels:
        tile = _tile(each.pixels, each.inside, each.window.rows, each.window.columns, (side[0], side[1]))
        words = [f"channel {each.channel}", f"value {each.value:.4g}", f"at the start {each.start:.4g}"]
        if each.real is not None:
            words.append(f"real {each.real:.4g}" + ("" if each.beats_real else ": more"))
        rows.append((tile, words))
    return _grid_sheet(f"{found.layer}: what its channels like best", notes, rows, theme)


def growth_picture(grown: Growth, theme: Theme = LIGHT) -> Picture:
    """The picture with the fields of the middle values, one in another, and what each is beside it."""
    height, width = grown.pixels.shape[:2]
    times = max(1, SEEN_SIDE // max(height, width))
    if max(height, width) > SEEN_SIDE:
        scale = SEEN_SIDE / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        base = np.asarray(Image.fromarray(rgb(grown.pixels)).resize(size, Image.Resampling.LANCZOS))
    else:
        scale, base = float(times), enlarged(rgb(grown.pixels), times)
    drawn = outlined_layers(grown)
    lines = [f"{each.layer}   {each.size[0]} x {each.size[1]}   {each.share:.2%}" for each in drawn]
    letters = lettering(TEXT)
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    words = max((int(ruler.textlength(line, letters)) for line in lines), default=0) + 40
    notes = [
        "layer, height x width of its middle value's field in the picture's pixels, share of the picture"
    ]
    if len(drawn) < len(grown.layers):
        notes.append(f"{len(drawn)} of {len(grown.layers)} layers are drawn, all of them listed in the table")
    head = heading("the receptive field grows", notes, None, theme, base.shape[1] + GAP + words)
    top = MARGIN + head.height + 6
    tall = max(base.shape[0], len(lines) * (TEXT + 8))
    image = Image.new(
        "RGB", (2 * MARGIN + max(base.shape[1] + GAP + words, head.width), top + tall + MARGIN), theme.ground
    )
    image.paste(head, (MARGIN, MARGIN))
    image.paste(Image.fromarray(base), (MARGIN, top))
    canvas = ImageDraw.Draw(image)
    for place, each in enumerate(reversed(drawn)):
        row = len(drawn) - 1 - place
        colour = LINES[row % 2]
        box = (
            MARGIN + each.columns[0] * scale, top + each.rows[0] * scale,
            MARGIN + (each.columns[1] + 1) * scale - 1, top + (each.rows[1] + 1) * scale - 1,
        )  # fmt: skip
        canvas.rectangle(box, outline=(255, 255, 255), width=4)
        canvas.rectangle((box[0] + 1, box[1] + 1, box[2] - 1, box[3] - 1), outline=colour, width=2)
        y = top + row * (TEXT + 8)
        left = MARGIN + base.shape[1] + GAP
        canvas.rectangle((left, y + 3, left + 12, y + 15), outline=colour, width=2)
        canvas.text((left + 22, y), lines[row], theme.ink, letters)
    return np.asarray(image)


def outlined_layers(grown: Growth) -> list[Grown]:
    """Those whose field is drawn: the first of each size, evenly thinned to OUTLINES, the last kept."""
    firsts: list[Grown] = []
    for each in grown.layers:
        if not firsts or each.size != firsts[-1].size:
            firsts.append(each)
    if len(firsts) <= OUTLINES:
        return firsts
    places = np.unique(np.linspace(0, len(firsts) - 1, OUTLINES).round().astype(int))
    return [firsts[place] for place in places]


def character_chart(found: Character, theme: Theme = LIGHT) -> Picture:
    """Two plots, one below the other: edge-like and colour-like by layer, a dot a channel, a bar at the median."""
    has_colour = found.layers[0].colour is not None
    titles = ["edge-like: what a grating brings, less the same one turned by 90 degrees"]
    if has_colour:
        titles.append("colour-like: what a colour brings, less its grey")
    silent = sum(layer.silent for layer in found.layers)
    channels = sum(len(layer.edge) for layer in found.layers)
    notes = [
        f"as a share of what the 9 strongest of {found.described} bring; a dot is a channel, the bar the median",
        f"{len(found.layers):,} layers, {channels:,} channels, {silent:,} of them silent; "
        f"{found.shown:,} test pictures",
    ]
    width = max(PANEL[0], 15 * len(found.layers))
    head = heading("what its layers respond to", notes, None, theme, width + 60)
    letters = lettering(TEXT - 1)
    names = [layer.layer for layer in found.layers]
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    foot = max(int(ruler.textlength(name, letters)) for name in names) + 10
    tall = PANEL[1] + 34
    image = Image.new(
        "RGB", (2 * MARGIN + 48 + width, MARGIN + head.height + len(titles) * tall + foot + MARGIN), theme.ground
    )  # fmt: skip
    image.paste(head, (MARGIN, MARGIN))
    canvas = ImageDraw.Draw(image)
    for panel, title in enumerate(titles):
        top = MARGIN + head.height + panel * tall + 28
        canvas.text((MARGIN, top - 24), title, theme.ink, lettering(TEXT))
        _axes(canvas, MARGIN + 44, top, width, theme)
        for place, layer in enumerate(found.layers):
            values = layer.edge if panel == 0 else layer.colour
            if values is not None:
                _dots(canvas, values, place, MARGIN + 44, top, width / len(found.layers), theme)
    top = MARGIN + head.height + len(titles) * tall + 2
    for place, layer in enumerate(found.layers):
        x = MARGIN + 44 + round((place + 0.5) * width / len(found.layers))
        _upright(image, layer, x, top, theme)
    return np.asarray(image)


def _axes(canvas: ImageDraw.ImageDraw, left: int, top: int, width: int, theme: Theme) -> None:
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = top + round((1 - share) * PANEL[1])
        canvas.line((left, y, left + width, y), theme.line)
        canvas.text((left - 36, y - 7), f"{share:.2f}", theme.quiet, lettering(TEXT - 1))


def _dots(
    canvas: ImageDraw.ImageDraw, values: NDArray[np.float64], place: int, left: int, top: int, room: float,
    theme: Theme,
) -> None:  # fmt: skip
    known = values[~np.isnan(values)]
    middle = left + (place + 0.5) * room
    # Side by side in the channels' order: a golden step spreads any number of dots evenly (no draws needed).
    shift = (np.arange(len(known)) * 0.618034 % 1 - 0.5) * 2 * _SPREAD * room
    for value, aside in zip(known, shift, strict=True):
        x, y = middle + aside, top + (1 - value) * PANEL[1]
        canvas.ellipse((x - 1, y - 1, x + 1, y + 1), fill=theme.negative[2])
    if len(known):
        y = top + (1 - float(np.median(known))) * PANEL[1]
        canvas.line((middle - 0.46 * room, y, middle + 0.46 * room, y), theme.positive[3], width=3)


def _upright(image: Image.Image, layer: LayerCharacter, x: int, top: int, theme: Theme) -> None:
    letters = lettering(TEXT - 1)
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    word = Image.new("RGB", (int(ruler.textlength(layer.layer, letters)) + 2, TEXT + 3), theme.ground)
    ImageDraw.Draw(word).text((0, 0), layer.layer, theme.quiet, letters)
    turned = word.rotate(90, expand=True)
    image.paste(turned, (x - turned.width // 2, top + 4))


def _tile(
    pixels: Picture, inside: NDArray[np.bool_], rows: tuple[int, int], columns: tuple[int, int],
    side: tuple[int, int],
) -> Picture:  # fmt: skip
    """A patch as it is drawn: enlarged to whole squares a pixel or shrunk, hatched where nothing is seen.

    A window larger than the input on an axis is cut to the input there.
    """
    parts = [
        slice(max(-low, 0), max(-low, 0) + n) if high - low + 1 > n else slice(None)
        for (low, high), n in zip((rows, columns), side, strict=True)
    ]
    colour, seen = rgb(pixels[parts[0], parts[1]]), inside[parts[0], parts[1]]
    longest = max(seen.shape)
    if longest > LARGEST_TILE:
        height, width = (max(1, round(n * LARGEST_TILE / longest)) for n in seen.shape)
        drawn = np.asarray(Image.fromarray(colour).resize((width, height), Image.Resampling.BOX))
        mask = np.asarray(Image.fromarray(seen).resize((width, height), Image.Resampling.NEAREST))
    else:
        times = max(1, TILE // longest)
        drawn, mask = enlarged(colour, times), enlarged(seen, times)
    y, x = np.indices(mask.shape)
    lines = np.equal((x + y) % HATCH, 0)
    hatch = np.where(lines[:, :, None], np.uint8(150), np.uint8(222))
    tile = np.where(mask[:, :, None], drawn, hatch).astype(np.uint8)
    # Framed: a white patch would have no end on white ground.
    return np.pad(tile, ((1, 1), (1, 1), (0, 0)), constant_values=170)


def _rows_sheet(
    title: str, notes: Sequence[str], rows: Sequence[tuple[str, Sequence[tuple[Picture, str]]]], theme: Theme
) -> Picture:
    letters = lettering(TEXT - 1)
    tiles = [tile for _, row in rows for tile, _ in row]
    tall = max((tile.shape[0] for tile in tiles), default=1)
    wide = max((tile.shape[1] for tile in tiles), default=1)
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    words = max((int(ruler.textlength(word, letters)) for _, row in rows for _, word in row), default=0)
    cell, label = max(wide, words) + 8, max(int(ruler.textlength(name, letters)) for name, _ in rows) + 14
    across = max(len(row) for _, row in rows)
    head = heading(title, notes, None, theme, max(label + across * cell, 620))
    step = tall + TEXT + 12
    top = MARGIN + head.height + 6
    size = (2 * MARGIN + max(label + across * cell, head.width), top + len(rows) * step + MARGIN)
    image = Image.new("RGB", size, theme.ground)
    image.paste(head, (MARGIN, MARGIN))
    canvas = ImageDraw.Draw(image)
    for line, (name, row) in enumerate(rows):
        y = top + line * step
        canvas.text((MARGIN, y + tall // 2 - 7), name, theme.ink, letters)
        for place, (tile, word) in enumerate(row):
            x = MARGIN + label + place * cell
            image.paste(Image.fromarray(tile), (x, y))
            canvas.text((x, y + tall + 2), word, theme.quiet, letters)
    return np.asarray(image)


def _grid_sheet(
    title: str, notes: Sequence[str], cells: Sequence[tuple[Picture, Sequence[str]]], theme: Theme
) -> Picture:
    letters = lettering(TEXT - 1)
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    words = max(int(ruler.textlength(word, letters)) for _, lines in cells for word in lines)
    wide = max(max(tile.shape[1] for tile, _ in cells), words) + GAP
    tall = max(tile.shape[0] for tile, _ in cells)
    step = tall + 4 + (TEXT + 2) * max(len(lines) for _, lines in cells) + GAP
    across = min(len(cells), max(1, 900 // wide))
    head = heading(title, notes, None, theme, max(across * wide, 620))
    top = MARGIN + head.height + 6
    size = (
        2 * MARGIN + max(across * wide, head.width),
        top + -(-len(cells) // across) * step + MARGIN - GAP,
    )
    image = Image.new("RGB", size, theme.ground)
    image.paste(head, (MARGIN, MARGIN))
    canvas = ImageDraw.Draw(image)
    for place, (tile, lines) in enumerate(cells):
        x, y = MARGIN + place % across * wide, top + place // across * step
        image.paste(Image.fromarray(tile), (x, y))
        for row, line in enumerate(lines):
            canvas.text((x, y + tall + 4 + row * (TEXT + 2)), line, theme.quiet, letters)
    return np.asarray(image)
