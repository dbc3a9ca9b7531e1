"""A model file's bytes -> its card, its network with weights. Nothing in the file is run or trusted unseen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from pellucid.errors import ModelError, NetworkError
from pellucid.model.card import CARD_KEY, SEAL_KEY, Card
from pellucid.model.onnx_file import AGAIN, Bytes, OnnxFile
from pellucid.model.write import model_graph, seal_holds
from pellucid.network import Network
from pellucid.storage import shown


def check_seal(data: Bytes, where: str) -> None:
    """Hold the bytes against their own checksum, before anything else looks at them. A foreign file has none."""
    sealed = seal_holds(data)
    if sealed is False or (
        sealed is None and max(data.find(SEAL_KEY.encode()), data.find(CARD_KEY.encode())) >= 0
    ):
        raise ModelError(
            "the model file is damaged: its contents don't match its own checksum",
            where=where,
            received=f"{len(data):,} bytes",
            remedy=AGAIN,
        )


def read_card(metadata: Mapping[str, str], where: str) -> Card:
    """The card, from the file's own notes."""
    if CARD_KEY not in metadata:
        raise ModelError(
            "this ONNX file was not written by pellucid: it has no card", where=where,
            remedy="this version opens the files that pellucid train writes",
        )  # fmt: skip
    try:
        return Card.model_validate_json(metadata[CARD_KEY])
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelError(
            f"the model's card can't be read: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}",
            where=where,
            received=shown(metadata[CARD_KEY])[:80],
            remedy="a newer pellucid may have written it: update pellucid",
        ) from error


def check_graph(file: OnnxFile, card: Card) -> tuple[Network, set[str]]:
    """The network that the card names, without its weights, and the names of the graph's own constants.

    ModelError unless the file's graph is, node for node, what that network writes: it does what its card says.
    """
    preprocessing = card.preprocessing
    shape = (preprocessing.channels, preprocessing.height, preprocessing.width)
    try:
        network = Network.from_text(card.network, shape)
        expected = model_graph(network, preprocessing, card.temperature)
    except NetworkError as error:
        raise _misfit(file, error) from error
    if list(file.skeleton.graph.node) != list(expected.node):
        raise ModelError(
            "the model's graph is not the network that its card names", where=file.where,
            received=f"{len(file.skeleton.graph.node):,} nodes; {shown(card.network)[:80]}", remedy=AGAIN,
        )  # fmt: skip
    return network, {constant.name for constant in expected.initializer}


def read_network(file: OnnxFile, card: Card) -> Network:
    """The network with its weights. The graph must be, node for node, what the card's network writes."""
    network, constants = check_graph(file, card)
    weights = {
        name: _finite(array, name, file.where)
        for name, array in file.weights.items()
        if name not in constants
    }
    try:
        return network.with_weights(weights)
    except NetworkError as error:
        raise _misfit(file, error) from error


def _misfit(file: OnnxFile, error: NetworkError) -> ModelError:
    return ModelError(
        "the model's card doesn't fit its graph", where=file.where, received=error.what, remedy=AGAIN
    )


def _finite(array: NDArray[np.generic], name: str, where: str) -> NDArray[np.float32]:
    if array.dtype != np.float32:
        raise ModelError(f"the weight {shown(name)} is {array.dtype}, not float32", where=where, remedy=AGAIN)
    if not np.isfinite(array).all():
        raise ModelError(
            f"the weight {shown(name)} holds values that are no numbers (NaN or infinite)", where=where
        )
    return array.astype(np.float32, copy=False)
