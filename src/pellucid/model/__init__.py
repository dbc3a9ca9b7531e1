"""A trained network on disk: ONNX <-> Network, the preprocessing graph, the card, ModelFile."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pellucid.model.card import Card, DataCard, Figures, SplitCard
from pellucid.model.classifier import Classifier, Prediction
from pellucid.model.model import ModelFile
from pellucid.model.pixels import pixel_maker
from pellucid.model.preprocessing import Preprocessing, scale_and_shift
from pellucid.model.write import preprocessing_bytes, write_model

if TYPE_CHECKING:
    from pellucid.model.any_file import open_any
    from pellucid.model.foreign import ForeignModel, Wishes

# What reads other tools' files, every operation of theirs, loads when it is first asked for: training needs none of it.
_HOMES = {
    "ForeignModel": "pellucid.model.foreign",
    "Wishes": "pellucid.model.foreign",
    "open_any": "pellucid.model.any_file",
}

__all__ = [
    "Card",
    "Classifier",
    "DataCard",
    "Figures",
    "ForeignModel",
    "ModelFile",
    "Prediction",
    "Preprocessing",
    "SplitCard",
    "Wishes",
    "open_any",
    "pixel_maker",
    "preprocessing_bytes",
    "scale_and_shift",
    "write_model",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pellucid.model' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
