"""Before a model counts as saved: engine, model and plain onnxruntime must give the same answers on raw pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.contract import Trainer
from pellucid.engines.onnxruntime import Session
from pellucid.errors import EngineError
from pellucid.evaluation import softmax
from pellucid.images import Source
from pellucid.model import ModelFile
from pellucid.model.preprocessing import IMAGE
from pellucid.model.write import PROBABILITIES

PICTURES = 32
TOLERANCE = 1e-4


def check_agreement(
    trainer: Trainer, model: ModelFile, source: Source, rows: NDArray[np.int64], where: str
) -> float:
    """The largest difference of any probability between the three, on the first 32 of these pictures.

    The trainer holds the model's weights. The engine takes the cached pixels; the model and a fresh onnxruntime
    session on the same bytes take each picture raw, in batches and one by one. EngineError where a class differs or
    a probability by more than 1e-4; two classes within that distance are a tie, and either may lead.
    """
    rows = rows[:PICTURES]
    if not len(rows):
        return 0.0
    engine = softmax(trainer.logits(rows, averaged=False).astype(np.float64) / model.card.temperature)
    raw = [source.read(int(row)) for row in rows]
    predicted = np.stack([answer.probabilities for answer in model.predict_batch(raw)])
    session = Session(bytes(model.data), where=where)
    plain = np.concatenate([session.run({IMAGE: pixels[None]}, PROBABILITIES) for pixels in raw])
    worst = 0.0
    for name, other in (("the saved model", predicted), ("onnxruntime", plain)):
        difference = np.abs(engine - other).max(axis=1)
        best = other.argmax(axis=1)
        lead = engine.max(axis=1) - engine[np.arange(len(rows)), best]
        wrong = (difference > TOLERANCE) | (lead > TOLERANCE)
        if wrong.any():
            first = int(np.argmax(wrong))
            raise EngineError(
                f"{name} and the training engine disagree on {int(wrong.sum())} of {len(rows)} pictures",
                where=f"{where}, picture {source.path(int(rows[first]))}",
                received=f"probabilities differ by up to {difference.max():.3g}",
                remedy=f"at most {TOLERANCE:g} is allowed; this is a defect of pellucid or of this machine's libraries",
            )
        worst = max(worst, float(difference.max()))
    return worst
