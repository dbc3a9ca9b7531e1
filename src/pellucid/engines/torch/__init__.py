"""PyTorch as an engine: it trains every layer. The only room that imports torch."""

from pellucid.engines.torch.module import NetworkModule
from pellucid.engines.torch.trainer import open_trainer

__all__ = ["NetworkModule", "open_trainer"]
