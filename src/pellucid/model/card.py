"""The card: what a model file knows about itself, as JSON in the ONNX metadata."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from pellucid.model.preprocessing import Preprocessing

CARD_KEY, SEAL_KEY = "pellucid.card", "pellucid.sha256"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataCard(_Part):
    """Which pictures it was trained on. `source` is what was given to `train`; a folder's absolute path."""

    name: str
    source: str
    fingerprint: str
    count: int = Field(ge=0)


class SplitCard(_Part):
    """How they were split: pictures in each part, the split's seed, what was dropped for standing on two sides."""

    train: int = Field(ge=0)
    validation: int = Field(ge=0)
    test: int = Field(ge=0)
    seed: int = 0
    dropped: int = Field(default=0, ge=0)


class Figures(_Part):
    """Accuracies of the saved weights; `None` where nothing was measured."""

    validation_accuracy: float | None = None
    validation_count: int = 0
    test_accuracy: float | None = None
    test_interval: tuple[float, float] | None = None
    test_count: int = 0


class Card(_Part):
    """A model file's card. `format` rises when a reader of the old form could misread the new one.

    `temperature` divides the logits before the last softmax, inside the graph.
    """

    format: int = Field(default=1, ge=1, le=1)
    classes: tuple[str, ...] = Field(min_length=1, max_length=1_000_000)
    network: str
    preprocessing: Preprocessing
    temperature: float = Field(default=1.0, ge=0.01, le=100)
    data: DataCard | None = None
    split: SplitCard | None = None
    figures: Figures = Figures()
    epoch: int | None = None
    seed: int | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    created: str = ""
