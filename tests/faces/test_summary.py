"""`pellucid summary`, its texts as they stand on the screen."""

import re

import pytest

from pellucid.network import Network, zoo
from pellucid.network.sharing import sharing
from support.cli import pellucid, pellucid_process
from support.digits import NETWORK

POOL2 = "conv 8 5x5, relu, maxpool 2, conv 16 9x9 stride 2, maxpool 4"
# The table up to the break, the layer and its formula with the numbers, and two fixes.
POOL2_SAYS = """\
layer   output h x w x c   values   parameters   mult-adds   field h x w   written
conv1       24 x 24 x  8    4,608          208     115,200         5 x 5   conv 8 5x5
relu1       24 x 24 x  8    4,608            0           0         5 x 5   relu
pool1       12 x 12 x  8    1,152            0           0         6 x 6   maxpool 2
conv2        2 x  2 x 16       64       10,384      41,472       22 x 22   conv 16 9x9 stride 2
error     pool2 does not fit: window 4 is larger than its 2 x 2 input: floor((2 + 2*0 - 4)/4) + 1 = 0
where     pool2: maxpool 4
try       maxpool 2, or conv2 with stride 1 (gives 4 x 4)
"""


def test_a_network_that_does_not_fit():
    ran = pellucid("summary", POOL2, "--input", "28x28x1")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == POOL2_SAYS


@pytest.mark.parametrize("mended", [POOL2.replace("maxpool 4", "maxpool 2"), POOL2.replace(" stride 2", "")])
def test_the_fixes_that_it_names_work(mended):
    ran = pellucid("summary", mended, "--input", "28x28x1", "--json")
    assert ran.code == 0
    assert ran.json["rows"][-1]["name"] == "pool2"
    if "stride" not in mended:
        assert ran.json["rows"][-2]["output_shape"] == [4, 4, 16]


def test_a_network_that_does_not_fit_as_json():
    ran = pellucid("summary", POOL2, "--input", "28x28x1", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.error["error"] == "NetworkError"
    assert ran.error["what"].endswith("floor((2 + 2*0 - 4)/4) + 1 = 0")
    assert ran.error["where"] == "pool2: maxpool 4"


def test_json_rows():
    document = pellucid("summary", "digits", "--json").json
    assert document["parameters"] == 62_958
    assert document["input_shape"] == [32, 32, 3]
    for row in document["rows"]:
        assert {"name", "kind", "output_shape", "parameters", "mult_adds", "receptive_field"} <= set(row)
    assert document["rows"][0]["output_shape"] == [28, 28, 8]
    for total in ("parameters", "mult_adds"):
        assert document[total] == sum(row[total] for row in document["rows"])


def test_the_totals_on_the_screen_add_up():
    lines = pellucid("summary", "vgg16").out.splitlines()
    table = [re.split(r" {2,}", line.strip()) for line in lines]
    assert table[-2][0] == "total"
    total = [int(cell.replace(",", "")) for cell in table[-2][1:]]
    cells = [re.findall(r"[\d,]+", line[line.index("   ", 10) :]) for line in lines[2:-2]]
    assert cells, "a row for each layer"
    assert 138_357_544 in total
    rows = pellucid("summary", "vgg16", "--json").json["rows"]
    assert total[-2:] == [sum(r["parameters"] for r in rows), sum(r["mult_adds"] for r in rows)]


def test_a_model_file_and_its_network_give_the_same(trained):
    of_file = pellucid("summary", trained.model, "--json").json
    of_text = pellucid("summary", NETWORK + ", softmax", "--input", "8x8x1", "--json").json
    assert of_file == of_text


def test_the_text_that_it_prints_gives_the_same_network():
    first = pellucid("summary", "resnet18", "--classes", "7", "--json").json
    height, width, channels = first["input_shape"]
    again = pellucid("summary", first["network"], "--input", f"{height}x{width}x{channels}", "--json").json
    assert again == first
    assert first["rows"][-1]["output_shape"] == [7]


def test_against_dense():
    ran = pellucid("summary", "digits", "--against", "dense", "--json")
    row = ran.json["against"][0]
    assert (row["parameters"], row["other_parameters"]) == (608, 19_273_856)
    shown = pellucid("summary", "digits", "--against", "dense").out
    assert "608" in shown
    assert "19,273,856" in shown


def test_against_local():
    arguments = ("summary", "conv 1 5x5", "--input", "28x28x1", "--against", "local")
    row = pellucid(*arguments, "--json").json["against"][0]
    assert (row["parameters"], row["other_parameters"]) == (26, 14_976)
    shown = pellucid(*arguments).out
    assert "14,976" in shown
    assert re.search(r"\b26\b", shown)


def test_formulas_have_the_numbers_in():
    shown = pellucid("summary", "digits", "--formula").out
    assert "floor((32 + 2*0 - 5)/1) + 1 = 28" in shown
    assert "(5 x 5 x 3 + 1) x 8 = 608" in shown
    assert "120" in shown
    against = pellucid("summary", "digits", "--formula", "--against", "dense").out
    assert "19,273,856" in against.splitlines()[-2]


@pytest.mark.parametrize("size", ["28x28x1", "28X28x1", "28×28×1", "028x28x1", " 28x28x1 "])
def test_ways_to_write_a_size(size):
    assert pellucid("summary", "relu", "--input", size, "--json").json["input_shape"] == [28, 28, 1]


LAYERS = "conv 8 5, relu, maxpool 2, flatten, dense 10"


@pytest.mark.parametrize(
    ("size", "outputs", "fields", "title"),
    [
        ("128x3", [[124, 8], [124, 8], [62, 8], [496], [10]], [[5], [5], [6], [6], [128]], "output l x c"),
        (
            "32x30x3",
            [[28, 26, 8], [28, 26, 8], [14, 13, 8], [1456], [10]],
            [[5, 5], [5, 5], [6, 6], [6, 6], [32, 30]],
            "output h x w x c",
        ),
        (
            "16x32x30x1",
            [[12, 28, 26, 8], [12, 28, 26, 8], [6, 14, 13, 8], [8736], [10]],
            [[5, 5, 5], [5, 5, 5], [6, 6, 6], [6, 6, 6], [16, 32, 30]],
            "output d x h x w x c",
        ),
    ],
)
def test_the_figures_of_the_input_tell_its_rank(size, outputs, fields, title):
    document = pellucid("summary", LAYERS, "--input", size, "--json").json
    assert document["input_shape"] == [int(n) for n in size.split("x")]
    assert [row["output_shape"] for row in document["rows"]] == outputs
    assert [row["receptive_field"] for row in document["rows"]] == fields
    shown = pellucid("summary", LAYERS, "--input", size).out.splitlines()
    assert shown[0] == f"input {size.replace('x', ' x ')}"
    assert title in shown[1]
    # What it printed is typed again.
    again = pellucid("summary", document["network"], "--input", size, "--json").json
    assert again == document


def test_formulas_and_comparisons_of_a_signal():
    shown = pellucid("summary", "conv 8 5", "--input", "128x3", "--formula").out
    assert "floor((128 + 2*0 - 5)/1) + 1 = 124" in shown
    assert "(5 x 3 + 1) x 8 = 128" in shown
    dense = pellucid("summary", "conv 8 5", "--input", "128x3", "--against", "dense", "--formula").out
    assert dense.splitlines()[1].startswith("layer   input l x c   output l x c   parameters   as dense")
    assert dense.splitlines()[-1] == "conv1: 384 x 992 weights + 992 biases = 381,920"


@pytest.mark.parametrize(
    ("text", "size", "what", "received", "remedy"),
    [
        (
            "conv 8 5x5",
            "128x3",
            "kernel is given for 2 axes, but the input has 1 spatial axis: length",
            "kernel 5x5",
            "conv 8 5",
        ),
        (
            "conv 8 5x5, maxpool 2",
            "28x28",
            "kernel is given for 2 axes, but the input has 1 spatial axis: length",
            "kernel 5x5",
            "conv 8 5, or --input 28x28x1 for a picture with one channel",
        ),
        (
            "conv 8 3x3x3",
            "16x32x32",
            "kernel is given for 3 axes, but the input has 2 spatial axes: height, width",
            "kernel 3x3x3",
            "conv 8 3x3, or --input 16x32x32x1 for a volume with one channel",
        ),
        (
            "conv 8 5x5",
            "16x32x32x1",
            "kernel is given for 2 axes, but the input has 3 spatial axes: depth, height, width",
            "kernel 5x5",
            "conv 8 5x5x5",
        ),
    ],
)
def test_a_text_for_another_rank(text, size, what, received, remedy):
    ran = pellucid("summary", text, "--input", size, "--json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.error["what"] == f"conv1 does not fit: {what}"
    assert (ran.error["received"], ran.error["remedy"]) == (received, remedy)
    layer, _, other = remedy.partition(", or --input ")
    rest = text.partition(",")[1:]
    assert pellucid("summary", layer + "".join(rest), "--input", size).code == 0
    if other:
        assert pellucid("summary", text, "--input", other.split()[0]).code == 0


@pytest.mark.parametrize("size", ["128x3", "16x32x32x1"])
def test_the_zoo_is_for_pictures(size):
    ran = pellucid("summary", "lenet5", "--input", size, "--json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.error["what"] == "lenet5 is a network for pictures, with height and width"
    assert (ran.error["where"], ran.error["received"]) == ("--input", size)
    assert ran.error["remedy"] == "--input 32x32x1 (height x width x channels), or the text of a network"
    assert "did you mean lenet5?" in pellucid("summary", "lenet", "--input", size, "--json").error["what"]


def test_help_says_how_the_input_is_read():
    shown = " ".join(pellucid_process("summary", "--help", COLUMNS="300").out.split())
    for example in ("28x28x1 a picture", "128x3 a signal", "16x32x32x1 a volume"):
        assert example in shown


@pytest.mark.parametrize(
    "size", ["28", "0x28x1", "28x28x0", "-1x5x1", "nan", "28x28x1x1x1", "1e3x4", "x28x1"]
)
def test_sizes_that_are_none(size):
    ran = pellucid("summary", "relu", "--input", size, "--json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.error["where"] == "--input"
    assert ran.error["remedy"] == "--input 28x28x1, --input 128x3, or --input 16x32x32x1"


def test_the_width_of_the_terminal_is_kept():
    """A wide table is folded or cut by nobody when it is piped."""
    plain = pellucid_process("summary", "resnet18", COLUMNS="40")
    assert plain.out == pellucid("summary", "resnet18").out


def test_a_text_without_a_size_asks_for_it():
    ran = pellucid("summary", "conv 8 5x5, relu", "--json")
    assert ran.code == 1
    assert "--input 28x28x1" in ran.error["remedy"]


def test_a_size_or_classes_where_they_can_mean_nothing(trained):
    """What is given and not used would mislead."""
    for extra in (["--input", "32x32x3"], ["--classes", "3"]):
        ran = pellucid("summary", trained.model, *extra, "--json")
        assert ran.code != 0, extra
    ran = pellucid("summary", "flatten, dense 10", "--input", "8x8x1", "--classes", "3", "--json")
    assert ran.code != 0


@pytest.mark.parametrize(
    ("text", "near"),
    [("lenet", "lenet5"), ("resnet81", "resnet18"), ("conv 8 5x5, maxpol 2", "maxpool"), ("VGG16", "vgg16")],
)
def test_misspelt_names_find_the_nearest(text, near):
    ran = pellucid("summary", text, "--input", "64x64x3", "--json")
    assert ran.code == 1
    said = ran.error["what"] + ran.error.get("remedy", "").split(";")[0]
    assert near in said


def test_a_missing_file_is_no_network():
    ran = pellucid("summary", "runs/nowhere/model.onnx", "--json")
    assert ran.code == 1
    assert ran.error["error"] == "ModelError"


def test_a_diagram_beside_the_table(tmp_path):
    plain = pellucid("summary", "resnet18", "--classes", "7")
    ran = pellucid("summary", "resnet18", "--classes", "7", "--diagram", "net.svg", "--fold", cwd=tmp_path)
    assert (ran.code, ran.out, ran.err) == (0, plain.out, "diagram   net.svg\n")
    network = Network.from_text(
        pellucid("summary", "resnet18", "--classes", "7", "--json").json["network"], (3, 224, 224)
    )
    assert (tmp_path / "net.svg").read_text() == network.diagram("resnet18", fold=True)
    ran = pellucid("summary", "lenet5", "--diagram", "down.svg", "--down", "--json", cwd=tmp_path)
    assert ran.json["diagram"] == "down.svg"
    assert (tmp_path / "down.svg").read_text() == zoo.build("lenet5").diagram("lenet5", down=True)


def test_a_model_file_s_diagram(trained, tmp_path):
    ran = pellucid("summary", trained.model, "--diagram", tmp_path / "net.svg")
    assert ran.code == 0
    assert "data-layers" in (tmp_path / "net.svg").read_text()


def test_connections_beside_the_counts(tmp_path):
    ran = pellucid(
        "summary",
        "conv 8 5x5",
        "--input",
        "32x32x3",
        "--against",
        "dense",
        "--drawing",
        "c.svg",
        cwd=tmp_path,
    )
    assert ran.err == "drawing   c.svg\n"
    assert "19,273,856" in ran.out
    svg = (tmp_path / "c.svg").read_text()
    assert svg == sharing(Network.from_text("conv 8 5x5", (3, 32, 32)))
    assert "19,273,856 parameters as a dense layer" in svg


@pytest.mark.parametrize(
    ("options", "where", "remedy"),
    [
        (["--diagram", "net.png"], "--diagram", "--diagram net.svg"),
        (["--diagram", ""], "--diagram", "--diagram network.svg"),
        (["--fold"], "--fold", "--fold --diagram network.svg"),
        (["--down"], "--down", "--down --diagram network.svg"),
        (["--drawing", "c.svg"], "--drawing", "--against dense --drawing connections.svg"),
        (["--diagram", "nowhere/net.svg"], "nowhere/net.svg", "make the folder first"),
    ],
)
def test_drawings_that_cannot_be(options, where, remedy, tmp_path):
    ran = pellucid("summary", "lenet5", *options, "--json", cwd=tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert (ran.error["where"], ran.error["remedy"]) == (where, remedy)
    assert list(tmp_path.iterdir()) == []


def test_no_drawing_without_a_convolution(tmp_path):
    ran = pellucid("summary", "mlp", "--against", "dense", "--drawing", "c.svg", "--json", cwd=tmp_path)
    assert ran.error["what"] == "the network has no convolution to be drawn"
