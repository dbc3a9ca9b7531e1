"""What moves values, against onnxruntime: values exactly, and what reaches what by poking each value."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.model.onnx_nodes import READERS, CannotOpen
from pellucid.network.operations.movement import Concat, Pad
from support.openings import Opened


def counting(*shape):
    """No two values the same, none 0."""
    return (np.arange(np.prod(shape)) + 1).astype(np.float32).reshape(shape)


def whole(*numbers):
    return np.array(numbers, np.int64)


@st.composite
def slices(draw):
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    axes = draw(st.permutations(range(len(shape))))[: draw(st.integers(1, len(shape)))]
    rows = [
        (draw(st.integers(-7, 7)), draw(st.integers(-7, 7)), draw(st.sampled_from([-3, -2, -1, 1, 2, 3])))
        for _ in axes
    ]
    starts, ends, steps = zip(*rows, strict=True)
    signs = [axis - len(shape) if draw(st.booleans()) else axis for axis in axes]
    return counting(*shape), whole(*starts), whole(*ends), whole(*signs), whole(*steps)


@given(slices())
@settings(max_examples=80, deadline=None)
def test_any_slice(case):
    opened = Opened("Slice", *case)
    assert opened.gap() == 0
    opened.check_structure()


@st.composite
def pads(draw):
    shape = draw(st.lists(st.integers(2, 4), min_size=1, max_size=3))
    mode = draw(st.sampled_from(["constant", "edge", "reflect", "wrap"]))
    least = -1 if mode == "constant" else 0
    most = min(shape) - 1 if mode == "reflect" else 3
    flat = [draw(st.integers(least, most)) for _ in range(2 * len(shape))]
    for axis, n in enumerate(shape):  # something is left
        if n + min(flat[axis], 0) + min(flat[axis + len(shape)], 0) < 1:
            flat[axis] = 0
    return counting(*shape), flat, mode


@given(pads())
@settings(max_examples=60, deadline=None)
def test_any_padding(case):
    x, flat, mode = case
    opened = Opened("Pad", x, whole(*flat), np.float32(-2.5), mode=mode)
    assert opened.gap() == 0
    opened.check_structure()


def test_pads_of_some_axes_and_of_the_old_form_are_the_same_operation():
    x = counting(2, 3, 4)
    new = Opened("Pad", x, whole(1, 2, 0, 1), None, whole(2, 0))
    old = Opened("Pad", x, opset=2, pads=[2, 0, 1, 1, 0, 0])
    assert new.operation == old.operation == Pad(((2, 1), (0, 0), (1, 0)))
    assert new.gap() == 0
    opening = new.operation.open(new.operands, (0, 0, 0))
    assert (opening.count, opening.value, opening.formula) == (0, 0, "0")


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_any_transpose(shape, draws):
    order = list(range(len(shape)))
    draws.shuffle(order)
    opened = Opened("Transpose", counting(*shape), perm=order)
    assert opened.gap() == 0
    opened.check_structure()


EXAMPLES = {
    "transpose": ("Transpose", (counting(2, 3, 4),), {}),
    "identity": ("Identity", (counting(2, 3),), {}),
    "dropout": ("Dropout", (counting(2, 3),), {}),
    "reshape": ("Reshape", (counting(2, 3, 4), whole(0, -1)), {}),
    "reshape, a size of none": ("Reshape", (np.empty((0, 3), np.float32), whole(3, 0)), {"allowzero": 1}),
    "flatten": ("Flatten", (counting(2, 3, 4),), {}),
    "flatten from 0": ("Flatten", (counting(2, 3, 4),), {"axis": 0}),
    "flatten from the end": ("Flatten", (counting(2, 3, 4),), {"axis": -1}),
    "squeeze": ("Squeeze", (counting(1, 3, 1, 2), whole(-2)), {}),
    "squeeze all": ("Squeeze", (counting(1, 3, 1, 2),), {}),
    "squeeze, old": ("Squeeze", (counting(1, 3, 1, 2),), {"axes": [0], "opset": 11}),
    "unsqueeze": ("Unsqueeze", (counting(2, 3), whole(-1, 0)), {}),
    "unsqueeze, old": ("Unsqueeze", (counting(2, 3),), {"axes": [1], "opset": 11}),
    "slice, old": ("Slice", (counting(3, 5),), {"starts": [-2, 1], "ends": [99, -1], "opset": 9}),
    "gather": ("Gather", (counting(4, 3), np.array([[2, -1], [0, 2]])), {"axis": 0}),
    "gather one": ("Gather", (counting(4, 3), np.array(1)), {"axis": -1}),
    "gather elements": ("GatherElements", (counting(3, 4), np.array([[0, -1], [2, 1]])), {"axis": 1}),
    "gather elements of 0": ("GatherElements", (counting(3, 4), np.array([[0, -1, 1]])), {"axis": 0}),
    "concat": ("Concat", (counting(2, 1, 3), counting(2, 2, 3), counting(2, 1, 3)), {"axis": -2}),
    "expand": ("Expand", (counting(3, 1), whole(2, 1, 4)), {}),
    "tile": ("Tile", (counting(2, 3), whole(2, 2)), {}),
    "depth to space": ("DepthToSpace", (counting(2, 8, 2, 3),), {"blocksize": 2}),
    "depth to space, CRD": ("DepthToSpace", (counting(1, 8, 2, 3),), {"blocksize": 2, "mode": "CRD"}),
    "space to depth": ("SpaceToDepth", (counting(2, 3, 4, 6),), {"blocksize": 2}),
}


@pytest.mark.parametrize(("kind", "inputs", "attributes"), EXAMPLES.values(), ids=EXAMPLES)
def test_values_and_structure(kind, inputs, attributes):
    opened = Opened(kind, *inputs, **attributes)
    assert opened.gap() == 0
    for operand in range(len(opened.operands)):
        opened.check_structure(operand)


SPLITS = {
    "even": ((counting(2, 6),), {"axis": 1, "opset": 13}, 3),
    "uneven, as input": ((counting(2, 6), whole(1, 4, 1)), {"axis": -1}, 3),
    "as attribute": ((counting(2, 6),), {"axis": 1, "split": [5, 1], "opset": 11}, 2),
    "into so many": ((counting(7, 2),), {"num_outputs": 4}, 4),
}


@pytest.mark.parametrize(("inputs", "attributes", "outputs"), SPLITS.values(), ids=SPLITS)
def test_each_part_of_a_split(inputs, attributes, outputs):
    opened = Opened("Split", *inputs, outputs=outputs, **attributes)
    for output in range(outputs):
        assert opened.gap(output) == 0
        opened.check_structure(output=output)


def test_an_opening_says_which_operand_and_where():
    a, b = counting(2, 2), counting(2, 3)
    (part,) = Concat(1).open((a, b), (1, 4)).parts
    assert (part.operand, part.index.tolist(), part.values.tolist(), part.weights) == (
        1,
        [[1, 2]],
        [6.0],
        None,
    )


def test_the_route_is_a_gather_of_all_operands():
    a, b = counting(2, 2), counting(2, 3)
    route = Concat(1).route((a.shape, b.shape))
    everything = np.concatenate([a.ravel(), b.ravel()])
    np.testing.assert_array_equal(everything[route], np.concatenate([a, b], 1))
    padded = Pad(((1, 0),)).route(((2,),))
    assert padded.tolist() == [-1, 0, 1]
    assert not padded.flags.writeable


def test_dropout_keeps_all_and_in_training_mode_is_refused():
    opened = Opened("Dropout", counting(2, 3), outputs=2)
    assert opened.gap(1) == 0
    with pytest.raises(CannotOpen, match="draws at random"):
        Opened("Dropout", counting(2, 3), np.float32(0.5), np.array(True))
    quiet = Opened("Dropout", counting(2, 3), np.float32(0), np.array(True))
    assert quiet.gap() == 0


def test_what_cannot_be_read_is_said():
    with pytest.raises(CannotOpen, match="Pad in mode 'symmetric'"):
        Opened("Pad", counting(2), whole(1, 1), mode="symmetric")
    with pytest.raises(CannotOpen, match="Split of 4 into 7 parts"):
        Opened("Split", counting(4), num_outputs=7, outputs=7)
    for kind, missing in {"Pad": "pads", "Slice": "starts", "Reshape": "sizes"}.items():
        with pytest.raises(CannotOpen, match=f"its {missing} are given neither as attribute nor as input"):
            Opened(kind, counting(4))
    assert "Shape" not in READERS  # folded where a graph is read
