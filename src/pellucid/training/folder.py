"""The run folder: runs/NAME-1/ with settings, split, history, checkpoint and, in the end, model.onnx,
predictions.csv and report.html."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from pellucid.errors import SettingsError
from pellucid.storage import shown, storage_error, typed, write_atomically
from pellucid.training.checkpoint import has_checkpoint
from pellucid.training.events import EpochRecord
from pellucid.training.settings import SETTINGS_FILE, Settings

RUNS = Path("runs")
MODEL_FILE, HISTORY_FILE, SPLIT_FILE = "model.onnx", "history.jsonl", "split.csv"
REPORT_FILE = "report.html"


def new_folder(out: str | Path | None, data_name: str) -> Path:
    """Make the folder of a new run: `out`, which must not hold a run already, or the next free runs/NAME-N."""
    try:
        if out is not None:
            folder = Path(out)
            if any((folder / name).exists() for name in (SETTINGS_FILE, MODEL_FILE)):
                raise SettingsError(
                    "There is a run in this folder already", where=shown(folder),
                    remedy=f"choose another --out, or go on with it: pellucid train --resume {typed(folder)}",
                )  # fmt: skip
            folder.mkdir(parents=True, exist_ok=True)
            return folder
        RUNS.mkdir(exist_ok=True)
        name = re.sub(r"[^\w.-]+", "-", data_name.lower()).strip("-.") or "run"
        for number in range(1, 1_000_000):
            folder = RUNS / f"{name[:80]}-{number}"
            try:
                folder.mkdir()
                return folder
            except FileExistsError:
                continue
        raise SettingsError("No free name for a run", where=str(RUNS), remedy="--out FOLDER")
    except OSError as error:
        raise storage_error(error, out or RUNS) from error


def discard_unstarted(folder: Path) -> None:
    """Take back the folder of a run that could not begin: it holds nothing but the settings."""
    try:
        if [path.name for path in folder.iterdir()] == [SETTINGS_FILE]:
            (folder / SETTINGS_FILE).unlink()
            folder.rmdir()
    except OSError:
        pass  # an empty folder does no harm; the error that brought us here is told


def resumed_folder(folder: str | Path) -> Path:
    """The folder of a run that was begun."""
    path = Path(folder)
    if not path.is_dir():
        raise SettingsError("There is no such run", where=shown(path), remedy="give a folder below runs/")
    if not (path / SETTINGS_FILE).is_file():
        raise SettingsError(
            "This is not a run that can be resumed: it has no settings.json", where=shown(path),
            remedy="give the folder that the interrupted run was writing to",
        )  # fmt: skip
    model = path / MODEL_FILE
    if model.is_file() and not has_checkpoint(path):
        raise SettingsError(
            "This run is finished, there is nothing to go on with", where=shown(path),
            remedy=f"pellucid evaluate {typed(model)}, or train once more: "
            f"pellucid train --settings {typed(path / SETTINGS_FILE)}",
        )  # fmt: skip
    return path


def write_settings(folder: Path, settings: Settings) -> None:
    """Write settings.json."""
    write_atomically(folder / SETTINGS_FILE, settings.json_text().encode())


def write_history(folder: Path, history: Iterable[EpochRecord]) -> None:
    """Write history.jsonl: one line an epoch."""
    lines = "".join(json.dumps(record.as_dict()) + "\n" for record in history)
    write_atomically(folder / HISTORY_FILE, lines.encode())
