"""What the channels of a layer respond to: for each the strongest patches of the pictures at hand, each cut to its
receptive field.

A patch is drawn from the network's own input: the picture as it was resized, cropped or padded, in uint8, so that its
pixels are exactly those that the value was made of. Its place in the picture itself is given in numbers.

Strongest places are found picture by picture: of all pictures no more than the running best is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import SettingsError
from pellucid.inside.at_hand import AtHand
from pellucid.inside.number import Inside
from pellucid.inside.occlusion import Progress
from pellucid.inside.window import Entrance, Window, find_entrance, layer_tensor, window_of
from pellucid.model import ForeignModel, ModelFile
from pellucid.model.responses import Responses
from pellucid.storage import shown

Pixels = NDArray[np.uint8]
Numbers = NDArray[np.float64]
COUNT, CHANNELS = 9, 16
_SHAPES_KEPT = 4  # opened pictures of different sizes: fields depend on the size alone


@dataclass(frozen=True, eq=False)
class Patch:
    """One strong place of one channel.

    `value` as the runtime stored it; `picture`, its name, `number` among the pictures; `place` [row, column] in the
    layer's map, empty where the layer has none. `window`: what the value sees. `pixels` uint8 [height, width, 1 or 3]:
    the window in the network's input, what lies outside of it 0; `inside` bool [height, width]: which of them the value
    depends on.
    """

    channel: int
    value: float
    picture: str
    number: int
    place: tuple[int, ...]
    window: Window
    pixels: Pixels
    inside: NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class Patches:
    """The strongest patches of a layer: `rows`, one tuple of patches for each of `channels`, strongest first.

    `of`, how many channels the layer has; `pictures`, how many were looked at, `described` which; `by`: "pictures" (one
    patch a picture at most) or "places" (of one picture several, whose fields don't overlap); `side` (height, width) of
    the network's input; `left_out`, the (name, reason) of pictures that couldn't be read.
    """

    where: str
    layer: str
    channels: tuple[int, ...]
    rows: tuple[tuple[Patch, ...], ...]
    of: int
    pictures: int
    described: str
    by: str
    chosen: str
    side: tuple[int, int]
    left_out: tuple[tuple[str, str], ...]

    @property
    def field(self) -> tuple[int, int]:
        """Height and width of the largest field, in pixels of the network's input."""
        sizes = [patch.window.size for row in self.rows for patch in row]
        return (max(h for h, _ in sizes), max(w for _, w in sizes)) if sizes else (0, 0)

    def _repr_html_(self) -> str:
        from pellucid.inside.deep_words import patches_html  # it draws

        return patches_html(self)

    def __repr__(self) -> str:
        from pellucid.inside.deep_words import patches_text

        return patches_text(self)


class Strongest:
    """The running best of every channel: `values` float64 [C, count], strongest first, -inf where there is none yet;
    `wheres` int64 [C, count, 3]: picture, row, column. Equal ones: the earlier picture, the earlier place."""

    def __init__(self, channels: int, count: int):
        self.values: Numbers = np.full((channels, count), -np.inf)
        self.wheres = np.zeros((channels, count, 3), np.int64)
        self._n = 0
        self._mean: Numbers = np.zeros(channels)
        self._squares: Numbers = np.zeros(channels)

    def add(self, number: int, maps: NDArray[np.floating], apart: tuple[int, int] | None) -> None:
        """Look at a picture's maps [C, height, width].

        With `apart`, several of its places may be kept, so many rows or so many columns from each other; else one.
        """
        work = np.where(np.isfinite(maps), maps, -np.inf).astype(np.float64)
        best = work.reshape(len(work), -1).max(1)
        finite = np.where(np.isfinite(best), best, 0)
        self._n += 1
        step = finite - self._mean
        self._mean += step / self._n  # Welford 1962
        self._squares += step * (finite - self._mean)
        rows, columns = np.arange(work.shape[1]), np.arange(work.shape[2])
        for _ in range(1 if apart is None else self.values.shape[1]):
            flat = work.reshape(len(work), -1).argmax(1)
            values = work.reshape(len(work), -1)[np.arange(len(work)), flat]
            if not self._insert(number, values, flat // work.shape[2], flat % work.shape[2]) or apart is None:
                return
            near = np.abs(rows - (flat // work.shape[2])[:, None]) < apart[0]
            beside = np.abs(columns - (flat % work.shape[2])[:, None]) < apart[1]
            work[near[:, :, None] & beside[:, None, :]] = -np.inf

    def _insert(
        self, number: int, values: Numbers, rows: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> bool:
        better = np.flatnonzero(values > self.values[:, -1])
        if not len(better):
            return False
        where = np.stack([np.full(len(better), number), rows[better], columns[better]], 1)
        merged = np.concatenate([self.values[better], values[better, None]], 1)
        places = np.concatenate([self.wheres[better], where[:, None]], 1)
        order = np.argsort(-merged, axis=1, kind="stable")[:, :-1]
        self.values[better] = np.take_along_axis(merged, order, 1)
        self.wheres[better] = np.take_along_axis(places, order[:, :, None], 1)
        return True

    def standing_out(self) -> Numbers:
        """[C]: how far the mean of a channel's best stands above its mean over pictures of the largest value, in that
        value's standard deviations. Channels that never vary come last, with -inf."""
        deviation = np.sqrt(self._squares / max(self._n, 1))
        known = np.isfinite(self.values)
        means = np.where(known, self.values, 0).sum(1) / np.maximum(known.sum(1), 1)
        safe = np.where(deviation > 0, deviation, 1)
        return np.where(deviation > 0, (means - self._mean) / safe, -np.inf)


def strongest_patches(
    model: ModelFile | ForeignModel, pictures: AtHand, layer: str, channels: Sequence[int] | None = None,
    count: int = COUNT, most: int = CHANNELS,
) -> Patches:  # fmt: skip
    """The patches at the end of `patch_records`."""
    *_, last = patch_records(model, pictures, layer, channels, count, most)
    assert isinstance(last, Patches)
    return last


def patch_records(
    model: ModelFile | ForeignModel, pictures: AtHand, layer: str, channels: Sequence[int] | None = None,
    count: int = COUNT, most: int = CHANNELS,
) -> Iterator[Progress | Patches]:  # fmt: skip
    """The `count` strongest patches of each channel; progress on the way, the result last.

    `channels`, or the `most` that stand out most (see `Strongest.standing_out`). One patch a picture at most; where
    there are fewer pictures than `count`, several of one, whose fields don't overlap. Raises SettingsError for an
    unknown layer or channel, DataError where no picture can be read.
    """
    if count < 1 or most < 1:
        raise SettingsError("at least one patch of at least one channel", where="count", received=str(count))
    views = _Views(model)
    best: Strongest | None = None
    responses: Responses | None = None
    tensor, apart, by = "", None, "pictures"
    for done, (number, pixels) in enumerate(pictures.each(), 1):
        if best is None or responses is None:
            inside = views.of(pixels)
            tensor = layer_tensor(inside, views.entrance, layer)
            size = _maps(inside.places.value(tensor)).shape
            check_channels(channels, size[0], layer)
            best, responses = Strongest(size[0], count), Responses(model, [tensor])
            if len(pictures) < count:
                by, apart = "places", _apart(inside, views.entrance, tensor, size)
        best.add(number, _maps(responses.of(pixels)[tensor]), apart)
        yield Progress(done, len(pictures))
    assert best is not None
    chosen, how = _chosen(best, channels, most)
    found: dict[tuple[int, int], Patch] = {}
    wanted = sorted(
        (int(best.wheres[channel, rank, 0]), channel, rank)
        for channel in chosen
        for rank in range(count)
        if np.isfinite(best.values[channel, rank])
    )
    held, pixels = -1, np.zeros((1, 1, 1), np.uint8)
    for number, channel, rank in wanted:
        if number != held:
            held, pixels = number, pictures.read(number)
        inside = views.of(pixels)
        place = tuple(int(n) for n in best.wheres[channel, rank, 1:])
        found[channel, rank] = _cut(
            inside, views.entrance, tensor, channel, place, float(best.values[channel, rank]),
            views.taken_in(pixels), pictures.names[number], number,
        )  # fmt: skip
    rows = tuple(tuple(found[c, rank] for rank in range(count) if (c, rank) in found) for c in chosen)
    yield Patches(
        model.where, views.last.places.names[tensor], chosen, rows, len(best.values),
        len(pictures) - len(pictures.left_out), pictures.described, by, how, views.side, tuple(pictures.left_out),
    )  # fmt: skip


def check_channels(channels: Sequence[int] | None, there: int, layer: str) -> None:
    """SettingsError for a channel that the layer doesn't have, or an empty or repeated choice."""
    if channels is None:
        return
    wrong = [channel for channel in channels if not 0 <= channel < there]
    if wrong or not channels or len(set(channels)) < len(channels):
        raise SettingsError(
            f"{shown(layer)} has channels 0 to {there - 1}, each to be named once", where="channels",
            received=", ".join(str(channel) for channel in channels) or "none", remedy=f"--channels 0,{there - 1}",
        )  # fmt: skip


class _Views:
    """Opened pictures, one for each of the latest sizes: a field depends on the size alone."""

    def __init__(self, model: ModelFile | ForeignModel):
        self._model = model
        self._held: dict[tuple[int, ...], Inside] = {}
        self._pixels: Responses | None = None

    def of(self, pixels: Pixels) -> Inside:
        if pixels.shape not in self._held:
            while len(self._held) >= _SHAPES_KEPT:
                del self._held[next(iter(self._held))]
            self.last = self._held[pixels.shape] = Inside(self._model.opened(pixels))
            self.entrance = find_entrance(self.last.opened)
            height, width = self.last.places.shape(self.entrance.pixels)[1:3]
            self.side = (height, width)
        return self._held[pixels.shape]

    def taken_in(self, pixels: Pixels) -> Pixels:
        """The picture as the network takes it in, uint8 [height, width, channels]."""
        if self._pixels is None:
            self._pixels = Responses(self._model, [self.entrance.pixels])
        return self._pixels.of(pixels)[self.entrance.pixels][0]


def _maps(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """[C, height, width] of [1, C, height, width], or of [1, C] with one place."""
    return values[0] if values.ndim == 4 else values.reshape(-1, 1, 1)


def _apart(inside: Inside, entrance: Entrance, tensor: str, size: tuple[int, ...]) -> tuple[int, int]:
    """How many rows, and how many columns, two places must lie apart for their fields not to overlap."""
    if len(inside.places.shape(tensor)) != 4:
        return 1, 1
    _, height, width = size
    y, x = height // 2, width // 2
    here = window_of(inside, entrance, inside.places.at(tensor, (0, 0, y, x)))
    other = window_of(inside, entrance, inside.places.at(tensor, (0, 0, max(y - 1, 0), max(x - 1, 0))))
    down = max(here.rows[0] - other.rows[0], 1)
    right = max(here.columns[0] - other.columns[0], 1)
    return -(-here.size[0] // down), -(-here.size[1] // right)


def _chosen(best: Strongest, channels: Sequence[int] | None, most: int) -> tuple[tuple[int, ...], str]:
    there = len(best.values)
    if channels is not None:
        return tuple(channels), "as chosen"
    if there <= most:
        return tuple(range(there)), "all"
    order = np.argsort(-best.standing_out(), kind="stable")[:most]
    return tuple(int(c) for c in order), "those whose best stand out most from their other pictures"


def _cut(
    inside: Inside, entrance: Entrance, tensor: str, channel: int, place: tuple[int, ...], value: float,
    taken_in: Pixels, name: str, number: int,
) -> Patch:  # fmt: skip
    maps = len(inside.places.shape(tensor)) == 4
    full = (0, channel, *place) if maps else (0, channel)
    window = window_of(inside, entrance, inside.places.at(tensor, full))
    pixels, seen = cut_out(window, taken_in)
    return Patch(channel, value, name, number, place if maps else (), window, pixels, seen)


def cut_out(window: Window, taken_in: Pixels) -> tuple[Pixels, NDArray[np.bool_]]:
    """The window of the network's input uint8 [height, width, channels], 0 where nothing is seen; and what is seen."""
    height, width = window.size
    pixels = np.zeros((height, width, taken_in.shape[2]), np.uint8)
    seen = np.zeros((height, width), bool)
    spans = (window.rows, window.columns)
    of = tuple(slice(max(low, 0), high + 1) for low, high in spans)
    at = tuple(
        slice(max(-low, 0), max(-low, 0) + len(range(n)[part]))
        for (low, _), part, n in zip(spans, of, taken_in.shape[:2], strict=True)
    )
    seen[at] = window.seen[of]
    pixels[at] = np.where(window.seen[of][:, :, None], taken_in[of], 0)
    return pixels, seen
