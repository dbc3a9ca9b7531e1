"""Sheets for tests: one of every topic, and one whose texts hold every letter that some format gives a meaning to."""

from functools import cache

from pellucid.exercises import TOPICS, Question, Sheet, Slip, generate

NASTY = r"""a ~ = # { } : \ < & > "' ]]> -> %50% é 中 <script>alert(1)</script> {1:NUMERICAL:=3} $x$ // ::"""


@cache
def every_topic(level: int = 2, seed: int = 1) -> Sheet:
    """Two questions of each topic."""
    return generate(list(TOPICS), 2 * len(TOPICS), level, seed)


def question(kind: str, answer, slips=(), **more) -> Question:
    """A question made by hand."""
    given = {
        "id": f"hand-{kind}",
        "topic": "convolution",
        "level": 1,
        "kind": kind,
        "question": f"Which {kind}?",
        "answer": answer,
        "answer_text": "",
        "working": ("`1 + 1 = 2`",),
        "conventions": ("Rows count from 1.",),
        "slips": tuple(Slip(value, name, f"The {name} was made.") for value, name in slips),
        "data": {"n": 1},
    } | more
    if not given["answer_text"]:
        given["answer_text"] = answer if isinstance(answer, str) else str(answer)
    return Question(**given)


def sheet(*questions: Question, title: str = "By hand") -> Sheet:
    return Sheet(title, 3, 1, ("convolution",), questions)


def nasty() -> Sheet:
    """Texts from somebody else's class names and files, everywhere they can stand."""
    return sheet(
        question("text-choice", f"right {NASTY}", [(f"wrong {NASTY}", f"slip {NASTY}"), ("other", "second")],
                 id="nasty-choice", question=f"Which?\n\n{NASTY}\n\nNow.", working=(NASTY,), conventions=(NASTY,)),
        question("number", -2.5, [(2.5, f"sign {NASTY}")], id="nasty-number", question=NASTY, decimals=1,
                 tolerance=0.1),
        question("shape", (24, 24, 8), [((23, 23, 8), NASTY)], id="nasty-shape", question=NASTY),
        question("matrix", ((1, -2), (3, 4)), [(((1, 2), (3, 4)), NASTY)],
                 id="nasty-matrix", question=NASTY, answer_text="```\n1  -2\n3   4\n```"),
        question("plot", f"straight {NASTY}", id="nasty-plot", question=NASTY,
                 answer_figure="<svg xmlns='http://www.w3.org/2000/svg'><script>alert(2)</script></svg>"),
        title=NASTY,
    )  # fmt: skip
