"""The summary: its columns add up, its tables look as they should, and it never needs a weight.

The tables in tests/golden are written anew by `python tests/network/test_table.py`: read them before keeping.
"""

import json
import tracemalloc
from math import prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import NetworkError
from pellucid.network import Network, zoo
from pellucid.network.table import (
    AGAINST_COLUMNS,
    COLUMNS,
    against_columns,
    against_dense,
    against_local,
    bytes_text,
    columns,
    memory,
    plain,
    plain_against,
    rows,
    totals,
)

GOLDEN = Path(__file__).parents[1] / "golden"
SIGNAL = Network.from_text(
    "conv 16 5 pad 2, relu, maxpool 2, conv 32 3 stride 2 groups 4, batchnorm, relu, globalavgpool, flatten, dense 10",
    (3, 128),
)
VOLUME = Network.from_text(
    "conv 8 3x5x5 pad 1x2x2, relu, maxpool 2, conv 16 3x3x3, relu, avgpool 1x2x2, flatten, dense 10, softmax",
    (1, 16, 32, 32),
)
FACES = "conv 8 5x5, relu, maxpool 2, conv 16 9x9 stride 2"


def summary(network):
    table = rows(network)
    return plain(table, totals(table)) + "\n"


def golden():
    """Every golden table by its file's name."""
    digits, resnet = zoo.build("digits"), zoo.build("resnet18")
    return {
        "summary_faces.txt": summary(Network.from_text(FACES, (1, 28, 28))),
        "summary_digits.txt": summary(digits),
        "summary_lenet5.txt": summary(zoo.build("lenet5")),
        "summary_resnet18.txt": summary(resnet),
        "summary_vgg16.txt": summary(zoo.build("vgg16")),
        "summary_signal.txt": summary(SIGNAL),
        "summary_volume.txt": summary(VOLUME),
        "against_dense_signal.txt": plain_against(against_dense(SIGNAL)) + "\n",
        "against_local_volume.txt": plain_against(against_local(VOLUME)) + "\n",
        "against_dense_digits.txt": plain_against(against_dense(digits)) + "\n",
        "against_local_digits.txt": plain_against(against_local(digits)) + "\n",
    }


@pytest.mark.parametrize("name", golden())
def test_the_golden_tables(name):
    assert golden()[name] == (GOLDEN / name).read_text(encoding="utf-8")


def numbers(cells):
    return [int(cell.replace(",", "")) for cell in cells]


def network_called(name):
    return {"signal": SIGNAL, "volume": VOLUME}.get(name) or zoo.build(name)


EVERY_NETWORK = pytest.mark.parametrize("name", [*zoo.names(), "signal", "volume"])


@EVERY_NETWORK
def test_columns_add_up_as_printed(name):
    network = network_called(name)
    table = rows(network)
    cells = columns(table, totals(table))
    assert all(len(line) == len(COLUMNS) for line in cells)
    for column in (2, 3, 4):  # values, parameters, mult-adds
        *layers, total = numbers([line[column] for line in cells])
        assert sum(layers) == total
    assert numbers([cells[-1][3]]) == [network.parameter_count]
    assert numbers([cells[-1][4]]) == [network.mult_adds]


@EVERY_NETWORK
def test_rows_follow_from_the_network(name):
    network = network_called(name)
    table = rows(network)
    assert [row.name for row in table] == [node.name for node in network.nodes]
    for row, node in zip(table, network.nodes, strict=True):
        channels, *spatial = network.shapes[node.name]
        assert row.output_shape == (*spatial, channels)
        assert row.values == prod(row.output_shape)
        weights = {
            key: shape for key, shape in network.parameter_shapes.items() if key.startswith(f"{row.name}.")
        }
        assert row.parameters == sum(prod(shape) for shape in weights.values())
        assert row.parameter_bytes == 4 * row.parameters
        assert row.value_bytes == 4 * row.values
        assert row.kind == row.text.split()[0] == node.layer.word
    sums = totals(table)
    assert sums.value_bytes == 4 * sums.values
    assert sums.parameter_bytes == 4 * sums.parameters
    assert sums.largest_value_bytes == max(row.value_bytes for row in table)


@EVERY_NETWORK
def test_the_written_column_is_the_networks_text(name):
    network = network_called(name)
    assert ", ".join(row.text for row in rows(network)) == network.text


@pytest.mark.parametrize("name", ["digits", "resnet18", "signal", "volume"])
def test_every_formula_ends_in_its_figure(name):
    for row in rows(network_called(name)):
        if row.parameters:
            assert row.formulas.parameters.endswith(f"= {row.parameters:,}")
        if row.mult_adds:
            assert row.formulas.mult_adds.endswith(f"= {row.mult_adds:,}")
        if row.kind in ("conv", "maxpool"):
            assert row.formulas.shape.endswith(f"= {row.output_shape[-2]}")
            # A 1x1 kernel with a stride is written out, without one it sees what its input sees.
            field = row.receptive_field[-1]
            assert row.formulas.receptive_field.endswith((f"= {field}", f"{field}, as its input"))


@pytest.mark.parametrize(("name", "axes"), [("vgg11", "h x w"), ("signal", "l"), ("volume", "d x h x w")])
def test_columns_line_up(name, axes):
    header, *lines = plain(rows(network_called(name))).splitlines()
    for title, right in COLUMNS:
        title = title.format(axes=axes)
        start = header.index(title)
        end = start + len(title)
        for line in lines:
            assert line == line.rstrip()
            if right:
                assert line[end - 1] != " " and line[end] == " "
            else:
                assert line[start] != " " and line[:start].endswith(" " * bool(start))


def test_what_fitted_is_shown_up_to_the_break():
    with pytest.raises(NetworkError) as caught:
        Network.from_text(f"{FACES}, maxpool 4", (1, 28, 28))
    assert isinstance(caught.value.fitted, Network)
    assert summary(caught.value.fitted) == golden()["summary_faces.txt"]


def test_no_weight_is_ever_allocated():
    tracemalloc.start()
    try:
        table = rows(zoo.build("vgg19"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert totals(table).parameter_bytes > 570e6
    assert peak < 2e6


def test_a_hostile_size_costs_nothing_either():
    network = Network.from_text(
        "adaptiveavgpool 1000000, conv 1000000 3x3, flatten, dense 1000000", (3, 8, 8)
    )
    assert totals(rows(network)).parameters == 27 * 10**6 + 10**6 + 10**6 * (999_998**2 * 10**6) + 10**6


def test_json_has_the_keys_of_the_design():
    table = rows(zoo.build("digits"))
    row = json.loads(json.dumps(table[0].as_dict()))
    assert row == table[0].as_dict()  # lists, not tuples, already
    assert {"name", "kind", "output_shape", "parameters", "mult_adds", "receptive_field"} <= row.keys()
    assert (row["name"], row["kind"], row["output_shape"]) == ("conv1", "conv", [28, 28, 8])
    assert (row["parameters"], row["mult_adds"], row["receptive_field"]) == (608, 470_400, [5, 5])
    assert row["formulas"] == {
        "shape": "floor((32 + 2*0 - 5)/1) + 1 = 28",
        "parameters": "(5 x 5 x 3 + 1) x 8 = 608",
        "mult_adds": "28 x 28 x 8 values x 5 x 5 x 3 = 470,400",
        "receptive_field": "1 + (5 - 1) x 1 = 5",
    }
    assert json.loads(json.dumps(totals(table).as_dict()))["parameters"] == 62_958
    against = against_dense(zoo.build("digits"))[0].as_dict()
    assert json.loads(json.dumps(against)) == against
    assert (against["other"], against["other_parameters"]) == ("dense", 19_273_856)


def test_against_dense_by_the_course():
    found = against_dense(Network.from_text("conv 8 5x5", (3, 32, 32)))
    assert [(row.parameters, row.other_parameters) for row in found] == [(608, 19_273_856)]
    assert found[0].formula == "3,072 x 6,272 weights + 6,272 biases = 19,273,856"
    assert found[0].ratio == 19_273_856 / 608


def test_against_local_by_the_course():
    found = against_local(Network.from_text("conv 1 5x5", (1, 28, 28)))
    assert [(row.parameters, row.other_parameters) for row in found] == [(26, 14_976)]
    assert found[0].formula == "576 x 5 x 5 x 1 weights + 576 biases = 14,976"
    assert found[0].mult_adds == found[0].other_mult_adds == 14_400


@given(
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 2),
    st.booleans(),
    st.lists(st.integers(3, 6), min_size=1, max_size=3),
)
def test_the_comparisons_count_every_weight(multiple, outs, f, groups, bias, sizes):
    """The other layers' weights as arrays: [outputs, inputs], and [outputs, window]."""
    channels, filters = multiple * groups, outs * groups
    text = f"conv {filters} {f} groups {groups}{'' if bias else ' nobias'}"
    network = Network.from_text(text, (channels, *sizes))
    outputs = np.empty((filters, *(n - f + 1 for n in sizes)))
    pairs = np.empty((*outputs.shape, channels, *sizes)).size
    cells = np.empty((*outputs.shape, channels // groups, *(f for _ in sizes))).size
    biases = outputs.size if bias else 0
    (dense,), (local,) = against_dense(network), against_local(network)
    assert (dense.other_parameters, dense.other_mult_adds) == (pairs + biases, pairs)
    assert (local.other_parameters, local.other_mult_adds) == (cells + biases, cells)
    assert local.mult_adds == cells  # sharing saves parameters, not work
    assert dense.parameters == local.parameters == network.parameter_count


def test_comparisons_of_a_network_without_convolution():
    assert against_dense(zoo.build("mlp")) == []
    assert plain_against([]) == ""
    assert all(
        len(line) == len(AGAINST_COLUMNS) for line in against_columns(against_local(zoo.build("vgg11")))
    )


def test_an_empty_table():
    sums = totals([])
    assert sums.parameters == sums.values == sums.largest_value_bytes == 0
    assert (
        memory(sums)
        == "float32: parameters 0 bytes, all values of one picture 0 bytes, the largest layer's 0 bytes"
    )


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (251_832, "251.8 kB"), (553_430_176, "553.4 MB"),
     (2_500_000_000, "2.5 GB"), (3 * 10**15, "3,000,000.0 GB")],
)  # fmt: skip
def test_bytes(count, text):
    assert bytes_text(count) == text


if __name__ == "__main__":
    for file, text in golden().items():
        (GOLDEN / file).write_text(text, encoding="utf-8")
        print(text)
