"""Moodle XML: read back by xml.etree, the question re-derived from it, and kept to what Moodle's page names."""

import html
import re
from xml.etree import ElementTree

import pytest

from pellucid.exercises.formats import moodle
from support.exercises import every_topic, nasty

# The elements and attributes that docs.moodle.org, "Moodle XML format", names for each type of question, of which the
# writer uses these. The fields inside a cloze text are of "Embedded Answers (Cloze) question type".
COMMON = {"name", "questiontext", "generalfeedback"}
DOCUMENTED = {
    "category": {"category"},
    "numerical": COMMON | {"answer"},
    "shortanswer": COMMON | {"answer", "usecase"},
    "multichoice": COMMON | {"answer", "shuffleanswers", "single", "answernumbering"},
    "cloze": COMMON,
    "essay": COMMON | {"answer"},
}
INSIDE = {
    "category": {"text"}, "name": {"text"}, "questiontext": {"text"}, "generalfeedback": {"text"},
    "feedback": {"text"}, "answer": {"text", "tolerance", "feedback"}, "text": set(), "tolerance": set(),
    "usecase": set(), "shuffleanswers": set(), "single": set(), "answernumbering": set(),
}  # fmt: skip
ATTRIBUTES = {
    "question": {"type"},
    "questiontext": {"format"},
    "generalfeedback": {"format"},
    "answer": {"fraction"},
}
TYPED = {
    "number": "numerical",
    "shape": "shortanswer",
    "matrix": "cloze",
    "text-choice": "multichoice",
    "plot": "essay",
}
# {weight:NUMERICAL:=right:tolerance#feedback~%0%wrong:tolerance#feedback}
FIELD = re.compile(r"\{1:NUMERICAL:((?:\\.|[^\\}])*)\}")
ALTERNATIVE = re.compile(r"(=|%0%)(-?\d+(?:\.\d+)?):(\d+(?:\.\d+)?)#((?:\\.|[^\\~}])*)")


def parsed(sheet):
    text = moodle.write(sheet)
    assert text.startswith("<?xml version"), "Moodle wants it on the first line"
    return list(ElementTree.fromstring(text.encode()))


def said(question, tag):
    return question.findtext(f"{tag}/text") or ""


def fields(text):
    """The numbers of each field of a cloze text: the right one, its tolerance, the wrong ones with their feedback."""
    found = []
    for match in FIELD.finditer(text):
        parts = re.split(r"(?<!\\)~", match[1])
        alternatives = [ALTERNATIVE.fullmatch(part) for part in parts]
        assert all(alternatives), match[0]
        right, *wrong = alternatives
        assert right[1] == "=" and all(each[1] == "%0%" for each in wrong)
        found.append((float(right[2]), float(right[3]), {float(each[2]): each[4] for each in wrong}))
    return found


SHEETS = [*(every_topic(level) for level in (1, 2, 3)), nasty()]


@pytest.mark.parametrize("made", SHEETS, ids="123n")
def test_only_what_the_documentation_names(made):
    for question in parsed(made):
        assert question.tag == "question"
        kind = question.get("type")
        assert {child.tag for child in question} <= DOCUMENTED[kind]
        for element in question.iter():
            assert set(element.attrib) <= ATTRIBUTES.get(element.tag, set())
            if element is not question:
                assert {child.tag for child in element} <= INSIDE[element.tag]
            if "format" in element.attrib:
                assert element.get("format") == "html"


def test_the_table_of_what_is_documented_can_fail():
    question = ElementTree.fromstring("<question type='essay'><answer/><units/></question>")
    assert not {child.tag for child in question} <= DOCUMENTED["essay"]


@pytest.mark.parametrize("made", SHEETS, ids="123n")
def test_every_question_comes_back(made):
    questions = parsed(made)
    typed = questions[1 : 1 + len(made.questions)]
    assert [q.get("type") for q in questions].count("category") in (1, 2)
    assert f"seed {made.seed}, version {made.version}/to type in" in questions[0].findtext("category/text")
    for asked, question in zip(made.questions, typed, strict=True):
        assert question.get("type") == TYPED[asked.kind]
        assert said(question, "name").endswith(asked.id)
        answers = [(a.get("fraction"), a.findtext("text") or "", a) for a in question.findall("answer")]
        right = [text for fraction, text, _ in answers if fraction == "100"]
        if asked.kind == "number":
            assert [float(text) for text in right] == [pytest.approx(asked.answer, abs=1e-12)]
            wrong = {float(text): a for fraction, text, a in answers if fraction == "0"}
            assert len(wrong) == len(asked.slips)
            for slip in asked.slips:
                value = min(wrong, key=lambda n, value=slip.value: abs(n - value))
                assert abs(value - slip.value) <= 0.5 * 10.0**-asked.decimals + 1e-9
                assert html.escape(slip.name, quote=False) in said(wrong[value], "feedback")
                assert float(wrong[value].findtext("tolerance")) == pytest.approx(asked.tolerance)
        elif asked.kind == "shape":
            sizes = [str(n) for n in asked.answer]
            assert {
                " x ".join(sizes),
                "x".join(sizes),
                "×".join(sizes),
                ", ".join(sizes),
                " ".join(sizes),
            } <= set(right)
            assert question.findtext("usecase") == "0"
        elif asked.kind == "matrix":
            numbers = [value for value, _, _ in fields(said(question, "questiontext"))]
            assert numbers == [pytest.approx(value, abs=1e-12) for row in asked.answer for value in row]
        elif asked.kind == "text-choice":
            assert len(right) == 1 and len(answers) == 1 + len(asked.slips)
        else:
            assert answers == [("0", "", answers[0][2])]


@pytest.mark.parametrize("made", SHEETS, ids="123n")
def test_slips_become_the_wrong_choices(made):
    questions = parsed(made)
    chosen = questions[2 + len(made.questions) :]
    wanted = [asked for asked in made.questions if asked.slips and asked.kind != "plot"]
    assert len(chosen) == len(wanted)
    for asked, question in zip(wanted, chosen, strict=True):
        assert question.get("type") == "multichoice" and question.findtext("single") == "true"
        fractions = [a.get("fraction") for a in question.findall("answer")]
        assert sorted(fractions) == ["0"] * len(asked.slips) + ["100"] or sorted(fractions) == ["0", "100"]
        texts = [a.findtext("text") for a in question.findall("answer")]
        assert len(set(texts)) == len(texts)


def test_a_field_names_the_slip_that_its_number_comes_from():
    made = nasty()
    question = next(q for q in parsed(made) if q.get("type") == "cloze")
    (_, _, none), (right, tolerance, wrong), *_ = fields(said(question, "questiontext"))
    assert (none, right, tolerance, set(wrong)) == ({}, -2, 0, {2})


def test_text_from_outside_stays_text():
    for question in parsed(nasty()):
        for element in question.iter("text"):
            assert "<script" not in (element.text or "")
    text = said(parsed(nasty())[2], "questiontext")
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (-0.0, 2, "0.00"),
        (1234567, 0, "1234567"),
        (0.5, 0, "0.5"),
        (-2.345, 2, "-2.35"),
        (10**14, 0, "1" + 14 * "0"),
    ],
)
def test_numbers_as_moodle_reads_them(value, decimals, text):
    assert float(moodle.number(value, decimals)) == pytest.approx(float(text), abs=0.01)
    assert "," not in moodle.number(value, decimals) and "e" not in moodle.number(value, decimals)
