"""`pellucid filter`: a kernel over a picture, one of its pixels opened, or the kernel between two pictures learned."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.errors import DataError, SettingsError
from pellucid.faces.cli import output
from pellucid.faces.cli.pixels import parse_pixels
from pellucid.filters import KERNELS, Piece, parse
from pellucid.filters.showing import SHOWS
from pellucid.images.reading import MAX_PIXELS
from pellucid.images.values import read_values
from pellucid.inside.columns import aligned
from pellucid.storage import shown, typed

CHANNELS = ("each", "grey", "volume")
PAIRS = ("sobel", "prewitt", "scharr")  # whose x and y have a length and a direction
PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".bmp": "BMP"}
VALUES = (".npy", ".tif", ".tiff")


@dataclass(frozen=True)
class Asked:
    """What the command line asked for; see the options' help."""

    image: str | None
    kernel: str | None
    out: str | None
    sheet: str | None
    show: str | None
    channels: str | None
    flip: bool
    flip_both: bool
    pad: str | None
    border: str | None
    stride: str | None
    dilation: str | None
    magnitude: bool
    direction: bool
    explain: str | None
    learn: str | None
    size: str | None
    listed: bool
    max_pixels: str | None
    as_json: bool


@dataclass(frozen=True)
class Wanted:
    """The kernel in the one text form, with the command line's options as its words; `pair` for gradients: the names
    of the two kernels; `said`, how it is called in sentences."""

    text: str
    pieces: tuple[Piece, ...]
    pair: tuple[str, str] | None
    said: str

    @property
    def is_one(self) -> bool:
        """Whether it is one filter, and no network."""
        return len(self.pieces) == 1 and len(self.pieces[0].filters) == 1


def filter_command(asked: Asked) -> None:
    """Filter, open or learn, as asked."""
    if asked.listed:
        _list(asked.as_json)
        return
    _check(asked)
    assert asked.image is not None
    limit = MAX_PIXELS if asked.max_pixels is None else parse_pixels(asked.max_pixels)
    if asked.learn is not None:
        from pellucid.faces.cli.filter_learn import learn_filter

        real = None if asked.kernel is None else _wanted(asked)
        picture, target = _values(asked.image, limit), _values(asked.learn, limit)
        learn_filter(asked, picture, target, real)
        return
    if asked.kernel is None:
        raise SettingsError(
            "which kernel?", where="KERNEL",
            remedy="pellucid filter photo.jpg sobel-x --out edges.png, or --list for all kernels by name",
        )  # fmt: skip
    wanted = _wanted(asked)
    pixels = _values(asked.image, limit)
    if asked.explain is not None:
        from pellucid.faces.cli.filter_explain import explain_pixel

        explain_pixel(asked, wanted, pixels)
        return
    from pellucid.faces.cli.filter_result import filter_picture

    filter_picture(asked, wanted, pixels)


def command(asked: Asked, *words: str) -> str:
    """The command that was given, with the words after IMAGE and KERNEL replaced."""
    given = [typed(asked.kernel or "")]
    if asked.channels:
        given += ["--channels", asked.channels]
    for name in ("pad", "border", "stride", "dilation"):
        value = getattr(asked, name)
        given += [f"--{name}", value] if value else []
    given += ["--flip"] if asked.flip else []
    return " ".join(["pellucid filter", typed(asked.image or ""), *given, *words])


def _values(path: str, limit: int) -> Any:
    """What is filtered, or the target. An error that has no other advice says what can be given."""
    try:
        return read_values(Path(path), limit)
    except DataError as error:
        error.where = error.where or repr(path)
        error.remedy = error.remedy or "a picture, or values in .npy or a float32 .tiff"
        raise


def _check(asked: Asked) -> None:
    """Options that contradict each other, or have no such value."""
    if asked.image is None:
        raise SettingsError("which picture?", where="IMAGE",
                            remedy="pellucid filter photo.jpg sobel-x --out edges.png")  # fmt: skip
    for option, value, allowed in (("--channels", asked.channels, CHANNELS), ("--show", asked.show, SHOWS)):
        if value is not None and value not in allowed:
            raise SettingsError(f"{option} is {', '.join(allowed[:-1])} or {allowed[-1]}", where=option,
                                received=repr(value), remedy=f"{option} {allowed[0]}")  # fmt: skip
    for option, path, allowed in (
        ("--out", asked.out, (*PICTURES, *VALUES)), ("--sheet", asked.sheet, (".png",))
    ):  # fmt: skip
        if path is not None and Path(path).suffix.lower() not in allowed:
            raise SettingsError(
                f"what {option} writes is told by the name's end", where=option, received=shown(path),
                remedy=f"a name that ends in {', '.join(allowed)}"
                + (" (.npy and .tiff keep every value)" if len(allowed) > 1 else ""),
            )  # fmt: skip
    if asked.magnitude and asked.direction:
        raise SettingsError("give one of --magnitude and --direction", where="--direction",
                            remedy="one command for each")  # fmt: skip
    if asked.size is not None and asked.learn is None:
        raise SettingsError(
            "--size is the size of a kernel to learn", where="--size", received=asked.size,
            remedy="--learn TARGET --size 3; a named kernel has its size in its text: gaussian 5",
        )  # fmt: skip
    if asked.explain is not None and (asked.magnitude or asked.direction or asked.flip_both):
        raise SettingsError("--explain opens one sum", where="--explain", received=asked.explain,
                            remedy="open each kernel by itself, as sobel-x")  # fmt: skip


def _wanted(asked: Asked) -> Wanted:
    """KERNEL and the options about it."""
    assert asked.kernel is not None
    kernel = asked.kernel.strip()
    if re.match(r"[-+.0-9]", kernel) and "[" not in kernel:  # numbers alone
        kernel = f"[{kernel}]"
    words = "".join(
        f" {word} {value}"
        for word, value in (
            ("stride", asked.stride), ("pad", asked.pad), ("dilation", asked.dilation), ("border", asked.border)
        )
        if value is not None
    ) + (" flip" if asked.flip else "")  # fmt: skip
    name = kernel.lower()
    if name in PAIRS:
        pair = (f"{name}-x{words}", f"{name}-y{words}")
        for each in pair:
            parse(each)
        return Wanted(
            name, parse(pair[0]), pair, f"{name}'s gradient {'direction' if asked.direction else 'magnitude'}"
        )
    if asked.magnitude or asked.direction:
        raise SettingsError(
            "a gradient has a length and a direction, which take a pair of kernels",
            where="--magnitude" if asked.magnitude else "--direction", received=asked.kernel,
            remedy=f"one of {', '.join(PAIRS)}",
        )  # fmt: skip
    pieces = parse(kernel)
    if words and len(pieces) > 1:
        raise SettingsError(
            "of several layers, each has its own options, in the text", where="--" + words.split()[0],
            received=asked.kernel, remedy=f'write it behind the filter that it is for: "sharpen{words}, relu"',
        )  # fmt: skip
    if words:
        kernel += words
        pieces = parse(kernel)
    return Wanted(kernel, pieces, None, asked.kernel.strip())


def kernel_rows(numbers: Any) -> Any:
    """A kernel [planes, height, width] as nested lists, of one plane without the first level; whole numbers as such."""
    plain = [[[int(n) if n == int(n) else n for n in row] for row in plane] for plane in numbers.tolist()]
    return plain[0] if len(plain) == 1 else plain


def kernel_lines(numbers: Any) -> list[str]:
    """A kernel [planes, height, width] as lines of aligned numbers, planes side by side."""
    planes, height, width = numbers.shape
    texts = aligned([float(value) for value in numbers.ravel()])
    rows = [texts[start : start + width] for start in range(0, len(texts), width)]
    return [
        "   |  ".join(" ".join(rows[plane * height + row]) for plane in range(planes))
        for row in range(height)
    ]


def _list(as_json: bool) -> None:
    """All kernels by name."""
    if as_json:
        output.print_json({
            name: {"title": kernel.title, "kernel": kernel_rows(kernel.array[None])} for name, kernel in KERNELS.items()
        })  # fmt: skip
        return
    for name, kernel in KERNELS.items():
        divisor = "" if kernel.divisor == 1 else f", all divided by {kernel.divisor:g}"
        print(f"{name}: {kernel.title}{divisor}")
        texts = aligned([value for row in kernel.rows for value in row])
        wide = len(kernel.rows[0])
        for start in range(0, len(texts), wide):
            print("   " + " ".join(texts[start : start + wide]))
    print("gaussian 5 sigma 1.2, box-blur 5, gabor 9 wavelength 4 angle 30: of any size and angle")
    print('or numbers: "0 -1 0; -1 5 -1; 0 -1 0", "[1 2 1; 2 4 2; 1 2 1]/16"', flush=True)
