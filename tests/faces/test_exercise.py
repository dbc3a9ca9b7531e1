"""`pellucid exercise`: sheets out, answers in, and every wrong call as a sentence."""

import json
import os
from xml.etree import ElementTree

import pytest

from pellucid.exercises import TOPICS, generate
from pellucid.exercises.formats import gift, html, markdown, moodle
from pellucid.exercises.formats import json as as_json
from support.cli import pellucid
from support.digits import NETWORK

WANTED = ("--topic", "padding,relu", "--count", "3", "--level", "2", "--seed", "5")
SHEET = generate(["padding", "relu"], 3, 2, 5)


def test_markdown_to_stdout_by_default():
    ran = pellucid("exercise", *WANTED)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == markdown.write(SHEET)
    assert pellucid("exercise", *WANTED, "--no-answers").out == markdown.write(SHEET, False)


def test_the_topic_option_again_is_the_same_as_commas():
    again = pellucid("exercise", "--topic", "padding", "--topic", "relu", *WANTED[2:])
    assert again.out == pellucid("exercise", *WANTED).out


def test_eight_questions_of_all_topics_unless_asked_otherwise():
    document = pellucid("exercise", "--json").json
    assert len(document["questions"]) == 8 and document["topics"] == list(TOPICS)
    assert (document["level"], document["seed"]) == (1, 0)
    for question in document["questions"]:
        assert question["question"] and question["answer"] is not None and question["working"]


@pytest.mark.parametrize(
    ("format", "name", "text"),
    [
        ("html", "a.html", html.write(SHEET)),
        ("json", "a.json", as_json.write(SHEET)),
        ("moodle", "a.xml", moodle.write(SHEET)),
        ("gift", "a.gift", gift.write(SHEET)),
        ("markdown", "a.md", markdown.write(SHEET)),
    ],
)
def test_every_format_to_stdout_and_by_the_files_ending(tmp_path, format, name, text):
    assert pellucid("exercise", *WANTED, "--format", format).out == text
    ran = pellucid("exercise", *WANTED, "--out", tmp_path / name)
    assert (ran.code, ran.out) == (0, "") and "saved" in ran.err
    assert (tmp_path / name).read_text("utf-8") == text


def test_the_json_document_says_where_the_sheet_went(tmp_path):
    ran = pellucid("exercise", *WANTED, "--json", "--out", tmp_path / "sheet.html", "--no-answers")
    document = ran.json
    assert document["path"] == str(tmp_path / "sheet.html")
    assert set(document["answers"]) == {question.id for question in SHEET.questions}
    assert "answer" not in document["questions"][0]


@pytest.fixture
def form(tmp_path):
    """The form of SHEET, with two answers filled in: one right, one a slip."""
    path = tmp_path / "form.json"
    assert pellucid("exercise", *WANTED, "--answers-form", path, "--out", tmp_path / "sheet.html").code == 0
    document = json.loads(path.read_text())
    first, second, _ = SHEET.questions
    document["answers"][first.id] = first.written(first.answer)
    document["answers"][second.id] = second.written(second.slips[0].value)
    path.write_text(json.dumps(document))
    return path


def test_marking_a_form_without_naming_its_sheet_again(form):
    ran = pellucid("exercise", "--check", form, "--json")
    assert ran.code == 0 and ran.err == ""
    document = ran.json
    second = SHEET.questions[1]
    plots = sum(question.kind == "plot" for question in SHEET.questions)
    assert document["count"] == 3 - plots
    assert [mark["id"] for mark in document["marks"]] == [question.id for question in SHEET.questions]
    assert document["marks"][0]["verdict"] == "right"
    if second.kind != "plot":
        assert document["marks"][1]["slip"] == second.slips[0].name
    text = pellucid("exercise", *WANTED, "--check", form).out
    assert f"{document['right']} of {document['count']} right" in text


def test_marking_by_number(tmp_path):
    path = tmp_path / "answers.json"
    made = generate(["padding"], 2, 1, 0)
    path.write_text(json.dumps({"2": made.questions[1].written(made.questions[1].answer), "7": 1}))
    ran = pellucid("exercise", "--topic", "padding", "--count", "2", "--check", path)
    assert ran.code == 0
    assert "1 of 2 right" in ran.out and "missing" in ran.out
    assert ran.err == "note: there is no question '7' on this sheet\n"


def test_about_a_networks_text_and_its_form(tmp_path):
    path = tmp_path / "form.json"
    ran = pellucid("exercise", NETWORK, "--input", "8x8x1", "--count", "3", "--json", "--answers-form", path)
    document = ran.json
    assert document["about"] == {"network": NETWORK, "input": "8x8x1"}
    assert all("8 x 8 x 1" in question["question"] for question in document["questions"])
    filled = json.loads(path.read_text())
    filled["answers"] = {question["id"]: question["answer"] for question in document["questions"]}
    path.write_text(json.dumps(filled))
    assert pellucid("exercise", "--check", path, "--json").json["right"] == 3


def test_about_a_network_by_its_name():
    document = pellucid("exercise", "lenet5", "--count", "2", "--level", "3", "--json").json
    assert document["about"]["network"] == "lenet5" and len(document["questions"]) == 2


def test_about_a_students_own_model_and_picture(trained, tmp_path):
    picture = next(trained.data.rglob("*.png"))
    path = tmp_path / "form.json"
    ran = pellucid("exercise", trained.model, picture, "--count", "5", "--json", "--answers-form", path)
    assert ran.code == 0, ran.err
    document = ran.json
    assert document["about"] == {"model": "model.onnx", "image": picture.name}
    filled = json.loads(path.read_text())
    filled["answers"] = {question["id"]: question["answer"] for question in document["questions"]}
    path.write_text(json.dumps(filled))
    marks = pellucid("exercise", trained.model, picture, "--check", path, "--json").json
    assert (marks["right"], marks["count"]) == (5, 5)
    alone = pellucid("exercise", "--check", path)
    assert alone.code == 1 and "These answers are about a model: name it" in alone.err
    assert "pellucid exercise MODEL IMAGE --check FILE" in alone.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--topic", "paddin"), ["error     There is no such topic", "where     --topic", "padding?", "learning"]),
        (("--level", "4"), ["error     There is no such level", "where     --level", "1, 2 or 3"]),
        (("--count", "0"), ["error     A sheet has 1 to 1,000 questions", "where     --count", "received  0"]),
        (("--count", "1000000"), ["error     A sheet has 1 to 1,000 questions", "received  1,000,000"]),
        (("--seed", "-1"), ["where     --seed"]),
        (("--format", "pdf"), ["error     There is no such format", "markdown, html, json, moodle, gift"]),
        (("--format", "gift", "--no-answers"), ["error     A question bank is marked by its answers"]),
        (("--input", "28x28x1"), ["error     --input is about a network's text"]),
        (("--check", "no such file"), ["error     Can't read: no such file or directory", "where     no such file"]),
        (("conv 8 5x5, relu",), ["error     The input's size is needed"]),
        (("conv 8 5x5, relu", "--input", "x"), ["where     --input"]),
        (("conv 8 99x99", "--input", "28x28x1"), ["where     conv1"]),
        (("no-such-network",), ["error"]),
        (("missing.onnx",), ["error", "missing.onnx"]),
        (("lenet5", "--topic", "softmax"), ["where     --topic", "volume, parameters, receptive-field"]),
    ],
)  # fmt: skip
def test_a_wrong_call_is_one_sentence(arguments, says, tmp_path):
    ran = pellucid("exercise", *arguments, cwd=tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert all(words in ran.err for words in says), ran.err
    as_one = pellucid("exercise", *arguments, "--json", cwd=tmp_path)
    assert as_one.code == 1 and as_one.error["what"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "The answers are no JSON"),
        (b"\xff\xfe{}", "The answers are not UTF-8 text"),
        (b'{"sheet": {"seed": "x"}, "answers": {"1": 2}}', "The answers don't say which seed their sheet has"),
        (b'{"sheet": {"topics": 3}, "answers": {"1": 2}}', "The answers don't say which topics their sheet has"),
        (b'{"sheet": {"version": 99}, "answers": {"1": 2}}', "These answers are for a sheet of another version"),
        (b'{"sheet": {"topics": ["riddles"]}, "answers": {"1": 2}}', "There is no such topic"),
        (b'{"padding-00000000": 2}', "None of these answers belongs to a question of this sheet"),
        (b'{"sheet": {"about": {"network": 5}}, "answers": {"1": 2}}', "These answers are about a model: name it"),
    ],
)  # fmt: skip
def test_broken_answers_are_one_sentence(tmp_path, text, says):
    path = tmp_path / "answers.json"
    path.write_bytes(text)
    ran = pellucid("exercise", "--check", path)
    assert (ran.code, ran.out) == (1, "")
    assert f"error     {says}" in ran.err, ran.err


def test_answers_for_another_seed_than_asked(form):
    ran = pellucid("exercise", *WANTED[:-1], "6", "--check", form)
    assert ran.code == 1
    assert "These answers are for a sheet of another seed" in ran.err
    assert f"where     {form}" in ran.err and "received  seed 5, but this sheet has 6" in ran.err


def test_options_without_a_meaning_beside_check(form, tmp_path):
    ran = pellucid("exercise", "--check", form, "--out", tmp_path / "x.html")
    assert ran.code == 1 and "--out has no meaning with --check" in ran.err


@pytest.mark.skipif(os.name == "nt", reason="no /dev/full there")
@pytest.mark.parametrize("path", ["/dev/full", "no/such/folder/sheet.html", "."])
def test_a_file_that_can_not_be_written(tmp_path, path):
    ran = pellucid("exercise", "--count", "1", "--out", path, cwd=tmp_path)
    assert ran.code == 1 and ran.err.startswith("error     Can't write: ")
    assert list(tmp_path.iterdir()) == []


def test_moodle_xml_on_stdout_is_xml_alone():
    ElementTree.fromstring(pellucid("exercise", "--count", "2", "--format", "moodle").out.encode())
