"""Every operation in torch: its values against ONNX's own suite, its gradients against differences of values."""

import numpy as np
import pytest
import torch

from pellucid.engines.torch.operations import FUNCTIONS, NotDifferentiable, apply
from pellucid.model.onnx_nodes import READERS, CannotOpen, NodeSource
from pellucid.network.operations import Operation
from pellucid.network.operations.pointwise import Cast
from support.onnx_suite import RUNTIME, cases

# Its cases change to other number types; below there is one of our own.
WITHOUT_CASE = {Cast}
LARGEST = 30_000  # values of an operand whose gradient is checked


def name_of(kind: type[Operation]) -> str:
    return f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}"


def read(case):
    """The case's operation and operands, or None where it isn't one of float32 numbers with a gradient."""
    if case.reason:
        return None
    try:
        operation, places = READERS[case.node.op_type](
            NodeSource(case.node, case.opset, case.inputs.__getitem__)
        )
    except CannotOpen:
        return None
    operands = [None if place is None else case.inputs[case.node.input[place]] for place in places]
    if type(operation) not in FUNCTIONS.keys() - WITHOUT_CASE or case.name in RUNTIME:
        return None
    if not all(x is None or x.dtype in (np.float32, np.bool_) for x in operands):
        return None
    return operation, operands


def by_kind():
    found = {}
    for kind in READERS:
        for case in cases().get(kind, []):
            done = read(case)
            if done:
                found.setdefault(name_of(type(done[0])), []).append((case, *done))
    return found


CASES = by_kind()


def tensors(operands, dtype=torch.float32):
    made = [None if x is None else torch.from_numpy(np.array(x)) for x in operands]
    return [x if x is None or x.dtype == torch.bool else x.to(dtype) for x in made]


def test_each_function_has_a_case():
    assert {name_of(kind) for kind in FUNCTIONS} - set(CASES) == {name_of(kind) for kind in WITHOUT_CASE}


@pytest.mark.parametrize("kind", sorted(CASES))
def test_values_are_those_of_the_suite(kind):
    compared = 0
    for case, operation, operands in CASES[kind]:
        for output, expected in case.outputs:
            if expected.dtype not in (np.float32, np.bool_):
                continue
            try:
                value = apply(operation, tensors(operands), output).numpy()
            except NotDifferentiable:
                continue
            assert value.shape == expected.shape, case.name
            np.testing.assert_allclose(
                value, expected, rtol=max(case.rtol, 1e-5), atol=max(case.atol, 1e-6), err_msg=case.name
            )
            compared += 1
    assert compared


@pytest.mark.parametrize("kind", sorted(set(CASES) - {"elementwise.Logic"}))
def test_gradients_are_differences_of_values(kind):
    """Of the smallest case, at random values: no ties, no borders of a function."""
    checked = 0
    for _, operation, operands in sorted(CASES[kind], key=lambda case: sum(np.size(x) for x in case[2])):
        if checked == 2:
            break
        draws = np.random.default_rng(checked)
        # Above 0: within the domain of every logarithm, root and power.
        given = [
            x if x is None or x.dtype == np.bool_ else draws.uniform(0.2, 0.8, np.shape(x)) for x in operands
        ]
        inputs = tensors(given, torch.float64)
        free = [x.requires_grad_() for x in inputs if x is not None and x.is_floating_point()]
        if not free or not 0 < max(x.numel() for x in free) <= LARGEST:
            continue

        def function(*values, operation=operation, inputs=inputs):
            rest = iter(values)
            return apply(
                operation, [x if x is None or not x.is_floating_point() else next(rest) for x in inputs]
            )

        try:
            assert torch.autograd.gradcheck(function, tuple(free), eps=1e-6, atol=1e-4, fast_mode=True)
        except NotDifferentiable:
            continue
        checked += 1
    assert checked


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("Round", "round has the gradient 0 wherever it has one"),
        ("Floor", "floor has"),
        ("Hardmax", "hardmax has"),
    ],
)
def test_what_has_no_gradient_is_refused(kind, reason):
    case = cases()[kind][0]
    operation, _ = READERS[kind](NodeSource(case.node, case.opset, case.inputs.__getitem__))
    with pytest.raises(NotDifferentiable, match=reason):
        apply(operation, tensors(list(case.inputs.values())))


def test_a_cast_passes_floats_on_and_refuses_whole_numbers():
    x = torch.tensor([1.5, -2.5])
    assert apply(Cast(np.dtype(np.float32)), [x]).equal(x)
    with pytest.raises(NotDifferentiable, match="it makes uint8 numbers"):
        apply(Cast(np.dtype(np.uint8)), [x])
