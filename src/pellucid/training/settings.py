"""Every setting of a run. `settings.json` holds them all, resolved; `--settings FILE` repeats the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from pellucid.errors import DataError, SettingsError
from pellucid.images.reading import LARGEST_PICTURE, MAX_PIXELS, read_file
from pellucid.storage import shown

SETTINGS_FILE = "settings.json"
BUILT_IN, ARRAYS = "mnist", "arrays"  # data that is no path

LARGEST_SIDE = 4096
Side = Annotated[int, Field(ge=1, le=LARGEST_SIDE)]


class _Checked(BaseModel):
    """Settings that refuse what they don't know, and `true` where a number is meant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise ValueError("true and false are no numbers")
        return value


class AugmentationSettings(_Checked):
    """How pictures vary in training. Every figure is the largest change; each picture gets a random one up to it."""

    shift: float = Field(default=0.0, ge=0, le=0.5, description="of the side, up, down, left and right")
    rotate: float = Field(default=0.0, ge=0, le=180, description="degrees, both ways")
    zoom: float = Field(default=0.0, ge=0, le=0.9, description="larger or smaller by this fraction")
    flip: bool = Field(default=False, description="left and right exchanged, every second time")
    brightness: float = Field(default=0.0, ge=0, le=1, description="of 255, lighter or darker")
    contrast: float = Field(default=0.0, ge=0, le=0.95, description="stronger or weaker by this fraction")
    erase: float = Field(
        default=0.0, ge=0, le=0.9, description="side of a blanked square, of the picture's side"
    )


class Settings(_Checked):
    """One run's settings. None means: decided from the data, and written down once it is (`defaults.resolve`)."""

    data: str = BUILT_IN
    network: str = Field(default="auto", min_length=1, max_length=200_000)
    start_from: str | None = Field(
        default=None, min_length=1, description="a model file whose weights to start from"
    )
    height: Side | None = None
    width: Side | None = None
    channels: Literal[1, 3] | None = None
    fit: Literal["stretch", "pad", "crop"] = "stretch"
    max_pixels: int = Field(
        default=MAX_PIXELS,
        ge=1,
        le=LARGEST_PICTURE,
        description="of a picture file; a larger one is left out",
    )
    strict: bool = Field(default=False, description="whether one file left out ends the run before it begins")

    epochs: int | None = Field(default=None, ge=1, le=100_000)
    hard_epochs: int | None = Field(
        default=None, ge=1, le=100_000, description="epochs instead, where the first one leaves over 5% wrong"
    )
    seed: int = Field(default=0, ge=0, lt=2**63)
    split_seed: int = Field(default=0, ge=0, lt=2**63)
    batch_size: int | None = Field(default=None, ge=1, le=65_536)
    optimiser: Literal["adam", "adamw", "sgd", "muon"] | None = Field(
        default=None,
        description="muon: the filters of convolutions by Muon at 8 times the rate, the rest by AdamW",
    )
    learning_rate: float | None = Field(default=None, gt=0, le=100, description="at the schedule's peak")
    warmup: float = Field(default=0.2, ge=0, le=1, description="part of the steps in which the rate rises")
    momentum: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.99, gt=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0, le=10)
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)
    class_weights: Literal["auto", "damped", "balanced", "none"] = Field(
        default="auto",
        description="rarer classes count more in the loss; auto: damped where they are lopsided",
    )
    averaging: float = Field(
        default=0.99, ge=0, lt=1, description="decay of the weights' moving average, a step"
    )
    clip: float = Field(default=0.0, ge=0, le=1e6, description="largest gradient norm; 0 is off")
    patience: int | None = Field(
        default=None, ge=1, le=100_000, description="epochs without a better validation accuracy or loss"
    )
    augmentation: AugmentationSettings | None = None

    engine: Literal["auto", "native", "torch"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["f32", "bf16"] = "f32"
    threads: int | None = Field(default=None, ge=1, le=1024)
    snapshots: bool = Field(default=True, description="small copies of the weights by epoch, for replays")
    tensorboard: bool = Field(default=False, description="write the curves as TensorBoard's event files")

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
        allowed, advice = _allowed(first["loc"])
        raise SettingsError(
            f"{name} can't be used: it has to be {allowed}",
            where=where or f"setting {name}",
            received=f"{first['input']!r:.200}",
            remedy=advice,
        ) from error


def with_full_paths(settings: Settings) -> Settings:
    """The same, its paths in full: a run is resumed and repeated from any folder."""
    paths = {}
    if settings.data != BUILT_IN:
        paths["data"] = str(Path(settings.data).expanduser().absolute())
    if settings.start_from:
        paths["start_from"] = str(Path(settings.start_from).absolute())
    return settings.model_copy(update=paths)


def read_settings(path: Path) -> dict[str, Any]:
    """The names and values of a settings file, not yet checked one by one."""
    remedy = "give the settings.json of a run, as runs/NAME/settings.json"
    try:
        data, _ = read_file(path, shown(path))
    except DataError as error:
        what = "this is a folder, not a settings file" if path.is_dir() else error.what
        raise DataError(what, where=error.where, remedy=remedy) from error
    try:
        values = json.loads(data)
    except ValueError as error:
        raise SettingsError(
            "the settings file is not JSON", where=shown(path), received=str(error), remedy=remedy
        ) from error
    if not isinstance(values, dict):
        raise SettingsError(
            "the settings file must hold one JSON object", where=shown(path),
            received=f"{values!r:.80}", remedy=remedy,
        )  # fmt: skip
    return values


def _allowed(place: tuple[int | str, ...]) -> tuple[str, str]:
    """What a setting may be, in words, and what to do: read from the field that refused."""
    first, *rest = (str(part) for part in place)
    inner = first == "augmentation" and bool(rest)
    model: type[BaseModel] = AugmentationSettings if inner else Settings
    name = rest[0] if inner else first
    field = model.model_fields[name]
    schema = model.model_json_schema()["properties"][name]
    schema |= next((choice for choice in schema.get("anyOf", []) if choice.get("type") != "null"), {})
    default = "chosen for you" if field.default is None else json.dumps(field.default)
    if field.description:
        return _words(schema), f"{name}: {field.description}; left out, it is {default}"
    return _words(schema), f"leave {name} out: it is then {default}"


def _words(schema: dict[str, Any]) -> str:
    """A field's JSON schema as a person would say it."""
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    match schema.get("type"):
        case "boolean":
            return "true or false"
        case "string":
            return "a text that isn't empty" if schema.get("minLength") else "a text"
        case "integer" | "number" as kind:
            least, above = schema.get("minimum"), schema.get("exclusiveMinimum")
            most, below = schema.get("maximum"), schema.get("exclusiveMaximum")
            words = "a whole number" if kind == "integer" else "a number"
            words += (
                f" from {least:,}" if least is not None else f" above {above:,}" if above is not None else ""
            )
            return words + (
                f" to {most:,}" if most is not None else f" to below {below:,}" if below is not None else ""
            )
    return "a group of settings"
