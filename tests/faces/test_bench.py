"""`pellucid bench`: its document, its drawing, its table, and what it says about options that make no sense."""

import re

import pytest

from pellucid.native import native
from support.cli import pellucid
from support.svg import Drawing

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


def test_each_layer_stands_under_the_roofline(ran):
    machine = {row["name"]: row["median"] for row in of(ran[0].json, "machine")}
    first, *layers = of(ran[0].json, "layers")
    assert first["name"] == "input and head"
    assert [row["name"].split(" ")[0] for row in layers] == ["conv1", "conv2", "dense1", "dense2"]
    for row in layers:
        assert row["flop_per_byte"] == pytest.approx(row["flop"] / row["bytes"], rel=0.01)
        ceiling = min(machine["multiply-add"], row["flop_per_byte"] * machine["cache bandwidth"])
        assert row["ceiling_gflops"] == pytest.approx(ceiling, rel=2e-3)
        if row["median"] > 0:
            assert row["gflops"] == pytest.approx(row["flop"] / row["median"] / 1e9, rel=2e-3)
            assert row["share_of_ceiling"] == pytest.approx(row["gflops"] / row["ceiling_gflops"], rel=2e-3)
        else:
            assert row["gflops"] is None


def test_training_is_compared_with_pytorch_in_a_process_of_its_own(ran):
    pytest.importorskip("torch", reason="PyTorch is not installed here: there is no peer")
    own, peer = of(ran[0].json, "training")
    assert (own["name"], peer["name"]) == ("pellucid, native engine", "PyTorch, eager, tuned")
    flop = sum(row["flop"] for row in of(ran[0].json, "layers")[1:])
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
    for row in of(document, "layers"):
        if row.get("gflops"):
            assert any(text.startswith(row["name"] + "  ") for text in words)
    labels = [box for text, box in drawing.texts if re.match(r"(conv|dense)\d.*  \d", text)]
    assert labels
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
        "layers",
        "training",
    ]
    assert "PyTorch" not in ran.out
    for name in (
        "multiply-add",
        "matrix product (sgemm)",
        "memory bandwidth",
        "input and head",
        "conv2 … flatten1",
    ):
        assert any(line.strip().startswith(name) for line in lines)
    assert re.search(r"pellucid, native engine +[\d,]+ \([\d,.]+ – [\d,.]+, n 1\)", ran.out)


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
