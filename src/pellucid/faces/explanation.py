"""An explanation as Python gets it: with its model at hand, so that the explorer opens where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.errors import EngineError
from pellucid.images.reading import Pixels
from pellucid.inside.explanation import Explanation
from pellucid.model import ForeignModel, ModelFile
from pellucid.storage import shown

if TYPE_CHECKING:
    from pellucid.inside.classes import Method


@dataclass(frozen=True, eq=False, repr=False)
class ModelExplanation(Explanation):
    """An answer explained, that opens in the explorer: `model` gave it, to the picture called `name`."""

    model: ModelFile | ForeignModel
    name: str

    def open(self, *, pictures: int = 24, height: int = 760) -> Any:
        """The explorer as a notebook's cell, at this very picture, asking why this class and not that one.

        It needs neither the model's file nor the picture's any more. `pictures`, `height` and what is raised are as
        for `Model.open`.
        """
        occluded = self.heatmap is not None and self.heatmap.method.startswith("occlusion")
        asked = [f"class={self.answer.target}"]
        if self.answer.against is not None:
            asked.append(f"against={self.answer.against}")
        address = "#why?" + "&".join(asked + ["method=occlusion"] * occluded)
        return cell(self.model, (self.name, self.pixels), pictures, height, address)


def explained(
    model: Any, picture: object, pixels: Pixels, target: str | int | None, against: str | int | None,
    method: Method, layer: str | None, check: bool,
) -> ModelExplanation:  # fmt: skip
    """`inside.explanation.explain`, which knows no explorer, with what that needs."""
    from pellucid.inside.explanation import explain

    found = explain(model, pixels, target, against, method, layer, check)
    return ModelExplanation(**vars(found), model=model, name=name_of(picture))


def name_of(picture: object) -> str:
    """What a picture is called on screen: its path, where it was read from one."""
    return shown(picture) if isinstance(picture, str | Path) else "the given picture"


def cell(model: Any, given: tuple[str, Pixels] | None, pictures: int, height: int, address: str = "") -> Any:
    """The notebook's cell. EngineError where anywidget isn't here, SettingsError for too large a network."""
    try:
        from pellucid.faces.widget import explorer
    except ImportError as error:
        raise EngineError(
            "a notebook's explorer needs anywidget", received=str(error),
            remedy='pip install "pellucid[notebook]"; without it: pellucid open MODEL, in a terminal',
        ) from error  # fmt: skip
    return explorer(model, given, pictures, height, address)
