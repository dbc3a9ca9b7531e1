"""GIFT, read back by a strict reader of its documented grammar."""

import html

import pytest

from pellucid.exercises import choices as choosing
from pellucid.exercises.formats import gift
from support.exercises import every_topic, nasty, question, sheet
from support.gift import read

KINDS = {
    "number": "numerical",
    "shape": "shortanswer",
    "text-choice": "multichoice",
    "plot": "essay",
    "matrix": "multichoice",
}


@pytest.mark.parametrize("made", [*(every_topic(level) for level in (1, 2, 3)), nasty()], ids="123n")
def test_every_question_comes_back(made):
    categories, items = read(gift.write(made))
    assert len(categories) == 1 and f"seed {made.seed}" in categories[0]
    assert len(items) == len(made.questions)
    for number, (asked, item) in enumerate(zip(made.questions, items, strict=True), 1):
        assert item.name == f"{number:02d} {asked.topic} {asked.id}"
        assert (item.kind, item.format) == (KINDS[asked.kind], "html")
        right = [answer for answer in item.answers if answer.sign == "=" and answer.weight in (None, 100)]
        wrong = [answer for answer in item.answers if answer not in right]
        if asked.kind == "number":
            assert [float(answer.text) for answer in right] == [pytest.approx(asked.answer, abs=1e-12)]
            assert [answer.tolerance for answer in right] == [pytest.approx(asked.tolerance)]
            assert len(wrong) == len(asked.slips) and all(answer.weight == 0 for answer in wrong)
        elif asked.kind == "shape":
            assert {" x ".join(map(str, asked.answer)), "×".join(map(str, asked.answer))} <= {
                a.text for a in right
            }
        elif asked.kind in ("matrix", "text-choice"):
            assert len(right) == 1 and len(wrong) == len(asked.slips)
        for slip in asked.slips if asked.kind != "plot" else ():
            assert any(html.escape(slip.name, quote=False)[:20] in answer.feedback for answer in wrong)


def test_a_letter_with_a_meaning_stands_as_itself():
    assert gift.escaped("a~=#{}:\\\nb") == "a\\~\\=\\#\\{\\}\\:\\\\\\nb"
    (item, *_) = read(gift.write(nasty()))[1]
    assert "&lt;script&gt;" in item.text and "<script>" not in item.text
    assert "a ~ = # { } : \\ &lt; &amp;" in item.text


def test_a_matrix_without_slips_is_matched_row_by_row():
    made = sheet(question("matrix", ((1, -2), (3, 4))))
    (item,) = read(gift.write(made))[1]
    assert item.kind == "matching"
    assert [(answer.text, answer.match) for answer in item.answers] == [("row 1", "1  -2"), ("row 2", "3  4")]


@pytest.mark.parametrize(
    "broken",
    ["::a::[html]x{=1~2", "::a::[html]x = y{=1}", "::a::[html]a\\b{=1}", "::a::[html]x{#=1:0}}", "x{=1}"],
)
def test_the_reader_refuses_what_the_grammar_does_not_have(broken):
    with pytest.raises(ValueError):
        read(broken)


def test_choices_stand_in_the_order_of_the_printed_sheet():
    made = every_topic(1)
    asked = next(each for each in made.questions if each.kind == "text-choice")
    item = read(gift.write(made))[1][made.questions.index(asked)]
    signs = "".join(answer.sign for answer in item.answers)
    assert signs == "".join("~" if choice.slip else "=" for choice in choosing.choices(asked))
