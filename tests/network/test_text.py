"""The text form: any layers -> text -> the same layers; and what it answers to a text that makes no sense."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pellucid.errors import NetworkError
from pellucid.network import Network, Node
from pellucid.network.fitting import Fit, fit
from pellucid.network.layers import LAYERS, Add, Concat, Conv, LocalResponseNorm, MaxPool, Pad
from pellucid.network.layers.base import Form
from pellucid.network.text import layer_text, parse, usage, write

CONV = (
    "conv CHANNELS KERNEL [stride STRIDE] [pad PADDING] [dilation DILATION] [groups GROUPS] [nobias] [frozen]"
)

FITTING = tuple(word for word in LAYERS if word not in ("dense", "flatten"))

counts = st.integers(1, 40)
sizes = st.lists(counts, min_size=1, max_size=3).map(tuple)
ranks = st.sampled_from([1, 2, 3])
pads = st.integers(0, 5)
paddings = st.one_of(
    st.just("same"),
    st.just("valid"),
    st.lists(st.tuples(pads, pads), min_size=1, max_size=3).map(tuple),
)
values = {
    Form.COUNT: counts,
    Form.SIZE: sizes,
    Form.PADDING: paddings,
    Form.FLAG: st.booleans(),
    Form.NUMBER: st.floats(1e-12, 0.99),
}


@st.composite
def layers(draw, kinds=tuple(LAYERS)):
    """Any layer with any hyperparameters that its own checks let through."""
    kind = LAYERS[draw(st.sampled_from(kinds))]
    given = {
        argument.field: draw(st.sampled_from(argument.choices) if argument.choices else values[argument.form])
        for argument in kind.arguments
    }
    if kind is LocalResponseNorm:
        given["size"] |= 1  # odd
    if kind is Pad and given["padding"] == "same":
        given["padding"] = ((1, 2),)
    return kind(**given)


@st.composite
def lists_of_nodes(draw):
    """Layers with their automatic names or names of their own, taking in the last one or any earlier one."""
    nodes, counts = [], {}
    for index in range(draw(st.integers(1, 8))):
        layer = draw(layers())
        counts[layer.prefix] = counts.get(layer.prefix, 0) + 1
        own = st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True).map(lambda text, i=index: f"{text}_n{i}")
        name = draw(st.one_of(st.just(f"{layer.prefix}{counts[layer.prefix]}"), own))
        known = ["input", *(node.name for node in nodes)]
        first = draw(st.one_of(st.just(known[-1]), st.sampled_from(known)))
        further = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3)) if layer.joins else []
        nodes.append(Node(name, layer, (first, *further)))
    assume(len({node.name for node in nodes}) == len(nodes))
    return tuple(nodes)


def fits_rank(layer, rank):
    try:
        layer.for_rank(rank)
    except NetworkError:
        return False
    return True


@given(lists_of_nodes())
def test_layers_to_text_to_layers(nodes):
    text = write(nodes)
    again = parse(text)
    assert [(node.name, node.inputs) for node in again] == [(node.name, node.inputs) for node in nodes]
    for rank in (1, 2, 3):  # with each size written out, as a built network has them
        for one, other in zip(nodes, again, strict=True):
            if fits_rank(one.layer, rank):
                assert other.layer.for_rank(rank) == one.layer.for_rank(rank)
    assert write(again) == text


@given(layers(), ranks)
def test_a_layer_with_full_sizes_reads_back_as_itself(layer, rank):
    assume(fits_rank(layer, rank))
    layer = layer.for_rank(rank)
    (node,) = parse(layer_text(layer) + (" input" if layer.joins else ""))
    assert node.layer.for_rank(rank) == layer


@given(ranks, st.lists(layers(kinds=FITTING), min_size=1, max_size=5), st.data())
def test_text_to_network_to_text_is_a_fixed_point(rank, chosen, data):
    """Of networks that fit, so what doesn't is left out; sizes may be written once or for each axis."""
    shape = (data.draw(st.sampled_from([1, 2, 6])), *data.draw(st.tuples(*[st.integers(1, 60)] * rank)))
    nodes = ()
    for layer in chosen:
        further = (nodes[-1].name if nodes else "input",) * (2 if layer.joins else 1)
        more = (*nodes, Node(f"n{len(nodes)}", layer, further))
        if isinstance(fit(shape, more), Fit):
            nodes = more
    assume(nodes)
    network = Network(shape, nodes)
    again = Network.from_text(network.text, shape)
    assert again == network
    assert again.text == network.text


@given(lists_of_nodes(), st.sampled_from([" ", "  ", "\t", "\n  "]), st.booleans())
def test_whitespace_and_case_do_not_matter(nodes, space, upper):
    text = write(nodes)
    other = f"{space}{text.replace(' ', space)}{space}".replace(",", f"{space},{space}")
    assert parse(other.upper() if upper else other) == parse(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("conv 8 5", "conv 8 5x5"),
        ("Conv 8 5×5 STRIDE 1 pad 0", "conv 8 5x5"),
        ("conv 8 3x3 pad valid dilation 1 groups 1", "conv 8 3x3"),
        ("conv 8 3x3 nobias pad same stride 2x2", "conv 8 3x3 stride 2 pad same nobias"),
        ("conv 8 3x3 pad 1:1x1", "conv 8 3x3 pad 1"),
        ("conv 8 3x3 pad 0:1", "conv 8 3x3 pad 0:1"),
        ("conv 8 3x5 pad 1x2", "conv 8 3x5 pad 1x2"),
        ("maxpool 2x2 stride 2", "maxpool 2"),
        ("maxpool 3 stride 2 pad 1", "maxpool 3 stride 2 pad 1"),
        ("avgpool 2 countpad", "avgpool 2 countpad"),
        ("adaptiveavgpool 6x6", "adaptiveavgpool 6"),
        ("leakyrelu slope 0.01", "leakyrelu"),
        ("dropout 0.50", "dropout"),
        ("lrn 5 k 2", "lrn 5 k 2"),
        ("relu1: relu from input", "relu"),
        ("a: relu, relu from input, add a", "a: relu, relu from input, add a"),
        ("flatten, dense 10 nobias", "flatten, dense 10 nobias"),
    ],
)
def test_the_canonical_text(text, canonical):
    assert Network.from_text(text, (4, 28, 28)).text == canonical


@pytest.mark.parametrize(
    ("text", "shape", "canonical"),
    [
        ("conv 8 5", (3, 128), "conv 8 5"),
        ("conv 8 5 stride 1 pad 2:2 dilation 1", (3, 128), "conv 8 5 pad 2"),
        ("conv 8 5 pad 0:1, maxpool 2 stride 2", (3, 128), "conv 8 5 pad 0:1, maxpool 2"),
        ("adaptiveavgpool 6, conv 3 3 pad same", (3, 128), "adaptiveavgpool 6, conv 3 3 pad same"),
        ("conv 8 5", (1, 16, 32, 32), "conv 8 5x5x5"),
        ("conv 8 3x5x5 pad 1x2x2", (1, 16, 32, 32), "conv 8 3x5x5 pad 1x2x2"),
        ("conv 8 3 pad 1x1:1x1 stride 2x2x2", (1, 16, 32, 32), "conv 8 3x3x3 stride 2 pad 1"),
        ("maxpool 2x2x2, maxpool 1x2x2", (1, 16, 32, 32), "maxpool 2, maxpool 1x2x2"),
        ("avgpool 1x2x2 stride 1x2x2 pad 0x1x1", (1, 16, 32, 32), "avgpool 1x2x2 pad 0x1x1"),
    ],
)
def test_the_canonical_text_of_signals_and_volumes(text, shape, canonical):
    assert Network.from_text(text, shape).text == canonical


@pytest.mark.parametrize("kind", LAYERS.values(), ids=LAYERS)
def test_the_usage_is_itself_a_text_once_values_stand_for_the_capitals(kind):
    line = usage(kind).replace("[nobias]", "nobias").replace("[countpad]", "countpad")
    line = line.replace("zero|reflect|replicate", "reflect")
    line = re.sub(r"\b[A-Z]+\b", "input" if kind.joins else "1", line.replace("RATE", "0"))
    (node,) = parse(line.replace("[", "").replace("]", ""))
    assert type(node.layer) is kind


def test_names_count_each_kind_and_inputs_follow():
    nodes = parse(
        "stem: conv 8 3x3, conv 8 3x3, maxpool 2, globalavgpool, relu6, batchnorm, add stem, concat input"
    )
    assert [node.name for node in nodes] == [
        "stem", "conv2", "pool1", "pool2", "relu6_1", "norm1", "add1", "concat1"
    ]  # fmt: skip
    assert nodes[0] == Node("stem", Conv(8, (3, 3)), ("input",))
    assert nodes[6:] == (Node("add1", Add(), ("norm1", "stem")), Node("concat1", Concat(), ("add1", "input")))


@pytest.mark.parametrize(
    ("text", "what", "where", "received", "remedy"),
    [
        ("", "a network needs at least one layer", "", "''", "conv 8 3x3, relu, …"),
        (" ,, ", "a network needs at least one layer", "", "' ,, '", "conv 8 3x3, relu, …"),
        (
            "relu, , relu",
            "there is nothing between two commas",
            "layer 2 of 3: ''",
            "",
            "leave out one comma",
        ),
        (
            "relu, 9-a: relu",
            "'9-a' can't name this layer",
            "layer 2 of 2: '9-a: relu'",
            "",
            "one name of small letters, digits and _, as in 'stem: conv 8 3x3'",
        ),
        ("conv", "conv: channels and kernel missing", "layer 1 of 1: 'conv'", "", CONV),
        ("conv 8", "conv: kernel missing", "layer 1 of 1: 'conv 8'", "", CONV),
        (
            "conv 8.5 3x3",
            "conv: channels must be a whole number from 1 to 1,000,000",
            "layer 1 of 1: 'conv 8.5 3x3'",
            "'8.5'",
            CONV,
        ),
        (
            "conv 0 3x3",
            "conv: channels must be a whole number from 1 to 1,000,000",
            "layer 1 of 1: 'conv 0 3x3'",
            "0",
            CONV,
        ),
        (
            "dense 1000001",
            "dense: units must be a whole number from 1 to 1,000,000",
            "layer 1 of 1: 'dense 1000001'",
            "1000001",
            "dense UNITS [nobias] [frozen]",
        ),
        (
            "conv 8 3y3",
            "conv: kernel must be a size like 5, 5x5 or 5x5x5, from 1 to 1,000,000",
            "layer 1 of 1: 'conv 8 3y3'",
            "'3y3'",
            CONV,
        ),
        (
            "conv 8 3x0",
            "conv: kernel must be a size like 5, 5x5 or 5x5x5, from 1 to 1,000,000",
            "layer 1 of 1: 'conv 8 3x0'",
            "(3, 0)",
            CONV,
        ),
        (
            "conv 8 3x3 strid 2",
            "conv has no 'strid'; did you mean stride?",
            "layer 1 of 1: 'conv 8 3x3 strid 2'",
            "",
            CONV,
        ),
        ("conv 8 3x3 9", "conv has no '9'", "layer 1 of 1: 'conv 8 3x3 9'", "", CONV),
        ("conv 8 3x3 pad", "conv: nothing stands after pad", "layer 1 of 1: 'conv 8 3x3 pad'", "", CONV),
        (
            "relu, conv 8 3x3 stride 2 stride 2",
            "conv: stride is given twice",
            "layer 2 of 2: 'conv 8 3x3 stride 2 stride 2'",
            "",
            CONV,
        ),
        (
            "conv 8 3x3 pad -1",
            "conv: pad must be a padding like 2, 2x3, 0:1x0:1, same or valid",
            "layer 1 of 1: 'conv 8 3x3 pad -1'",
            "'-1'",
            CONV,
        ),
        ("softmax from", "softmax: nothing stands after from", "layer 1 of 1: 'softmax from'", "", "softmax"),
        ("relu 3", "relu has no '3'", "layer 1 of 1: 'relu 3'", "", "relu"),
        (
            "dropout 1",
            "dropout: rate must be from 0 to below 1",
            "layer 1 of 1: 'dropout 1'",
            "1.0",
            "dropout [RATE]",
        ),
        (
            "leakyrelu slope inf",
            "leakyrelu: slope must be a finite number",
            "layer 1 of 1: 'leakyrelu slope inf'",
            "inf",
            "leakyrelu [slope SLOPE]",
        ),
        (
            "batchnorm epsilon 0",
            "batchnorm: epsilon must be above 0",
            "layer 1 of 1: 'batchnorm epsilon 0'",
            "0.0",
            "batchnorm [epsilon EPSILON]",
        ),
        (
            ",".join(["relu"] * 10_001),
            "a network has at most 10,000 layers",
            "",
            "10,001",
            "fewer layers",
        ),
        (
            "x" * 200_001,
            "a network's text has at most 200,000 characters",
            "",
            "200,001 characters",
            "a shorter text",
        ),
    ],
)
def test_what_it_says_to_a_text_that_makes_no_sense(text, what, where, received, remedy):
    with pytest.raises(NetworkError) as caught:
        parse(text)
    error = caught.value
    assert (error.what, error.where, error.received, error.remedy) == (what, where, received, remedy)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("covn 8 3x3", "conv"), ("max_pool 2", "maxpool"), ("droppout", "dropout"), ("soft-max", "softmax")],
)
def test_a_misspelt_layer_is_guessed(typed, meant):
    with pytest.raises(NetworkError) as caught:
        parse(f"relu, {typed}")
    error = caught.value
    assert error.what == f"there is no layer called {typed.split()[0]!r}"
    assert error.where == f"layer 2 of 2: {typed!r}"
    assert error.remedy == f"{meant}, as in '{usage(LAYERS[meant])}'; the layers are {', '.join(LAYERS)}"


def test_a_layer_like_no_other_gets_the_whole_list():
    with pytest.raises(NetworkError) as caught:
        parse("banana 3")
    assert caught.value.remedy == f"the layers are {', '.join(LAYERS)}"


@given(st.text(max_size=60) | st.text("conv maxpool dense 0123456789x:,.-+e_", max_size=60))
def test_any_text_gives_layers_or_a_network_error(text):
    try:
        nodes = parse(text)
    except NetworkError as error:
        assert error.what
        return
    assert write(parse(write(nodes))) == write(nodes)


def test_a_stride_that_is_the_window_is_not_written():
    assert layer_text(MaxPool(2, 2).for_rank(2)) == "maxpool 2"
    assert layer_text(MaxPool((2, 3)).for_rank(2)) == "maxpool 2x3"
    assert layer_text(MaxPool((2, 3), 2).for_rank(2)) == "maxpool 2x3 stride 2"
