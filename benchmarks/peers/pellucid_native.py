"""pellucid with the native engine: no torch is imported."""

from __future__ import annotations

from peers.pellucid_engine import measure
from pellucid.engines.native import open_trainer

if __name__ == "__main__":
    measure("pellucid native", open_trainer, "f32", lambda trainer: {"instructions": trainer.instructions})
