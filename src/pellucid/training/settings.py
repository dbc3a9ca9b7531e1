"""Every setting of a run. `settings.json` holds them all, resolved; `--settings FILE` repeats the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pellucid.errors import SettingsError
from pellucid.images.reading import read_file

SETTINGS_FILE = "settings.json"
BUILT_IN, ARRAYS = "mnist", "arrays"  # data that is no path

Side = Annotated[int, Field(ge=1, le=4096)]


class AugmentationSettings(BaseModel):
    """How pictures vary in training. Every figure is the largest change; each picture gets a random one up to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shift: float = Field(default=0.0, ge=0, le=0.5, description="of the side, up, down, left and right")
    rotate: float = Field(default=0.0, ge=0, le=180, description="degrees, both ways")
    zoom: float = Field(default=0.0, ge=0, le=0.9, description="larger or smaller by this fraction")
    flip: bool = Field(default=False, description="left and right exchanged, every second time")
    brightness: float = Field(default=0.0, ge=0, le=1, description="of 255, lighter or darker")
    contrast: float = Field(default=0.0, ge=0, le=0.95, description="stronger or weaker by this fraction")
    erase: float = Field(
        default=0.0, ge=0, le=0.9, description="side of a blanked square, of the picture's side"
    )


class Settings(BaseModel):
    """One run's settings. None means: decided from the data, and written down once it is (`defaults.resolve`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str = BUILT_IN
    network: str = Field(default="auto", min_length=1, max_length=200_000)
    start_from: str | None = Field(default=None, description="a model file whose weights to start from")
    height: Side | None = None
    width: Side | None = None
    channels: Literal[1, 3] | None = None
    fit: Literal["stretch", "pad", "crop"] = "stretch"

    epochs: int | None = Field(default=None, ge=1, le=100_000)
    seed: int = Field(default=0, ge=0, lt=2**63)
    split_seed: int = Field(default=0, ge=0, lt=2**63)
    batch_size: int | None = Field(default=None, ge=1, le=65_536)
    optimiser: Literal["adam", "adamw", "sgd"] = "adamw"
    learning_rate: float | None = Field(default=None, gt=0, le=100, description="at the schedule's peak")
    warmup: float = Field(default=0.2, ge=0, le=1, description="part of the steps in which the rate rises")
    momentum: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.99, gt=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0, le=10)
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)
    averaging: float = Field(
        default=0.99, ge=0, lt=1, description="decay of the weights' moving average, a step"
    )
    clip: float = Field(default=0.0, ge=0, le=1e6, description="largest gradient norm; 0 is off")
    patience: int | None = Field(
        default=None, ge=1, le=100_000, description="epochs without a better validation accuracy or loss"
    )
    augmentation: AugmentationSettings | None = None

    engine: Literal["auto", "torch"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["f32", "bf16"] = "f32"
    threads: int | None = Field(default=None, ge=1, le=1024)

    def json_text(self) -> str:
        """The settings as a file: one name a line."""
        return self.model_dump_json(indent=2) + "\n"


def make_settings(values: dict[str, Any], where: str = "") -> Settings:
    """Settings from names and values; SettingsError names the first that can't be used, and its limits."""
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise SettingsError(
                f"there is no setting called {name}",
                where=where,
                remedy=f"one of: {', '.join(Settings.model_fields)}",
            ) from error
        raise SettingsError(
            f"{name} can't be used: {_plain(first['msg'])}",
            where=where,
            received=f"{first['input']!r:.200}",
            remedy=_description(first["loc"]),
        ) from error


def read_settings(path: Path) -> dict[str, Any]:
    """The names and values of a settings file, not yet checked one by one."""
    data, _ = read_file(path, str(path))
    try:
        values = json.loads(data)
    except ValueError as error:
        raise SettingsError("the settings file is not JSON", where=str(path), received=str(error)) from error
    if not isinstance(values, dict):
        raise SettingsError("the settings file must hold one JSON object", where=str(path))
    return values


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:]


def _description(place: tuple[int | str, ...]) -> str:
    model: type[BaseModel] = AugmentationSettings if place and place[0] == "augmentation" else Settings
    field = model.model_fields.get(str(place[-1])) if place else None
    return f"{place[-1]}: {field.description}" if field and field.description else ""
