"""`pellucid explain MODEL IMAGE --maps LAYER` and `--filters LAYER`: a layer's pictures, as PNG and in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import __version__
from pellucid.errors import SettingsError
from pellucid.faces.cli import output
from pellucid.faces.cli.blocks import block_lines, colours_of, is_light, plain_lines, scale_line
from pellucid.inside.classical import nearest_filters
from pellucid.inside.colours import DARK, LIGHT, coloured, scale_of
from pellucid.inside.number import Inside
from pellucid.inside.pictures import Sheet, kernel_sheet, map_sheet, png
from pellucid.network.operations.convolution import Convolution
from pellucid.storage import shown, write_atomically

IN_TERMINAL = 3  # maps shown there
LISTED = 64  # filters listed


def explain_maps(inside: Inside, layer: str, out: str, as_json: bool) -> None:
    """Draw a layer's feature maps."""
    tensor = inside.places.tensor(layer)
    maps = _maps(inside, tensor)
    name = inside.places.names[tensor]
    sheet = map_sheet(maps, f"{name}: {len(maps):,} feature maps of {maps.shape[1]} x {maps.shape[2]}")
    _write(out, sheet, f"feature maps of {name}", inside.opened.where)
    strength = np.abs(maps).mean(axis=(1, 2))
    order = np.argsort(-strength, kind="stable")
    if as_json:
        rows = [
            {"channel": int(i), "mean": float(maps[i].mean()), "largest": float(maps[i].max())} for i in order
        ]
        output.print_json({"name": name, "shape": [*maps.shape[1:], len(maps)], "path": out, "maps": rows})
        return
    print(f"{shown(name)}: {len(maps):,} feature maps of {maps.shape[1]} x {maps.shape[2]}, the strongest")
    for channel in order[:IN_TERMINAL]:
        one = maps[channel]
        print(f"channel {channel}, mean {one.mean():.4g}, {one.min():.4g} to {one.max():.4g}")
        _show(one)
    print(f"all of them: {shown(out)}", flush=True)


def explain_filters(inside: Inside, layer: str, out: str, as_json: bool) -> None:
    """Draw a convolution's learned filters, each with the classical one that is nearest."""
    node = inside.places.node(layer)
    if not isinstance(node.operation, Convolution) or len(node.operation.kernel) != 2:
        convolutions = [
            each.name for each in inside.opened.graph.nodes if isinstance(each.operation, Convolution)
        ]
        raise SettingsError(
            "this layer has no filters to draw", where="--filters", received=f"{shown(node.name)}, {node.type}",
            remedy=f"one of {', '.join(shown(name) for name in convolutions[:40])}",
        )  # fmt: skip
    weight = np.asarray(inside.places.value(node.inputs[1]), dtype=np.float64)
    kernels = weight if weight.shape[1] in (1, 3) else weight.reshape(-1, 1, *weight.shape[2:])
    nearest = nearest_filters(kernels)
    slices = kernels is not weight
    what = "channels of filters" if slices else "filters"
    title = f"{node.name}: {len(kernels):,} {what}, {kernels.shape[2]} x {kernels.shape[3]}"
    sheet = kernel_sheet(kernels, title, [each.caption for each in nearest], per_kernel=True)
    _write(out, sheet, f"filters of {node.name}", inside.opened.where)
    names = [
        f"[{i // weight.shape[1]},{i % weight.shape[1]}]" if slices else f"[{i}]" for i in range(len(kernels))
    ]
    if as_json:
        rows = [
            {"filter": [i // weight.shape[1], i % weight.shape[1]] if slices else [i], "nearest": each.name,
             "similarity": each.similarity, "near": each.is_near}
            for i, each in enumerate(nearest)
        ]  # fmt: skip
        output.print_json({"name": node.name, "path": out, "filters": rows})
        return
    near = sum(each.is_near for each in nearest)
    print(f"{shown(title)}; {near:,} near a classical one")
    order = sorted(range(len(nearest)), key=lambda i: -abs(nearest[i].similarity))
    width = max(len(name) for name in names)
    for i in order[:LISTED]:
        print(f"  {shown(node.inputs[1])}{names[i]:<{width}}  {nearest[i].text}")
    if len(order) > LISTED:
        print(f"  and {len(order) - LISTED:,} less like any; --json lists all")
    print(f"drawn: {shown(out)}", flush=True)


def _maps(inside: Inside, tensor: str) -> NDArray[np.float64]:
    """[channels, height, width] of a tensor that has such."""
    shape, values = inside.places.short(tensor), np.asarray(inside.places.value(tensor), dtype=np.float64)
    if len(shape) not in (2, 3) or tensor in inside.opened.graph.constants:
        drawn = [
            node.name
            for node in inside.opened.graph.nodes
            if node.outputs[0] and len(inside.places.short(node.outputs[0])) in (2, 3)
        ]
        raise SettingsError(
            "this layer has no maps to draw: its values don't lie in rows and columns", where="--maps",
            received=f"{shown(inside.places.names[tensor])}, {'x'.join(str(n) for n in shape)} values",
            remedy=f"one of {', '.join(shown(name) for name in drawn[:40])}",
        )  # fmt: skip
    values = values.reshape(shape)
    if len(shape) == 2:
        return values[:, None, :]
    return np.moveaxis(values, 2, 0) if tensor in inside.places.channel_last else values


def _show(values: NDArray[np.float64]) -> None:
    console = output.stdout()
    colours, scale = colours_of(console), scale_of(values)
    if colours:
        picture = coloured(values, scale, LIGHT if is_light() else DARK)
        lines: list[Any] = block_lines(picture, console.width, colours)
    else:
        lines = [*plain_lines(values, scale, max(console.width, 2)), scale_line(scale)]
    print("\n".join(lines))


def _write(out: str, sheet: Sheet, title: str, where: str) -> None:
    about = {"Title": title, "Model": where, "Software": f"pellucid {__version__}"}
    write_atomically(Path(out), png(sheet.picture, about))
