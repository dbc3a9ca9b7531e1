"""Figures for a lesson, `pellucid.figures`: grids of numbers, pictures, curves, bars; and a network worked by hand.

Each is drawn from numbers given here and now, shows itself in a notebook, and says in words (`Figure.alt`) what is
to be seen.
"""

from pellucid.exercises import Question, generate
from pellucid.exercises.cell import question_html, question_text
from pellucid.inside.curves import bars, curves
from pellucid.inside.figure import Figure, beside
from pellucid.inside.grids import grid, picture, stack
from pellucid.inside.worked import Worked, work
from pellucid.network import Network


def exercise(topic: str | Question, level: int = 1, seed: int = 0) -> Figure:
    """An exercise with its answer and working folded away: one on a topic of `pellucid.exercises.TOPICS`, or this one.

    The same topic, level (1 to 3) and seed give the same exercise. SettingsError for a topic or a level there isn't.
    """
    question = generate([topic], 1, level, seed).questions[0] if isinstance(topic, str) else topic
    return Figure(question_html(question), question_text(question))


def diagram(network: Network, title: str = "", *, fold: bool = False, down: bool = False) -> Figure:
    """A network as a block diagram; see `pellucid.network.diagram`."""
    from pellucid.evaluation.page.markup import Markup
    from pellucid.network.diagram import diagram as drawn

    return Figure(Markup(drawn(network, title, fold, down)), repr(network))


__all__ = [
    "Figure", "Worked", "bars", "beside", "curves", "diagram", "exercise", "grid", "picture", "stack", "work",
]  # fmt: skip
