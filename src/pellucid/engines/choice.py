"""Which engine trains, and which gives gradients. One each today; the native one will be the first choice where it
can train the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from pellucid.engines.contract import Engine
from pellucid.errors import EngineError
from pellucid.network.operations import Graph

if TYPE_CHECKING:
    from pellucid.engines.torch.graph import GraphPart, Precision


def open_engine(name: str) -> Engine:
    """The engine of this name. EngineError says what to install where it isn't here."""
    try:
        from pellucid.engines.torch import open_trainer
    except ImportError as error:
        raise EngineError(
            "Training needs PyTorch, which is not installed here",
            where=f"engine {name}",
            received=str(error),
            remedy="pip install 'pellucid[torch]'   (predict, evaluate and summary work without it)",
        ) from error
    return open_trainer


def open_part(
    graph: Graph,
    values: Mapping[str, NDArray[Any]],
    starts: Sequence[str],
    ends: Sequence[str],
    precision: Precision = "float32",
) -> GraphPart:
    """Part of an opened graph with gradients: see `GraphPart`. EngineError says what to install where that is
    missing."""
    try:
        from pellucid.engines.torch.graph import GraphPart
    except ImportError as error:
        raise EngineError(
            "Gradients need PyTorch, which is not installed here",
            where="gradients",
            received=str(error),
            remedy="pip install 'pellucid[torch]'   (occlusion works without it)",
        ) from error
    return GraphPart(graph, values, starts, ends, precision)
