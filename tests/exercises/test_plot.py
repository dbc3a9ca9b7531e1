"""Drawings are well-formed, say what they show, and put a curve's points where its values are."""

from xml.etree import ElementTree

import numpy as np

from pellucid.exercises import generate, plot

SVG = "{http://www.w3.org/2000/svg}"


def test_a_curve_goes_through_its_points():
    points = [(-4.0, 0.0), (0.0, 0.0), (3.0, 3.0)]
    drawing = ElementTree.fromstring(plot.curve(points, "ReLU & <co>", "flat, then rising"))
    assert drawing.find(f"{SVG}title").text == "ReLU & <co>" and drawing.find(f"{SVG}desc").text
    assert drawing.get("role") == "img"
    line = next(drawing.iter(f"{SVG}polyline")).get("points").split()
    places = np.array([[float(n) for n in pair.split(",")] for pair in line])
    # Both axes alike: pixels are values, but for one scale and a shift.
    steps = np.diff(places, axis=0) / plot.UNIT
    assert np.allclose(steps, [[4, 0], [3, -3]])
    assert {text.text for text in drawing.iter(f"{SVG}text")} >= {"x", "y", "-4", "-2", "2"}


def test_what_leaves_the_axes_is_cut_at_their_edge():
    drawing = ElementTree.fromstring(plot.curve([(-4.0, -10.0), (0.0, 0.0), (2.0, 2.0)], "t", "d"))
    (line,) = [each.get("points").split() for each in drawing.iter(f"{SVG}polyline")]
    places = np.array([[float(n) for n in pair.split(",")] for pair in line])
    assert np.allclose(np.diff(places, axis=0) / plot.UNIT, [[2.4, -6], [2, -2]])  # from y = -6 on
    height = float(drawing.get("height"))
    assert (places[:, 1] >= 0).all() and (places[:, 1] <= height).all()


def test_drawings_can_stand_beside_each_other_in_a_page():
    drawing = plot.curve([(-1.0, 0.0), (1.0, 1.0)], "t", "d")
    assert " id=" not in drawing and "url(" not in drawing
    style = ElementTree.fromstring(drawing).find(f"{SVG}style").text
    rules = [
        rule for rule in style.replace("@media(prefers-color-scheme:dark){", "").split("}") if rule.strip()
    ]
    assert all(rule.startswith(".exercise-plot ") for rule in rules)


def test_pictures_are_as_grey_as_their_numbers():
    drawing = ElementTree.fromstring(plot.picture(np.array([[0.0, 5.0], [10.0, 5.0]]), "t", "d"))
    fills = [each.get("fill") for each in drawing.iter(f"{SVG}rect") if each.get("fill")]
    assert fills == ["#000000", "#808080", "#ffffff", "#808080"]


def test_plots_are_answered_by_a_drawing_and_so_are_their_slips():
    plots = [q for q in generate(["relu"], 12, 3, 1).questions if q.kind == "plot"]
    assert plots
    for q in plots:
        for figure in (q.answer_figure, *(slip.figure for slip in q.slips)):
            ElementTree.fromstring(figure)
        d = q.data
        z = {x: d["scale"] * x + d["shift"] for x in (d["low"], d["high"])}
        f = {
            "relu": lambda v: max(0, v),
            "relu6": lambda v: min(max(0, v), 6),
            "leakyrelu": lambda v, slope=d["slope"]: v if v >= 0 else slope * v,
        }[d["function"]]
        for x, v in z.items():
            assert f"({x:g}, {d['outer'] * f(v) + d['offset']:.6g})" in q.answer
