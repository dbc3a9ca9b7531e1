"""Figures as words: percentages that never round up to what isn't so, and the sentences around them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pellucid.evaluation.metrics import wilson_interval
from pellucid.evaluation.report import Evaluation

FEW = 100  # pictures; with fewer, an interval is so wide that the page says why


def percent(share: float | None, digits: int = 1) -> str:
    """0.9899 as 99.0%, None as a dash. Only all is 100% and only none is 0%: what rounds to them is "over 99.9%"."""
    if share is None:
        return "–"
    text = f"{100 * share:.{digits}f}"
    step = 10.0**-digits
    if share < 1 and float(text) >= 100:
        return f"over {100 - step:.{digits}f}%"
    if share > 0 and float(text) <= 0:
        return f"under {step:.{digits}f}%"
    return f"{text}%"


def interval(bounds: tuple[float, float] | None, digits: int = 1) -> str:
    """98.8 – 99.2%"""
    if bounds is None:
        return "–"
    return f"{100 * bounds[0]:.{digits}f} – {100 * bounds[1]:.{digits}f}%"


def plural(count: int, noun: str, nouns: str = "") -> str:
    """1 picture, 2,000 pictures."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


@dataclass(frozen=True)
class Odds:
    """So many of so many: what an accuracy means for new pictures."""

    right: int
    of: int


def odds(evaluation: Evaluation) -> Odds:
    """Of 100, or of 1,000 or 10,000 where fewer than one in 100 is wrong and enough were measured to say so."""
    share, of = evaluation.accuracy, 100
    while (1 - share) * of < 1 and share < 1 and of < 10_000 and evaluation.count >= 10 * of:
        of *= 10
    right = round(share * of)
    if share < 1:
        right = min(right, of - 1)
    if share > 0:
        right = max(right, 1)
    return Odds(right, of)


def headline(evaluation: Evaluation) -> str:
    """The answer, in a sentence."""
    if evaluation.accuracy == 1:
        return f"All {plural(evaluation.count, 'picture')} were named rightly."
    if evaluation.accuracy == 0:
        return f"None of the {plural(evaluation.count, 'picture')} was named rightly."
    found = odds(evaluation)
    return f"Of {found.of:,} new pictures like these, about {found.right:,} will be named rightly."


def lead(evaluation: Evaluation, measured_on: str) -> str:
    """Where the headline comes from, and how sure it is."""
    right = int(evaluation.confusion.trace())
    low, high = evaluation.interval
    text = (
        f"{right:,} of {plural(evaluation.count, 'picture')} were named rightly, {percent(evaluation.accuracy, 2)}: "
        f"{measured_on}. As far as so many pictures can tell, the true share lies between {100 * low:.2f}% and "
        f"{100 * high:.2f}% (95% interval, n = {evaluation.count:,})."
    )
    if evaluation.accuracy in (0.0, 1.0):
        bound = f"at least {math.floor(100 * low)}" if right else f"at most {math.ceil(100 * high)}"
        text += f" So of 100 new pictures like these, {bound} will be named rightly."
    if evaluation.count < FEW:
        text += " The interval is wide because there were few pictures to measure with."
    return text


def commonest(evaluation: Evaluation) -> tuple[str, float]:
    """The class with the most pictures, and its share: what answering it every time would come to."""
    supports = [row.support for row in evaluation.per_class]
    best = max(range(len(supports)), key=supports.__getitem__)
    return evaluation.classes[best], supports[best] / evaluation.count


def recall_interval(found: int, support: int) -> tuple[float, float] | None:
    """The 95% Wilson interval of a class's recall; None without pictures."""
    return wilson_interval(found, support) if support else None
