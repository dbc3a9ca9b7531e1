"""`pellucid train`: a bar and a line for each epoch on stderr, the result on stdout."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from pellucid.errors import SettingsError
from pellucid.faces.cli import output
from pellucid.faces.cli.live import Live
from pellucid.faces.cli.pixels import parse_pixels
from pellucid.images import open_source
from pellucid.storage import shown, typed
from pellucid.training import (
    Finished,
    Settings,
    interruptible,
    make_settings,
    new_folder,
    read_settings,
    resumed_folder,
    train,
)
from pellucid.training.settings import ARRAYS, LARGEST_SIDE, SETTINGS_FILE


def train_command(
    given: dict[str, Any],
    size: str | None,
    augment: bool | None,
    max_pixels: str | None,
    out: str | None,
    resume: Path | None,
    settings_file: Path | None,
    as_json: bool,
) -> None:
    """Train, or go on training, and print where the model is and how good."""
    if out is not None and not out.strip():
        raise SettingsError("The name of the run's folder is empty", where="--out", received=repr(out),
                            remedy="--out FOLDER, or leave it out for the next free one in runs/")  # fmt: skip
    options = {name: value for name, value in given.items() if value is not None}
    if size is not None:
        options["height"], options["width"] = parse_size(size)
    if max_pixels is not None:
        options["max_pixels"] = parse_pixels(max_pixels)
    if augment is not None:
        options["augmentation"] = None if augment else {}
    if resume is not None:
        settings, folder = _resumed(resume, options, out, settings_file)
    else:
        values = read_settings(settings_file) if settings_file else {}
        # An option that can't be used is not the file's fault.
        make_settings(options)
        settings = make_settings(values | options, str(settings_file or ""))
        folder = new_folder(out, open_source(settings.data, settings.max_pixels).name)
    finished = _follow(settings, folder)
    test = finished.test.as_dict() if finished.test else None
    if as_json:
        output.print_json(
            {
                "model": str(finished.model),
                "report": str(finished.report) if finished.report else None,
                "test": test
                and {key: test[key] for key in ("accuracy", "interval", "count", "calibration_error")},
                "validation_accuracy": max(record.validation_accuracy for record in finished.history),
                "best_epoch": finished.best_epoch,
                "epochs": len(finished.history),
                "agreement": finished.agreement,
                "seed": settings.seed,
                "seconds": round(finished.seconds, 3),
            }
        )
        return
    if finished.test:
        print(f"test    {output.headline(finished.test)}")
    else:
        print("test    not measured: no pictures were left for a test part")
    report = f" · report {shown(finished.report)}" if finished.report else ""
    after = f"after {finished.seconds:.1f} s, weights of epoch {finished.best_epoch}"
    print(f"saved   {shown(finished.model)}{report}      {after}")
    model = typed(finished.model)
    print(f"next    pellucid predict {model} PICTURE     pellucid evaluate {model}")


def parse_size(text: str) -> tuple[int, int]:
    """64 or 48x64 (height x width)."""
    match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text.lower().replace("×", "x").strip())
    if not match:
        raise SettingsError("The size is one number, or height x width", where="--size", received=repr(text),
                            remedy="--size 64, or --size 48x64")  # fmt: skip
    height = int(match[1])
    width = int(match[2] or height)
    if not (1 <= height <= LARGEST_SIDE and 1 <= width <= LARGEST_SIDE):
        raise SettingsError(f"A side is from 1 to {LARGEST_SIDE:,} pixels", where="--size", received=repr(text),
                            remedy="--size 64, or --size 48x64")  # fmt: skip
    return height, width


def _resumed(
    resume: Path, options: dict[str, Any], out: str | None, settings_file: Path | None
) -> tuple[Settings, Path]:
    changed = sorted(options) + ["out"] * (out is not None) + ["settings"] * (settings_file is not None)
    if changed:
        raise SettingsError(
            "A resumed run keeps the settings that it was begun with", where="--resume",
            received=", ".join(f"--{name.replace('_', '-')}" for name in changed),
            remedy=f"pellucid train --resume {typed(resume)}",
        )  # fmt: skip
    folder = resumed_folder(resume)
    settings = make_settings(read_settings(folder / SETTINGS_FILE), str(folder / SETTINGS_FILE))
    if settings.data == ARRAYS:
        raise SettingsError(
            "This run was on arrays, which only the program that began it has", where=shown(folder),
            remedy="run that program again: the same arrays and settings give the same weights",
        )  # fmt: skip
    return settings, folder


def _follow(settings: Settings, folder: Path) -> Finished:
    with interruptible() as stop, Live(sys.stderr) as live:
        for event in train(settings, folder, stop=stop, on_read=live.reading):
            live.show(event)
            if isinstance(event, Finished):
                return event
    raise AssertionError("a run ends in Finished or raises")
