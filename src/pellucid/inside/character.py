"""How edge-like and how colour-like the channels of each layer are, measured on the network itself.

The network is shown test pictures (`stimuli.py`): gratings between black and white, red and green, blue and yellow, at
8 orientations, 4 wavelengths and 4 phases, and 27 plain colours. a(s) is a channel's value at the middle of its map for
the picture s, a0 that for mid grey, A the mean of its strongest values for real pictures. With

    r(o) = the largest a(s) - a0 over the gratings of orientation o (all pairs, wavelengths and phases)
    edge-like   E = (r(best) - r(across)) / (A - a0)    best: the o with the largest r; across: 90 degrees from it
    colour-like C = (largest a(s) - a(grey s)) / (A - a0)   over coloured s; grey s: as light, pixel by pixel, no colour

both held within 0 and 1. So E is how much of what its strongest real patches bring a channel gets from a mere grating
that the same grating turned by a right angle doesn't bring, and C, from a mere colour. A channel that answers to
eyes or wheels gets little from either. A channel whose best patches bring no more than mid grey has no such share
and is left out (`silent`). Values are taken before the activation: cut off at 0, or at 6 as ReLU6 does, they would
say less, and layers with and without one could not be compared.

Sources: showing gratings and plain colours to convolutional neurons, relative to a blank: Harris, Mihai and Hare 2020,
"How convolutional neural network architecture biases learned opponency and colour tuning"; preferred less orthogonal
response over the response: Mazurek, Kager and Van Hooser 2014, "Robust quantification of orientation selectivity and
direction selectivity" (the divisor here is the channel's range on real pictures, so that layers can be compared).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ModelError, SettingsError
from pellucid.inside.at_hand import AtHand
from pellucid.inside.number import Inside
from pellucid.inside.occlusion import Progress
from pellucid.inside.patches import COUNT, Strongest
from pellucid.inside.stimuli import ORIENTATIONS, stimuli
from pellucid.inside.window import find_entrance, layer_tensor
from pellucid.model import ForeignModel, ModelFile
from pellucid.model.responses import Responses
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.normalisation import BatchNormalization
from pellucid.storage import shown

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LayerCharacter:
    """One layer: `edge` and `colour` float64 [channels], NaN for a silent channel; `colour` is None for a network of
    grey pictures. `strongest` [channels] is A, `blank` [channels] a0."""

    layer: str
    edge: Numbers
    colour: Numbers | None
    strongest: Numbers
    blank: Numbers

    @property
    def silent(self) -> int:
        """How many channels have no share, as their best patches bring no more than mid grey."""
        return int(np.isnan(self.edge).sum())

    @property
    def median_edge(self) -> float:
        """NaN where every channel is silent."""
        return median(self.edge)

    @property
    def median_colour(self) -> float | None:
        """None for a network of grey pictures."""
        return None if self.colour is None else median(self.colour)


@dataclass(frozen=True, eq=False, repr=False)
class Character:
    """The `layers` in the graph's order; `pictures`, how many real ones were looked at, `described` which; `shown`, how
    many test pictures."""

    where: str
    layers: tuple[LayerCharacter, ...]
    pictures: int
    described: str
    shown: int
    left_out: tuple[tuple[str, str], ...]

    def _repr_html_(self) -> str:
        from pellucid.inside.deep_words import character_html  # it draws

        return character_html(self)

    def __repr__(self) -> str:
        from pellucid.inside.deep_words import character_text

        return character_text(self)


def median(values: Numbers) -> float:
    """Of the channels that aren't silent; NaN where all are."""
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")


def character(
    model: ModelFile | ForeignModel, pictures: AtHand, layers: tuple[str, ...] | None = None
) -> Character:
    """The result at the end of `character_records`."""
    *_, last = character_records(model, pictures, layers)
    assert isinstance(last, Character)
    return last


def character_records(
    model: ModelFile | ForeignModel, pictures: AtHand, layers: tuple[str, ...] | None = None
) -> Iterator[Progress | Character]:
    """Each convolution with its normalisation, or the `layers` named; progress, then the result.

    SettingsError for an unknown layer, ModelError where there is no convolution, DataError where no picture can be
    read.
    """
    best: dict[str, Strongest] = {}
    responses: Responses | None = None
    inside: Inside | None = None
    size, done = (0, 0, 0), 0
    for number, pixels in pictures.each():
        if responses is None or inside is None:
            inside = Inside(model.opened(pixels))
            entrance = find_entrance(inside.opened)
            height, width, channels = inside.places.shape(entrance.pixels)[1:]
            size = (height, width, channels)
            tensors = _layers(inside, layers, [layer_tensor(inside, entrance, n) for n in layers or ()])
            best = {name: Strongest(inside.places.shape(name)[1], COUNT) for name in tensors}
            responses = Responses(model, list(best))
        for name, values in responses.of(pixels).items():
            best[name].add(number, values[0], None)
        done += 1
        yield Progress(done, len(pictures))
    assert responses is not None and inside is not None
    found = {name: _Tuning(len(each.values)) for name, each in best.items()}
    # Mid grey is what all others are held against: it comes first.
    blank = _middle(responses.of(np.full(size, 128, np.uint8)))
    count = 0
    for stimulus in stimuli(*size):
        values = _middle(responses.of(stimulus.pixels))
        grey = None if stimulus.grey is None else _middle(responses.of(stimulus.grey))
        for name, tuning in found.items():
            if stimulus.kind == "grating":
                kept = tuning.grating[stimulus.orientation]
                np.maximum(kept, values[name] - blank[name], out=kept)
            if grey is not None:
                np.maximum(tuning.colour, values[name] - grey[name], out=tuning.colour)
        count += 1
    yield Character(
        model.where,
        tuple(
            _character(inside.places.names[name], best[name], found[name], blank[name], size[2] == 3)
            for name in best
        ),
        done, pictures.described, count, tuple(pictures.left_out),
    )  # fmt: skip


class _Tuning:
    """The running maxima: `grating` [orientations, channels], above the blank; `colour` [channels], above its grey."""

    def __init__(self, channels: int):
        self.grating: Numbers = np.full((ORIENTATIONS, channels), -np.inf)
        self.colour: Numbers = np.full(channels, -np.inf)


def _character(
    name: str, best: Strongest, tuning: _Tuning, blank: Numbers, has_colours: bool
) -> LayerCharacter:
    known = np.isfinite(best.values)
    strongest = np.where(known, best.values, 0).sum(1) / np.maximum(known.sum(1), 1)
    reach = strongest - blank
    # Rounding may leave a dead channel a hair above its blank.
    alive = reach > 1e-6 * np.maximum(np.abs(strongest), np.abs(blank))
    safe = np.where(alive, reach, 1)
    first = tuning.grating.argmax(0)
    across = (first + ORIENTATIONS // 2) % ORIENTATIONS
    columns = np.arange(len(blank))
    edge = tuning.grating[first, columns] - tuning.grating[across, columns]
    shares = [
        np.where(alive, np.clip(each / safe, 0, 1), np.nan)
        for each in (edge, np.where(np.isfinite(tuning.colour), tuning.colour, 0))
    ]
    return LayerCharacter(name, shares[0], shares[1] if has_colours else None, strongest, blank)


def _middle(values: dict[str, NDArray[np.floating]]) -> dict[str, Numbers]:
    """[channels] at the middle of each map [1, channels, height, width]."""
    return {
        name: array[0, :, array.shape[2] // 2, array.shape[3] // 2].astype(np.float64)
        for name, array in values.items()
    }


def _layers(inside: Inside, names: tuple[str, ...] | None, given: list[str]) -> list[str]:
    for name, tensor in zip(names or (), given, strict=True):
        if len(inside.places.shape(tensor)) != 4:
            raise SettingsError("this layer has no maps: its values don't lie in rows and columns",
                                where="layers", received=shown(name), remedy="a convolution")  # fmt: skip
    found = given or [
        _normalised(inside, node.outputs[0])
        for node in inside.opened.graph.nodes
        if isinstance(node.operation, Convolution) and len(inside.places.shape(node.outputs[0])) == 4
    ]
    if not found:
        raise ModelError("this network has no convolution", where=inside.opened.where,
                         received="no layer with maps", remedy="a convolutional network")  # fmt: skip
    return list(dict.fromkeys(found))


def _normalised(inside: Inside, tensor: str) -> str:
    """A convolution's result, behind its normalisation where one follows alone."""
    graph = inside.opened.graph
    while len(users := graph.users.get(tensor, ())) == 1:
        node = users[0][0]
        if not isinstance(node.operation, BatchNormalization):
            return tensor
        tensor = node.outputs[0]
    return tensor
