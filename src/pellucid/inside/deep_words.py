"""What layers respond to, in words: as text, as HTML with its drawing, and as plain values for JSON."""

from __future__ import annotations

import base64
from html import escape
from math import isnan
from typing import Any

from pellucid.inside import deep_sheets
from pellucid.inside.character import Character
from pellucid.inside.colours import Picture
from pellucid.inside.growth import Growth
from pellucid.inside.patches import Patch, Patches
from pellucid.inside.pictures import png
from pellucid.inside.preferred import Preferences
from pellucid.network.notebook import paragraph, table_html, table_text
from pellucid.network.operations import number
from pellucid.storage import shown

Cells = list[tuple[str, ...]]


def patches_text(patches: Patches) -> str:
    """A line for each channel: its values, and where its strongest patch stands."""
    return f"{_patches_title(patches)}\n{table_text(_patches_cells(patches))}"


def patches_html(patches: Patches) -> str:
    """The same with the sheet."""
    return _html(_patches_title(patches), deep_sheets.patches_sheet(patches), _patches_cells(patches))


def patches_document(patches: Patches, path: str | None) -> dict[str, Any]:
    """For JSON: rows and columns are [first, last], from 0; `field` in the network's input, `pixels` in the picture."""
    return {
        "layer": patches.layer, "of": patches.of, "chosen": patches.chosen, "pictures": patches.pictures,
        "described": patches.described, "by": patches.by, "path": path, "input": list(patches.side),
        "channels": [
            {"channel": channel, "patches": [_patch_document(patch) for patch in row]}
            for channel, row in zip(patches.channels, patches.rows, strict=True)
        ],
        "left_out": [{"path": name, "error": reason} for name, reason in patches.left_out],
    }  # fmt: skip


def _patch_document(patch: Patch) -> dict[str, Any]:
    window = patch.window
    return {
        "value": patch.value, "picture": patch.picture, "place": list(patch.place),
        "field": {"rows": list(window.rows), "columns": list(window.columns),
                  "whole": window.sticks_out_known},
        "pixels": {"rows": list(window.own_rows), "columns": list(window.own_columns)}, "exact": window.exact,
    }  # fmt: skip


def _patches_title(patches: Patches) -> str:
    height, width = patches.field
    what = "one patch a picture at most" if patches.by == "pictures" else "patches that don't overlap"
    return (
        f"{shown(patches.layer)}: the strongest patches of {len(patches.channels):,} of {patches.of:,} channels "
        f"({patches.chosen}), {height} x {width} pixels of the network's input; {patches.described}, {what}"
    )


def _patches_cells(patches: Patches) -> Cells:
    cells: Cells = [("channel", "strongest", f"{len(patches.rows[0])}th", "in", "rows", "columns")]
    for channel, row in zip(patches.channels, patches.rows, strict=True):
        if row:
            first, last = row[0], row[-1]
            cells.append(
                (str(channel), _short(first.value), _short(last.value), shown(first.picture),
                 _span(first.window.own_rows), _span(first.window.own_columns))
            )  # fmt: skip
    return cells


def preferences_text(found: Preferences) -> str:
    """A line for each channel: the value it began with, reached, and has for real pictures."""
    return f"{_preferences_title(found)}\n{table_text(_preferences_cells(found))}"


def preferences_html(found: Preferences) -> str:
    """The same with the sheet."""
    return _html(_preferences_title(found), deep_sheets.preferences_sheet(found), _preferences_cells(found))


def preferences_document(found: Preferences, path: str | None) -> dict[str, Any]:
    """For JSON. `real` and `beats_real` are null where no real pictures were looked at."""
    return {
        "layer": found.layer, "of": found.of, "steps": found.steps, "seed": found.seed, "path": path,
        "described": found.described or None,
        "channels": [
            {"channel": each.channel, "place": list(each.place), "start": each.start, "value": each.value,
             "real": each.real, "beats_real": each.beats_real,
             "field": {"rows": list(each.window.rows), "columns": list(each.window.columns)}}
            for each in found.channels
        ],
    }  # fmt: skip


def _preferences_title(found: Preferences) -> str:
    title = (
        f"{shown(found.layer)}: what {len(found.channels):,} of {found.of:,} channels like best, by "
        f"{found.steps:,} steps of gradient ascent (seed {found.seed})"
    )
    judged = [each.beats_real for each in found.channels if each.beats_real is not None]
    if judged:
        title += f"; {sum(judged)} of {len(judged)} reach more than the strongest of {found.described}"
    return title


def _preferences_cells(found: Preferences) -> Cells:
    cells: Cells = [("channel", "at the start", "found", "strongest real")]
    for each in found.channels:
        real = "-" if each.real is None else _short(each.real)
        cells.append((str(each.channel), _short(each.start), _short(each.value), real))
    return cells


def growth_text(grown: Growth) -> str:
    """A line for each layer: its field, and its share of the picture."""
    return f"{_growth_title(grown)}\n{table_text(_growth_cells(grown))}"


def growth_html(grown: Growth) -> str:
    """The same with the drawing."""
    return _html(_growth_title(grown), deep_sheets.growth_picture(grown), _growth_cells(grown))


def growth_document(grown: Growth, path: str | None) -> dict[str, Any]:
    """For JSON: rows and columns are [first, last] of the picture's own pixels, from 0."""
    height, width = grown.pixels.shape[:2]
    return {
        "picture": [height, width], "path": path,
        "layers": [
            {"layer": each.layer, "kind": each.kind, "place": list(each.place), "rows": list(each.rows),
             "columns": list(each.columns), "pixels": each.pixels, "share": each.share, "exact": each.exact}
            for each in grown.layers
        ],
    }  # fmt: skip


def _growth_title(grown: Growth) -> str:
    height, width = grown.pixels.shape[:2]
    return f"what the middle value of each layer sees of a picture of {height} x {width} pixels"


def _growth_cells(grown: Growth) -> Cells:
    cells: Cells = [("layer", "kind", "field", "share", "rows", "columns")]
    for each in grown.layers:
        size = f"{each.size[0]} x {each.size[1]}{'' if each.exact else ' at most'}"
        cells.append(
            (shown(each.layer), each.kind, size, f"{each.share:.2%}", _span(each.rows), _span(each.columns))
        )
    return cells


def character_text(found: Character) -> str:
    """A line for each layer: the medians and the largest."""
    return f"{_character_title(found)}\n{table_text(_character_cells(found))}"


def character_html(found: Character) -> str:
    """The same with the chart."""
    return _html(_character_title(found), deep_sheets.character_chart(found), _character_cells(found))


def character_document(found: Character, path: str | None) -> dict[str, Any]:
    """For JSON: for each layer every channel's two figures; null for a silent one."""
    return {
        "pictures": found.pictures, "described": found.described, "shown": found.shown, "path": path,
        "layers": [
            {"layer": layer.layer, "silent": layer.silent, "median_edge": _number(layer.median_edge),
             "median_colour": None if layer.median_colour is None else _number(layer.median_colour),
             "edge": [_number(value) for value in layer.edge.tolist()],
             "colour": None if layer.colour is None else [_number(v) for v in layer.colour.tolist()]}
            for layer in found.layers
        ],
        "left_out": [{"path": name, "error": reason} for name, reason in found.left_out],
    }  # fmt: skip


def _character_title(found: Character) -> str:
    return (
        "how edge-like and colour-like its channels are, from 0 to 1, medians by layer: what a grating brings less "
        "the same turned by 90 degrees, and what a colour brings less its grey, as shares of what the strongest of "
        f"{found.described} bring"
    )


def _character_cells(found: Character) -> Cells:
    cells: Cells = [("layer", "channels", "silent", "edge-like", "colour-like")]
    for layer in found.layers:
        colour = "-" if layer.median_colour is None else _share(layer.median_colour)
        cells.append(
            (shown(layer.layer), f"{len(layer.edge):,}", f"{layer.silent:,}", _share(layer.median_edge), colour)
        )  # fmt: skip
    return cells


def drawing(picture: Picture, title: str, where: str) -> bytes:
    """A PNG file of one of these drawings."""
    return png(picture, {"Title": title, "Model": where, "Software": "pellucid"})


def _html(title: str, picture: Picture, cells: Cells) -> str:
    data = base64.b64encode(png(picture, {"Title": title, "Software": "pellucid"})).decode()
    alt = escape(title, quote=True)
    image = f'<img style="max-width:100%" alt="{alt}" src="data:image/png;base64,{data}">'
    right = (False, *(True for _ in cells[0][1:]))
    return paragraph(title) + image + table_html(cells[0], cells[1:], right)


def _short(value: float) -> str:
    return number(float(f"{value:.4g}"))


def _share(value: float) -> str:
    return "-" if isnan(value) else f"{value:.2f}"


def _span(span: tuple[int, int]) -> str:
    return f"{span[0]}–{span[1]}" if span[0] != span[1] else str(span[0])


def _number(value: float) -> float | None:
    return None if isnan(value) else value
