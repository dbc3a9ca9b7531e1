"""What is offered where a network doesn't fit: each fix is applied, and must do what it says."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import NetworkError
from pellucid.network import Network
from pellucid.network.fitting import Fit, Misfit, fit
from pellucid.network.fixes import find, suggest
from pellucid.network.text import parse

FACES = "conv 8 5x5, relu, maxpool 2, conv 16 9x9 stride 2, maxpool 4"

pieces = st.one_of(
    st.builds(
        "conv {} {}".format,
        st.integers(1, 9),
        st.lists(st.integers(1, 9), min_size=1, max_size=3).map(lambda sizes: "x".join(map(str, sizes))),
    ),
    st.builds("conv 8 {} stride {} pad {}".format, st.integers(1, 9), st.integers(1, 3), st.integers(0, 2)),
    st.builds("conv {} 3 groups {}".format, st.integers(1, 9), st.integers(2, 4)),
    st.builds("conv 4 3 dilation {}".format, st.integers(1, 5)),
    st.builds("maxpool {}".format, st.integers(1, 6)),
    st.builds("maxpool {}x2 pad {}".format, st.integers(1, 6), st.integers(0, 2)),
    st.builds("avgpool {} stride {} pad same".format, st.integers(1, 6), st.integers(1, 3)),
    st.sampled_from(["relu", "batchnorm", "globalavgpool", "add input", "concat input", "conv 8 3x3x3"]),
)


def misfit_of(text, shape):
    nodes = parse(text)
    found = fit(shape, nodes)
    return nodes, found if isinstance(found, Misfit) else None


@given(st.lists(pieces, min_size=1, max_size=6), st.lists(st.integers(1, 14), min_size=1, max_size=3))
def test_every_fix_that_is_offered_works(texts, sizes):
    shape, rank = (3, *sizes), len(sizes)
    nodes, misfit = misfit_of(", ".join(texts), shape)
    if misfit is None:
        return
    fixes = find(shape, nodes, misfit)
    assert suggest(shape, nodes, misfit) == ", or ".join(fix.text for fix in fixes)
    outcomes = [fit(fix.input_shape, fix.nodes) for fix in fixes]
    for fix, outcome in zip(fixes, outcomes, strict=True):
        assert isinstance(outcome, Fit) or outcome.index > misfit.index
        changed = [(old, new) for old, new in zip(nodes, fix.nodes, strict=False) if old != new]
        larger = re.fullmatch(r"a larger input: ([\dx]+)x3 fits", fix.text)
        left_out = re.fullmatch(r"leave out (\w+)", fix.text)
        with_ = re.fullmatch(r"(\w+) with (pad same|stride 1)(?: \(gives (.*)\))?", fix.text)
        if larger:
            assert fix.nodes == nodes
            assert fix.input_shape == (3, *map(int, larger[1].split("x"))) > shape
        elif left_out:
            assert {node.name for node in nodes} - {node.name for node in fix.nodes} == {left_out[1]}
        elif with_:
            ((old, new),) = changed
            assert old.name == new.name == with_[1]
            value = new.layer.padding if with_[2] == "pad same" else set(new.layer.stride)
            assert value == ("same" if with_[2] == "pad same" else {1})
            if with_[3]:
                assert " x ".join(str(n) for n in outcome.shapes[new.name][1:]) == with_[3]
        else:  # the layer written anew
            ((old, new),) = changed
            assert old == nodes[misfit.index]
            (typed,) = parse(fix.text)
            assert typed.layer.for_rank(rank) == new.layer.for_rank(rank)
    # Either all of them mend the whole network, or none of those tried does.
    assert len({isinstance(outcome, Fit) for outcome in outcomes}) <= 1


def test_the_networks_of_the_design():
    with pytest.raises(NetworkError) as caught:
        Network.from_text(FACES, (1, 28, 28))
    error = caught.value
    assert error.what == (
        "pool2 does not fit: window 4 is larger than its 2 x 2 input: floor((2 + 2*0 - 4)/4) + 1 = 0"
    )
    assert error.where == "pool2: maxpool 4"
    assert error.remedy == "maxpool 2, or conv2 with stride 1 (gives 4 x 4)"
    for mended in (FACES.replace("maxpool 4", "maxpool 2"), FACES.replace(" stride 2", " stride 1")):
        Network.from_text(mended, (1, 28, 28))


@pytest.mark.parametrize(
    ("text", "shape", "remedy"),
    [
        ("conv 8 5x5", (1, 3, 3), "conv1 with pad same"),
        ("maxpool 3x5", (1, 4, 4), "maxpool 3x4"),
        ("maxpool 5 stride 2", (1, 4, 4), "maxpool 4 stride 2"),
        ("maxpool 2, maxpool 2, maxpool 2", (1, 4, 4), "maxpool 1, or leave out pool2"),
        ("conv 6 3x3 groups 4", (6, 8, 8), "conv 6 3x3 groups 2"),
        ("conv 8 3x3, add input", (8, 9, 9), "conv1 with pad same (gives 9 x 9)"),
        ("conv 4 3x3 stride 2, concat input", (8, 9, 9), ""),
        ("globalavgpool, maxpool 3, dense 10", (1, 8, 8), "maxpool 1"),  # dense is told next
        (
            "conv 4 3x3, conv 4 3x3, maxpool 3, conv 4 9x9, maxpool 9",
            (1, 8, 8),
            "a larger input: 55x55x1 fits",
        ),
        ("conv 8 9", (1, 4), "conv1 with pad same"),
        ("conv 8 3, maxpool 9", (2, 8), "maxpool 6"),
        ("maxpool 4", (1, 3, 8, 8), "maxpool 3x4x4"),
        ("conv 8 3, maxpool 2, maxpool 2", (1, 4, 9, 9), "maxpool 1x2x2, or leave out pool1"),
        ("conv 4 3, conv 4 3, maxpool 3, conv 4 9, maxpool 9", (2, 8), "a larger input: 55x2 fits"),
        ("conv 8 5x5x5, maxpool 2x2", (2, 8), "conv 8 5"),  # maxpool is told next
        ("maxpool 2x3", (2, 5, 6, 7), "maxpool 2x3x3"),
        ("maxpool 2x2 pad 3", (2, 8), ""),  # its padding is wrong for any number of axes
        ("maxpool 9x9", (2, 5, 6, 7), "maxpool 5x6x7"),
    ],
)
def test_what_is_offered(text, shape, remedy):
    nodes, misfit = misfit_of(text, shape)
    assert misfit is not None
    assert suggest(shape, nodes, misfit) == remedy


def test_the_larger_input_is_the_smallest_that_fits():
    text = "conv 4 3x3, conv 4 3x3, maxpool 3, conv 4 9x9, maxpool 9"
    Network.from_text(text, (1, 55, 55))
    with pytest.raises(NetworkError):
        Network.from_text(text, (1, 54, 54))


def test_a_long_network_is_answered_too():
    """Thousands of layers before the break must not mean thousands of trials."""
    nodes, misfit = misfit_of(", ".join(["conv 8 3x3 pad 1"] * 5000 + ["maxpool 40"]), (1, 28, 28))
    assert misfit is not None
    assert [fix.text for fix in find((1, 28, 28), nodes, misfit)] == ["maxpool 28"]
