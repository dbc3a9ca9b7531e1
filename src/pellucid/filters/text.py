"""Filters as one line of text: the networks' own text with more words.

    sharpen, relu, maxpool 2
    sobel-x + sobel-y + laplacian border reflect, relu
    [1 2 1; 2 4 2; 1 2 1]/16 stride 2, gabor 9 wavelength 4 angle 30

Pieces are separated by commas outside brackets. A piece is a layer of a network, or one filter, or several side by
side with `+`. A filter is a kernel's name, or its numbers: columns by blanks (or commas), rows by `;`, planes of a
volume by `|`; behind either, a divisor after `/`. Then come the options: `stride`, `pad`, `dilation` as networks
write them, `border zero|reflect|replicate`, `flip`, `volume`; see `Filter`. They hold for the whole piece.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pellucid.errors import NetworkError
from pellucid.filters.filter import BORDERS, LARGEST_SIDE, Filter, Numbers, checked_numbers
from pellucid.filters.kernels import KERNELS, box, gabor, gaussian
from pellucid.network import text as network_text
from pellucid.network.layers import LAYERS, Conv
from pellucid.network.layers.base import Argument

LONGEST = network_text.LONGEST
MOST_FILTERS = 100  # pieces of a text
MOST_IN_BANK = 256  # filters side by side
# Kernels that are made for a size. `gaussian` and `box-blur` are 3 wide unless a size is given.
MADE = {"gaussian": ("sigma",), "box-blur": (), "gabor": ("wavelength", "angle", "phase", "sigma")}
# What people call them, where it can mean one thing only. The course's vertical and horizontal are Prewitt's edges.
ALIASES = {
    "edge": "edge-8",
    "edges": "edge-8",
    "vertical": "prewitt-x",
    "horizontal": "prewitt-y",
    "vertical-edge": "prewitt-x",
    "horizontal-edge": "prewitt-y",
    "vertical-edges": "prewitt-x",
    "horizontal-edges": "prewitt-y",
    "vertical-lines": "vertical-line",
    "horizontal-lines": "horizontal-line",
    "blur": "box-blur",
    "box": "box-blur",
    "mean": "box-blur",
    "gaussian-blur": "gaussian",
    "laplace": "laplacian",
    "highpass": "high-pass",
    "sharp": "sharpen",
}
NAMES = (*KERNELS, *(name for name in MADE if name not in KERNELS))
_OPTIONS = ("stride", "pad", "dilation", "border", "flip", "volume", "from")
_EXAMPLE = "[0 -1 0; -1 5 -1; 0 -1 0]"


@dataclass(frozen=True)
class Piece:
    """What stands between two commas: a layer's `text`, or the `filters` it says, side by side.

    `name` is the one given to it (`edges: sobel-x`) or empty; `source` the layer named after `from`, or empty.
    """

    text: str
    filters: tuple[Filter, ...] = ()
    name: str = ""
    source: str = ""


def parse(text: str) -> tuple[Piece, ...]:
    """The pieces of a text. NetworkError names the piece, its words and what would be right."""
    if len(text) > LONGEST:
        raise NetworkError(
            f"a filter's text has at most {LONGEST:,} characters",
            received=f"{len(text):,} characters",
            remedy="a shorter text",
        )
    parts = split(text.replace("×", "x").lower())
    if not any(parts):
        raise NetworkError(
            "a filter text needs at least one filter or layer", received=repr(text), remedy="sharpen, relu, …"
        )
    pieces: list[Piece] = []
    for place, part in enumerate(parts, start=1):
        try:
            pieces.append(_piece(part))
            if sum(bool(piece.filters) for piece in pieces) > MOST_FILTERS:
                raise NetworkError(f"a text has at most {MOST_FILTERS} filters", remedy="fewer filters")
        except NetworkError as error:
            error.where = f"piece {place} of {len(parts)}: {_short(part)!r}"
            raise
    return tuple(pieces)


def has_filters(text: str) -> bool:
    """Whether a text is about filters, and not a network's alone: a kernel's name or numbers, well spelt or nearly."""
    try:
        parts = split(text[:LONGEST].replace("×", "x").lower())
    except NetworkError:
        return True  # of brackets that aren't closed: networks have none
    for part in parts:
        word = _first_word(_named(part)[1])
        if word == "[" or (word not in LAYERS and (kernel_name(word) or _nearest(word) in _words())):
            return True
    return False


def kernel_name(word: str) -> str:
    """The name in KERNELS or MADE that a word stands for; empty where there is none."""
    name = word.lower().replace("_", "-")
    name = ALIASES.get(name, name)
    return name if name in NAMES else ""


def split(text: str) -> list[str]:
    """The pieces of a text: cut at commas outside brackets."""
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign == "[") - (sign == "]")
        if depth < 0:
            break
        if sign == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    if depth:
        raise NetworkError(
            f"a bracket is {'closed that was never opened' if depth < 0 else 'not closed'}",
            received=_short(text[start:].strip()),
            remedy=f"numbers stand between [ and ], as in {_EXAMPLE}",
        )
    return [*parts, text[start:].strip()]


def _piece(part: str) -> Piece:
    if not part:
        raise NetworkError("there is nothing between two commas", remedy="leave out one comma")
    name, body = _named(part)
    word = _first_word(body)
    if word in LAYERS:
        network_text.parse(part)  # says what is wrong with it
        return Piece(part)
    if word != "[" and not kernel_name(word):
        raise _unknown(word)
    terms = _terms(body)
    kernels = [_kernel(term) for term in terms]
    for term, (_, _, rest) in zip(terms[:-1], kernels, strict=False):
        if rest:
            raise NetworkError(
                f"{rest[0]!r} stands before a +: options hold for all filters side by side, and come after the last",
                received=_short(term),
                remedy="sobel-x + sobel-y stride 2",
            )
    if len(kernels) > MOST_IN_BANK:
        raise NetworkError(
            f"at most {MOST_IN_BANK} filters stand side by side",
            received=f"{len(kernels):,}",
            remedy="fewer, or some of them in another layer",
        )
    options = _options(kernels[-1][2])
    source = options.pop("from", "")
    return Piece(
        part, tuple(Filter(called, numbers, **options) for called, numbers, _ in kernels), name, source
    )


def _named(part: str) -> tuple[str, str]:
    """(name, the rest) of `name: rest`; the name is empty where none is given."""
    found = re.match(r"\s*(\w+)\s*:\s*(?=[a-z\[])", part)
    return (found[1], part[found.end() :]) if found else ("", part.strip())


def _first_word(body: str) -> str:
    found = re.match(r"\[|[^\s\[+/]+", body)
    return found[0] if found else ""


def _terms(body: str) -> list[str]:
    """What stands between the +: those outside brackets, before a name or a bracket."""
    terms, depth, start = [], 0, 0
    for place, sign in enumerate(body):
        depth += (sign == "[") - (sign == "]")
        if sign == "+" and depth == 0 and re.match(r"\s*([a-z\[]|$)", body[place + 1 :]):
            terms.append(body[start:place].strip())
            start = place + 1
    return [*terms, body[start:].strip()]


def _kernel(term: str) -> tuple[str, Numbers, list[str]]:
    """The name, the numbers [planes, height, width] and the words behind them."""
    word = _first_word(term)
    if word == "[":
        end = _closing(term)
        name, rest = "kernel", term[end + 1 :]
        numbers = checked_numbers(_typed(term[1:end]), name)
    else:
        name, rest = kernel_name(word), term[len(word) :]
        if not name:
            raise _unknown(word)
        numbers = None
    divided = re.match(r"\s*/\s*(\S*)", rest)
    words = (rest[divided.end() :] if divided else rest).split()
    if numbers is None:
        made, words = _by_name(name, words)
        numbers = checked_numbers(made, name)
    if divided:
        divisor = _number(divided[1], "the divisor after /")
        if divisor == 0:
            raise NetworkError(
                "a kernel can't be divided by 0", received=_short(term), remedy=f"{_EXAMPLE}/9"
            )
        numbers = checked_numbers(numbers / divisor, name)
    return name, numbers, words


def _closing(term: str) -> int:
    """Where the first bracket is closed."""
    depth = 0
    for place, sign in enumerate(term):
        depth += (sign == "[") - (sign == "]")
        if depth == 0:
            return place
    return len(term)  # split() has seen to it


def _typed(inside: str) -> list[list[list[float]]]:
    """Numbers as typed, as planes of rows. Python's way of writing them, with brackets around each row, is one too."""
    if "[" in inside:
        flat = re.sub(r"\]\s*\]\s*,?\s*\[\s*\[", "|", inside)
        inside = re.sub(r"\]\s*,?\s*\[", ";", flat).replace("[", "").replace("]", "")
    planes = [[_row(row) for row in re.split(r"[;\n]", plane.strip())] for plane in inside.split("|")]
    if not any(map(any, planes)):
        raise NetworkError("there are no numbers between the brackets", remedy=_EXAMPLE)
    columns, rows = len(planes[0][0]), len(planes[0])
    for number, plane in enumerate(planes, start=1):
        behind = f" of plane {number}" if len(planes) > 1 else ""
        for place, row in enumerate(plane, start=1):
            if len(row) != columns:
                raise NetworkError(
                    f"all rows of a kernel are of one length: row {place}{behind} has {len(row)} "
                    f"number{'s' * (len(row) != 1)}, the first has {columns}",
                    received=_short(f"[{inside}]"),
                    remedy=f"as many numbers in each row, as in {_EXAMPLE}",
                )
        if len(plane) != rows:
            raise NetworkError(
                f"all planes of a kernel are of one size: plane {number} has {len(plane)} "
                f"row{'s' * (len(plane) != 1)}, the first has {rows}",
                received=_short(f"[{inside}]"),
                remedy="as many rows in each plane: [1 0; 0 1 | 0 1; 1 0]",
            )
    return planes


def _row(row: str) -> list[float]:
    return [_number(word, "a kernel") for word in row.replace(",", " ").split()]


def _number(word: str, what: str) -> float:
    """A finite number; a fraction such as 1/9 is one."""
    above, slash, below = word.partition("/")
    try:
        if not word.isascii() or "_" in word:
            raise ValueError
        value = float(above) / (float(below) if slash else 1.0)
    except ValueError:
        value = float("nan")
    except ZeroDivisionError:
        raise NetworkError(
            f"{what}: {word} divides by 0", received=repr(word), remedy="a number like 1/9"
        ) from None
    if not abs(value) < float("inf"):
        raise NetworkError(
            f"{what} holds {_short(word)!r}, which is not a number"
            if what == "a kernel"
            else f"{what} must be a number",
            received=repr(_short(word)),
            remedy="finite numbers like 2, -0.5 or 1/9",
        )
    return value


def _by_name(name: str, words: list[str]) -> tuple[Numbers, list[str]]:
    """The named kernel's numbers, and the words that are left."""
    if name not in MADE or (name in KERNELS and not (words and words[0][:1].isdigit())):
        return KERNELS[name].array, words
    size, words = _size(name, words)
    given: dict[str, float] = {}
    while words and words[0] in MADE[name]:
        word = words[0]
        if word in given:
            raise NetworkError(f"{name}: {word} is given twice", remedy=usage(name))
        given[word] = _number(words[1] if len(words) > 1 else "", f"{name}: {word}")
        words = words[2:]
    for word in ("sigma", "wavelength"):
        if given.get(word, 1.0) <= 0:
            raise NetworkError(
                f"{name}: {word} must be more than 0", received=f"{word} {given[word]:g}", remedy=usage(name)
            )
    if name == "gabor":
        if "wavelength" not in given:
            raise NetworkError(
                "gabor needs its wavelength, in pixels", remedy="gabor 9 wavelength 4 angle 30"
            )
        return gabor(
            size, given["wavelength"], given.get("angle", 0.0), given.get("phase", 0.0), given.get("sigma")
        ), words
    return (gaussian(size, given.get("sigma")) if name == "gaussian" else box(size)), words


def _size(name: str, words: list[str]) -> tuple[int, list[str]]:
    """A side in pixels, written 5 or 5x5."""
    if name == "gaussian" and not (words and words[0][:1].isdigit()):
        return 3, words
    sides = words[0].split("x") if words else []
    if len(set(sides)) == 1 and len(sides) < 3 and sides[0].isascii() and sides[0].isdigit():
        side = int(sides[0]) if len(sides[0]) < 10 else 10**9
        if 1 <= side <= LARGEST_SIDE:
            return side, words[1:]
    raise NetworkError(
        f"{name} needs its size first, a whole number of pixels from 1 to {LARGEST_SIDE}",
        received=repr(_short(" ".join(words[:1]))),
        remedy=usage(name),
    )


def usage(name: str) -> str:
    """How a kernel is written."""
    return {
        "gaussian": "gaussian 5 sigma 1.2",
        "box-blur": "box-blur 5",
        "gabor": "gabor 9 wavelength 4 angle 30 phase 0 sigma 2",
    }.get(name, name)


def _options(words: list[str]) -> dict[str, Any]:
    """The options by Filter's names, and `from`."""
    found: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        if word in ("gaussian", "gabor") or word not in _OPTIONS:
            near = get_close_matches(word, _OPTIONS, n=1, cutoff=0.5)
            raise NetworkError(
                f"a filter has no {_short(word)!r}" + (f"; did you mean {near[0]}?" if near else ""),
                received=_short(" ".join(words)),
                remedy="stride 2, pad same|valid|1, dilation 2, border zero|reflect|replicate, flip, volume",
            )
        field = "padding" if word == "pad" else word
        if field in found:
            raise NetworkError(f"{word} is given twice", remedy=f"{word} once")
        if word in ("flip", "volume"):
            found[word] = True
            continue
        value = next(rest, "")
        if not value:
            raise NetworkError(f"nothing stands after {word}", remedy=_example_of(word))
        found[field] = _value(word, value)
    return found


def _value(word: str, value: str) -> Any:
    if word == "from":
        return value
    if word == "border":
        name = {
            "zeros": "zero",
            "constant": "zero",
            "mirror": "reflect",
            "nearest": "replicate",
            "edge": "replicate",
        }
        if (value := name.get(value, value)) not in BORDERS:
            raise NetworkError(
                "a border is zero, reflect or replicate",
                received=repr(_short(value)),
                remedy=_example_of(word),
            )
        return value
    argument = next(argument for argument in Conv.arguments if argument.word == word)
    return _as_networks(argument, value)


def _as_networks(argument: Argument, value: str) -> Any:
    """Read as the networks' text reads it."""
    try:
        (node,) = network_text.parse(f"conv 1 1x1 {argument.word} {value}")
    except NetworkError as error:
        raise NetworkError(
            f"{argument.word} must be {argument.form.value}",
            received=f"{argument.word} {_short(value)}",
            remedy=_example_of(argument.word),
        ) from error
    return getattr(node.layer, argument.field)


def _example_of(word: str) -> str:
    return {"border": "border reflect", "pad": "pad same", "from": "from input"}.get(word, f"{word} 2")


def _words() -> set[str]:
    return {*NAMES, *ALIASES}


def _nearest(word: str) -> str:
    """The kernel or layer that a wrong word is nearest to; empty where none is near."""
    near = get_close_matches(word.replace("_", "-"), [*NAMES, *ALIASES, *LAYERS], n=1, cutoff=0.6)
    return near[0] if near else ""


def _unknown(word: str) -> NetworkError:
    near = _nearest(word)
    return NetworkError(
        f"there is no filter or layer called {_short(word)!r}" + (f"; did you mean {near}?" if near else "")
        if word
        else "a filter's name is missing",
        received=repr(_short(word)),
        remedy=f"the filters are {', '.join(NAMES)}, or numbers like {_EXAMPLE}; the layers are {', '.join(LAYERS)}",
    )


def _short(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
