"""`pellucid bench`: its document, its drawing, its table, and what it says about options that make no sense."""

import re
from pathlib import Path

import pytest

from pellucid.engines.native.steps import step_plan
from pellucid.native import native
from pellucid.network import Network
from support.cli import pellucid
from support.svg import SVG, Drawing

if native is None:
    pytest.skip("the compiled part was not built here", allow_module_level=True)

TEXT = "conv 4 3x3, relu, maxpool 2, conv 6 3x3, relu, flatten, dense 12, relu, dense 3"
QUICK = ("--network", TEXT, "--input", "16x16x2", "--rounds", "1", "--threads", "1")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    plot = tmp_path_factory.mktemp("bench") / "roofline.svg"
    ran = pellucid("bench", *QUICK, "--json", "--plot", plot)
    assert ran.code == 0, ran.err
    return ran, plot


def of(document, part):
    return [row for row in document["rows"] if row["part"] == part]


def test_every_row_has_its_figure_with_spread_and_count(ran):
    document = ran[0].json
    assert document["rounds"] == 1
    for row in document["rows"]:
        assert {"part", "name", "unit", "median", "lower", "upper", "n", "seconds", "threads"} <= set(row)
        assert row["lower"] <= row["median"] <= row["upper"]
        assert row["n"] == 1
        assert row["seconds"] >= 0
    assert {"processor", "cores", "threads", "instructions", "versions", "network"} <= set(document)
    assert {"Python", "pellucid", "numpy", "torch"} <= set(document["versions"])
    assert document["instructions"] in native.train_instructions()


def test_the_machine_has_its_peaks(ran):
    rows = {row["name"]: row for row in of(ran[0].json, "machine")}
    assert {name: row["unit"] for name, row in rows.items()} == {
        "multiply-add, one thread": "GFLOP/s",
        "multiply-add": "GFLOP/s",
        "matrix product (sgemm)": "GFLOP/s",
        "memory bandwidth": "GB/s",
        "cache bandwidth": "GB/s",
    }
    product = rows["matrix product (sgemm)"]
    assert product["library"]
    share = product["median"] / rows["multiply-add"]["median"]
    assert product["share_of_peak"] == pytest.approx(share, rel=1e-2)


def test_each_compiled_step_stands_under_the_roofline_twice(ran):
    machine = {row["name"]: row["median"] for row in of(ran[0].json, "machine")}
    peak, cache = machine["multiply-add"], machine["cache bandwidth"]
    layers = of(ran[0].json, "layers")
    plan = step_plan(Network.from_text(TEXT, (2, 16, 16))).steps
    assert [row["layers"] for row in layers[::2]] == [list(step.layers) for step in plan]
    assert [row["pass"] for row in layers] == ["forward", "back"] * len(plan)
    for row, step in zip(layers[::2], plan, strict=True):
        assert (row["what"], row["kernel"], row["flop"]) == (step.what, step.kernel, step.forward_flop)
        assert row["output_shape"] == [*step.output[1:], step.output[0]]
    for row in layers:
        possible = max(row["flop"] / peak, row["bytes"] / cache) / 1e9
        whole = 0.5 / row["bytes"]  # bytes are told as whole numbers: of the smallest layer they are forty
        assert row["share_of_ceiling"] == pytest.approx(possible / row["median"], rel=5e-3 + whole)
        assert row["flop_per_byte"] == pytest.approx(row["flop"] / row["bytes"], rel=5e-3 + whole)
        if row["flop"]:
            assert row["gflops"] == pytest.approx(row["flop"] / row["median"] / 1e9, rel=2e-3)
            assert row["share_of_peak"] == pytest.approx(row["gflops"] / peak, rel=2e-3)
            ceiling = min(peak, row["flop_per_byte"] * cache)
            assert row["ceiling_gflops"] == pytest.approx(ceiling, rel=1e-2)
        else:
            assert (row["gflops"], row["share_of_peak"], row["ceiling_gflops"]) == (None, None, None)


def test_the_parts_add_up_to_the_measured_step(ran):
    parts = of(ran[0].json, "layers") + of(ran[0].json, "rest")
    (whole,) = of(ran[0].json, "whole")
    assert [row["name"] for row in of(ran[0].json, "rest")] == [
        "loading pictures", "loss", "preparing weights", "optimiser, dense gradients", "waiting and clearing",
    ]  # fmt: skip
    assert min(row["median"] for row in parts) >= 0
    assert sum(row["median"] for row in parts) == pytest.approx(whole["median"], rel=2e-3)
    assert sum(row["share_of_time"] for row in parts) == pytest.approx(1, rel=2e-3)
    assert sum(row.get("flop", 0) for row in parts) == whole["flop"]


def test_the_document_is_as_described(ran):
    """docs/bench.md names every field, and no other."""
    page = (Path(__file__).parents[2] / "docs" / "bench.md").read_text(encoding="utf-8")
    described = {
        name
        for line in page.splitlines() if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }  # fmt: skip
    document = ran[0].json
    fields = set(document) | {name for row in document["rows"] for name in row}
    peer = {"torch", "pellucid_ratio"}  # where PyTorch is installed
    assert described | peer == fields | peer
    assert peer <= described


def test_training_is_compared_with_pytorch_in_a_process_of_its_own(ran):
    pytest.importorskip("torch", reason="PyTorch is not installed here: there is no peer")
    own, peer = of(ran[0].json, "training")
    assert (own["name"], peer["name"]) == ("pellucid, native engine", "PyTorch, eager, tuned")
    flop = of(ran[0].json, "whole")[0]["flop"]
    for row in (own, peer):
        assert row["unit"] == "pictures/s"
        assert row["precision"] == "f32"
        assert row["gflops"] == pytest.approx(row["median"] * flop / 1e9, rel=2e-3)
    assert peer["pellucid_ratio"] == pytest.approx(own["median"] / peer["median"], rel=2e-3)
    assert "PyTorch" in ran[0].err


def test_the_drawing_is_whole_and_its_words_stand_apart(ran):
    document = ran[0].json
    drawing = Drawing(ran[1].read_text(encoding="utf-8"))
    words = [text for text, _ in drawing.texts]
    points = [row for row in of(document, "layers") if row["gflops"]]
    for row in points:
        assert any(text.startswith(f"{row['layers'][0]} {row['pass']}  ") for text in words)
    circles = [each.attrib["class"] for each in drawing.root.iter(f"{SVG}circle")]
    assert sorted(circles) == sorted("layer" if row["pass"] == "forward" else "layer back" for row in points)
    labels = [box for text, box in drawing.texts if re.match(r"(conv|dense)\d (forward|back)  \d", text)]
    assert len(labels) == len(points)
    for number, a in enumerate(labels):
        assert a[0] >= 0 and a[2] <= drawing.size[0]
        for b in labels[:number]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_the_table_for_people():
    ran = pellucid("bench", *QUICK, "--no-peers")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert [line.split(" ")[0] for line in lines if not line.startswith(" ")] == [
        "machine",
        "step",
        "training",
    ]
    assert "PyTorch" not in ran.out
    for name in (
        "multiply-add",
        "matrix product (sgemm)",
        "memory bandwidth",
        "conv1 … relu1",
        "dense2",
        "loading pictures",
        "waiting and clearing",
        "a whole step",
    ):
        assert any(line.strip().startswith(name) for line in lines)
    assert "Winograd" not in ran.out
    assert re.search(r"pellucid, native engine +[\d,]+ \([\d,.]+ – [\d,.]+, n 1\)", ran.out)


def test_a_share_over_the_peak_is_explained_where_there_can_be_one():
    tiled = "conv 8 3x3, relu, conv 16 3x3 pad 1, relu, flatten, dense 3"
    ran = pellucid(
        "bench", "--network", tiled, "--input", "16x16x1", "--rounds", "1", "--threads", "1", "--no-peers"
    )
    assert ran.code == 0, ran.err
    assert "conv2: Winograd's tiles take fewer products than a convolution's definition" in ran.out


@pytest.mark.parametrize(
    ("options", "what", "remedy"),
    [
        (("--rounds", "0"), "Everything is measured once a round", "--rounds 3"),
        (("--rounds", "1001"), "Everything is measured once a round", "--rounds 3"),
        (("--threads", "0"), "Threads are counted from 1", "--threads 2"),
        (("--plot", "roof.png"), "the roofline is an SVG file", "--plot roof.svg"),
        (("--network", "lenet55"), "there is no network called 'lenet55'", "lenet5"),
        (("--network", "conv 4 3x3, dense 2"), "The input's size is needed", "--input 28x28x1"),
        (
            ("--network", "conv 4 3x3, lrn 3, flatten, dense 2", "--input", "8x8x1"),
            "The native engine can't train",
            "another",
        ),
        (("--network", "flatten", "--input", "2x2x1"), "The native engine can't train", "another --network"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_measured(options, what, remedy):
    ran = pellucid("bench", *options, "--json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.error["what"].startswith(what)
    assert remedy in ran.error["remedy"]


def test_a_wrong_kind_of_number_is_a_wrong_call():
    ran = pellucid("bench", "--rounds", "many")
    assert ran.code == 2
    assert "rounds" in ran.err
