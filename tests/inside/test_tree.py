"""A value opened level by level: every level comes to its number, a remainder is the sum of what it stands for."""

from math import fsum, inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.inside import tree
from pellucid.inside.number import Inside
from pellucid.inside.tree import expand
from pellucid.inside.tree_text import tree_lines
from pellucid.inside.wire import LevelDocument, level_document
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.opened import open_run
from pellucid.model.write import model_bytes
from pellucid.network import Network
from pellucid.network.operations import Linear
from support.graphs import float32, inside, node
from support.networks import EVERY_LAYER, card_for, with_random_weights

PICTURE = np.random.default_rng(0).integers(0, 256, (1, 20, 26, 3), np.uint8)


@pytest.fixture(scope="module")
def every_layer():
    network = with_random_weights(Network.from_text(EVERY_LAYER, (3, 24, 20)))
    return Inside(open_run(OnnxFile(model_bytes(network, card_for(network))), {"image": PICTURE}, threads=1))


@settings(max_examples=30)
@given(depth=st.integers(1, 9), top=st.integers(1, 3), answer=st.integers(0, 3))
def test_every_level_comes_to_its_number(every_layer, depth, top, answer):
    number = every_layer.at(f"softmax1[{answer}]")
    found = list(expand(every_layer, number, depth, top).levels())
    assert len(found) >= depth
    for level in found:
        opening = level.number.opening
        assert level.total is not None
        assert abs(level.total - level.number.sum) <= 1e-12 * opening.magnitude
        assert level.number.closes
        assert len(level.branches) + level.rest == opening.count
        assert len(level.branches) == min(top, opening.count)
        if isinstance(opening, Linear):
            others = level.number.order[len(level.branches) :]
            assert level.rest_sum == fsum(level.number.term(*each).product for each in others)
        else:
            assert level.rest_sum is None
        for branch in level.branches:
            if branch.level is not None:
                assert branch.level.number.place == branch.term.source
                assert branch.level.number.stored == branch.term.input


def test_depth_counts_what_computes():
    nodes = [
        node("Mul", ["x", "w"], ["a"], "mul1"), node("Transpose", ["a"], ["b"], "turn", perm=[1, 0]),
        node("Reshape", ["b", "shape"], ["c"], "shape"), node("Mul", ["c", "w"], ["y"], "mul2"),
    ]  # fmt: skip
    found = inside(nodes, {"x": float32(2, 2)}, {"w": np.float32(3), "shape": np.array([2, 2])})
    one = [level.number.node.name for level in expand(found, found.at("mul2[0,1]"), 1, 1).levels()]
    assert one == ["mul2"]
    two = [level.number.node.name for level in expand(found, found.at("mul2[0,1]"), 2, 1).levels()]
    assert two == ["mul2", "shape", "turn", "mul1"]
    moved = [level.number.node.name for level in expand(found, found.at("shape[0,1]"), 1, 1).levels()]
    assert moved == ["shape", "turn", "mul1"]


def test_the_largest_terms_are_taken_and_the_rest_is_counted():
    weights = np.array([[1], [-5], [2], [0.5]], np.float32)
    found = inside(
        [node("MatMul", ["x", "w"], ["y"], "dense1")], {"x": np.ones((1, 4), np.float32)}, {"w": weights}
    )
    level = expand(found, found.at("dense1[0]"), 3, 2)
    assert [branch.term.product for branch in level.branches] == [-5, 2]
    assert (level.rest, level.rest_sum, level.total) == (2, 1.5, -1.5)
    whole = expand(found, found.at("dense1[0]"), 3, 99)
    assert (len(whole.branches), whole.rest, whole.rest_sum, whole.total) == (4, 0, 0, -1.5)
    assert all(branch.level is None for branch in whole.branches)  # inputs: nothing computes them


def test_a_divisor_and_a_bias_are_part_of_the_total():
    x = float32(1, 1, 3, 3)
    nodes = [
        node("Conv", ["x", "k", "b"], ["c"], "conv1"),
        node("AveragePool", ["c"], ["y"], "pool1", kernel_shape=[2, 2]),
    ]
    found = inside(nodes, {"x": x}, {"k": float32(1, 1, 2, 2, seed=1), "b": np.array([7], np.float32)})
    level = expand(found, found.at("pool1[0,0,0]"), 2, 1)
    assert level.total == pytest.approx(float(found.opened.values["y"][0, 0, 0, 0]), rel=1e-6)
    below = level.branches[0].level
    assert below.total == pytest.approx(below.number.stored, rel=1e-6) and below.rest == 3


def test_a_value_that_nothing_computes_is_a_level_of_its_own():
    found = inside([node("Relu", ["x"], ["y"], "relu1")], {"x": float32(3)})
    level = expand(found, found.at("x[1]"), 5, 5)
    assert (level.branches, level.rest, level.total) == ((), 0, None)


def test_a_tree_that_would_be_endless_stops(every_layer, monkeypatch):
    monkeypatch.setattr(tree, "LARGEST_TREE", 50)
    level = expand(every_layer, every_layer.at("softmax1[0]"), 1000, 1000)
    assert sum(1 for _ in level.levels()) == 51
    assert all(abs(each.total - each.number.sum) < inf for each in level.levels())


def test_however_deep_a_network_is_its_tree_can_be_written():
    nodes = [node("Neg", [f"t{k}"], [f"t{k + 1}"], f"neg{k}") for k in range(1500)]
    found = inside(nodes, {"t0": np.ones(1, np.float32)})
    level = expand(found, found.at("neg1499[0]"), 5000, 1)
    assert (
        sum(1 for _ in level.levels()) == sum("neg" in line for line in tree_lines(level)) + 0 == tree.DEEPEST
    )
    document = LevelDocument(**level_document(level)).model_dump_json()
    assert document.count('"formula"') == tree.DEEPEST
