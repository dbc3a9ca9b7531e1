"""`pellucid explain MODEL [PICTURES] --patches LAYER`, `--prefers LAYER`, `--growth`, `--character`: what layers
respond to, from shallow to deep."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from pellucid.errors import DataError, SettingsError
from pellucid.faces.cli import output
from pellucid.inside import deep_sheets, deep_words, occlusion
from pellucid.inside.at_hand import AtHand, at_hand
from pellucid.inside.character import Character, character_records
from pellucid.inside.growth import growth
from pellucid.inside.patches import Patches, patch_records
from pellucid.inside.preferred import STEPS, Preferences, preferred_records
from pellucid.model import ForeignModel, ModelFile
from pellucid.storage import shown, write_atomically

Picture = deep_sheets.Picture


def explain_patches(
    model: ModelFile | ForeignModel, pictures: AtHand, layer: str, channels: tuple[int, ...] | None, out: str,
    as_json: bool,
) -> None:  # fmt: skip
    """The strongest patches of a layer's channels, as a sheet and a table."""
    found = _last(patch_records(model, pictures, layer, channels), "looking at pictures")
    assert isinstance(found, Patches)
    _say_left_out(found.left_out)
    _write(out, deep_sheets.patches_sheet(found), f"strongest patches of {found.layer}", model.where)
    _print(deep_words.patches_document(found, out), deep_words.patches_text(found), out, as_json)


def explain_prefers(
    model: ModelFile | ForeignModel, names: tuple[str, ...], max_pixels: int, layer: str,
    channels: tuple[int, ...] | None, seed: int, steps: int | None, out: str, as_json: bool,
) -> None:  # fmt: skip
    """The inputs that a layer's channels like best, beside the strongest real pictures where there are some."""
    real, described = None, ""
    try:
        pictures = at_hand(model, list(names), max_pixels)
    except (DataError, SettingsError):
        if names:
            raise  # else there are simply none at hand to compare with
    else:
        found = _last(patch_records(model, pictures, layer, channels, 1, 1_000_000), "looking at pictures")
        assert isinstance(found, Patches)
        _say_left_out(found.left_out)
        real = {row[0].channel: row[0].value for row in found.rows if row}
        described = found.described
    records = preferred_records(model, layer, channels, steps or STEPS, seed, real, described)
    made = _last(records, "climbing")
    assert isinstance(made, Preferences)
    _write(out, deep_sheets.preferences_sheet(made), f"what {made.layer} likes best", model.where)
    _print(deep_words.preferences_document(made, out), deep_words.preferences_text(made), out, as_json)


def explain_growth(model: ModelFile | ForeignModel, pictures: AtHand, out: str, as_json: bool) -> None:
    """How the receptive field grows, layer by layer, on one picture."""
    grown = growth(model, pictures.read(0))
    _write(out, deep_sheets.growth_picture(grown), "the growing receptive field", model.where)
    _print(deep_words.growth_document(grown, out), deep_words.growth_text(grown), out, as_json)


def explain_character(model: ModelFile | ForeignModel, pictures: AtHand, out: str, as_json: bool) -> None:
    """How edge-like and colour-like the layers are."""
    found = _last(character_records(model, pictures), "looking at pictures")
    assert isinstance(found, Character)
    _say_left_out(found.left_out)
    _write(out, deep_sheets.character_chart(found), "edge-like and colour-like by layer", model.where)
    _print(deep_words.character_document(found, out), deep_words.character_text(found), out, as_json)


def parse_channels(text: str | None) -> tuple[int, ...] | None:
    """`0,3,5` as numbers; SettingsError where it is something else."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise SettingsError("channels are whole numbers from 0, with commas between", where="--channels",
                            received=repr(text), remedy="--channels 0,3,5")  # fmt: skip
    return tuple(int(part) for part in parts)


def _last(records: Iterator[Any], task_name: str) -> Any:
    """The result at the end of the records, with a bar on stderr on the way."""
    console = output.stderr()
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=20), TimeRemainingColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task(task_name, total=None)
        for record in records:
            if not isinstance(record, occlusion.Progress):
                return record
            bar.update(task, completed=record.done, total=record.total)
    raise AssertionError("the records end in a result")


def _say_left_out(left_out: tuple[tuple[str, str], ...]) -> None:
    for name, reason in left_out:
        print(f"left out: {name}: {reason}", file=sys.stderr)


def _write(out: str, picture: Picture, title: str, where: str) -> None:
    write_atomically(Path(out), deep_words.drawing(picture, title, where))


def _print(document: dict[str, Any], text: str, out: str, as_json: bool) -> None:
    if as_json:
        output.print_json(document)
        return
    print(f"{text}\ndrawn: {shown(out)}", flush=True)
