"""An opened value as a person would write it down: window beside kernel, partial sums, bias, total, stored value."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum

import numpy as np
from numpy.typing import NDArray

from pellucid.inside.columns import Row, aligned, in_column
from pellucid.inside.number import Number, Term
from pellucid.network.operations import Formula, Linear, Part, Window, number
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.pooling import Pooling
from pellucid.network.operations.softmax import Softmax
from pellucid.network.operations.transposed import TransposedConvolution
from pellucid.storage import shown

OUTSIDE = "·"  # a cell of the window that lies in the padding
WIDEST = 9  # kernels up to so many columns are written out


def text(opened: Number, top: int = 8) -> str:
    """The title and the equation, as plain text; first of all, where it is so, that it doesn't close."""
    lines = [does_not_close(opened)] if opened.closes is False else []
    return "\n".join([*lines, f"{shown(str(opened.place))}   {title(opened)}", *equation(opened, top)])


def does_not_close(opened: Number) -> str:
    """What is said before everything else where the sum isn't what the runtime stored."""
    return (
        f"this equation does NOT close: it comes to {opened.sum!r}, the runtime stored {opened.stored!r}; "
        f"the difference {opened.difference:.2e} is more than {opened.allowed:.2e} ({opened.dtype})"
    )


def equation(opened: Number, top: int) -> list[str]:
    """The lines under an opened value's title: at most `top` channels or terms, the rest as one line."""
    opening = opened.opening
    if opening is None:
        rows = [Row(f"  {opened.reason}")]
    elif isinstance(opening, Linear):
        rows = _linear(opened, opening, top)
    else:
        assert isinstance(opening, Formula)
        rows = _formula(opened, opening, top)
    return in_column([*rows, _closing(opened)], least=52)


def title(opened: Number) -> str:
    """What computes the value, with its settings in words."""
    operation = opened.node.operation if opened.node else None
    opening = opened.opening
    if isinstance(operation, Convolution | TransposedConvolution) and opening and opening.window:
        channels, *kernel = opening.window.cells.shape
        size = f"{channels:,} channel{'s' * (channels != 1)} x {sizes_text(kernel)}"
        return f"{opened.kind}, {size}{sliding_text(operation)}"
    if isinstance(operation, Pooling):
        return f"{opened.kind} {sizes_text(operation.kernel)}{sliding_text(operation)}"
    count = opening.count if isinstance(opening, Linear) else 0
    return f"{opened.kind} of {count:,} values" if count > 1 else opened.kind


def formula_text(opening: Formula) -> str:
    """ "max(0, -1.3) = 0: the input is negative"."""
    result = number(opening.result)
    equals = "" if opening.text.endswith(f"= {result}") else f" = {result}"
    return opening.text + equals + (f": {opening.note}" if opening.note else "")


def _linear(opened: Number, opening: Linear, top: int) -> list[Row]:
    window = opening.window
    if opening.count == 0:
        return [Row("  a constant of the operation: no value is moved here", opening.bias)]
    if opening.count == 1 and opening.parts[0].weights is None and opened.bias_source is None:
        return [Row(f"  it is {shown(str(opened.term(*opened.order[0]).source))}, moved here", opening.value)]
    if window is not None and window.cells.ndim in (2, 3) and window.cells.shape[-1] <= WIDEST:
        rows = _channels(opened, opening, window, top)
    else:
        rows = _terms(opened, opening, top)
    what = "products" if any(part.weights is not None for part in opening.parts) else "values"
    if opening.count > 1:
        rows.append(Row(f"  sum of {opening.count:,} {what}", opening.total))
    if opened.bias_source is not None:
        rows.append(Row(f"  bias {shown(str(opened.bias_source))}", opening.bias))
    elif opening.bias:
        rows.append(Row("  constant", opening.bias))
    rows += [Row(f"  with {name} {number(value)}") for name, value in opening.facts.items()]
    if opening.divisor != 1:
        rows.append(Row(f"  divided by {number(opening.divisor)}"))
    return [*rows, Row("  total", opening.value)]


def _channels(opened: Number, opening: Linear, window: Window, top: int) -> list[Row]:
    """One block for each input channel, strongest first where not all are shown."""
    part = opening.parts[0]
    cells = window.cells.reshape(window.cells.shape[0], -1, window.cells.shape[-1])
    sums = [fsum(part.products[plane[plane >= 0]].tolist()) for plane in cells]
    taken = sorted(range(len(cells)), key=lambda plane: -abs(sums[plane]))[:top]
    rows = []
    if len(cells) > top:
        rows.append(Row(f"  the {top} strongest of {len(cells):,} channels"))
    else:
        taken.sort()
    lefts = _input_grids(part, cells, taken)
    rights = _kernel_grids(opened, part, cells, taken)
    heads = [_window_name(opened, part, cells[plane]) for plane in taken]
    names = [_kernel_name(opened, part, cells[plane]) for plane in taken]
    left = max([len(line) for grid in lefts for line in grid] + [len(head) for head in heads])
    label = max(len(f"channel {window.channels[plane]}") for plane in taken)
    for place, plane in enumerate(taken):
        name = f"channel {window.channels[plane]}"
        rows.append(Row(f"  {name:<{label}}  {heads[place]:<{left}}   {names[place]}"))
        last = len(lefts[place]) - 1
        for line, values in enumerate(lefts[place]):
            kernel = rights[place][line] if rights else ""
            rows.append(
                Row(f"  {'':<{label}}  {values:<{left}}   {kernel}", sums[plane] if line == last else None)
            )
    if len(cells) > top:
        rest = [sums[plane] for plane in range(len(cells)) if plane not in taken]
        rows.append(Row(f"  the other {len(rest):,} channels", fsum(rest)))
    return rows


def _input_grids(part: Part, cells: NDArray[np.int64], planes: Sequence[int]) -> list[list[str]]:
    """Each plane's window as lines of aligned numbers; padding as a dot."""
    places = [int(cell) for plane in planes for cell in cells[plane].ravel() if cell >= 0]
    texts = dict(zip(places, aligned([float(part.values[place]) for place in places]), strict=True))
    width = max((len(text) for text in texts.values()), default=1)
    return [
        [" ".join(texts.get(int(cell), OUTSIDE).rjust(width) for cell in line) for line in cells[plane]]
        for plane in planes
    ]


def _kernel_grids(
    opened: Number, part: Part, cells: NDArray[np.int64], planes: Sequence[int]
) -> list[list[str]] | None:
    """Each plane's kernel, whole even where the window hangs over the border."""
    if part.weights is None:
        return None
    if opened.node is not None and isinstance(opened.node.operation, Convolution):
        kernel = opened.places.value(opened.node.inputs[1])[opened.place.full[1]]
        blocks = [kernel[plane].reshape(cells.shape[1:]).astype(float) for plane in planes]
    else:
        blocks = [np.where(cells[plane] >= 0, part.weights[cells[plane]], np.nan) for plane in planes]
    texts = aligned([float(value) for block in blocks for value in block.ravel()])
    words = iter(text if text.strip() != "nan" else OUTSIDE.rjust(len(text)) for text in texts)
    return [[" ".join(next(words) for _ in line) for line in block] for block in blocks]


def _window_name(opened: Number, part: Part, plane: NDArray[np.int64]) -> str:
    """pool1[0, 4–8, 5–9]: the input under the window, as far as it lies inside."""
    entries = plane[plane >= 0]
    if not len(entries) or opened.node is None:
        return "padding alone"
    index = part.index[entries]
    place = opened.places.at(opened.node.inputs[part.operand], index[0])
    spans = [(int(axis.min()), int(axis.max())) for axis in index.T[len(index[0]) - len(place.index) :]]
    return f"{shown(place.name)}[{', '.join(str(a) if a == b else f'{a}–{b}' for a, b in spans)}]"


def _kernel_name(opened: Number, part: Part, plane: NDArray[np.int64]) -> str:
    """conv2.weight[3,0]: the kernel's plane."""
    entries = plane[plane >= 0]
    if part.weight_operand is None or part.weight_index is None or opened.node is None or not len(entries):
        return ""
    first = part.weight_index[entries[0]]
    return f"{shown(opened.node.inputs[part.weight_operand])}[{first[0]},{first[1]}]"


def _terms(opened: Number, opening: Linear, top: int) -> list[Row]:
    """A table of terms, largest product first."""
    taken = [opened.term(*place) for place in opened.order[:top]]
    weighed = any(term.weight is not None for term in taken)
    names = [shown(str(term.source)) for term in taken]
    inputs = aligned([term.input for term in taken])
    weights = aligned([1.0 if term.weight is None else term.weight for term in taken])
    sources = ["" if term.weight_source is None else shown(str(term.weight_source)) for term in taken]
    first, last = max(map(len, names)), max(map(len, sources))
    rows = [Row(f"  the {top} largest of {opening.count:,} terms")] if opening.count > top else []
    for name, value, weight, source, term in zip(names, inputs, weights, sources, taken, strict=True):
        text = f"  {name:<{first}}  {value}" + (f" x {weight}  {source:<{last}}" if weighed else "")
        rows.append(Row(text, term.product))
    rest = opened.order[top:]
    if rest:
        total = fsum(float(opening.parts[part].products[entry]) for part, entry in rest)
        rows.append(Row(f"  the other {len(rest):,} terms", total))
    return rows


def _formula(opened: Number, opening: Formula, top: int) -> list[Row]:
    operation = opened.node.operation if opened.node else None
    if isinstance(operation, Softmax):
        rows = _exponents(opened, opening, top)
    elif opening.window is not None and opening.window.cells.ndim <= 3 and opening.count:
        rows = _window_alone(opened, opening, opening.window)
    else:
        rows = _operands(opened, opening, top)
    roles = {part.role for part in opening.parts if len(part)}
    facts = {name: value for name, value in opening.facts.items() if name not in roles}
    width = max((len(name) for name in facts), default=0)
    rows += [Row(f"  {name:<{width}}  {number(value)}") for name, value in facts.items()]
    return [*rows, Row(f"  {formula_text(opening)}")]


def _exponents(opened: Number, opening: Formula, top: int) -> list[Row]:
    """Softmax: every logit, its exponent and its share of the sum."""
    greatest, total = opening.facts["maximum"], opening.facts["sum"]
    taken = [opened.term(*place) for place in opened.order[:top]]
    names = [shown(str(term.source)) for term in taken]
    width = max(map(len, names))
    exponents = [exp(term.input - greatest) for term in taken]
    logits = aligned([term.input for term in taken])
    rows = [
        Row(
            f"  {'':<{width}}  {'logit':>{max(len(logits[0]), 5)}}    exp(logit - maximum)      share of the sum"
        )
    ]
    for name, logit, exponent in zip(names, logits, exponents, strict=True):
        rows.append(Row(f"  {name:<{width}}  {logit:>5}    {exponent:<20.8f}      {exponent / total:.6f}"))
    if opening.count > top:
        rest = fsum(
            exp(float(opening.parts[part].values[entry]) - greatest) for part, entry in opened.order[top:]
        )
        rows.append(
            Row(
                f"  {'the others':<{width}}  {'':>{max(len(logits[0]), 5)}}    {rest:<20.8f}      {rest / total:.6f}"
            )
        )
    return rows


def _window_alone(opened: Number, opening: Formula, window: Window) -> list[Row]:
    """Pooling: the window, the chosen value in brackets."""
    part = opening.parts[0]
    cells = window.cells.reshape(-1, window.cells.shape[-1])
    texts = aligned([float(value) for value in part.values])
    rows = [Row(f"  {_window_name(opened, part, cells)}")]
    for line in cells:
        words = [OUTSIDE.rjust(len(texts[0])) if cell < 0 else texts[cell] for cell in line]
        marked = [
            f"[{word}]" if cell >= 0 and cell == opening.chosen else f" {word} "
            for cell, word in zip(line, words, strict=True)
        ]
        rows.append(Row("  " + "".join(marked)))
    if opening.chosen is not None:
        rows.append(Row(f"  the largest is {shown(str(opened.term(0, opening.chosen).source))}"))
    return rows


def _operands(opened: Number, opening: Formula, top: int) -> list[Row]:
    """What goes into the formula, by the names it has there."""
    order = opened.order if opening.count > top else sorted(opened.order)
    taken = [opened.term(*place) for place in order[:top]]
    names = [shown(str(term.source)) for term in taken]
    width = max(map(len, names), default=0)
    many = len({term.role for term in taken}) > 1
    role = max((len(term.role) for term in taken), default=0)
    rows = [
        Row(f"  {f'{term.role:<{role}}  ' if many else ''}{name:<{width}}  {_weighed(term)}")
        for term, name in zip(taken, names, strict=True)
    ]
    if opening.count > top:
        rows.append(Row(f"  and {opening.count - top:,} more"))
    return rows


def _weighed(term: Term) -> str:
    """141, or 141 x 0.111 = 15.7 where the formula weighs its values."""
    if term.weight is None:
        return number(term.input)
    return f"{number(term.input)} x {number(term.weight)} = {number(term.product)}"


def _closing(opened: Number) -> Row:
    note = ""
    if opened.difference is not None:
        note = f"difference {opened.difference:.0e}" if opened.difference else "difference 0"
        if not opened.closes:
            note += f", over {opened.allowed:.0e}: it does not close"
    return Row("  stored by the runtime" if opened.node else "  value", opened.stored, note)


def sliding_text(operation: Convolution | TransposedConvolution | Pooling) -> str:
    """, stride 2, padding 1, 4 groups: to stand behind the window's size."""
    text = f", stride {_steps(operation.stride)}"
    pads = operation.pads
    if not any(before or after for before, after in pads):
        text += ", no padding"
    elif len({pad for pair in pads for pad in pair}) == 1:
        text += f", padding {pads[0][0]}"
    else:
        text += ", padding " + " x ".join(f"{before}:{after}" for before, after in pads)
    if any(step != 1 for step in operation.dilation):
        text += f", dilation {_steps(operation.dilation)}"
    if isinstance(operation, Convolution | TransposedConvolution) and operation.groups != 1:
        text += f", {operation.groups:,} groups"
    return text


def sizes_text(sizes: Sequence[int]) -> str:
    """3x5."""
    return "x".join(str(n) for n in sizes)


def _steps(sizes: Sequence[int]) -> str:
    """2, or 2x1 where the axes differ."""
    return str(sizes[0]) if len(set(sizes)) == 1 else sizes_text(sizes)
