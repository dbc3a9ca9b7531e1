"""`pellucid filter IMAGE KERNEL --explain Y,X`: one output pixel as a person works it out."""

from __future__ import annotations

import re
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import SettingsError
from pellucid.faces.cli import output
from pellucid.faces.cli.filter import Asked, Wanted, command, kernel_rows
from pellucid.faces.cli.filter_result import first_channels, sliding_words
from pellucid.filters import Filter, apply, network_of
from pellucid.filters.applying import grey
from pellucid.filters.window import Opened, open_pixel
from pellucid.inside.columns import aligned
from pellucid.network.operations import number
from pellucid.storage import shown, typed

CLOSE = 1e-6  # of the products' absolute sum, as everywhere in `inside`
LONGEST = 150  # products written out
TOP = 8


def explain_pixel(asked: Asked, wanted: Wanted, pixels: NDArray[Any]) -> None:
    """Print the window, the kernel and the sum of one pixel, for one channel or for all."""
    if wanted.pair:
        names = [each.split()[0] for each in wanted.pair]
        raise SettingsError("--explain opens one sum", where="--explain", received=wanted.said,
                            remedy=f"each by itself: {names[0]}, then {names[1]}")  # fmt: skip
    if wanted.is_one and "[" not in (asked.explain or ""):
        _explain_one(asked, wanted.pieces[0].filters[0], pixels)
    else:
        _explain_network(asked, wanted, pixels)


def _explain_one(asked: Asked, one: Filter, pixels: NDArray[Any]) -> None:
    if asked.channels == "grey" and pixels.shape[2] == 3:
        pixels = grey(pixels)
    volume = one.volume or asked.channels == "volume"
    place = _place(asked)
    answer = apply(pixels, one, "volume" if volume else "each")
    channels = range(answer.shape[2]) if len(place) == 2 else (place[0],)
    opened = [open_pixel(pixels, one, volume, (channel, place[-2], place[-1])) for channel in channels]
    stored = [float(answer[each.place[1], each.place[2], each.place[0]]) for each in opened]
    if asked.as_json:
        parts = [_document(each, value) for each, value in zip(opened, stored, strict=True)]
        output.print_json(
            {"kernel": kernel_rows(one.sliding), "output_shape": list(answer.shape), "pixels": parts}
        )
        return
    print(f"{one.name}: {sliding_words(one)}")
    for each, value in zip(opened, stored, strict=True):
        print("\n".join(pixel_lines(each, one, value, pixels)))
    print("rows, columns and channels count from 0", flush=True)


def pixel_lines(opened: Opened, one: Filter, stored: float, pixels: NDArray[Any]) -> list[str]:
    """The lines for one opened pixel: window beside kernel, the equation, what lies outside, the stored value."""
    channel, y, x = opened.place
    depth = pixels.shape[2]
    of = f", channel {channel}" if len(opened.channels) == 1 and depth > 1 else ""
    lines = [f"output row {y}, column {x}{of}"]
    for plane in range(len(opened.window)):
        if len(opened.window) > 1:
            lines.append(f"  channel {opened.channels[plane]} of the picture")
        lines += _grids(opened, plane)
    total = opened.value
    planes = [fsum(part.ravel().tolist()) for part in opened.window * opened.kernel]
    if len(planes) > 1:
        for plane, part in enumerate(planes):
            lines.append(f"  {equation(opened, plane)} = {number(part)}")
        lines.append(
            f"  {' + '.join(_factor(part, place == 0) for place, part in enumerate(planes))} = {number(total)}"
        )
    else:
        lines.append(f"  {equation(opened)} = {number(total)}")
    outside = list(opened.outside())
    if outside:
        lines.append(f"  in ( ): outside the picture, {_outside_words(opened, one)}")
    difference = total - stored
    closes = abs(difference) <= CLOSE * opened.magnitude
    lines.append(
        f"  the filter's own value is {number(stored)}, difference {difference:.0e}" if difference
        else f"  the filter's own value is {number(stored)}, difference 0"
    )  # fmt: skip
    if not closes:
        lines.append("  these do NOT agree")
    return lines


def equation(opened: Opened, plane: int | None = None) -> str:
    """105*0 + 102*(-1) + ..., row by row, of one plane or of all."""
    window, kernel = (
        each.ravel() if plane is None else each[plane].ravel() for each in (opened.window, opened.kernel)
    )
    products = list(zip(window.tolist(), kernel.tolist(), strict=True))
    texts = [
        f"{_factor(value, place == 0)}*{_factor(weight)}" for place, (value, weight) in enumerate(products)
    ]
    if len(texts) > LONGEST:
        half = LONGEST // 2
        middle = sum(value * weight for value, weight in products[half:-half])
        texts[half:-half] = [f"({len(texts) - 2 * half:,} more: {number(middle)})"]
    return " + ".join(texts)


def _grids(opened: Opened, plane: int) -> list[str]:
    """The window, cells outside in brackets, beside the kernel; above, which rows and columns it covers."""
    height, width = opened.window.shape[1:]
    values = aligned([float(value) for value in opened.window[plane].ravel()])
    weights = aligned([float(value) for value in opened.kernel[plane].ravel()])
    span = f"rows {_span(opened.rows)}, columns {_span(opened.columns)}"
    rows = []
    for row in range(height):
        cells = [
            f"({values[row * width + column].strip()})" if opened.is_outside(row, column)
            else values[row * width + column].strip() + " "
            for column in range(width)
        ]  # fmt: skip
        rows.append(cells)
    wide = max(len(cell) for cells in rows for cell in cells)
    lefts = [" ".join(cell.rjust(wide) for cell in cells) for cells in rows]
    left = max(len(span), len(lefts[0]))
    lines = [f"  {span:<{left}}   kernel"]
    for row, text in enumerate(lefts):
        lines.append(f"  {text:<{left}}   {' '.join(weights[row * width : (row + 1) * width])}")
    return lines


def _span(places: tuple[int, ...]) -> str:
    """-1 to 1, or those in steps where the kernel is dilated."""
    if len(places) == 1:
        return str(places[0])
    if places[-1] - places[0] == len(places) - 1:
        return f"{places[0]} to {places[-1]}"
    return f"{places[0]} to {places[-1]} in steps of {places[1] - places[0]}"


def _outside_words(opened: Opened, one: Filter) -> str:
    """What was taken for the outside, and from where."""
    if one.border == "zero":
        return "where zero padding lies"
    moved = [
        f"{what} {at} is {what} {source}"
        for what, places, sources in (
            ("row", opened.rows, opened.from_rows), ("column", opened.columns, opened.from_columns)
        )
        for at, source in zip(places, sources, strict=True)
        if at != source
    ]  # fmt: skip
    how = (
        "mirrored at its outermost pixels (reflect)"
        if one.border == "reflect"
        else "its border again (replicate)"
    )
    return f"{how}: {', '.join(moved)}"


def _document(opened: Opened, stored: float) -> dict[str, Any]:
    channel, y, x = opened.place
    outside = set(opened.outside())
    return {
        "place": [channel, y, x], "axes": ["channel", "row", "column"], "value": stored, "sum": opened.value,
        "difference": opened.value - stored, "equation": f"{equation(opened)} = {number(opened.value)}",
        "terms": [
            {
                "channel": opened.channels[plane], "row": opened.rows[row], "column": opened.columns[column],
                "outside": (row, column) in outside,
                "from": [opened.from_rows[row], opened.from_columns[column]]
                if opened.from_rows[row] >= 0 and opened.from_columns[column] >= 0 else None,
                "input": float(opened.window[plane, row, column]), "weight": float(opened.kernel[plane, row, column]),
                "product": float(opened.window[plane, row, column] * opened.kernel[plane, row, column]),
            }
            for plane, row, column in np.ndindex(*opened.window.shape)
        ],
    }  # fmt: skip


def _explain_network(asked: Asked, wanted: Wanted, pixels: NDArray[Any]) -> None:
    """A value of a chain, opened as any network's."""
    from pellucid.inside import schema, wire
    from pellucid.inside.equation import does_not_close, title
    from pellucid.inside.equation import equation as equation_lines
    from pellucid.inside.number import Inside
    from pellucid.inside.plain import in_line
    from pellucid.model.running import open_network

    taken = first_channels(asked, pixels)
    network = network_of(wanted.text, taken.shape)
    inside = Inside(open_network(network, taken))
    text = (asked.explain or "").strip()
    if "[" in text:
        texts = [text]
    else:
        place = _place(asked)
        channels = range(network.output_shape[0]) if len(place) == 2 else (place[0],)
        texts = [f"{network.output}[{channel},{place[-2]},{place[-1]}]" for channel in channels]
    found = [inside.at(each) for each in texts]
    if asked.as_json:
        documents = [
            schema.OpenedDocument(
                **wire.number_document(each), field=None, reaches=None, assumed=[]
            ).model_dump(mode="json")
            for each in found
        ]
        kernels = [kernel_rows(each.sliding) for piece in wanted.pieces for each in piece.filters]
        made = [*network.output_shape[1:], network.output_shape[0]]
        output.print_json(
            {"kernel": kernels[0] if kernels else [], "output_shape": made, "values": documents}
        )
        return
    print(f"network {network.text}")
    for each in found:
        if each.closes is False:
            print(does_not_close(each))
        print(f"{shown(str(each.place))}   {title(each)}")
        print("\n".join(equation_lines(each, TOP)))
        print(f"  {in_line(inside, each, padding=True)}")
    deeper = next(
        (
            shown(str(source))
            for each in found
            for source in (each.term(*place).source for place in each.order[:64])
            if each.places.is_computed(source.tensor)
        ),
        "",
    )
    print(f"indices count from 0: {shown(found[0].place.name)}[{', '.join(found[0].place.axes)}]")
    if deeper:
        print(f"open a term: {command(asked, '--explain', typed(deeper))}", flush=True)


def _place(asked: Asked) -> tuple[int, ...]:
    text = (asked.explain or "").replace(" ", "")
    if not re.fullmatch(r"\d{1,6}(,\d{1,6}){1,2}", text):
        raise SettingsError(
            "an output pixel is its row and column, from 0, or channel, row and column", where="--explain",
            received=repr(asked.explain), remedy="--explain 12,40, or --explain 2,12,40",
        )  # fmt: skip
    return tuple(int(part) for part in text.split(","))


def _factor(value: float, first: bool = False) -> str:
    text = number(value)
    return f"({text})" if text.startswith("-") and not first else text
