"""Functions of one value against onnxruntime, within the rounding that each opening allows itself, and torch."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from pellucid.network.operations.activation import Clip, LeakyRelu, Relu
from pellucid.network.operations.base import Formula
from support.openings import Opened

# Ordinary values, both zeros, very small ones, and ones at which exponentials overflow or vanish.
X = np.concatenate(
    [
        np.linspace(-12, 12, 97),
        np.random.default_rng(0).normal(size=60),
        [-0.0, 0.0, 1e-6, -1e-6, 3e-20, -3e-20, 0.5, -0.5, 1.5, 2.5, -1.5, 40, -40, 80, -80, 500, -500],
    ]
).astype(np.float32)
# The smallest normal float32: what lies below it a runtime may round to 0 (not an error of the formula).
TINY = float(np.finfo(np.float32).tiny)

ALL = [
    ("Relu", {}, functional.relu),
    ("LeakyRelu", {}, functional.leaky_relu),
    ("LeakyRelu", {"alpha": 0.3}, lambda x: functional.leaky_relu(x, 0.3)),
    ("Elu", {}, functional.elu),
    ("Elu", {"alpha": 0.7}, lambda x: functional.elu(x, 0.7)),
    ("Selu", {}, functional.selu),
    ("Celu", {"alpha": 2.0}, lambda x: functional.celu(x, 2.0)),
    ("ThresholdedRelu", {"alpha": 0.5}, lambda x: functional.threshold(x, 0.5, 0)),
    ("Sigmoid", {}, torch.sigmoid),
    ("HardSigmoid", {"alpha": 1 / 6}, functional.hardsigmoid),
    ("HardSwish", {}, functional.hardswish),
    ("Tanh", {}, torch.tanh),
    ("Gelu", {}, functional.gelu),
    ("Gelu", {"approximate": "tanh"}, lambda x: functional.gelu(x, approximate="tanh")),
    ("Softplus", {}, torch.nn.Softplus(threshold=1000)),
    ("Softsign", {}, functional.softsign),
    ("Mish", {}, functional.mish),
    ("Erf", {}, torch.erf),
    ("Exp", {}, torch.exp),
    ("Neg", {}, torch.neg),
    ("Abs", {}, torch.abs),
    ("Floor", {}, torch.floor),
    ("Ceil", {}, torch.ceil),
    ("Round", {}, torch.round),
    ("Sign", {}, torch.sign),
    ("Reciprocal", {}, torch.reciprocal),
]
NAMES = [f"{kind}{''.join(map(str, attributes.values()))}" for kind, attributes, _ in ALL]


@pytest.mark.parametrize(("kind", "attributes", "reference"), ALL, ids=NAMES)
def test_every_value_is_torchs_and_closes_to_onnxruntimes(kind, attributes, reference):
    opened = Opened(kind, X, opset=22, **attributes)
    values = opened.values()
    exact = reference(torch.tensor(X, dtype=torch.float64)).numpy()
    exact = np.where(np.abs(exact) > np.finfo(np.float32).max, np.copysign(np.inf, exact), exact)
    # The attributes of a node are float32.
    np.testing.assert_allclose(values, exact, rtol=1e-6, atol=1e-12)
    stored = opened.run()[0]
    for index in np.ndindex(X.shape):
        opening = opened.operation.open(opened.operands, index)
        assert isinstance(opening, Formula)
        assert opening.parts[0].values == X[index]
        assert opening.parts[0].index.tolist() == [list(index)]
        if math.isinf(stored[index]):
            assert opening.value == stored[index]
        else:
            assert abs(opening.value - stored[index]) <= 1e-6 * opening.magnitude + TINY, opening


def test_logarithm_and_root_of_what_has_none_is_not_a_number():
    x = np.array([0, -1, 1, 2.5, np.inf], np.float32)
    for kind, first in (("Log", -np.inf), ("Sqrt", 0)):
        opened = Opened(kind, x)
        np.testing.assert_allclose(opened.values(), opened.run()[0], rtol=1e-6)
        assert opened.values()[0] == first
        assert math.isnan(opened.values()[1])


@pytest.mark.parametrize("kind", ["Relu", "Sigmoid", "Gelu", "Exp", "Sqrt", "Clip"])
def test_nan_stays_nan(kind):
    x = np.array([np.nan], np.float32)
    opening = Opened(kind, x).operation.open([x], (0,))
    assert math.isnan(opening.value)
    assert opening.note in ("", "within the limits")


def test_swish_is_x_times_the_sigmoid():
    # onnxruntime doesn't have the node yet.
    opened = Opened("Swish", X, opset=24, alpha=1.5)
    wide = torch.tensor(X, dtype=torch.float64)
    np.testing.assert_allclose(opened.values(), (wide * torch.sigmoid(1.5 * wide)).numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("operation", "x", "text", "note"),
    [
        (Relu(), -1.3, "max(0, -1.3)", "the input is negative"),
        (Relu(), 1.1722, "max(0, 1.1722)", "the input is positive"),
        (Relu(), 0.0, "max(0, 0)", "the input is 0"),
        (LeakyRelu(0.01), -1.5, "0.01 × -1.5", "the input is negative"),
        (LeakyRelu(0.01), 1.5, "1.5", "the input is positive"),
        (Clip(0, 6), 7.0, "min(max(7, 0), 6)", "the input is above the upper limit"),
        (Clip(0, 6), -1.0, "min(max(-1, 0), 6)", "the input is below the lower limit"),
        (Clip(0, None), 2.0, "max(2, 0)", "within the limits"),
    ],
)
def test_the_formula_has_the_numbers_and_says_which_side(operation, x, text, note):
    opening = operation.open([np.array([x], np.float64)], (0,))
    assert (opening.formula, opening.note) == (text, note)


@pytest.mark.parametrize("limits", [(0, 6), (None, 2), (-1, None), (3, -3)])
def test_limits(limits):
    x = X.reshape(2, -1)
    opened = Opened("Clip", x, *(None if limit is None else np.float32(limit) for limit in limits))
    assert opened.gap() == 0
    whole = np.arange(-8, 8, dtype=np.int8)
    opened = Opened("Clip", whole, *(None if limit is None else np.int8(limit) for limit in limits))
    assert opened.gap() == 0


@pytest.mark.parametrize("kind", ["Neg", "Abs"])
def test_whole_numbers_wrap(kind):
    opened = Opened(kind, np.array([-128, -127, 0, 5], np.int8))
    assert opened.gap() == 0
    assert opened.values()[0] == -128


@pytest.mark.parametrize("name", ["float16", "float64", "int8", "uint8", "int32", "int64", "bool"])
def test_a_change_of_type_gives_exactly_what_is_stored(name):
    x = np.array([-100.7, -0.5, -0.0, 0.1, 0.5, 1.5, 99.99, 1 / 3], np.float32)
    if name == "uint8":
        x = abs(x)
    to = {"float16": 10, "float64": 11, "int8": 3, "uint8": 2, "int32": 6, "int64": 7, "bool": 9}[name]
    opened = Opened("Cast", x, to=to)
    np.testing.assert_array_equal(opened.values(), opened.run()[0].astype(np.float64))
    opening = opened.operation.open(opened.operands, (6,))
    assert opening.formula == f"99.99 as {name}"
    assert opening.note == ("" if name == "float64" else "rounded")


def test_a_value_reaches_its_own_place_alone():
    x = np.ones((2, 3, 4), np.float32)
    Opened("Relu", x).check_structure()
    Opened("Cast", x, to=7).check_structure()
