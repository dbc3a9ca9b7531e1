"""pellucid with the torch engine."""

from __future__ import annotations

import sys

from peers.pellucid_engine import measure
from pellucid.engines.torch import open_trainer

if __name__ == "__main__":
    precision = sys.argv[1] if len(sys.argv) > 1 else "f32"
    measure("pellucid", open_trainer, precision, lambda trainer: {"batch in pieces of": trainer.plan.piece})
