"""The chart at the end of a run: what it draws where, how wide it is, and that it can be read without colour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.faces.cli.curves import ROWS, chart
from pellucid.training.events import EpochRecord

ASCII = set("".join(map(chr, range(32, 127))))


def record(epoch, loss, accuracy, validation_loss, validation_accuracy):
    return EpochRecord(
        epoch, 99, loss, accuracy, validation_loss, validation_accuracy, 9, 0.1, 1.0, 1.0, False
    )


def falling(count):
    """Training from 1 down to 1/count, validation always half of it; accuracies the other way round."""
    return [record(e, 1 / e, 1 - 1 / e, 0.5 / e, 1 - 0.5 / e) for e in range(1, count + 1)]


SHARES = st.floats(0, 1)
LOSSES = st.floats(0, 1e6)


@given(
    st.lists(st.tuples(LOSSES, SHARES, LOSSES, SHARES), min_size=2, max_size=70),
    st.integers(0, 200),
    st.booleans(),
)
def test_it_fits_and_is_whole_for_any_run(figures, width, unicode):
    history = [record(epoch, *row) for epoch, row in enumerate(figures, start=1)]
    lines = chart(history, width, unicode)
    assert all(len(line) <= width for line in lines)
    text = "\n".join(lines)
    assert unicode or set(text) <= ASCII | {"\n"}
    if width >= 33:
        assert len(lines) in (ROWS + 3, 2 * (ROWS + 3) + 1)
        assert text.count("validation") == 2
        assert text.count("train") == 2
    else:
        assert lines == []


@pytest.mark.parametrize("width", [80, 100, 200])
def test_both_charts_stand_side_by_side_where_they_fit(width):
    lines = chart(falling(12), width)
    assert len(lines) == ROWS + 3
    assert "loss" in lines[0] and "accuracy" in lines[0]


def test_one_above_the_other_in_a_narrow_terminal():
    lines = chart(falling(12), 60)
    assert len(lines) == 2 * (ROWS + 3) + 1


@pytest.mark.parametrize("count", [0, 1])
def test_one_epoch_is_no_curve(count):
    assert chart(falling(count), 80) == []


def test_it_shows_where_the_curves_begin_and_end():
    """A run of two epochs whose lines cross the whole field, in ASCII, read back letter by letter."""
    history = [record(1, 1.0, 0.0, 0.01, 1.0), record(2, 0.01, 1.0, 1.0, 0.0)]
    lines = chart(history, 60, unicode=False)
    loss, accuracy = lines[: ROWS + 3], lines[ROWS + 4 :]
    for panel, top, bottom, first in ((loss, "1.000", "0.010", "."), (accuracy, "100.0%", "0.0%", "#")):
        assert panel[1].split()[0] == top
        assert panel[ROWS].split()[0] == bottom
        assert panel[1].split("|")[1][0] == first, "this curve begins at the top"
        assert panel[ROWS].split("|")[1][0] == {".": "#", "#": "."}[first]
    assert loss[1].endswith("# validation"), "validation's loss ends at the top"
    assert loss[ROWS].endswith(". train") or loss[ROWS].endswith("train")
    assert loss[-1].split() == ["epoch", "1", "2"]


def test_the_two_curves_differ_without_colour():
    """Validation is a whole line, training has gaps: fewer marks over the same way."""
    lines = chart(falling(30), 60, unicode=False)[1 : ROWS + 1]
    fields = ["".join(line.split("|")[1].split(" validation")[0].split(" train")[0]) for line in lines]
    columns = list(zip(*(field.ljust(39)[:39] for field in fields), strict=True))
    assert all("#" in column for column in columns), "validation has a mark in every column"
    assert 0.3 < sum("." in column for column in columns) / len(columns) < 0.7, "training has gaps"


def test_equal_figures_are_a_line_in_the_middle():
    lines = chart([record(e, 0.5, 1.0, 0.5, 1.0) for e in (1, 2, 3)], 60, unicode=False)
    rows = [line for line in lines[1 : ROWS + 1] if "#" in line]
    assert len(rows) == 1
