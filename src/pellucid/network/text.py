"""A network as one line of text, and back.

    conv 8 5x5 pad 2, relu, maxpool 2, flatten, dense 10, softmax

Layers are separated by commas. After a layer's word come its sizes in the order shown by `usage()`, then
options by their words. A layer takes in the one before it; `from NAME` names another, and `add NAME` or
`concat NAME` joins further ones. `name: conv 8 5x5` names a layer; without that it is its kind and a number,
`conv1`.
The canonical text leaves out all that is as it would be anyway, so text -> layers -> text is a fixed point.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import MISSING, fields
from difflib import get_close_matches
from typing import Any

from pellucid.errors import NetworkError
from pellucid.network.fitting import INPUT, MOST_LAYERS, Node
from pellucid.network.layers import LAYERS, Argument, Form, Layer, Size

LONGEST = 200_000  # characters; ResNet-50's text has 2,500
_SHORT_SIZES = ("window", "stride", "dilation", "size")


def parse(text: str) -> tuple[Node, ...]:
    """The layers of a text. NetworkError names the layer's place in it, its words and what would be right."""
    if len(text) > LONGEST:
        raise NetworkError(
            f"a network's text has at most {LONGEST:,} characters",
            received=f"{len(text):,} characters",
            remedy="a shorter text",
        )
    pieces = [piece.strip().lower() for piece in text.replace("×", "x").split(",")]
    if not any(pieces):
        raise NetworkError(
            "a network needs at least one layer", received=repr(text), remedy="conv 8 3x3, relu, …"
        )
    if len(pieces) > MOST_LAYERS:
        raise NetworkError(
            f"a network has at most {MOST_LAYERS:,} layers",
            received=f"{len(pieces):,}",
            remedy="fewer layers",
        )
    nodes: list[Node] = []
    counts: Counter[str] = Counter()
    for place, piece in enumerate(pieces, start=1):
        try:
            nodes.append(_node(piece, nodes[-1].name if nodes else INPUT, counts))
        except NetworkError as error:
            error.where = f"layer {place} of {len(pieces)}: {piece!r}"
            raise
    return tuple(nodes)


def write(nodes: Iterable[Node]) -> str:
    """The canonical text of these layers."""
    pieces = []
    counts: Counter[str] = Counter()
    previous = INPUT
    for node in nodes:
        counts[node.layer.prefix] += 1
        automatic = f"{node.layer.prefix}{counts[node.layer.prefix]}"
        pieces.append(("" if node.name == automatic else f"{node.name}: ") + node_text(node, previous))
        previous = node.name
    return ", ".join(pieces)


def node_text(node: Node, previous: str) -> str:
    """A layer's words with its inputs, as they are written behind the layer called `previous`."""
    words = [layer_text(node.layer), *node.inputs[1:]]
    if node.inputs[0] != previous:
        words += ["from", node.inputs[0]]
    return " ".join(words)


def usage(kind: type[Layer]) -> str:
    """How a layer is written: `conv CHANNELS KERNEL [stride STRIDE] ... [nobias]`."""
    words = [kind.word]
    required = {field.name for field in fields(kind) if field.default is MISSING}
    for argument in kind.arguments:
        value = argument.field.upper()
        text = argument.word if argument.form is Form.FLAG else f"{argument.word} {value}".strip()
        if argument.form is Form.CHOICE:
            text = "|".join(argument.choices)
        words.append(text if argument.field in required else f"[{text}]")
    return " ".join(words) + (" NAME" if kind.joins else "")


def layer_text(layer: Layer) -> str:
    """One layer's words, without its name and inputs."""
    words = [layer.word]
    defaults = {field.name: field.default for field in fields(layer)}
    for argument in layer.arguments:
        value = getattr(layer, argument.field)
        if argument.field == "stride" and _same_size(value, getattr(layer, "window", ())):
            continue
        default = defaults[argument.field]
        if default is not MISSING and (
            value == default or (isinstance(value, tuple) and set(value) == set(default))
        ):
            continue
        words += [argument.word] * bool(argument.word)
        if argument.form is not Form.FLAG:
            words.append(_value_text(argument, value))
    return " ".join(words)


def _same_size(one: Size, other: Size) -> bool:
    """Equal, also where one is given once for all axes."""
    return one == other or (set(one) == set(other) and len(set(one)) == 1)


def _value_text(argument: Argument, value: Any) -> str:
    match argument.form:
        case Form.SIZE:
            short = argument.field in _SHORT_SIZES and len(set(value)) == 1
            return "x".join(str(n) for n in (value[:1] if short else value))
        case Form.PADDING if value != "same":
            pads = [str(a) if a == b else f"{a}:{b}" for a, b in value]
            return "x".join(pads[:1] if len(set(pads)) == 1 else pads)
        case Form.NUMBER:
            return repr(value).removesuffix(".0")
    return str(value)


def _node(piece: str, previous: str, counts: Counter[str]) -> Node:
    name, colon, rest = piece.partition(":") if re.match(r"\s*\w+\s*:\s*[a-z]", piece) else ("", "", piece)
    words = rest.split()
    if not words:
        raise NetworkError("there is nothing between two commas", remedy="leave out one comma")
    kind = LAYERS.get(words[0])
    if kind is None and words[0].endswith(":"):
        raise NetworkError(
            f"{words[0][:-1]!r} can't name this layer",
            remedy="one name of small letters, digits and _, as in 'stem: conv 8 3x3'",
        )
    if kind is None:
        near = get_close_matches(words[0], LAYERS, n=1, cutoff=0.5)
        guess = f"{near[0]}, as in '{usage(LAYERS[near[0]])}'; " if near else ""
        raise NetworkError(
            f"there is no layer called {words[0]!r}",
            received=piece,
            remedy=f"{guess}the layers are {', '.join(LAYERS)}",
        )
    try:
        values, names, source = _arguments(kind, words[1:])
        layer = kind(**values)
    except NetworkError as error:
        error.remedy = error.remedy or usage(kind)
        raise
    counts[kind.prefix] += 1
    return Node(
        name.strip() if colon else f"{kind.prefix}{counts[kind.prefix]}",
        layer,
        (source or previous, *names),
    )


def _arguments(kind: type[Layer], words: list[str]) -> tuple[dict[str, Any], list[str], str]:
    """The hyperparameters, the further inputs of a join, and the first input where it is named."""
    values: dict[str, Any] = {}
    names: list[str] = []
    source = ""
    by_word = {argument.word: argument for argument in kind.arguments if argument.word}
    by_choice = {choice: argument for argument in kind.arguments for choice in argument.choices}
    by_place = [argument for argument in kind.arguments if not argument.word and not argument.choices]
    rest = iter(words)
    for word in rest:
        if word == "from":
            source = _after(kind, word, next(rest, ""))
        elif word in by_word:
            argument = by_word[word]
            if argument.field in values:
                raise NetworkError(f"{kind.word}: {word} is given twice")
            flag = argument.form is Form.FLAG
            default = next(field.default for field in fields(kind) if field.name == argument.field)
            values[argument.field] = (
                not default if flag else _value(kind, argument, _after(kind, word, next(rest, "")))
            )
        elif word in by_choice:
            argument = by_choice[word]
            if argument.field in values:
                raise NetworkError(f"{kind.word}: {argument.field} is given twice")
            values[argument.field] = word
        elif by_place:
            argument = by_place.pop(0)
            values[argument.field] = _value(kind, argument, word)
        elif kind.joins:
            names.append(word)
        else:
            near = get_close_matches(word, [*by_word, *by_choice, "from"], n=1, cutoff=0.5)
            guess = f"; did you mean {near[0]}?" if near else ""
            raise NetworkError(f"{kind.word} has no {word!r}{guess}")
    required = {field.name for field in fields(kind) if field.default is MISSING}
    missing = [argument.field for argument in kind.arguments if argument.field in required - values.keys()]
    if missing:
        raise NetworkError(f"{kind.word}: {' and '.join(missing)} missing")
    return values, names, source


def _after(kind: type[Layer], word: str, value: str) -> str:
    if not value:
        raise NetworkError(f"{kind.word}: nothing stands after {word}")
    return value


def _value(kind: type[Layer], argument: Argument, word: str) -> Any:
    try:
        match argument.form:
            case Form.COUNT:
                return _whole(word)
            case Form.SIZE:
                return tuple(_whole(part) for part in word.split("x"))
            case Form.NUMBER:
                return float(word)
            case Form.PADDING:
                return word if word in ("same", "valid") else tuple(_pad(part) for part in word.split("x"))
    except ValueError:
        pass
    raise NetworkError(
        f"{kind.word}: {argument.word or argument.field} must be {argument.form.value}",
        received=repr(word),
    )


def _whole(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 10):
        raise ValueError(word)
    return int(word)


def _pad(part: str) -> tuple[int, int]:
    before, colon, after = part.partition(":")
    return (_whole(before), _whole(after) if colon else _whole(before))
