"""The Python interface: `pellucid.train`, `pellucid.load` and what a `Model` can do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import training
from pellucid.errors import PellucidError, SettingsError
from pellucid.evaluation import Evaluation, measure
from pellucid.faces.notebook import live_cell
from pellucid.images import open_source
from pellucid.model import ForeignModel, ModelFile, Wishes, open_any
from pellucid.model.classifier import as_pixels
from pellucid.network.table import Summary
from pellucid.training import (
    Event,
    Finished,
    Settings,
    interruptible,
    make_settings,
    new_folder,
    own_test_part,
    validation_answers,
)
from pellucid.training.events import EpochRecord
from pellucid.training.settings import ARRAYS

if TYPE_CHECKING:
    from pellucid.faces.explanation import ModelExplanation
    from pellucid.inside.character import Character
    from pellucid.inside.classes import Method
    from pellucid.inside.growth import Growth
    from pellucid.inside.patches import Patches
    from pellucid.inside.preferred import Preferences
    from pellucid.shipping.page import Page


class Explains:
    """What can be explained: why an answer, any number of the network, what its layers respond to."""

    def explain(
        self: Any,
        picture: object,
        target: str | int | None = None,
        *,
        against: str | int | None = None,
        method: Method = "auto",
        layer: str | None = None,
        check: bool = True,
    ) -> ModelExplanation:
        """Why this answer for one picture (a path, an array or a Pillow image).

        `target` and `against` are classes by name or place: by default the likeliest, and the next. `method`: "auto"
        (Grad-CAM, or occlusion without PyTorch), "gradcam", "occlusion", "gradient", "integrated"; `layer` for
        Grad-CAM; `check`, whether the heatmap is held against random ones. `Explanation.at("conv2[3,4,5]")` opens any
        number of it, `Explanation.expand` opens one down to the pixels, `Explanation.open` the explorer. Raises
        PellucidError's kinds.
        """
        from pellucid.faces.explanation import explained

        return explained(self, picture, as_pixels(picture), target, against, method, layer, check)

    def patches(
        self: Any,
        layer: str,
        pictures: object = None,
        *,
        channels: Sequence[int] | None = None,
        count: int = 9,
    ) -> Patches:
        """For each channel of a layer (of 16 unless `channels` says which) the `count` strongest patches.

        `pictures`: a folder, a list of paths or arrays; the model's own test part unless given. Each patch is cut to
        its receptive field. Raises SettingsError for an unknown layer or channel, DataError where there are no
        pictures.
        """
        from pellucid.inside.at_hand import at_hand
        from pellucid.inside.patches import strongest_patches

        return strongest_patches(self, at_hand(self, pictures), layer, channels, count)

    def prefers(
        self: Any, layer: str, channels: Sequence[int] | None = None, *, pictures: object = None,
        steps: int = 192, seed: int = 0,
    ) -> Preferences:  # fmt: skip
        """The input that each channel of a layer (the first 9 unless given) likes best, by gradient ascent from noise.

        With `pictures` (as for `patches`), each is held against the strongest of them. EngineError without PyTorch.
        """
        from pellucid.inside.at_hand import at_hand
        from pellucid.inside.patches import strongest_patches
        from pellucid.inside.preferred import preferred

        if pictures is None:
            return preferred(self, layer, channels, steps, seed)
        found = strongest_patches(self, at_hand(self, pictures), layer, channels, 1, 1_000_000)
        real = {row[0].channel: row[0].value for row in found.rows if row}
        return preferred(self, layer, channels, steps, seed, real, found.described)

    def growth(self: Any, picture: object) -> Growth:
        """How the receptive field of the middle value grows, layer by layer, on a picture."""
        from pellucid.inside.growth import growth

        return growth(self, as_pixels(picture))

    def open(self: Any, picture: object = None, *, pictures: int = 24, height: int = 760) -> Any:
        """The explorer as a notebook's cell, beginning with `picture` (a path, an array or a Pillow image).

        Up to `pictures` of the model's own test pictures go with it, and the cell is `height` pixels high. It computes
        in the browser, so a saved notebook still opens. `pellucid open MODEL` is the same in a window of its own.
        Needs `pip install "pellucid[notebook]"`; SettingsError for a network too large for a notebook.
        """
        from pellucid.faces.explanation import cell, name_of

        given = None if picture is None else (name_of(picture), as_pixels(picture))
        return cell(self, given, pictures, height)

    def export(self: Any, form: str, path: str | Path, *, pictures: int = 24) -> Page:
        """Bring the model into another form, `"page"`: the explorer as one HTML file that works offline.

        It is read back and held against the model; what comes back says how it agrees. Raises SettingsError for an
        unknown form, or a page of more than 25 MB.
        """
        if form != "page":
            raise SettingsError("there is no such form", where="form", received=repr(form), remedy='"page"')
        from pellucid.shipping.page import write_page

        return write_page(self, path, pictures)

    def character(self: Any, pictures: object = None, layers: Sequence[str] | None = None) -> Character:
        """How edge-like and how colour-like the channels of each layer are; `pictures` as for `patches`."""
        from pellucid.inside.at_hand import at_hand
        from pellucid.inside.character import character

        return character(self, at_hand(self, pictures), None if layers is None else tuple(layers))


class OtherModel(Explains, ForeignModel):
    """A network for pictures that another tool wrote as ONNX: predicts and explains. `assumed` says what its file
    left open; `pellucid.load(path, scale=..., mean=..., labels=...)` sets it."""


class Model(Explains, ModelFile):
    """A trained model: predicts, is evaluated, explains, shows its layers. `pellucid.load(path)` opens one."""

    def evaluate(self, data: Any = None) -> Evaluation:
        """Accuracy with its interval, figures by class, the confusion matrix, the calibration error.

        On `data` (whatever `train` takes), or on the test part that training kept aside, where the run folder still
        stands around the model file and the pictures are where they were. DataError says what is missing.
        """
        validation = validation_answers(self)
        if data is None:
            part = own_test_part(self)
            return measure(self, part.source, part.rows, part.digests, validation).evaluation
        source = open_source(data)
        return measure(self, source, np.arange(len(source)), validation=validation).evaluation

    def summary(self) -> Summary:
        """A row for each layer: shape, parameters, mult-adds, receptive field."""
        return self.network.summary()


def load(
    path: str | Path,
    threads: int | None = None,
    *,
    scale: float | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    bgr: bool = False,
    fit: str | None = None,
    size: tuple[int, int] | None = None,
    labels: str | Path | None = None,
) -> Model | OtherModel:
    """Open a model file: one that `train` wrote, or any other tool's ONNX file for pictures.

    The options are for other tools' files, which don't say how pictures come in: a pixel becomes
    (pixel x scale - mean) / std, by channel; `size` (height, width) where the file leaves it open; `labels`, a text
    file with a class in each line. ModelError where the file is missing, damaged or holds no network for pictures;
    SettingsError where options are given that the file answers itself.
    """
    wishes = Wishes(
        scale, None if mean is None else tuple(mean), None if std is None else tuple(std), bgr, fit, size,
        None if labels is None else str(labels),
    )  # fmt: skip
    opened = open_any(path, wishes, threads)
    if isinstance(opened, ModelFile):
        return Model(opened.data, opened.where, threads)
    return OtherModel(opened.file, wishes, threads)


def train(
    data: Any = "mnist",
    network: str = "auto",
    *,
    out: str | Path | None = None,
    watch: Callable[[Event], None] | None = None,
    **settings: Any,
) -> Model:
    """Train a classifier of pictures and give it back; its file is `Model.where`.

    Parameters: `data`, a folder of class folders, a table (.csv), an .npz file, IDX files, "mnist", or
    arrays (images, labels); `network`, a name of
    the zoo or a text like "conv 8 5x5, relu, maxpool 2, flatten, dense 10"; `out`, the run's folder (runs/NAME-N
    unless given); `watch`, called with every record of `pellucid.training.events` (unless given, an epoch's line
    goes to stderr, and in a notebook the cell shows one bar, then a table); `settings`, by their names in
    settings.json. Raises PellucidError's kinds.
    """
    text = str(data) if isinstance(data, str | Path) else ARRAYS
    made = make_settings({"data": text, "network": network, **settings})
    folder = new_folder(out, open_source(data, made.max_pixels).name)
    show = watch or live_cell() or print_epoch
    with interruptible() as stop:
        for event in training.train(made, folder, data=data, stop=stop):
            show(event)
            if isinstance(event, Finished):
                return Model.read(event.model)
    raise PellucidError("Training ended without a model", where=str(folder))


def print_epoch(event: Event) -> None:
    """An epoch's line on stderr; other records say nothing."""
    if isinstance(event, EpochRecord):
        print(
            f"epoch {event.epoch}/{event.epochs}  loss {event.loss:.3f}  "
            f"validation {event.validation_accuracy:.2%}  {event.rate:,.0f} pictures/s",
            file=sys.stderr,
        )


__all__ = ["Model", "OtherModel", "Settings", "load", "train"]
