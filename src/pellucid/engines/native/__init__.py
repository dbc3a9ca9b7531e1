"""The engine of pellucid's own: C++ (native/train), a batch in the lanes of the processor's registers. No torch."""

from pellucid.engines.native.plan import unable
from pellucid.engines.native.trainer import NativeTrainer, open_trainer

__all__ = ["NativeTrainer", "open_trainer", "unable"]
