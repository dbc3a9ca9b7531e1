"""Names of nodes: the module's path, the file's name, the ordinal; each unique, whatever a file calls its nodes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from pellucid.model.naming import names_of


def made(kind, name="", output="", scopes=None):
    node = helper.make_node(kind, ["x"], [output or f"{kind}_{name}_{id(object())}"], name)
    if scopes is not None:
        node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=scopes)
    return node


def names(*nodes):
    return [name for name, _ in names_of(nodes)]


def test_the_older_exporter_s_paths():
    nodes = [
        made("Conv", "/stem/Conv"), made("Conv", "/layer1/layer1.0/conv1/Conv"), made("Relu", "/layer1/layer1.0/Relu"),
        made("Add", "/layer1/layer1.0/Add"), made("Gemm", "/head/Gemm"), made("Relu", "/Relu"),
    ]  # fmt: skip
    assert names(*nodes) == ["stem", "layer1.0.conv1", "layer1.0.relu", "layer1.0.add", "head", "relu2"]


def test_the_newer_exporter_s_scopes():
    nodes = [
        made("Conv", "node_conv2d", scopes="['', 'layer1', 'layer1.0', 'layer1.0.conv1', 'conv2d']"),
        made("Relu", "node_relu", scopes="['', 'layer1', 'layer1.0', 'relu']"),
        made("Add", "node_add", scopes="['', 'layer1', 'layer1.0', 'add']"),
        made("Relu", "node_relu_1", scopes="['', 'relu_1']"),
    ]
    assert names(*nodes) == ["layer1.0.conv1", "layer1.0.relu", "layer1.0.add", "relu2"]


@pytest.mark.parametrize(
    "scopes", ["[", "7", "{'a': 1}", "__import__('os')", "(" * 500, "[1, [2], 'x']", "", "[]"]
)
def test_scopes_that_are_none_change_nothing_and_run_nothing(scopes):
    assert names(made("Conv", "c", scopes=scopes))[0] in ("c", "[2]", "conv1")


def test_plain_names_are_kept_and_all_answer_to_their_ordinals_and_tensors():
    nodes = [made("Conv", "first", "t1"), made("Conv", "", "t2"), made("MaxPool", "", "t3")]
    assert names_of(nodes) == [("first", ("conv1", "t1")), ("conv2", ("t2",)), ("pool1", ("t3",))]


def test_ordinals_count_from_1_by_what_a_person_calls_them():
    kinds = [
        "Conv",
        "AveragePool",
        "Conv",
        "GlobalAveragePool",
        "MatMul",
        "Gemm",
        "LayerNormalization",
        "Relu",
    ]
    ordinals = ["conv1", "pool1", "conv2", "pool2", "dense1", "dense2", "norm1", "relu1"]
    assert names(*(made(kind) for kind in kinds)) == ordinals


def test_a_name_that_two_nodes_have_is_nobody_s():
    nodes = [made("Conv", "same", "t1"), made("Conv", "same", "t2")]
    assert names_of(nodes) == [("conv1", ("t1",)), ("conv2", ("t2",))]


def test_a_file_that_takes_all_our_names():
    assert names(made("Relu", "conv1"), made("Relu", "conv1'"), made("Conv")) == [
        "conv1",
        "conv1'",
        "conv1''",
    ]


NAMES = st.sampled_from(
    ["", "conv1", "conv1'", "relu1", "/a/Conv", "/a/b/Relu", "conv2", "conv", "/", "//", "node_x", "ü\n"]
)


@given(st.lists(st.tuples(st.sampled_from(["Conv", "Relu", "Gemm"]), NAMES), max_size=12))
def test_every_name_is_unique_and_no_alias_means_two(kinds):
    found = names_of([made(kind, name, f"t{k}") for k, (kind, name) in enumerate(kinds)])
    own = [name for name, _ in found]
    aliases = [alias for _, others in found for alias in others]
    assert len(set(own)) == len(own) == len(kinds)
    assert len(set(aliases)) == len(aliases) and not set(aliases) & set(own)
    for k, (name, others) in enumerate(found):
        assert f"t{k}" in (name, *others)
