"""A model file's bytes -> its card, its network with weights. Nothing in the file is run or trusted unseen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper
from pydantic import ValidationError

from pellucid.errors import ModelError, NetworkError
from pellucid.model.card import CARD_KEY, SEAL_KEY, Card
from pellucid.model.write import LARGEST_FILE, model_graph, seal_holds
from pellucid.network import Network

_AGAIN = "copy it again from where it came, or train again"


def read_file(path: Path) -> bytes:
    """The file's bytes, its size checked first."""
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise ModelError("this is a folder, not a model file", where=str(path), remedy=_in_folder(path))
        if size > LARGEST_FILE:
            raise ModelError(
                "the file is too large for an ONNX model", where=str(path), received=f"{size:,} bytes",
                remedy=f"{LARGEST_FILE:,} bytes at most",
            )  # fmt: skip
        data = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(
            "there is no such model file", where=str(path), remedy="pellucid train makes one"
        ) from None
    except OSError as error:
        raise ModelError(
            "the model file can't be read", where=str(path), received=error.strerror or ""
        ) from error
    if not data:
        raise ModelError("the model file is empty", where=str(path), remedy=_AGAIN)
    return data


def check_seal(data: bytes, where: str) -> None:
    """Hold the bytes against their own checksum, before anything else looks at them. A foreign file has none."""
    sealed = seal_holds(data)
    if sealed is False or (sealed is None and (SEAL_KEY.encode() in data or CARD_KEY.encode() in data)):
        raise ModelError(
            "the model file is damaged: its contents don't match its own checksum", where=where, remedy=_AGAIN
        )


def read_card(metadata: Mapping[str, str], where: str) -> Card:
    """The card, from the metadata that a runtime read."""
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


def read_network(data: bytes, card: Card, where: str) -> Network:
    """The network with its weights. The graph must be, node for node, what the card's network writes."""
    try:
        graph = onnx.load_model_from_string(data).graph
    except DecodeError as error:
        raise ModelError(
            "the model file is not ONNX", where=where, received=str(error)[:200], remedy=_AGAIN
        ) from error
    preprocessing = card.preprocessing
    shape = (preprocessing.channels, preprocessing.height, preprocessing.width)
    try:
        network = Network.from_text(card.network, shape)
        expected = model_graph(network, preprocessing, card.temperature)
        constants = {constant.name for constant in expected.initializer}
        weights = {
            tensor.name: _finite(numpy_helper.to_array(tensor), tensor.name, where)
            for tensor in graph.initializer
            if tensor.name not in constants
        }
        network = network.with_weights(weights)
    except NetworkError as error:
        raise ModelError(
            "the model's card doesn't fit its graph", where=where, received=error.what, remedy=_AGAIN
        ) from error
    if list(graph.node) != list(expected.node):
        raise ModelError(
            "the model's graph is not the network that its card names", where=where, remedy=_AGAIN
        )
    return network


def _finite(array: NDArray[np.generic], name: str, where: str) -> NDArray[np.float32]:
    if array.dtype != np.float32:
        raise ModelError(f"the weight {name} is {array.dtype}, not float32", where=where, remedy=_AGAIN)
    if not np.isfinite(array).all():
        raise ModelError(f"the weight {name} holds values that are no numbers (NaN or infinite)", where=where)
    return array.astype(np.float32, copy=False)


def _in_folder(path: Path) -> str:
    return f"{path / 'model.onnx'}" if (path / "model.onnx").is_file() else "give the .onnx file"
