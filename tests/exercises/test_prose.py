"""The Markdown of exercises as HTML, beside markdown-it: what is said and what is code or strong is the same."""

import re
from html import unescape

import pytest
from markdown_it import MarkdownIt

from pellucid.exercises.formats import prose
from support.exercises import NASTY, every_topic

READER = MarkdownIt("commonmark", {"html": False}).enable("table")


def referee(text):
    """The runs of text of every block, as markdown-it reads them: (mark, words)."""
    found, block = [], None
    for token in READER.parse(text):
        if token.type == "fence":
            found += [("pre", word) for word in token.content.split()]
        elif token.type == "inline":
            marks = []
            for child in token.children:
                if child.type.endswith("_open"):
                    marks.append(child.tag)
                elif child.type.endswith("_close"):
                    marks.pop()
                elif child.type == "code_inline":
                    found += [("code", word) for word in child.content.split()]
                else:
                    found += [(marks[-1] if marks else "", word) for word in child.content.split()]
    return [each for each in found if each[1]], block


def ours(text):
    """The same from our HTML; what numbers the rows and columns of a matrix is left out."""
    found, stack, skip = [], [], False
    for part in re.split(
        r"(<[^>]+>)", re.sub(r'<table class="matrix".*?</table>', _matrix, prose.html(text), flags=re.S)
    ):
        if part.startswith("</"):
            stack.pop()
        elif part.startswith("<") and not part.endswith("/>"):
            stack.append(part[1:-1].split()[0])
        elif part.strip() and not skip:
            mark = next((name for name in reversed(stack) if name in ("code", "strong", "em", "pre")), "")
            mark = "pre" if "pre" in stack else mark
            found += [(mark, word) for word in unescape(part).split()]
    return found


def _matrix(match):
    cells = re.findall(r"<td>([^<]+)</td>", match[0])
    return "<pre>" + " ".join(cells) + "</pre>"


@pytest.mark.parametrize("level", [1, 2, 3])
def test_every_text_of_every_topic_says_the_same(level):
    for question in every_topic(level).questions:
        texts = [question.question, question.answer_text, *question.working, *question.conventions]
        for text in [*texts, *(slip.why for slip in question.slips)]:
            words, _ = referee(text)
            assert ours(text) == words, text


@pytest.mark.parametrize(
    "text",
    ["3*(-1) + 2*4 = 5", "a *b* c **d e** `f*g*h`", "2 * 3 * 4", "x < y & z > 1", "1. one\n2. two", "- a\n- b `c`",
     "| a | b |\n| --- | ---: |\n| 1 | 2 |", "```\n1  2\n3  4\n```", "a\\*b\\*c", "``a ` b``", NASTY],
)  # fmt: skip
def test_marks_are_read_as_commonmark_has_them(text):
    assert ours(text) == referee(text)[0]


def test_no_markup_comes_through():
    made = prose.html(f"{NASTY}\n\n| {NASTY} |\n| --- |\n| <b> |\n\n```\n<i>\n```")
    assert not re.search(r"<(script|b|i)\b", made)


def test_a_matrix_is_a_table_with_its_rows_and_columns_numbered():
    made = prose.html("```\n 1  -2\n30   4\n```")
    assert re.findall(r'<th scope="col">(\d)</th>', made) == ["1", "2"]
    assert re.findall(r'<th scope="row">(\d)</th><td>([^<]*)</td><td>([^<]*)</td>', made) == [
        ("1", "1", "-2"),
        ("2", "30", "4"),
    ]
    assert "<table" not in prose.html("```\nconv 8 3x3\n```") and "<table" not in prose.html(
        "```\n1 2\n3\n```"
    )


def test_a_table_to_fill_in_is_told_from_others():
    empty, full = "| | a |\n| --- | --- |\n| x | |", "| | a |\n| --- | --- |\n| x | 1 |"
    assert [prose.unfilled(prose.blocks(text)[0]) for text in (empty, full, "words")] == [True, False, False]
