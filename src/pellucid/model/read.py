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


def check_seal(data: Bytes, where: str) -> None:
    """Hold the bytes against their own checksum, before anything else looks at them. A foreign file has none."""
    sealed = seal_holds(data)
    if sealed is False or (
        sealed is None and max(data.find(SEAL_KEY.encode()), data.find(CARD_KEY.encode())) >= 0
    ):
        raise ModelError(
            "the model file is damaged: its contents don't match its own checksum", where=where, remedy=AGAIN
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
            remedy="a newer pellucid may have written it: update pellucid",
        ) from error


def read_network(file: OnnxFile, card: Card) -> Network:
    """The network with its weights. The graph must be, node for node, what the card's network writes."""
    where, graph = file.where, file.skeleton.graph
    preprocessing = card.preprocessing
    shape = (preprocessing.channels, preprocessing.height, preprocessing.width)
    try:
        network = Network.from_text(card.network, shape)
        expected = model_graph(network, preprocessing, card.temperature)
        constants = {constant.name for constant in expected.initializer}
        weights = {
            name: _finite(array, name, where) for name, array in file.weights.items() if name not in constants
        }
        network = network.with_weights(weights)
    except NetworkError as error:
        raise ModelError(
            "the model's card doesn't fit its graph", where=where, received=error.what, remedy=AGAIN
        ) from error
    if list(graph.node) != list(expected.node):
        raise ModelError(
            "the model's graph is not the network that its card names", where=where, remedy=AGAIN
        )
    return network


def _finite(array: NDArray[np.generic], name: str, where: str) -> NDArray[np.float32]:
    if array.dtype != np.float32:
        raise ModelError(f"the weight {name} is {array.dtype}, not float32", where=where, remedy=AGAIN)
    if not np.isfinite(array).all():
        raise ModelError(f"the weight {name} holds values that are no numbers (NaN or infinite)", where=where)
    return array.astype(np.float32, copy=False)
