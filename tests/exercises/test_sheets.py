"""Sheets as Markdown, as a page, and as JSON."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pellucid.errors import DataError
from pellucid.exercises import generate
from pellucid.exercises.choices import choices
from pellucid.exercises.formats import html, markdown
from pellucid.exercises.formats import json as as_json
from pellucid.exercises.schema import SheetDocument
from support.cli import strict_json
from support.exercises import NASTY, every_topic, nasty

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "exercise.schema.json"
LEVELS = [1, 2, 3]


@pytest.mark.parametrize("level", LEVELS)
def test_json_gives_back_the_same_sheet(level):
    made = every_topic(level)
    text = as_json.write(made)
    again = as_json.read(text)
    assert again == made and as_json.write(again) == text
    whole = [question.answer for question in again.questions if isinstance(question.answer, int | float)]
    assert [type(n) for n in whole] == [
        type(q.answer) for q in made.questions if isinstance(q.answer, int | float)
    ]
    strict_json(text)


def test_json_of_any_letters():
    assert as_json.read(as_json.write(nasty())) == nasty()


def test_the_published_schema_is_that_of_the_documents():
    assert json.loads(SCHEMA.read_text()) == SheetDocument.model_json_schema(mode="serialization")


def test_the_documents_keep_to_the_published_schema():
    jsonschema = pytest.importorskip("jsonschema", reason="an independent validator of the schema")
    jsonschema.validate(json.loads(as_json.write(every_topic(2))), json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize(
    ("text", "where"),
    [("[", "the document"), ("[]", "the document"), ('{"format": 1}', "format"), ("null", "the document")],
)
def test_what_is_no_sheet_is_refused(text, where):
    with pytest.raises(DataError) as caught:
        as_json.read(text)
    assert caught.value.what == "That is no sheet of exercises"
    assert caught.value.where == where


def test_a_changed_document_is_refused():
    document = json.loads(as_json.write(every_topic(1)))
    document["questions"][0]["kind"] = "riddle"
    with pytest.raises(DataError) as caught:
        as_json.read(json.dumps(document))
    assert caught.value.where == "questions.0.kind"


def test_the_form_has_no_answers():
    made = every_topic(2)
    form = json.loads(as_json.write(made, False))
    assert form["answers"] == {question.id: None for question in made.questions}
    assert form["sheet"]["seed"] == made.seed and form["sheet"]["count"] == len(made.questions)
    for question in form["questions"]:
        assert not {"answer", "answer_text", "working", "slips", "data", "answer_figure"} & set(question)
        assert question["asks"]


def test_markdown_with_and_without_answers():
    made = every_topic(2)
    full, bare = markdown.write(made), markdown.write(made, False)
    assert bare == full[: full.index("## Answers")] + full[full.rindex("---\n\nMade by") :]
    for number, question in enumerate(made.questions, 1):
        assert f"## {number}. " in bare and question.question in bare
        assert all(line in full for line in question.working)
        assert all(slip.name in full for slip in question.slips)
        own = [line for line in question.working if len(line) > 40 and line not in question.question]
        assert not any(line in bare for line in own)
    assert f"seed {made.seed}" in bare and f"level {made.level}" in bare and "version 1" in bare


def test_a_sheet_says_the_command_that_makes_it_again():
    made = generate(["padding", "relu"], 3, 2, 9)
    again = markdown.write(made).rsplit("`", 2)[1]
    assert again == "pellucid exercise --topic padding,relu --count 3 --level 2 --seed 9"


class Page(HTMLParser):
    """A page's elements, its texts, and the addresses that it names."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.texts, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("made", [*map(every_topic, LEVELS), nasty()], ids="123n")
@pytest.mark.parametrize("answers", [True, False])
def test_a_page_holds_everything_and_runs_nothing(made, answers):
    text = html.write(made, answers)
    ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>\n"))  # well-formed, so nothing broke out
    page = Page(text)
    assert not {"script", "iframe", "object", "link", "form"} & set(page.tags)
    assert all(address.startswith("data:image/svg+xml;base64,") for address in page.addresses)
    assert "default-src 'none'" in unescape(text) and "url(" not in text
    assert page.tags.count("article") == len(made.questions)
    assert page.tags.count("details") == (len(made.questions) if answers else 0)
    ids = re.findall(r'<article id="([^"]+)"', text)
    assert ids == [question.id for question in made.questions]


def test_a_page_without_answers_gives_none_away():
    made = every_topic(2)
    text = html.write(made, False)
    said = " ".join(Page(text).texts)
    for question in made.questions:
        assert not any(slip.why in said for slip in question.slips)
    assert said.count("Answer") > 5 and "Name" in said


def test_letters_with_a_meaning_stand_as_themselves_on_the_page():
    said = "".join(Page(html.write(nasty())).texts)
    assert said.count(NASTY) >= 6


def test_tables_of_a_page_have_heads():
    text = html.write(every_topic(1))
    for table in re.findall(r"<table.*?</table>", text, flags=re.S):
        assert 'scope="col"' in table


def test_choices_have_an_order_that_gives_nothing_away():
    made = generate(["filters"], 60, 1, 2)
    asked = [question for question in made.questions if question.kind == "text-choice"]
    places = [next(n for n, choice in enumerate(choices(q)) if choice.slip is None) for q in asked]
    assert choices(asked[0]) == choices(asked[0])
    assert len(set(places)) > 2, "the right answer has no place of its own"
