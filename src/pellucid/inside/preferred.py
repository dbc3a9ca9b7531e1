"""The input that a channel likes best, found by gradient ascent, and held against the model file itself.

Source: Erhan, Bengio, Courville and Vincent 2009, "Visualizing higher-layer features of a deep network"; the
regularisation follows Olah, Mordvintsev and Schubert 2017, "Feature visualization" (Distill): the picture is a sum of
waves, so that a step moves coarse and fine structure alike, and it is moved about by some pixels before a step, so that
nothing hangs on one pixel's place: by a 16th of the window at most, less and less, not at all in the last third.

A picture is 255 / (1 + exp(-u)), u = sum over waves of (coefficient / max(frequency, 1 / longer side)), which keeps
every pixel between 0 and 255; the coefficients start as seeded noise. Steps are Adam's (Kingma and Ba 2015) on the
coefficients of -value, jitter by draws of (seed, step). The picture that is kept is the rounded one, and its value is
what onnxruntime computes for it as a file's picture: gradients only found it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pellucid import draws
from pellucid.engines.choice import open_part
from pellucid.errors import EngineError, SettingsError
from pellucid.inside.number import Inside
from pellucid.inside.occlusion import Progress
from pellucid.inside.patches import check_channels, cut_out
from pellucid.inside.window import Entrance, Window, find_entrance, layer_tensor, window_of
from pellucid.model import ForeignModel, ModelFile
from pellucid.model.responses import Responses
from pellucid.storage import shown

if TYPE_CHECKING:
    from pellucid.engines.torch.graph import GraphPart

Pixels = NDArray[np.uint8]
Numbers = NDArray[np.float64]
Waves = NDArray[np.complex128]
STEPS, CHANNELS, RATE, NOISE = 192, 9, 0.1, 0.01
JITTER = 1 / 16  # of the window's shorter side, each way
STILL = 1 / 3  # of the steps, those at the end, are without it
_MOST_STEPS = 100_000


@dataclass(frozen=True, eq=False)
class Preferred:
    """What one channel likes best.

    `picture` uint8 [height, width, 1 or 3] of the network's own size; `window` what the value at `place` (the map's
    middle; empty without maps) sees of it, cut out as `pixels` with `inside` as in a Patch. `start`, the value there
    for the noise that it began with; `value`, for `picture`: both as onnxruntime stored them, for uint8 pixels.
    `real`: the channel's strongest value for the pictures at hand, None where none were looked at.
    """

    channel: int
    picture: Pixels
    place: tuple[int, ...]
    window: Window
    pixels: Pixels
    inside: NDArray[np.bool_]
    start: float
    value: float
    real: float | None

    @property
    def beats_real(self) -> bool | None:
        """Whether the picture that was found drives the channel further than every real one; None: none were shown."""
        return None if self.real is None else self.value > self.real


@dataclass(frozen=True, eq=False, repr=False)
class Preferences:
    """What the `channels` of a `layer` like best, found in so many `steps` from the `seed`'s noise."""

    where: str
    layer: str
    channels: tuple[Preferred, ...]
    of: int
    steps: int
    seed: int
    described: str

    def _repr_html_(self) -> str:
        from pellucid.inside.deep_words import preferences_html  # it draws

        return preferences_html(self)

    def __repr__(self) -> str:
        from pellucid.inside.deep_words import preferences_text

        return preferences_text(self)


def preferred(
    model: ModelFile | ForeignModel, layer: str, channels: Sequence[int] | None = None, steps: int = STEPS,
    seed: int = 0, real: Mapping[int, float] | None = None, described: str = "",
) -> Preferences:  # fmt: skip
    """The result at the end of `preferred_records`."""
    *_, last = preferred_records(model, layer, channels, steps, seed, real, described)
    assert isinstance(last, Preferences)
    return last


def preferred_records(
    model: ModelFile | ForeignModel, layer: str, channels: Sequence[int] | None = None, steps: int = STEPS,
    seed: int = 0, real: Mapping[int, float] | None = None, described: str = "",
) -> Iterator[Progress | Preferences]:  # fmt: skip
    """The input that each of the `channels` (the first 9 unless given) likes best; progress, then the result.

    `real`: by channel the strongest value for real pictures, `described` which. A pure function of model, layer,
    channel, steps and seed. EngineError without torch or a gradient; SettingsError for an unknown layer or channel.
    """
    if not 1 <= steps <= _MOST_STEPS:
        raise SettingsError("gradient ascent takes steps", where="steps", received=str(steps),
                            remedy=f"from 1 to {_MOST_STEPS:,}; {STEPS} unless given")  # fmt: skip
    blank = _blank(model)
    inside = Inside(model.opened(blank))
    entrance = find_entrance(inside.opened)
    tensor = layer_tensor(inside, entrance, layer)
    shape = inside.places.shape(tensor)
    check_channels(channels, shape[1], layer)
    if not entrance.numbers:
        raise EngineError("gradients can't reach the picture: no floating point pixels go into the network",
                          where=shown(layer), remedy="--patches needs no gradients")  # fmt: skip
    chosen = tuple(channels) if channels is not None else tuple(range(min(shape[1], CHANNELS)))
    middle = tuple(n // 2 for n in shape[2:])
    part = open_part(inside.opened.graph, inside.opened.values, [entrance.numbers], [tensor])
    responses = Responses(model, [tensor])
    found = []
    for n, channel in enumerate(chosen):
        window = window_of(inside, entrance, inside.places.at(tensor, (0, channel, *middle)))
        goal = np.zeros(shape)
        goal[(0, channel, *middle)] = 1
        climb = _Climb(part, entrance, tensor, goal, blank.shape, seed, channel, window, steps)
        first = climb.picture()
        for step in range(steps):
            climb.step(step)
            yield Progress(n * steps + step + 1, len(chosen) * steps)
        start, value = (
            float(responses.of(each)[tensor][(0, channel, *middle)]) for each in (first, climb.picture())
        )
        pixels, seen = cut_out(window, climb.picture())
        found.append(
            Preferred(channel, climb.picture(), middle, window, pixels, seen, start, value,
                      None if real is None else real.get(channel))
        )  # fmt: skip
    yield Preferences(
        model.where, inside.places.names[tensor], tuple(found), shape[1], steps, seed, described
    )


def _blank(model: ModelFile | ForeignModel) -> Pixels:
    """A mid-grey picture of the network's own size, which preprocessing leaves as it is."""
    size = model.card.preprocessing if isinstance(model, ModelFile) else model.intake.preprocessing
    return np.full((size.height, size.width, size.channels), 128, np.uint8)


class _Climb:
    """One channel's ascent: coefficients of waves [channels, height, width // 2 + 1], and Adam's two means."""

    def __init__(
        self, part: GraphPart, entrance: Entrance, tensor: str, goal: Numbers, size: tuple[int, ...],
        seed: int, channel: int, window: Window, steps: int,
    ):  # fmt: skip
        height, width, colours = size
        self._part, self._entrance, self._tensor, self._goal = part, entrance, tensor, goal
        self._sides, self._keys = (height, width), (seed, channel)
        frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
        # Of waves of unit length; a quarter of them, so that 200 steps fill the range and don't leave it.
        self._scale = (
            np.sqrt(height * width) / np.maximum(frequency, 1 / max(height, width)) / max(height, width) / 4
        )
        shape = (colours, *frequency.shape)
        index = np.arange(int(np.prod(shape))).reshape(shape)
        # Box and Muller 1958; 1 - uniform is never 0.
        radius = np.sqrt(-2 * np.log(1 - draws.uniform(seed, channel, 0, index)))
        angle = 2 * np.pi * draws.uniform(seed, channel, 1, index)
        self._waves: Waves = (NOISE * radius * np.exp(1j * angle)).astype(np.complex128)
        self._first: Waves = np.zeros(shape, np.complex128)
        self._second: Numbers = np.zeros(shape)
        self._times = 0
        self._reach = JITTER * min(*window.size, height, width)
        self._moving = max((1 - STILL) * steps, 1)

    def _light(self) -> Numbers:
        """[height, width, channels] between 0 and 1."""
        u = np.fft.irfft2(self._waves * self._scale, self._sides, norm="ortho")
        return np.moveaxis(1 / (1 + np.exp(-np.clip(u, -40, 40))), 0, 2)

    def picture(self) -> Pixels:
        return np.rint(255 * self._light()).astype(np.uint8)

    def step(self, number: int) -> None:
        """One step up."""
        light = self._light()
        reach = round(self._reach * max(0.0, 1 - number / self._moving))
        down, right = (
            int(draws.bits(*self._keys, 2 + axis, number) % np.uint64(2 * reach + 1)) - reach
            for axis in (0, 1)
        )
        moved = 255 * np.roll(light, (down, right), (0, 1))
        given = moved[:, :, ::-1] if self._entrance.reversed else moved
        found = self._part.gradients({self._tensor: self._goal}, {self._entrance.numbers: given[None]})
        gradient = found.gradients[self._entrance.numbers][0].astype(np.float64)
        gradient = gradient[:, :, ::-1] if self._entrance.reversed else gradient
        gradient = np.roll(gradient, (-down, -right), (0, 1)) * 255 * light * (1 - light)
        # The transpose of irfft2 of real pictures, but for a factor by wave that Adam takes out.
        slope = np.fft.rfft2(np.moveaxis(gradient, 2, 0), norm="ortho") * self._scale
        self._times += 1
        self._first = 0.9 * self._first + 0.1 * slope
        self._second = 0.999 * self._second + 0.001 * np.abs(slope) ** 2
        mean = self._first / (1 - 0.9**self._times)
        size = np.sqrt(self._second / (1 - 0.999**self._times))
        self._waves += RATE * mean / (size + 1e-12)
