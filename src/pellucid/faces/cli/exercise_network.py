"""`pellucid exercise NETWORK`, and `MODEL IMAGE`: sheets about a student's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pellucid.errors import ModelError, SettingsError
from pellucid.exercises import Sheet, from_model, from_network
from pellucid.faces.cli.summary import is_file, named_network
from pellucid.faces.zoo import model_path
from pellucid.images.reading import read_picture
from pellucid.model import ModelFile, open_any
from pellucid.network import zoo
from pellucid.network.layers import on_screen
from pellucid.storage import shown


def network_sheet(
    name: str, image: str | None, size: str | None, topics: Sequence[str], count: int, level: int, seed: int
) -> Sheet:
    """Questions about a network by its name or text, about a model file's, or about its values on a picture."""
    if image is None and not name.endswith(".onnx") and not (is_file(name) and name not in zoo.ZOO):
        network = named_network(name, size, None)
        shape = "x".join(str(n) for n in on_screen(network.input_shape))
        sheet = from_network(network, topics=topics, count=count, level=level, seed=seed)
        return replace(sheet, about={"network": name, "input": shape})
    if size is not None:
        raise SettingsError("A model file has its own input", where="--input", received=shown(size),
                            remedy="leave --input out")  # fmt: skip
    model = open_any(model_path(name))
    if image is not None:
        sheet = from_model(model, read_picture(image), topics=topics, count=count, level=level, seed=seed)
        return replace(sheet, about={"model": shown(Path(name).name), "image": shown(Path(image).name)})
    if not isinstance(model, ModelFile):
        raise ModelError("Another tool's file doesn't say which layers it was made of", where=shown(name),
                         remedy="add a picture: pellucid exercise MODEL IMAGE asks about its values")  # fmt: skip
    sheet = from_network(model.network, topics=topics, count=count, level=level, seed=seed)
    return replace(sheet, about={"model": shown(Path(name).name)})
