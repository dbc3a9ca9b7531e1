"""Questions about one network: its shapes, counts and receptive fields. Nothing is run, no weight is needed.

`data` of every question: `network` as text, `input` (height, width, channels), `layer` by name, and `task`: "shape"
(height x width x channels of the layer, or its number of values), "parameters" (of the layer), "total" (parameters of
the whole network), "field" (rows of the picture that one value of the layer sees, padding and all), "values" (how many
values the layer gives), "dense" (parameters of a dense layer in the convolution's place).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from pellucid.errors import NetworkError, SettingsError
from pellucid.exercises.draw import Draw
from pellucid.exercises.generator import LEAST_SLIPS, check
from pellucid.exercises.question import VERSION, Question, Sheet, Slip, ask
from pellucid.exercises.slips import slip
from pellucid.exercises.wording import SIZES, WHOLE_WINDOWS
from pellucid.network import Network
from pellucid.network.fitting import Node
from pellucid.network.layers import Conv, Dense, Shape, Sliding, on_screen
from pellucid.network.receptive import Field, fields
from pellucid.network.table import Against, Row, against_dense, rows

PADDED = "The receptive field counts places in the padding, too."
TOPICS_OF_NETWORKS = ("volume", "parameters", "receptive-field")


def from_network(
    network: Network | str,
    input_shape: Shape | None = None,
    *,
    topics: Sequence[str] = (),
    count: int = 8,
    level: int = 1,
    seed: int = 0,
) -> Sheet:
    """A sheet about this network for pictures: a `Network`, or its text and its input's shape, channel first.

    `topics` from TOPICS_OF_NETWORKS, all unless given. Level 1 asks for single layers, 2 also for the whole, 3 also for
    what takes several layers. There are as many questions as the network has, `count` at most. Raises NetworkError
    where the text or the input isn't one for pictures, SettingsError for a topic or count there isn't.
    """
    check(count, level, seed)
    if isinstance(network, str):
        if input_shape is None:
            raise SettingsError(
                "a network's text needs the shape of its input",
                where="input",
                received=network,
                remedy="such as (1, 28, 28), channel first",
            )
        network = Network.from_text(network, input_shape)
    if len(network.input_shape) != 3:
        raise NetworkError(
            "exercises are about networks for pictures",
            received=f"input {network.input_shape}",
            remedy="an input of channels, height and width",
        )
    chosen = chosen_topics(topics, TOPICS_OF_NETWORKS)
    found = {question.id: question for question in _questions(network, level) if question.topic in chosen}
    return sheet_of(found, chosen, count, level, seed, network.text, "Exercises on a network")


def chosen_topics(topics: Sequence[str], there: Sequence[str]) -> tuple[str, ...]:
    """The topics asked for; SettingsError where one isn't there."""
    for name in topics:
        if name not in there:
            raise SettingsError(
                "a network's own questions aren't about this topic",
                where="topic",
                received=name,
                remedy=f"one of {', '.join(there)}",
            )
    return tuple(dict.fromkeys(topics)) or tuple(there)


def sheet_of(
    found: dict[str, Question],
    topics: tuple[str, ...],
    count: int,
    level: int,
    seed: int,
    about: str,
    title: str,
) -> Sheet:
    """Questions drawn from those there are, every topic in turn."""
    if not found:
        raise SettingsError(
            "there is no such question about this network",
            where="topic",
            received=", ".join(topics),
            remedy="another topic or level",
        )
    order = Draw((VERSION, seed, level)).order("questions", list(found.values()))
    piles = [[question for question in order if question.topic == topic] for topic in topics]
    taken: list[Question] = []
    while len(taken) < count and any(piles):
        taken += [pile.pop(0) for pile in piles if pile][: count - len(taken)]
    return Sheet(title, seed, level, topics, tuple(taken), about={"network": about})


def _questions(network: Network, level: int) -> Iterator[Question]:
    seen = fields(network)
    made: list[Question] = []
    table = rows(network)
    for node, row in zip(network.nodes, table, strict=True):
        made += _shape(network, node, row, level)
        made += _parameters(network, node, row, level)
        made += _field(network, node, seen, level)
    if level > 1:
        made += _whole(network, table, level)
    if level > 2:
        made += [_dense(network, beside, level) for beside in against_dense(network) if beside.parameters]
    yield from (question for question in made if len(question.slips) >= LEAST_SLIPS)


def _given(network: Network) -> str:
    h, w, c = on_screen(network.input_shape)
    return f"A network takes in pictures of {h} x {w} x {c}:\n\n```\n{network.text}\n```\n\n"


def _data(network: Network, task: str, layer: str = "") -> dict[str, object]:
    return {"task": task, "network": network.text, "input": on_screen(network.input_shape), "layer": layer}


def _shape(network: Network, node: Node, row: Row, level: int) -> list[Question]:
    layer, inputs = node.layer, network.inputs_of(node)
    if not isinstance(layer, Sliding):
        return []
    shape = inputs[0]
    h, w, c = row.output_shape
    pads = layer.pads(shape)
    spare = [n + sum(pad) - f for n, f, pad in zip(shape[1:], layer.extent, pads, strict=True)]
    bare = [n - f for n, f in zip(shape[1:], layer.extent, strict=True)]
    stride = layer.stride

    def sized(*sizes: int) -> tuple[int, ...] | None:
        return (*sizes, c) if min(sizes) > 0 else None

    slips = [
        slip("+1 forgotten", sized(*(n // s for n, s in zip(spare, stride, strict=True)))),
        slip("rounded up", sized(*(-(-n // s) + 1 for n, s in zip(spare, stride, strict=True)))),
        slip("stride forgotten", sized(*(n + 1 for n in spare))),
        slip("padding forgotten", sized(*(n // s + 1 for n, s in zip(bare, stride, strict=True)))),
        slip("channels kept", (h, w, shape[0])),
        slip("channels multiplied", (h, w, c * shape[0])) if isinstance(layer, Conv) else None,
        slip("one channel left", (h, w, 1)) if not isinstance(layer, Conv) else None,
        slip("kernel not subtracted", sized(*(-(-n // s) for n, s in zip(shape[1:], stride, strict=True)))),
    ]
    before = " x ".join(str(n) for n in on_screen(shape))
    working = [
        f"Into {node.name} come {before}.",
        *(f"`{line}`" for line in row.formulas.shape.split(", ")),
        f"Channels: {c}",
    ]
    shown = ask(
        "volume",
        level,
        "shape",
        f"{_given(network)}How large is the output of {node.name}, as height x width x channels?",
        (h, w, c),
        working=working,
        conventions=[SIZES, WHOLE_WINDOWS],
        slips=slips,
        data=_data(network, "shape", node.name),
    )
    values = ask(
        "volume",
        level,
        "number",
        f"{_given(network)}How many values does {node.name} give for one picture?",
        row.values,
        working=[*working, f"`{h}*{w}*{c} = {row.values}`"],
        conventions=[WHOLE_WINDOWS],
        slips=[
            slip(one.name, prod(n for n in one.value if isinstance(n, int)))
            for one in slips
            if one is not None and isinstance(one.value, tuple)
        ]
        + [slip("height and width only", h * w)],
        data=_data(network, "values", node.name),
    )
    return [shown, values] if level > 1 else [shown]


def _parameters(network: Network, node: Node, row: Row, level: int) -> list[Question]:
    layer, shape = node.layer, network.inputs_of(node)[0]
    if not isinstance(layer, Conv | Dense) or not row.parameters:
        return []
    weight = layer.weight_shapes(*network.inputs_of(node))["weight"]
    weights, outputs = prod(weight), weight[0]
    bias = 1 if layer.bias else 0
    slips: list[Slip | None] = [
        slip("biases forgotten", weights) if bias else slip("biases counted", weights + outputs),
        slip("one bias for all", weights + 1) if bias else None,
    ]
    if isinstance(layer, Conv):
        window = prod(layer.kernel)
        slips += [
            slip("channels forgotten", (window + bias) * outputs),
            slip("filters forgotten", weights // outputs + bias),
            slip("weights not shared", row.parameters * prod(row.output_shape[:-1])),
            slip("groups forgotten", (window * shape[0] + bias) * outputs),
        ]
    else:
        slips += [
            slip("bias for every input", weights + prod(shape)),
            slip("values added", prod(shape) + outputs),
            slip("biases counted twice", weights + 2 * outputs),
        ]
    return [
        ask(
            "parameters",
            level,
            "number",
            f"{_given(network)}How many parameters does {node.name} learn?",
            row.parameters,
            working=[
                f"Into {node.name} come {' x '.join(str(n) for n in on_screen(shape))}.",
                f"`{row.formulas.parameters.replace(' x ', '*').replace(',', '')}`",
            ],
            conventions=["Biases count where the layer has them."],
            slips=slips,
            data=_data(network, "parameters", node.name),
        )
    ]


def _field(network: Network, node: Node, seen: dict[str, Field], level: int) -> list[Question]:
    layer = node.layer
    field, before = seen[node.name], seen[node.inputs[0]]
    if not isinstance(layer, Sliding) or not field.axes or not before.axes or before.size == (1, 1):
        return []
    size, f = field.size[0], layer.extent[0]
    jump = int(before.axes[0].jump)
    return [
        ask(
            "receptive-field",
            level,
            "number",
            f"{_given(network)}How many rows of the picture does one value of {node.name} see?",
            size,
            working=[
                *(
                    f"{name}: `{seen[name].formula.replace(' x ', '*')}`"
                    for name in _way(network, node, seen)
                ),
                f"{node.name}: `{field.formula.replace(' x ', '*')}`",
            ],
            conventions=["field = field before + (f - 1)*jump", PADDED],
            slips=[
                slip("strides forgotten", before.size[0] + f - 1) if jump > 1 else None,
                slip("last layer only", f),
                slip("kernels added", before.size[0] + f * jump),
                slip("jump too early", before.size[0] + (f - 1) * jump * layer.stride[0]),
                slip("area for side", size * size),
                slip("the pixel itself forgotten", size - 1),
            ],
            data=_data(network, "field", node.name),
        )
    ]


def _way(network: Network, node: Node, seen: dict[str, Field]) -> list[str]:
    """The layers before this one that widen the field, in order."""
    names = [each.name for each in network.nodes]
    return [
        each.name
        for each in network.nodes[: names.index(node.name)]
        if isinstance(each.layer, Sliding) and seen[each.name].axes
    ]


def _whole(network: Network, table: Sequence[Row], level: int) -> list[Question]:
    counted = [(node, row) for node, row in zip(network.nodes, table, strict=True) if row.parameters]
    total = network.parameter_count
    made = []
    if len(counted) > 1:
        biases = sum(
            row.output_shape[-1]
            for node, row in counted
            if isinstance(node.layer, Conv | Dense) and node.layer.bias
        )
        dense = sum(row.parameters for node, row in counted if isinstance(node.layer, Dense))
        made.append(
            ask(
                "parameters",
                level,
                "number",
                f"{_given(network)}How many parameters does the whole network learn?",
                total,
                working=[
                    *(
                        f"{row.name}: `{row.formulas.parameters.replace(' x ', '*').replace(',', '')}`"
                        for _, row in counted
                    ),
                    f"`{' + '.join(str(row.parameters) for _, row in counted)} = {total}`",
                ],
                conventions=["Biases count where layers have them."],
                slips=[
                    slip("biases forgotten", total - biases),
                    slip("input forgotten in the count", total - counted[0][1].parameters),
                    slip("last layer forgotten", total - counted[-1][1].parameters),
                    slip("dense layers forgotten", total - dense) if 0 < dense < total else None,
                ],
                data=_data(network, "total"),
            )
        )
    return made


def _dense(network: Network, beside: Against, level: int) -> Question:
    n, m = prod(beside.input_shape), prod(beside.output_shape)
    bias = beside.other_parameters - beside.other_mult_adds
    inner = f"({n} + 1)*{m}" if bias else f"{n}*{m}"
    return ask(
        "parameters",
        level,
        "number",
        f"{_given(network)}How many parameters would a dense layer have in the place of {beside.name}, "
        f"with the same input and "
        "as many outputs?",
        beside.other_parameters,
        working=[
            f"`{'*'.join(str(k) for k in beside.input_shape)} = {n}` values go in, "
            f"`{'*'.join(str(k) for k in beside.output_shape)} = {m}` come out.",
            f"`{inner} = {beside.other_parameters}`",
        ],
        conventions=["It has a bias for each output where the convolution has biases."],
        slips=[
            slip("biases forgotten", n * m) if bias else slip("biases counted", n * m + m),
            slip("weights shared", beside.parameters),
            slip("values added", n + m),
            slip("filters forgotten", (n + 1) * m // beside.output_shape[-1]),
        ],
        data=_data(network, "dense", beside.name),
    )
