"""`pellucid explain`: why this answer, and any number of it opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pellucid.errors import SettingsError
from pellucid.faces.cli.pixels import parse_pixels
from pellucid.faces.cli.wishes import open_model
from pellucid.images.reading import MAX_PIXELS, read_picture
from pellucid.inside.classes import METHODS, Method, class_of
from pellucid.inside.number import Inside
from pellucid.model import ForeignModel, ModelFile, Wishes
from pellucid.storage import shown

RATE = 0.01
_DEEP = ("patches", "prefers", "growth", "character")  # they take several pictures


@dataclass(frozen=True)
class Asked:
    """What the command line asked for; see the options' help."""

    model: str
    images: tuple[str, ...]
    at: str | None
    gradient: str | None
    label: str | None
    rate: float | None
    target: str | None
    against: str | None
    method: str | None
    layer: str | None
    heatmap: str | None
    depth: int | None
    top: int
    maps: str | None
    filters: str | None
    patches: str | None
    prefers: str | None
    growth: bool | None
    character: bool | None
    channels: str | None
    seed: int | None
    steps: int | None
    out: str | None
    field: str | None
    max_pixels: str | None
    as_json: bool


def explain_command(asked: Asked, wishes: Wishes) -> None:
    """Open a model on one picture and show what was asked for."""
    _one_of(asked)
    limit = MAX_PIXELS if asked.max_pixels is None else parse_pixels(asked.max_pixels)
    model = open_model(asked.model, wishes)
    if any(getattr(asked, name) is not None for name in _DEEP):
        _explain_deep(model, asked, limit)
        return
    image = _one_image(asked)
    pixels = read_picture(image, max_pixels=limit)
    again = f"pellucid explain {shown(asked.model)} {shown(image)}"
    stem = Path(image).stem
    assumed = model.assumed if isinstance(model, ForeignModel) else ()
    if asked.at is not None:
        from pellucid.faces.cli.explain_value import explain_value

        inside = Inside(model.opened(pixels))
        explain_value(
            inside, asked.at, asked.depth or 1, asked.top, asked.field, pixels, asked.as_json, assumed, again
        )
    elif asked.gradient is not None:
        from pellucid.faces.cli.explain_gradient import explain_gradient

        if asked.label is None:
            raise SettingsError("a weight learns from a picture and its label", where="--label",
                                remedy="--label with the picture's true class")  # fmt: skip
        label = class_of(model.classes, asked.label, "--label")
        inside = Inside(model.opened(pixels))
        explain_gradient(
            inside,
            asked.gradient,
            label,
            model.classes,
            RATE if asked.rate is None else asked.rate,
            asked.top,
            asked.as_json,
        )
    elif asked.maps is not None or asked.filters is not None:
        from pellucid.faces.cli.explain_layer import explain_filters, explain_maps

        inside = Inside(model.opened(pixels))
        if asked.maps is not None:
            explain_maps(inside, asked.maps, asked.out or f"{stem}-{_plain(asked.maps)}.png", asked.as_json)
        else:
            name = asked.filters or ""
            explain_filters(inside, name, asked.out or f"{_plain(name)}-filters.png", asked.as_json)
    else:
        from pellucid.faces.cli.explain_answer import explain_answer

        explain_answer(
            model, pixels, asked.target, asked.against, _method(asked.method or "auto"), asked.layer,
            asked.heatmap or f"{stem}-heatmap.png", asked.as_json, again,
        )  # fmt: skip


def _explain_deep(model: ModelFile | ForeignModel, asked: Asked, limit: int) -> None:
    """What layers respond to, over several pictures or the model's own."""
    from pellucid.faces.cli import explain_deep as deep
    from pellucid.inside.at_hand import at_hand

    channels = deep.parse_channels(asked.channels)
    if asked.prefers is not None:
        out = asked.out or f"{_plain(asked.prefers)}-prefers.png"
        deep.explain_prefers(model, asked.images, limit, asked.prefers, channels, asked.seed or 0, asked.steps, out,
                             asked.as_json)  # fmt: skip
        return
    pictures = at_hand(model, list(asked.images), limit)
    if asked.patches is not None:
        out = asked.out or f"{_plain(asked.patches)}-patches.png"
        deep.explain_patches(model, pictures, asked.patches, channels, out, asked.as_json)
    elif asked.growth is not None:
        deep.explain_growth(model, pictures, asked.out or "growth.png", asked.as_json)
    else:
        deep.explain_character(model, pictures, asked.out or "character.png", asked.as_json)


def _one_image(asked: Asked) -> str:
    """The picture that is explained; SettingsError where it is none, or several."""
    if len(asked.images) != 1:
        raise SettingsError("one picture is explained at a time", where="IMAGE",
                            received=", ".join(shown(name) for name in asked.images[:5]) or "no picture",
                            remedy="give one picture file; --patches and --character take several")  # fmt: skip
    return asked.images[0]


def _method(text: str) -> Method:
    for method in METHODS:
        if text == method:
            return method
    raise SettingsError("there is no such way to a heatmap", where="--method", received=repr(text),
                        remedy=f"one of {', '.join(METHODS)}")  # fmt: skip


# Which question each option belongs to; "" is the plain one: why this answer.
_BELONGS = {
    "depth": ("at",), "field": ("at",), "label": ("gradient",), "rate": ("gradient",),
    "out": ("maps", "filters", "patches", "prefers", "growth", "character"), "channels": ("patches", "prefers"),
    "seed": ("prefers",), "steps": ("prefers",),
    "target": ("",), "against": ("",), "method": ("",), "layer": ("",), "heatmap": ("",),
}  # fmt: skip


def _one_of(asked: Asked) -> None:
    """One question, and only options that mean something to it."""
    given = [
        name for name in ("at", "gradient", "maps", "filters", *_DEEP) if getattr(asked, name) is not None
    ]
    if len(given) > 1:
        raise SettingsError("one question at a time", where=f"--{given[1]}",
                            received=", ".join(f"--{name}" for name in given),
                            remedy="one command for each")  # fmt: skip
    question = given[0] if given else ""
    for name, questions in _BELONGS.items():
        if getattr(asked, name) is not None and question not in questions:
            option = "--class" if name == "target" else f"--{name}"
            goes = (
                " or ".join(f"--{each}" for each in questions)
                if questions != ("",)
                else "no --at or other question"
            )
            raise SettingsError(f"{option} means nothing here: it goes with {goes}", where=option,
                                received=str(getattr(asked, name)),
                                remedy=f"leave {option} out")  # fmt: skip


def _plain(name: str) -> str:
    """A layer's name as a part of a file name."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)[:80]
