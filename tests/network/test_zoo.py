"""The classic networks: published counts, the course's tables row by row, other sizes, what is refused."""

import json
from pathlib import Path

import pytest

from pellucid.errors import NetworkError
from pellucid.network import Network, zoo
from pellucid.network.layers import Conv, Dense
from pellucid.network.table import rows, totals

EXAMPLES = json.loads((Path(__file__).parents[1] / "data" / "worked_examples.json").read_text())


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("digits", 62_958),
        ("lenet5", 61_706),
        ("bench-lenet", 62_558),
        ("mlp", 266_610),
        ("alexnet", 61_100_840),
        ("vgg11", 132_863_336),
        ("vgg16", 138_357_544),
        ("vgg19", 143_667_240),
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("efficientnet-lite0", 4_652_008),
    ],
)
def test_published_parameter_counts(name, parameters):
    network = zoo.build(name)
    assert network.parameter_count == totals(rows(network)).parameters == parameters


def test_digits_is_the_course_row_by_row():
    network = zoo.build("digits")
    example = EXAMPLES["digits_network"]
    assert network.input_shape == (3, 32, 32)
    # The course has no row for ReLU, flatten and softmax: none of them changes a count or a learned number.
    counted = [row for row in rows(network) if row.kind in ("conv", "maxpool", "dense")]
    assert [[list(row.output_shape), row.values, row.parameters] for row in counted] == [
        row[1:] for row in example["rows"]
    ]
    assert sum(row.parameters for row in counted) == network.parameter_count == example["total"]


def test_simple_is_the_course_layer_by_layer():
    network = zoo.build("simple")
    example = EXAMPLES["simple_convnet"]
    assert [network.input_shape[1], network.input_shape[2], network.input_shape[0]] == example["input"]
    convolutions = [row for row in rows(network) if row.kind == "conv"]
    assert [list(row.output_shape) for row in convolutions] == example["activations"]


def test_handwritten_is_what_was_asked_for():
    kinds = [row.kind for row in rows(zoo.build("handwritten")) if row.kind not in ("relu", "flatten")]
    assert kinds == ["conv", "maxpool", "conv", "maxpool", "dense", "dropout", "dense", "softmax"]
    network = zoo.build("handwritten")
    assert [node.layer.kernel for node in network.nodes if isinstance(node.layer, Conv)] == [(5, 5), (5, 5)]
    assert network.output_shape == (10,)


def test_bench_lenet_is_the_benchmarks_text():
    assert zoo.build("bench-lenet").text == (
        "conv 8 5x5 pad 2, maxpool 2, relu, conv 16 5x5, maxpool 2, relu, "
        "flatten, dense 120, relu, dense 84, relu, dense 10, softmax"
    )
    assert 2 * zoo.build("bench-lenet").mult_adds == pytest.approx(1.07e6, rel=0.002)  # FLOP forward


# The locally connected one is in test_table, with the comparison that it belongs to.
COUNTS = [example for example in EXAMPLES["parameter_counts"] if "locally connected" not in example["what"]]


@pytest.mark.parametrize("example", COUNTS, ids=lambda example: example["what"])
def test_parameter_counts_of_the_course(example):
    what = example["what"]
    networks = {
        "conv 3x3, 3 -> 16 channels": ("conv 16 3x3", (3, 28, 28)),
        "conv 5x5, 1 -> 1 channel": ("conv 1 5x5", (1, 28, 28)),
        "conv 5x5, 3 -> 8 on 32x32x3": ("conv 8 5x5", (3, 32, 32)),
        "dense 786432 -> 1000 (a 512x512x3 picture)": ("flatten, dense 1000", (3, 512, 512)),
        "dense 3072 -> 6272, the same input and output": ("flatten, dense 6272", (3, 32, 32)),
    }
    network = Network.from_text(*networks[what])
    if "count" in example:
        assert network.parameter_count == example["count"]
    if "weights" in example:
        weight, bias = network.parameter_shapes.values()
        assert (weight[0] * weight[1], *bias) == (example["weights"], example["biases"])


def test_the_exercise_of_the_course():
    example = EXAMPLES["exercise"]
    network = Network.from_text("conv 1 3x3, relu, maxpool 2 stride 1, flatten, dense 32", (3, 6, 6))
    counts = {row.kind: row.parameters for row in rows(network)}
    wanted = example["c"]
    assert counts == {
        "conv": wanted["conv"],
        "relu": wanted["relu"],
        "maxpool": wanted["pool"],
        "flatten": 0,
        "dense": wanted["dense_9_to_32"],
    }
    assert network.parameter_count == wanted["total"]
    last = example["d"]
    same = Network.from_text("conv 8 7x7 pad same", (3, 256, 256))
    assert isinstance(same.nodes[0].layer, Conv)
    assert same.nodes[0].layer.pads((3, 256, 256)) == ((last["same_padding"],) * 2,) * 2
    assert same.parameter_count == last["parameters"]


@pytest.mark.parametrize("name", zoo.names())
def test_every_network_takes_other_sizes_channels_and_classes(name):
    network = zoo.build(name, height=96, width=100, channels=1, classes=7)
    assert network.input_shape == (1, 96, 100)
    assert network.output_shape == (7,)
    assert network.text.endswith("dense 7, softmax")
    assert zoo.build(name, 96).input_shape[1:] == (96, 96)
    entry = zoo.ZOO[name]
    assert zoo.build(name).input_shape == (entry.channels, entry.height, entry.width)
    assert zoo.build(name).output_shape == (entry.classes,)
    assert zoo.build(name, width=100).input_shape[1:] == (entry.height, 100)
    assert entry.about


@pytest.mark.parametrize("name", zoo.names())
def test_every_text_is_canonical_but_for_its_automatic_words(name):
    network = zoo.build(name)
    again = Network.from_text(network.text, network.input_shape)
    assert again == network
    assert again.text == network.text


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "resnet50"])
def test_the_last_dense_layer_alone_follows_the_class_count(name):
    def sizes(classes):
        nodes = zoo.build(name, classes=classes).nodes
        return [node.layer.units for node in nodes if isinstance(node.layer, Dense)]

    assert sizes(10)[:-1] == sizes(1000)[:-1]
    assert sizes(10)[-1] == 10


@pytest.mark.parametrize(
    ("name", "size", "what", "remedy"),
    [
        (
            "digits",
            8,
            "conv2 does not fit: kernel 5 is larger than its 2 x 2 input: floor((2 + 2*0 - 5)/1) + 1 = -2",
            "a larger input: 16x16x3 fits",
        ),
        (
            "vgg16",
            28,
            "pool5 does not fit: window 2 is larger than its 1 x 1 input: floor((1 + 2*0 - 2)/2) + 1 = 0",
            "a larger input: 32x32x3 fits",
        ),
        (
            "alexnet",
            32,
            "pool3 does not fit: window 3 is larger than its 1 x 1 input: floor((1 + 2*0 - 3)/2) + 1 = 0",
            "a larger input: 63x63x3 fits",
        ),
    ],
)
def test_a_picture_that_is_too_small(name, size, what, remedy):
    with pytest.raises(NetworkError) as caught:
        zoo.build(name, size)
    assert (caught.value.what, caught.value.remedy) == (what, remedy)
    side = int(remedy.split()[3].split("x")[0])
    zoo.build(name, side)
    with pytest.raises(NetworkError):
        zoo.build(name, side - 1)


def test_resnets_efficientnet_and_mlp_take_a_single_pixel():
    for name in ("resnet18", "resnet34", "resnet50", "efficientnet-lite0", "mlp"):
        assert zoo.build(name, 1).output_shape == (zoo.ZOO[name].classes,)


def test_an_unknown_name():
    with pytest.raises(NetworkError) as caught:
        zoo.build("lenet")
    assert caught.value.what == "there is no network called 'lenet'; did you mean lenet5?"
    assert caught.value.remedy == f"one of {', '.join(zoo.names())}"


@pytest.mark.parametrize("name", zoo.names())
@pytest.mark.parametrize(
    ("field", "value"), [("height", 0), ("width", -3), ("channels", 1.5), ("classes", True)]
)
def test_sizes_that_can_not_be(name, field, value):
    with pytest.raises(NetworkError) as caught:
        zoo.build(name, **{field: value})
    assert caught.value.what == f"{name}: {field} must be a whole number from 1"
    assert caught.value.received == repr(value)


def test_a_picture_beyond_all_sizes():
    with pytest.raises(NetworkError, match=r"each from 1 to 65,536"):
        zoo.build("resnet18", 10**6)
