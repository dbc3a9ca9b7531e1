"""Which engine trains, and which gives gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

from pellucid.engines.contract import Engine
from pellucid.errors import EngineError
from pellucid.network import Network
from pellucid.network.operations import Graph

if TYPE_CHECKING:
    from pellucid.engines.torch.graph import GraphPart, Precision


@dataclass(frozen=True)
class Choice:
    """The engine that trains: its name, how to open a trainer, and what a person should know about the choice."""

    name: Literal["native", "torch"]
    open: Engine
    note: str = ""


def choose_engine(asked: str, network: Network, device: str = "cpu", precision: str = "f32") -> Choice:
    """The engine that was asked for: `native`, `torch` or `auto`.

    `auto` and `native` are the native engine, and torch for what it can't train; the note says which layer or setting
    that is. EngineError says what to install where neither can.
    """
    from pellucid.engines.native.plan import unable

    why = unable(network, device, precision)
    if asked != "torch" and not why:
        return _native()
    if find_spec("torch") is None:
        reason = f"; the native engine can't train this: {why}" if why else ""
        raise EngineError(
            "Training needs PyTorch, which is not installed here",
            where=f"engine {asked}",
            received=f"no package called torch{reason}",
            remedy="pip install 'pellucid[torch]'" + ("" if why else ", or --engine native"),
        )
    note = f"the native engine can't train this network: {why}; torch trains it" if asked != "torch" else ""
    return Choice("torch", _open_torch(asked), note)


def _native() -> Choice:
    from pellucid.engines.native import open_trainer
    from pellucid.engines.native.instructions import chosen

    chosen()  # here, before any picture is read, it says whether PELLUCID_ISA names what this processor has
    return Choice("native", open_trainer)


def _open_torch(asked: str) -> Engine:
    try:
        from pellucid.engines.torch import open_trainer
    except ImportError as error:
        raise EngineError(
            "PyTorch is installed here, but can't be loaded",
            where=f"engine {asked}",
            received=str(error),
            remedy="pip install --force-reinstall 'pellucid[torch]', or --engine native",
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
