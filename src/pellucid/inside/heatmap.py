"""A heatmap over a picture: numbers on a grid, and which part of the picture the grid covers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.inside.field import box, picture_mask, receptive_field
from pellucid.inside.number import Inside
from pellucid.inside.places import Places
from pellucid.inside.scores import Target
from pellucid.model.opened import Opened
from pellucid.network.operations import Mask

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """A rectangle of a picture in pixels, from its upper left corner; it may reach out of the picture (padding), or
    leave its ends out (cropping)."""

    top: float
    left: float
    height: float
    width: float


@dataclass(frozen=True, eq=False)
class Heatmap:
    """`values` float64 [h, w], the larger the more a place speaks for the `target`; they lie evenly over `frame`.

    `method` in words. `grain` [rows, columns] is how fine it can be: how many places were weighed by themselves.
    """

    method: str
    target: Target
    values: Numbers
    frame: Frame
    grain: tuple[int, int]

    def over(self, height: int, width: int) -> Numbers:
        """For drawing: [height, width] of the picture, bilinear; outside of the frame the least value."""
        return _resized(self.values, self.frame, height, width)

    def random(self, height: int, width: int, draws: Numbers) -> Numbers:
        """As `over`, of a map of the same grain that holds these random numbers [rows, columns]."""
        return _resized(draws, self.frame, height, width)


def _resized(values: Numbers, frame: Frame, height: int, width: int) -> Numbers:
    y, rows = _places(values.shape[0], frame.top, frame.height, height)
    x, columns = _places(values.shape[1], frame.left, frame.width, width)
    found = _line(_line(values, y, 0), x, 1)
    return np.where(rows[:, None] & columns[None], found, values.min())


def _places(n: int, start: float, length: float, size: int) -> tuple[Numbers, Mask]:
    """Where the middle of each of `size` pixels lies in the grid's line of n, and whether it is inside the frame."""
    share = (np.arange(size) + 0.5 - start) / length
    return np.asarray(np.clip(share * n - 0.5, 0, n - 1), np.float64), (share >= 0) & (share <= 1)


def _line(values: Numbers, places: Numbers, axis: int) -> Numbers:
    first = np.minimum(places.astype(np.int64), values.shape[axis] - 1)
    second = np.minimum(first + 1, values.shape[axis] - 1)
    weight = (places - first).reshape((-1, 1) if axis == 0 else (1, -1))
    return values.take(first, axis) * (1 - weight) + values.take(second, axis) * weight


def channel_axis(opened: Opened, name: str) -> int:
    """The axis of the channels of a picture's tensor, batch included."""
    return opened.values[name].ndim - 1 if name in Places(opened).channel_last else 1


def find_frame(opened: Opened, name: str) -> Frame:
    """The part of the picture that the tensor `name` (the network's input) covers.

    Where a place of the tensor comes from is asked of the operations, for two places off the border, as padding repeats
    it; between picture and input everything is a resize and a shift. Where that can't be told, on an axis with too few
    places or behind a node that isn't known, the whole picture is taken.
    """
    inside, image = Inside(opened), opened.graph.inputs[0]
    height, width = _sides(opened, image)
    h, w = _sides(opened, name)
    whole = Frame(0.0, 0.0, float(height), float(width))
    if name == image or opened.values[image].ndim != 4 or opened.values[name].ndim != 4:
        return whole
    lines: list[tuple[float, float] | None] = [None, None]
    for part in (8, 4, 3):  # from places near the border inwards, until padding isn't met
        near, far = (h // part, w // part), (h - 1 - h // part, w - 1 - w // part)
        first, second = _source(inside, name, near), _source(inside, name, far)
        if first is None or second is None:
            return whole
        for axis, (n, size) in enumerate(((h, height), (w, width))):
            (low, last), (start, high) = first[axis], second[axis]
            if lines[axis] is None and near[axis] < far[axis] and 0 < low < start and last < high < size - 1:
                step = (start + high - low - last) / 2 / (far[axis] - near[axis])
                lines[axis] = ((low + last + 1) / 2 - (near[axis] + 0.5) * step, n * step)
        if all(lines):
            break
    top, length = lines[0] or (0.0, float(height))
    left, breadth = lines[1] or (0.0, float(width))
    return Frame(top, left, length, breadth)


def _sides(opened: Opened, name: str) -> tuple[int, int]:
    """Height and width; a signal has a height of 1, of a volume the last two axes are taken."""
    shape = opened.values[name].shape
    spatial = [n for axis, n in enumerate(shape) if axis not in (0, channel_axis(opened, name))]
    return (spatial[-2], spatial[-1]) if len(spatial) > 1 else (1, spatial[0] if spatial else 1)


def _source(inside: Inside, name: str, place: tuple[int, int]) -> tuple[tuple[int, ...], ...] | None:
    """The picture's pixels that reach one place of the tensor: the first and last row, the first and last column."""
    last = channel_axis(inside.opened, name) == 3
    reach = receptive_field(inside, inside.places.at(name, (0, *place, 0) if last else (0, 0, *place)))
    mask = picture_mask(inside, reach, inside.opened.graph.inputs[0])
    return None if mask is None or not reach.exact else box(mask)
