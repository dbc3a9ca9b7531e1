"""The options about another tool's file: how pictures come into it, and what its classes are called."""

from __future__ import annotations

import re
import sys

from pellucid.errors import SettingsError
from pellucid.faces.zoo import model_path
from pellucid.model import ForeignModel, ModelFile, Wishes, open_any

FITS = ("stretch", "pad", "crop")


def read_wishes(
    scale: float | None, mean: str | None, std: str | None, bgr: bool, size: str | None, fit: str | None,
    labels: str | None,
) -> Wishes:  # fmt: skip
    """The options as wishes; SettingsError where one can't be read."""
    if fit is not None and fit not in FITS:
        raise SettingsError("pictures are brought to the size in one of three ways", where="--fit",
                            received=repr(fit), remedy=", ".join(FITS))  # fmt: skip
    return Wishes(scale, _numbers("--mean", mean), _numbers("--std", std), bgr, fit, _side(size), labels)


def open_model(name: str, wishes: Wishes) -> ModelFile | ForeignModel:
    """Any model file, or a pretrained network by its name; what was assumed about another tool's goes to stderr."""
    model = open_any(model_path(name), wishes)
    if isinstance(model, ForeignModel):
        for sentence in model.assumed:
            print(f"assumed: {sentence}", file=sys.stderr)
    return model


def _numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if not values or any(value != value or abs(value) > 1e9 for value in values):
        raise SettingsError("one number, or one for each channel with commas between", where=option,
                            received=repr(text), remedy=f"{option} 0.485,0.456,0.406")  # fmt: skip
    return values


def _side(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text.strip().lower())
    if match is None or int(match[1]) == 0 or match[2] == "0":
        raise SettingsError("a size is one number, or height x width", where="--size", received=repr(text),
                            remedy="--size 224, or --size 48x64")  # fmt: skip
    return int(match[1]), int(match[2] or match[1])
