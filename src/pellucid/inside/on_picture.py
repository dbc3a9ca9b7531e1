"""Drawn on the picture itself: a heatmap with its scale, and the outline of what a value sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pellucid.inside.colours import LIGHT, Picture, Theme, Values, coloured, scale_of
from pellucid.inside.pictures import BAR_HEIGHT, GAP, MARGIN, SCALE_WIDTH, draw_scale, enlarged, heading

SIDE = 320  # small pictures are enlarged to about this
LARGEST = 640  # and large ones shrunk to this
LINE = (0, 114, 226)
CASING = (255, 255, 255)
_STRONGEST = 0.8  # how much of the picture the heatmap's ends cover
_DOT = 2  # the line's width in pixels


def rgb(picture: Picture) -> Picture:
    """uint8 [height, width, 3] of a picture [height, width], [.., 1] or [.., 3]."""
    picture = picture[:, :, None] if picture.ndim == 2 else picture
    return np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture


def laid_over(picture: Picture, heat: Values, theme: Theme = LIGHT) -> Picture:
    """The picture in softened grey with the heatmap's colours over it, uint8 [height, width, 3] as the picture.

    `heat` [rows, columns] of any size is stretched linearly over the picture; at zero the grey shows through whole, at
    the scale's ends a fifth of it. Soft: from 50 to 203, as colours don't show on black and white.
    """
    colour = rgb(picture).astype(np.float64)
    grey = (
        50 + 0.6 * (colour @ (0.299, 0.587, 0.114))[:, :, None]
    )  # ITU-R BT.601, as Pillow's conversion to grey
    height, width = picture.shape[:2]
    values = np.where(np.isfinite(heat), heat, 0).astype(np.float32)
    stretched = np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.BILINEAR))
    scale = scale_of(values)
    share = np.abs(scale.shares(stretched))[:, :, None]
    tint = coloured(stretched, scale, theme).astype(np.float64)
    cover = _STRONGEST * share**0.7
    return np.round((1 - cover) * grey + cover * tint).astype(np.uint8)


def outlined(picture: Picture, field: NDArray[np.bool_]) -> Picture:
    """The picture with the outline of `field`, bool [height, width] of the picture's size and any shape.

    A small picture is enlarged to whole squares a pixel first, a large one shrunk to 640 pixels. The line runs inside
    the field, with a light casing on both sides so that it shows on any ground.
    """
    drawing = _fitted(rgb(picture)).copy()
    height, width = drawing.shape[:2]
    if max(picture.shape[:2]) > LARGEST:  # any pixel of the field keeps its place
        share = Image.fromarray(field.astype(np.float32)).resize((width, height), Image.Resampling.BOX)
        inside = np.asarray(share) > 0
    else:
        inside = enlarged(field, height // len(field))
    first = _shrunk(inside, 1)
    line = _shrunk(first, _DOT)
    last = _shrunk(line, 1)
    drawing[inside & ~last] = CASING
    drawing[first & ~line] = LINE
    return drawing


def heat_panel(
    picture: Picture, heat: Values, title: str, field: NDArray[np.bool_] | None = None, theme: Theme = LIGHT
) -> Picture:
    """The plain picture beside the one under its heatmap, with the scale in numbers.

    `field`, if given, is outlined on the plain one.
    """
    plain = _fitted(rgb(picture)) if field is None else outlined(picture, field)
    if heat.shape == picture.shape[:2]:  # a value a pixel: crisp, as the pixels are
        over = _fitted(laid_over(picture, heat, theme))
    else:
        over = laid_over(_fitted(rgb(picture)), heat, theme)
    pair = [plain, over]
    height, width = pair[0].shape[:2]
    head = heading(title, (), None, theme, max(2 * width + GAP, SIDE))
    top = MARGIN + head.height + 6
    across = max(2 * width + GAP, width + GAP + SCALE_WIDTH, head.width)
    size = (2 * MARGIN + across, top + height + GAP + BAR_HEIGHT + 10 + MARGIN)
    image = Image.new("RGB", size, theme.ground)
    image.paste(head, (MARGIN, MARGIN))
    canvas = ImageDraw.Draw(image)
    for place, one in enumerate(pair):
        image.paste(Image.fromarray(one), (MARGIN + place * (width + GAP), top))
    draw_scale(canvas, MARGIN + width + GAP, top + height + GAP, scale_of(heat), theme)
    return np.asarray(image)


def _shrunk(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """Without the outer `by` pixels; beyond the picture's border is outside."""
    for _ in range(by):
        wide = np.pad(mask, 1)
        mask = mask & wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
        mask &= wide[:-2, :-2] & wide[:-2, 2:] & wide[2:, :-2] & wide[2:, 2:]
    return mask


def _fitted(picture: Picture) -> Picture:
    """A small picture enlarged to about SIDE in whole squares a pixel, a large one shrunk to LARGEST."""
    side = max(picture.shape[:2])
    if side <= LARGEST:
        return enlarged(picture, max(1, round(SIDE / side)))
    height, width = (max(1, round(length * LARGEST / side)) for length in picture.shape[:2])
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))
