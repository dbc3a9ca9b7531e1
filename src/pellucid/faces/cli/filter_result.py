"""`pellucid filter IMAGE KERNEL`: the picture filtered, saved, compared, shown in the terminal."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pellucid import __version__
from pellucid.errors import NetworkError, SettingsError
from pellucid.faces.cli import output
from pellucid.faces.cli.blocks import block_lines, colours_of, grey_lines
from pellucid.faces.cli.filter import PICTURES, Asked, Wanted, command, kernel_lines, kernel_rows
from pellucid.filters import Filter, apply, direction, magnitude, network_of
from pellucid.filters.applying import grey
from pellucid.filters.showing import clipped, ends, show
from pellucid.images.values import write_float_tiff, write_npy
from pellucid.inside.comparison import Side, comparison_sheet
from pellucid.inside.on_picture import rgb
from pellucid.inside.pictures import map_sheet, png
from pellucid.storage import shown, write_atomically

JPEG_QUALITY = 95
_KERNELS_PRINTED = 6
_PREVIEW = 600  # pixels across that a preview is made from
_MAP = 310  # the longest side of one map of several, so that three stand in a row


@dataclass(frozen=True, eq=False)
class Result:
    """`values` float32 [height, width, channels]; `is_picture` where the channels are one grey or red, green and blue,
    else they are maps, called `names` (empty: numbered)."""

    values: NDArray[np.float32]
    is_picture: bool
    names: tuple[str, ...] = ()


def filter_picture(asked: Asked, wanted: Wanted, pixels: NDArray[Any]) -> None:
    """Compute, write what was asked for, and say what came out."""
    result = filtered(asked, wanted, pixels)
    how = asked.show or ("stretch" if asked.direction else "clip")
    if asked.out is not None:
        _write(Path(asked.out), result, how, asked, wanted)
    if asked.sheet is not None:
        about = {"Title": f"{wanted.said} over {asked.image}", "Software": f"pellucid {__version__}"}
        write_atomically(Path(asked.sheet), png(_sheet(asked, wanted, pixels, result, how), about))
    if asked.as_json:
        output.print_json(_document(asked, wanted, result))
        return
    _preview(pixels, result, how)
    _print(asked, wanted, pixels, result)


def filtered(asked: Asked, wanted: Wanted, pixels: NDArray[Any]) -> Result:
    """The answer of one filter, of a pair, of both ways to slide, or of a network."""
    channels = asked.channels or "each"
    if asked.flip_both:
        if not wanted.is_one or wanted.pair or wanted.pieces[0].filters[0].flip:
            raise SettingsError(
                "--flip-both holds one kernel's two ways to slide beside each other", where="--flip-both",
                received=asked.kernel or "", remedy="one kernel, without flip",
            )  # fmt: skip
        straight = apply(pixels, wanted.text, channels)  # type: ignore[arg-type]
        turned = apply(pixels, f"{wanted.text} flip", channels)  # type: ignore[arg-type]
        names = ("cross-correlation", "convolution", "difference")
        if straight.shape[2] > 1:
            names = tuple(f"{name}, channel {i}" for name in names for i in range(straight.shape[2]))
        return Result(np.concatenate((straight, turned, straight - turned), 2), False, names)
    if wanted.pair:
        dx, dy = (apply(pixels, each, channels) for each in wanted.pair)  # type: ignore[arg-type]
        values = direction(dx, dy) if asked.direction else magnitude(dx, dy)
        return Result(values, values.shape[2] in (1, 3))
    if wanted.is_one:
        values = apply(pixels, wanted.pieces[0].filters[0], channels)  # type: ignore[arg-type]
        return Result(values, values.shape[2] in (1, 3))
    from pellucid.model.running import run_network

    taken = first_channels(asked, pixels)
    network = network_of(wanted.text, taken.shape)
    made = run_network(network, taken)
    if made.ndim != 3:
        raise NetworkError(
            "this network ends in numbers, not in a picture", received=f"{made.size:,} values",
            remedy="leave out the layers from flatten on",
        )  # fmt: skip
    kept = taken.shape[0] == made.shape[0] and all(
        not piece.filters or (len(piece.filters) == 1 and not piece.filters[0].volume) for piece in wanted.pieces
    )  # fmt: skip
    is_picture = made.shape[0] == 1 or kept
    names = () if is_picture else _names(wanted, len(taken), len(made))
    return Result(np.ascontiguousarray(np.moveaxis(made, 0, 2)), is_picture, names)


def _names(wanted: Wanted, channels: int, made: int) -> tuple[str, ...]:
    """Which filter and channel of the picture each map is of, where one layer of filters alone makes them."""
    banks = [piece.filters for piece in wanted.pieces if piece.filters]
    if len(banks) != 1 or banks[0] != wanted.pieces[0].filters:
        return ()
    if len(banks[0]) == made:
        return tuple(each.name for each in banks[0])
    if len(banks[0]) * channels != made:
        return ()
    return tuple(f"{each.name}, channel {channel}" for channel in range(channels) for each in banks[0])


def first_channels(asked: Asked, pixels: NDArray[Any]) -> NDArray[np.float32]:
    """The picture as a network takes it, float32 [channels, height, width]."""
    if asked.channels == "grey" and pixels.shape[2] == 3:
        pixels = grey(pixels)
    return np.ascontiguousarray(np.moveaxis(pixels, 2, 0), np.float32)


def sliding_words(one: Filter) -> str:
    """cross-correlation, padding same, border reflect, stride 2."""
    words = ["convolution (the kernel turned by 180 degrees)" if one.flip else "cross-correlation"]
    pads = one.pads((1, 1000, 1000))
    if not any(side for axis in pads for side in axis):
        words.append("no padding")
    else:
        words += ["padding same" if one.padding == "same" else "padding", f"border {one.border}"]
    if one.stride != (1, 1):
        words.append("stride " + "x".join(map(str, one.stride)))
    if one.dilation != (1, 1):
        words.append("dilation " + "x".join(map(str, one.dilation)))
    return ", ".join(words)


def kernels_of(wanted: Wanted) -> list[tuple[str, NDArray[np.float64]]]:
    """The filters by name, as they are slid (turned, for a convolution)."""
    if wanted.pair:
        from pellucid.filters import parse

        return [
            (text.split()[0], parse(text)[0].filters[0].sliding.astype(np.float64)) for text in wanted.pair
        ]
    return [
        (each.name, each.sliding.astype(np.float64)) for piece in wanted.pieces for each in piece.filters
    ]  # fmt: skip


def _write(path: Path, result: Result, how: str, asked: Asked, wanted: Wanted) -> None:
    ending, values = path.suffix.lower(), result.values
    if ending == ".npy":
        write_npy(path, values)
    elif ending in (".tif", ".tiff"):
        if values.shape[2] not in (1, 3):
            raise SettingsError(
                "a TIFF holds one channel or three", where="--out", received=f"{values.shape[2]} channels",
                remedy=f"--out {shown(path.with_suffix('.npy'))}, which holds any",
            )  # fmt: skip
        write_float_tiff(path, values)
    elif not result.is_picture:
        if ending != ".png":
            raise SettingsError(
                "several maps are drawn as one sheet, which is a PNG", where="--out", received=shown(path),
                remedy=f"--out {shown(path.with_suffix('.png'))}, or .npy for the values",
            )  # fmt: skip
        about = {"Title": f"{wanted.said} over {asked.image}", "Software": f"pellucid {__version__}"}
        write_atomically(
            path, png(_maps(result, f"{wanted.said} over {Path(asked.image or '').name}"), about)
        )
    else:
        picture = show(values, how)
        image = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
        file = io.BytesIO()
        try:
            image.save(file, PICTURES[ending], quality=JPEG_QUALITY, **_lossless(ending))
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"A {PICTURES[ending]} can't hold this picture ({error})", where="--out", received=shown(path),
                remedy="--out with a name that ends in .png",
            ) from error  # fmt: skip
        write_atomically(path, file.getvalue())


def _lossless(ending: str) -> dict[str, Any]:
    return {".jpg": {"subsampling": 0}, ".jpeg": {"subsampling": 0}, ".webp": {"lossless": True}}.get(
        ending, {}
    )


def _maps(result: Result, title: str) -> NDArray[np.uint8]:
    maps = np.moveaxis(result.values, 2, 0)
    return map_sheet(maps, title, names=result.names, largest=_MAP).picture


def _sheet(asked: Asked, wanted: Wanted, pixels: NDArray[Any], result: Result, how: str) -> NDArray[np.uint8]:
    """The comparison; of several maps their sheet stands on the right."""
    name = Path(asked.image or "").name
    before = Side(f"{name}, {_size(pixels)}", clipped(pixels), pixels)
    words = {"clip": "clipped to 0..255", "stretch": "stretched to 0..255", "equalise": "equalised"}[how]
    if result.is_picture:
        after = Side(
            f"{wanted.said}, {_size(result.values)}, {words}", show(result.values, how), result.values
        )
    else:
        picture = _maps(result, wanted.said)
        after = Side(f"{result.values.shape[2]} maps, {_size(result.values)}", picture, result.values)
    notes = [sliding_words(wanted.pieces[0].filters[0])] if wanted.is_one else []
    return comparison_sheet(before, after, kernels_of(wanted), f"{wanted.said} over {name}", notes)


def _document(asked: Asked, wanted: Wanted, result: Result) -> dict[str, Any]:
    kernels = [{"name": name, "kernel": kernel_rows(numbers)} for name, numbers in kernels_of(wanted)]
    low, high = ends(result.values)
    return {
        "kernel": kernels[0]["kernel"] if kernels else [], "kernels": kernels, "text": wanted.text,
        "output_shape": list(result.values.shape), "least": low, "greatest": high, "path": asked.out,
        "sheet": asked.sheet,
    }  # fmt: skip


def _print(asked: Asked, wanted: Wanted, pixels: NDArray[Any], result: Result) -> None:
    values = result.values
    how = f": {sliding_words(wanted.pieces[0].filters[0])}" if wanted.is_one or wanted.pair else ""
    print(f"{shown(wanted.said)} over {shown(asked.image or '')}, {_size(pixels)}{how}")
    kernels = kernels_of(wanted)
    for name, numbers in kernels[:_KERNELS_PRINTED]:
        if len(kernels) > 1:
            print(f"  {name}")
        print("\n".join(f"  {line}" for line in kernel_lines(numbers)))
    if len(kernels) > _KERNELS_PRINTED:
        print(f"  and {len(kernels) - _KERNELS_PRINTED:,} more kernels")
    low, high = ends(values)
    print(f"answer {_size(values)}, from {low:.6g} to {high:.6g}")
    for place, name in enumerate(result.names):
        low, high = ends(values[:, :, place : place + 1])
        print(f"  {name}: from {low:.6g} to {high:.6g}")
    below, above = float((values < -0.5).mean()), float((values > 255.5).mean())
    if (below or above) and result.is_picture and (asked.show or "clip") == "clip" and not asked.direction:
        print(
            f"below 0: {output.percent(below, 1)}, above 255: {output.percent(above, 1)}; an 8-bit picture cuts them "
            "off, --show stretch shows all, --out x.npy keeps them"
        )
    for path in (asked.out, asked.sheet):
        if path is not None:
            print(f"written {shown(path)}")
    if not (wanted.pair or asked.flip_both):
        middle = f"{values.shape[0] // 2},{values.shape[1] // 2}"
        print(f"open a pixel: {command(asked, '--explain', middle)}", flush=True)


def _preview(pixels: NDArray[Any], result: Result, how: str) -> None:
    """Both pictures in the terminal, side by side where they are of one size."""
    console = output.stdout()
    if not console.is_terminal:
        return
    # Every so many pixels of a large picture: what the terminal shows of it is smaller still.
    step = max(1, pixels.shape[1] // _PREVIEW)
    before = rgb(clipped(pixels if pixels.shape[2] in (1, 3) else pixels[:, :, :1])[::step, ::step])
    step = max(1, result.values.shape[1] // _PREVIEW)
    maps = result.values if result.is_picture else result.values[:, :, :1]
    after = rgb(show(maps, how if result.is_picture else "stretch")[::step, ::step])
    if before.shape == after.shape:
        gap = np.zeros((len(before), max(1, before.shape[1] // 40), 3), np.uint8)
        pictures = [np.hstack((before, gap, after))]
    else:
        pictures = [before, after]
    colours = colours_of(console)
    for picture in pictures:
        lines = (
            block_lines(picture, console.width, colours) if colours else grey_lines(picture, console.width)
        )
        print("\n".join(lines))


def _size(values: NDArray[Any]) -> str:
    return " x ".join(f"{n:,}" for n in values.shape)
