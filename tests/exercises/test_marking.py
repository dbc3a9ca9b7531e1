"""Marking: right in every spelling, wrong with its slip named, and a sentence for all that can't be marked."""

import json

import pytest

from pellucid.errors import DataError
from pellucid.exercises.choices import choices
from pellucid.exercises.formats import json as as_json
from pellucid.exercises.marking import mark, read_answers
from support.exercises import every_topic, question, sheet

MATRIX = ((1, -2, 3), (4, 5, -6))
NUMBER = question("number", 1234, [(1233, "counted from 0")])
DECIMAL = question("number", -0.25, [(0.25, "minus forgotten")], decimals=2, tolerance=0.01)
SHAPE = question("shape", (1024, 24, 8), [((1023, 23, 8), "+1 forgotten")])
GRID = question("matrix", MATRIX, [(((1, 2, 3), (4, 5, 6)), "signs lost")])
NAMED = question("matrix", ((7, 1234),), rows=("place",), columns=("row", "column"))
CHOICE = question("text-choice", "it **blurs**", [("it sharpens", "sharpen"), ("nothing", "identity")])
PLOT = question("plot", "straight from (0, 0) to (1, 1)")


def one(asked, given):
    (only,) = mark(sheet(asked), {"1": given}).marks
    return only


SPELT = [
    (NUMBER, [1234, 1234.0, "1234", " 1,234 ", "1 234", "1'234", "+1234", "1.234e3", "x = 1234", "1234 parameters",
              "1234.", [1234], "2468/2"]),
    (DECIMAL, [-0.25, "-0.25", "−0.25", "-.25", "-0,25", "-1/4", "-25%", "≈ -0.25", -0.2549, "-0.26"]),
    (SHAPE, [[1024, 24, 8], "1024 x 24 x 8", "1024x24x8", "1,024 × 24 × 8", "(1024, 24, 8)", "1024,24,8", "1024 24 8",
             "[1024; 24; 8]", "1024*24*8", "1024 by 24 by 8", "1024X24X8"]),
    (GRID, [[[1, -2, 3], [4, 5, -6]], "1 -2 3; 4 5 -6", "[1 -2 3; 4 5 -6]", "1, -2, 3\n4, 5, -6", "[[1,-2,3],[4,5,-6]]",
            "[[ 1 -2  3]\n [ 4  5 -6]]", "((1,-2,3),(4,5,-6))", "| 1 | −2 | 3 |\n| 4 | 5 | −6 |",
            "| | | |\n| ---: | ---: | ---: |\n| 1 | -2 | 3 |\n| 4 | 5 | -6 |", "```\n1 -2  3\n4  5 -6\n```",
            [["1", "-2", "3"], [4, 5.0, -6]]]),
    (NAMED, ["7 1234", [7, 1234], [[7, 1234]], "place 7 1234", "place: 7 1,234", "7 1,234", "7, 1234",
             "| | row | column |\n| --- | --- | --- |\n| place | 7 | 1,234 |"]),
    (CHOICE, ["it blurs", "It  **blurs**.", "IT BLURS"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "given"), [(asked, given) for asked, all_given in SPELT for given in all_given]
)
def test_right_however_it_is_spelt(asked, given):
    assert one(asked, given).verdict == "right"


@pytest.mark.parametrize("wording", ["{}", "{})", "({})", "{}.", "{}) it blurs", " {} "])
def test_a_choice_by_its_letter(wording):
    letters = {choice.letter: choice.slip for choice in choices(CHOICE)}
    for letter, slip in letters.items():
        if wording.count("blurs") and slip:
            continue
        made = one(CHOICE, wording.format(letter.upper()))
        assert (made.verdict, made.slip) == (("wrong", slip.name) if slip else ("right", ""))


@pytest.mark.parametrize(
    ("asked", "given", "slip"),
    [
        (NUMBER, "1,233", "counted from 0"),
        (DECIMAL, "0.25", "minus forgotten"),
        (SHAPE, "1023 x 23 x 8", "+1 forgotten"),
        (GRID, "1 2 3; 4 5 6", "signs lost"),
        (CHOICE, "it sharpens", "sharpen"),
    ],
)
def test_a_wrong_answer_names_its_slip(asked, given, slip):
    made = one(asked, given)
    assert (made.verdict, made.slip) == ("wrong", slip)
    assert made.said == f"this looks like the slip '{slip}': the {slip} was made."


@pytest.mark.parametrize(
    ("asked", "given", "verdict", "said"),
    [
        (NUMBER, 7, "wrong", "wrong, and no slip that we know leads there: follow the working"),
        (NUMBER, "many", "unreadable", "that can't be read as a number"),
        (NUMBER, True, "unreadable", "that can't be read as a number"),
        (NUMBER, float("nan"), "unreadable", "that can't be read as a number"),
        (NUMBER, "1/0", "unreadable", "that can't be read as a number"),
        (NUMBER, {"a": 1}, "unreadable", "that can't be read as a number"),
        (NUMBER, "9" * 30_000, "unreadable", "that can't be read as a number"),
        (DECIMAL, "-0.27", "wrong", "wrong, and no slip that we know leads there: follow the working"),
        (DECIMAL, None, "missing", "no answer; a number with 2 decimals is asked for"),
        (DECIMAL, "  ", "missing", "no answer; a number with 2 decimals is asked for"),
        (SHAPE, "1024 x 24", "wrong", "the shape has 3 sizes, not 2"),
        (SHAPE, "large", "unreadable", "that can't be read as a shape: height x width x channels"),
        (SHAPE, [1024, 24.5, 8], "unreadable", "that can't be read as a shape: height x width x channels"),
        (GRID, "1 -2 3", "wrong", "the matrix is 2 x 3, not 1 x 3"),
        (
            GRID,
            "1 -2 3; 4 0 0",
            "wrong",
            "4 of 6 places are right; the first that isn't stands in row 2, column 2",
        ),
        (
            GRID,
            "1 2; 3",
            "unreadable",
            "that can't be read as a matrix: rows with ; between, numbers with blanks",
        ),
        (
            GRID,
            [[1, "x"]],
            "unreadable",
            "that can't be read as a matrix: rows with ; between, numbers with blanks",
        ),
        (CHOICE, "z", "unreadable", "that can't be read as one of the choices: its letter or its words"),
        (PLOT, "a line", "by eye", "compare your plot with the answer's: straight from (0, 0) to (1, 1)"),
    ],
)
def test_what_is_said(asked, given, verdict, said):
    made = one(asked, given)
    assert (made.verdict, made.said, made.slip) == (verdict, said, "")


@pytest.mark.parametrize("level", [1, 2, 3])
def test_every_answer_is_right_and_every_slip_is_named(level):
    made = every_topic(level)
    right = mark(made, {q.id: q.written(q.answer) for q in made.questions})
    assert right.total == f"{right.count} of {right.count}"
    assert right.count == sum(q.kind != "plot" for q in made.questions)
    for n in range(max(len(q.slips) for q in made.questions)):
        asked = [q for q in made.questions if len(q.slips) > n and q.kind != "plot"]
        marks = {one.id: one for one in mark(made, {q.id: q.written(q.slips[n].value) for q in asked}).marks}
        for q in asked:
            # a slip's value is written as an answer is, rounded: another slip may lie as near
            near = {slip.name for slip in q.slips}
            assert marks[q.id].verdict == "wrong", (q.id, q.slips[n].name)
            assert marks[q.id].slip in near


def test_by_id_by_number_and_in_order():
    made = sheet(NUMBER, question("number", 5, id="second"))
    by_id = mark(made, {"hand-number": 1234, "second": 5})
    assert by_id == mark(made, {"1": 1234, "2": 5}) == mark(made, read_answers("[1234, 5]"))
    assert (by_id.total, by_id.problems) == ("2 of 2", ())


def test_partial_unknown_and_twice():
    made = sheet(NUMBER, question("number", 5, id="second"))
    marks = mark(made, {"1": 1234, "third": 3, "hand-number": 7})
    assert marks.total == "1 of 2"
    assert marks.problems == (
        "there is no question 'third' on this sheet",
        "question hand-number is answered twice; the first answer counts",
    )
    assert marks.as_dict()["right"] == 1 and marks.as_dict()["marks"][1]["verdict"] == "missing"


def test_the_form_filled_in():
    made = every_topic(1)
    form = json.loads(as_json.write(made, False))
    form["answers"] |= {q.id: q.written(q.answer) for q in made.questions[:4]}
    marks = mark(made, read_answers(json.dumps(form)))
    assert marks.right == sum(q.kind != "plot" for q in made.questions[:4])


@pytest.mark.parametrize(
    ("text", "what", "received"),
    [
        ('{"1": 14', "The answers are no JSON", "line 1, column 9: Expecting ',' delimiter"),
        ("", "The answers are no JSON", "line 1, column 1: Expecting value"),
        ('"14"', "The answers are one JSON object or list", "str"),
        ('{"answers": 3}', '"answers" is an object by id or number, or a list', "int"),
        ('{"1": 1, "1": 2}', "The answers can't be read", "'1' stands there twice"),
        ("[" * 100_000, "The answers can't be read", None),
    ],
)
def test_broken_answers_are_refused(text, what, received):
    with pytest.raises(DataError) as caught:
        read_answers(text, "answers.json")
    assert (caught.value.what, caught.value.where) == (what, "answers.json")
    assert received is None or caught.value.received == received


def test_the_sheet_itself_is_no_answers():
    with pytest.raises(DataError, match="not somebody's answers to it"):
        read_answers(as_json.write(sheet(NUMBER)))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"seed": 4}, "These answers are for a sheet of another seed"),
        ({"level": 2}, "These answers are for a sheet of another level"),
        ({"topics": ["relu"]}, "These answers are for a sheet of another topics"),
        ({"version": 0}, "These answers are for a sheet of another version"),
        ({"count": 7}, "These answers are for a sheet of another count of questions"),
    ],
)
def test_answers_for_another_sheet_are_refused(change, what):
    made = sheet(NUMBER)
    form = as_json.form(made)
    form["sheet"] |= change
    form["answers"]["hand-number"] = 1
    with pytest.raises(DataError) as caught:
        mark(made, read_answers(json.dumps(form)))
    assert caught.value.what == what.replace("another topics", "other topics")


def test_answers_with_no_question_of_this_sheet_are_refused():
    with pytest.raises(DataError, match="None of these answers belongs to a question of this sheet"):
        mark(sheet(NUMBER), {"padding-1": 3})
