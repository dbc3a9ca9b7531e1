"""An exercise as a cell shows it: whole, its answer folded, nothing in it that isn't text."""

from html.parser import HTMLParser

import pytest

from pellucid import exercises, figures
from pellucid.exercises.question import Slip, ask


class Folded(HTMLParser):
    """The text outside and inside of <details>."""

    def __init__(self, html):
        super().__init__()
        self.depth, self.open, self.folded, self.tags = 0, "", "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.depth += tag == "details"

    def handle_endtag(self, tag):
        self.depth -= tag == "details"

    def handle_data(self, data):
        if self.depth:
            self.folded += data
        else:
            self.open += data


@pytest.mark.parametrize("topic", exercises.TOPICS)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_answer_is_folded_and_whole(topic, level):
    question = exercises.generate([topic], 1, level, 5).questions[0]
    figure = figures.exercise(topic, level, 5)
    assert "\n" not in figure.html
    shown = Folded(figure.html)
    assert "Answer:" in shown.folded and "Answer:" not in shown.open
    assert all(slip.name in shown.folded for slip in question.slips)
    if isinstance(question.answer, int):
        assert f"{question.answer:,}" in shown.folded
    assert question.question.split()[0].strip("*`") in shown.open
    assert figure.alt.startswith(question.question)


def test_nothing_in_a_question_becomes_markup():
    wicked = "<script>alert(1)</script>"
    question = ask(
        "x", 1, "number", wicked, 1, working=[wicked], conventions=[wicked],
        slips=[Slip(2, wicked, wicked)], data={},
    )  # fmt: skip
    assert "script" not in Folded(figures.exercise(question).html).tags
