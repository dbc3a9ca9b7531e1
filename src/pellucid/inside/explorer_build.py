"""A network in text, as the explorer's Build shows it: `pellucid summary --json`, with plain words, or its error."""

from __future__ import annotations

import re
from typing import cast

from pellucid.errors import NetworkError, PellucidError, SettingsError
from pellucid.filters import has_filters, network_of
from pellucid.inside.explorer_schema import Family, SummaryDocument, SummaryRow
from pellucid.inside.explorer_words import words
from pellucid.network import Network
from pellucid.network.graph import Node
from pellucid.network.layers import on_screen
from pellucid.network.layers.convolution import Conv
from pellucid.network.stages import kind_of
from pellucid.network.table import rows, totals

MOST_TEXT = 20_000
_SIZE = re.compile(r"(\d{1,4})\s*[x×*, ]\s*(\d{1,4})\s*[x×*, ]\s*(\d{1,4})")


def built(text: str, size: str) -> SummaryDocument | dict[str, str]:
    """The summary of a network's text for pictures of `size` (28x28x1: height, width, channels); an error's parts,
    `error` among them, where it doesn't fit."""
    try:
        return _built(text, size)
    except PellucidError as error:
        parts = {"where": error.where, "received": error.received, "remedy": error.remedy}
        return {"error": error.what} | {name: part for name, part in parts.items() if part}


def _built(text: str, size: str) -> SummaryDocument:
    if len(text) > MOST_TEXT:
        raise NetworkError("the network's text is too long", received=f"{len(text):,} letters",
                           remedy=f"{MOST_TEXT:,} at most")  # fmt: skip
    match = _SIZE.fullmatch(size.strip())
    if match is None or 0 in (sides := [int(side) for side in match.groups()]):
        raise SettingsError("a picture's size is height x width x channels", where="input",
                            received=size[:40], remedy="28x28x1")  # fmt: skip
    height, width, channels = sides
    shape = (channels, height, width)
    network = network_of(text, shape) if has_filters(text) else Network.from_text(text, shape)
    table = rows(network)
    return SummaryDocument(
        input_shape=list(on_screen(network.input_shape)),
        network=network.text,
        rows=[SummaryRow.model_validate(row.as_dict()) for row in table],
        words=[_words(node) for node in network.nodes],
        **totals(table).as_dict(),
    )


def _words(node: Node) -> str:
    layer = node.layer
    family = cast(Family, "softmax" if layer.word == "softmax" else kind_of(node))
    if isinstance(layer, Conv):
        return words(layer.word, family, layer.channels, " x ".join(str(n) for n in layer.kernel))
    return words(layer.word, family)
