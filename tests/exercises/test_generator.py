"""Sheets obey laws for every seed: the same again, nothing twice, no slip that is right, answers held up by NumPy."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import NetworkError, SettingsError
from pellucid.exercises import TOPICS, generate
from pellucid.exercises.draw import Draw
from pellucid.exercises.generator import LEAST_SLIPS
from pellucid.exercises.question import VERSION, Question, Slip, ask, same
from pellucid.exercises.slips import WHY

SEEDS = st.integers(0, 2**63 - 1)
LEVELS = st.sampled_from((1, 2, 3))
DRAWN = [
    "convolution-9418673d",
    "filters-f5a6dd3d",
    "padding-22150c6b",
    "stride-c178aaeb",
    "volume-09e69ec9",
    "relu-245f4362",
    "pooling-79a095df",
    "flatten-86d65a61",
    "dense-05cc5e32",
    "softmax-cc57218f",
    "parameters-8221c3fe",
    "receptive-field-fbcbfb09",
    "network-a1531f18",
    "learning-e89b5f3d",
]
FEW = settings(max_examples=5, deadline=None)


@pytest.mark.parametrize("topic", list(TOPICS))
@FEW
@given(seed=SEEDS, level=LEVELS)
def test_sheets_keep_their_laws(topic, seed, level):
    sheet = generate([topic], 3, level, seed)
    assert generate([topic], 3, level, seed) == sheet
    assert len({q.id for q in sheet.questions}) == len({q.question for q in sheet.questions}) == 3
    for q in sheet.questions:
        assert (q.topic, q.level) == (topic, level)
        assert q.id.startswith(f"{topic}-") and q.question and q.working and q.answer_text
        assert q.accepts(q.answer)
        assert len(q.slips) >= LEAST_SLIPS
        for place, slip in enumerate(q.slips):
            assert not q.accepts(slip.value), (q.question, slip)
            assert not any(same(slip.value, other.value, q.tolerance) for other in q.slips[:place])
            assert slip.why.endswith(".") and q.written(slip.value)
        json.dumps(q.as_dict())  # plain values only


def test_a_question_depends_on_its_place_and_not_on_the_count():
    few, many = generate(["padding", "dense"], 4, 2, 11), generate(["padding", "dense"], 9, 2, 11)
    assert many.questions[:4] == few.questions
    assert generate(["padding"], 3, 2, 12).questions != generate(["padding"], 3, 2, 11).questions
    assert [q.topic for q in few.questions] == ["padding", "dense", "padding", "dense"]


@pytest.mark.parametrize("topic", ["padding", "softmax", "relu"])
def test_a_long_sheet_repeats_nothing(topic):
    sheet = generate([topic], 100, 1, 5)
    assert len({q.id for q in sheet.questions}) == len({q.question for q in sheet.questions}) == 100


def test_what_version_1_draws_is_fixed():
    """The same on any machine: whoever changes what is drawn changes VERSION, and these."""
    ids = [q.id for q in generate(list(TOPICS), len(TOPICS), 2, 1).questions]
    assert ids == DRAWN


@FEW
@given(seed=SEEDS, level=LEVELS)
def test_convolution_is_what_numpy_slides(seed, level):
    for q in generate(["convolution"], 4, level, seed).questions:
        d = q.data
        kernel = np.array(d["kernel"], float)
        output = _slid(d, kernel)
        flipped = _slid(d, kernel[::-1, ::-1])
        place = (d.get("row", 1) - 1, d.get("column", 1) - 1)
        both = [[output[place]], [flipped[place]]]
        wanted = {"value": output[place], "convolution": flipped[place], "map": output, "both": both}[
            d["task"]
        ]
        assert np.array_equal(np.array(q.answer, float), wanted), q.question
        assert not np.array_equal(kernel, kernel[::-1, ::-1])
        if d["task"] in ("value", "convolution"):
            assert str(q.answer) in q.working[-1]


def _slid(d, kernel):
    """Cross-correlation in plain loops over a padded picture."""
    x = np.pad(np.array(d["input"], float), d["padding"])
    step, s, f = d["dilation"], d["stride"], len(kernel)
    reach = step * (f - 1) + 1
    return np.array([
        [(x[y : y + reach : step, c : c + reach : step] * kernel).sum() + d["bias"]
         for c in range(0, x.shape[1] - reach + 1, s)]
        for y in range(0, x.shape[0] - reach + 1, s)
    ])  # fmt: skip


@FEW
@given(seed=SEEDS, level=LEVELS)
def test_pooling_is_what_numpy_pools(seed, level):
    for q in generate(["pooling"], 4, level, seed).questions:
        d = q.data
        x = np.array(d["input"], float)
        if d["task"] == "size":
            continue
        if d["task"] == "global":
            assert q.answer == (tuple(x.mean(axis=(1, 2))),)
            continue
        if d["task"] == "channels":
            x = x[d["channel"] - 1]
        if d["task"] == "relu-max":
            x = np.maximum(x, 0)
        x = np.pad(x, d["padding"], constant_values=-np.inf)
        f, s = d["window"], d["stride"]
        take = np.mean if d["task"] == "average" else np.max
        wanted = [[take(x[y : y + f, c : c + f]) for c in range(0, x.shape[1] - f + 1, s)]
                  for y in range(0, x.shape[0] - f + 1, s)]  # fmt: skip
        assert np.array_equal(np.array(q.answer, float), wanted), q.question


@FEW
@given(seed=SEEDS, level=LEVELS)
def test_softmax_is_what_numpy_exponentiates(seed, level):
    for q in generate(["softmax"], 3, level, seed).questions:
        d = q.data
        z = (
            np.array(d["weights"]) @ d["input"] + d["biases"]
            if "weights" in d
            else np.array(d["logits"], float)
        )
        z = z / d.get("temperature", 1) + d.get("shift", 0)
        p = np.exp(z) / np.exp(z).sum()
        wanted = (tuple(p),) if d["task"] == "all" else p[d["chosen"] - 1]
        assert same(q.answer, wanted, 0.0005), q.question


@FEW
@given(seed=SEEDS)
def test_windows_say_something(seed):
    """No window that asks nothing: not all zeros, not all alike."""
    for q in generate(["padding", "stride", "pooling"], 6, 2, seed).questions:
        if "input" in q.data and np.ndim(q.data["input"]) == 2:
            assert len(np.unique(q.data["input"])) > 1


def test_draws_are_pure_functions_of_their_names():
    draw = Draw((1, 2, 3))
    assert draw.whole("a", 0, 10**6) == draw.whole("a", 0, 10**6) != draw.whole("b", 0, 10**6)
    values = draw.array("many", (4_000,), -2, 2)
    assert set(values.tolist()) == {-2, -1, 0, 1, 2}
    assert abs(values.mean()) < 0.15  # 4,000 draws: 6 standard errors are 0.13
    assert 0 not in draw.signed("signed", (500,), 3)
    assert sorted(draw.order("order", range(9))) == list(range(9))


def test_slips_that_are_right_or_double_are_dropped():
    def asked(*values: float, decimals: int = 0) -> Question:
        slips = [Slip(value, f"slip {k}", "Because.") for k, value in enumerate(values)]
        return ask("t", 1, "number", "How many?", 5, working=["w"], conventions=[], slips=[*slips, None],
                   data={"n": values}, decimals=decimals)  # fmt: skip

    assert [slip.value for slip in asked(5, 6, 6, 7).slips] == [6, 7]
    assert [slip.value for slip in asked(5.015, 5.03, 5.031, decimals=2).slips] == [5.03]
    assert asked(1).id == asked(1).id != asked(2).id


def test_every_slip_is_told_in_a_clause_of_its_own():
    for name, why in WHY.items():
        assert len(why.split()) >= 5 and not why.endswith("."), name
    assert len(set(WHY.values())) == len(WHY), [why for why, n in Counter(WHY.values()).items() if n > 1]


@pytest.mark.parametrize(
    ("arguments", "said", "remedy"),
    [
        ((["paddding"], 3), "there is no such topic", "padding? There are convolution"),
        ((["padding"], 0), "a sheet has 1 to 1,000 questions", "such as 8"),
        ((["padding"], 3, 4), "there is no such level", "1, 2 or 3"),
        ((["padding"], 3, 1, -1), "a seed is a whole number from 0", "such as 1"),
    ],
)
def test_what_cannot_be_generated_is_said(arguments, said, remedy):
    with pytest.raises(SettingsError) as error:
        generate(*arguments)
    assert said in error.value.what and remedy in error.value.remedy


def test_layers_that_do_not_fit_their_picture_are_drawn_again():
    """Seed 7 of level 3 draws such at once."""
    place = list(TOPICS).index("network")
    with pytest.raises(NetworkError, match="does not fit"):
        TOPICS["network"].make(Draw((VERSION, 7, place, 3, 1, 0)), 3)
    assert len(generate(["network"], 3, 3, 7).questions) == 3
