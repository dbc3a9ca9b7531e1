"""A strict reader of GIFT, from Moodle's page "GIFT format" (docs.moodle.org) alone: anything else is refused.

The ready-made parser on PyPI (pygiftparser 1.1) reads no negative numbers, so it can't serve here.
"""

import re
from dataclasses import dataclass, field

CONTROL = "~=#{}:"  # "control characters" that need a backslash; the backslash itself, too


@dataclass
class Answer:
    sign: str  # "=" or "~"
    text: str
    weight: float | None
    feedback: str
    match: str | None = None
    tolerance: float | None = None


@dataclass
class Item:
    name: str
    format: str
    text: str
    kind: str  # numerical, multichoice, shortanswer, matching, essay
    answers: list[Answer] = field(default_factory=list)
    general: str = ""


def read(text: str) -> tuple[list[str], list[Item]]:
    """The categories and the questions of a GIFT file. ValueError where it breaks the grammar."""
    categories, items = [], []
    for block in re.split(r"\n[ \t]*\n", text.strip("\n")):
        lines = [line for line in block.split("\n") if not line.lstrip().startswith("//")]
        if not lines:
            continue
        if lines[0].startswith("$CATEGORY:"):
            if len(lines) != 1:
                raise ValueError(f"a category stands alone: {lines}")
            categories.append(lines[0].removeprefix("$CATEGORY:").strip())
        else:
            items.append(_item("\n".join(lines)))
    return categories, items


def _item(text: str) -> Item:
    tokens = _tokens(text)
    head, _, rest = _split(tokens, "{")
    inside, _, after = _split(rest, "}")
    if _plain(after).strip():
        raise ValueError(f"text after the answers: {_plain(after)!r}")
    title, asked = _title(head)
    words = _plain(asked).strip()
    match = re.match(r"\[(html|moodle|plain|markdown)\]", words)
    if match is None:
        raise ValueError("the text's format is not named")
    item = Item(title, match[1], words[match.end() :].strip(), "")
    item.general, inside = _general(inside)
    if not _plain(inside).strip() and not any(control for control, _ in inside):
        item.kind = "essay"
        return item
    numeric = inside[0] == (True, "#")
    parts = _answers(inside[1:] if numeric else inside)
    item.answers = [_answer(part, numeric) for part in parts]
    signs = {answer.sign for answer in item.answers}
    if numeric:
        item.kind = "numerical"
    elif "~" in signs:
        item.kind = "multichoice"
        if sum(answer.sign == "=" for answer in item.answers) != 1:
            raise ValueError("one answer of a multiple choice is right")
    elif all(answer.match is not None for answer in item.answers):
        item.kind = "matching"
    else:
        item.kind = "shortanswer"
    return item


def _tokens(text: str) -> list[tuple[bool, str]]:
    """Letters one by one, each with whether it is a control character; escapes are resolved."""
    found, at = [], 0
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            if at + 1 == len(text) or text[at + 1] not in CONTROL + "\\n":
                raise ValueError(f"nothing to escape: {text[at : at + 2]!r}")
            found.append((False, "\n" if text[at + 1] == "n" else text[at + 1]))
            at += 2
        else:
            found.append((letter in CONTROL, letter))
            at += 1
    return found


def _split(tokens, letter):
    """Before, at and after the first control character of this kind; no other brace may come first."""
    for at, (control, each) in enumerate(tokens):
        if control and each in "{}":
            if each != letter:
                raise ValueError(f"a {each} that isn't escaped")
            return tokens[:at], each, tokens[at + 1 :]
    raise ValueError(f"no {letter}")


def _plain(tokens) -> str:
    return "".join(letter for _, letter in tokens)


def _title(tokens):
    if tokens[:2] != [(True, ":")] * 2:
        raise ValueError("no title")
    for at in range(2, len(tokens) - 1):
        if tokens[at : at + 2] == [(True, ":")] * 2:
            if any(control for control, _ in tokens[2:at] + tokens[at + 2 :]):
                raise ValueError("a control character in the title or the text")
            return _plain(tokens[2:at]), tokens[at + 2 :]
    raise ValueError("the title has no end")


def _general(tokens):
    mark = [(True, "#")] * 4
    for at in range(len(tokens) - 3):
        if tokens[at : at + 4] == mark:
            if any(control for control, _ in tokens[at + 4 :]):
                raise ValueError("a control character in the general feedback")
            return _plain(tokens[at + 4 :]).strip(), tokens[:at]
    return "", tokens


def _answers(tokens):
    parts = []
    for control, letter in tokens:
        if control and letter in "=~":
            parts.append([(control, letter)])
        elif parts:
            parts[-1].append((control, letter))
        elif letter.strip():
            raise ValueError("an answer begins with = or ~")
    return parts


def _answer(part, numeric: bool) -> Answer:
    (_, sign), *rest = part
    feedback = ""
    for at, token in enumerate(rest):
        if token == (True, "#"):
            feedback, rest = rest[at + 1 :], rest[:at]
            if any(control for control, _ in feedback):
                raise ValueError("a control character in the feedback")
            feedback = _plain(feedback).strip()
            break
    if any(control and not (numeric and letter == ":") for control, letter in rest):
        raise ValueError("a control character in an answer")
    text = _plain(rest).strip()
    weight = None
    if match := re.match(r"%(-?\d{1,3}(?:\.\d+)?)%", text):
        weight, text = float(match[1]), text[match.end() :]
    answer = Answer(sign, text, weight, feedback)
    if numeric:
        number, _, tolerance = text.partition(":")
        answer.text, answer.tolerance = str(float(number)), float(tolerance)
    elif " -> " in text and sign == "=":
        answer.text, answer.match = text.split(" -> ", 1)
    return answer
