"""Which engine trains. One today; the native one will be the first choice where it can train the network."""

from __future__ import annotations

from pellucid.engines.contract import Engine
from pellucid.errors import EngineError


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
