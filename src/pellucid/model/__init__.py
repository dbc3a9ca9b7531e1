"""A trained network on disk: ONNX <-> Network, the preprocessing graph, the card, ModelFile."""

from pellucid.model.any_file import open_any
from pellucid.model.card import Card, DataCard, Figures, SplitCard
from pellucid.model.classifier import Classifier, Prediction
from pellucid.model.foreign import ForeignModel, Wishes
from pellucid.model.model import ModelFile
from pellucid.model.pixels import pixel_maker
from pellucid.model.preprocessing import Preprocessing, scale_and_shift
from pellucid.model.write import preprocessing_bytes, write_model

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
