"""Proof 18: an answer opened down to the pixels, level by level, each level by itself coming to its parent's number.

Digits (a small network trained here on MNIST, its first test picture), VGG-16 and ResNet-18 at full size with random
weights, scikit-image's cat. From several answers and inner values the largest terms are opened, and theirs, and so on.
Of every level:

- a sum's terms, its remainder and bias come to its number within 1e-12 x (sum of the absolute terms); the remainder is
  worked out again here, from the terms that it stands for;
- any other formula, written down again here in plain NumPy, evaluates to its number within 1e-12 x its magnitude;
- what it comes to closes to what the runtime stored;
- the value that its parent takes in is, bit for bit, the value that was stored for it.

One way of largest terms is followed to its end: it has to be a pixel of the picture. And one value near the input is
opened with all its terms: the pixels at the ends must be exactly those that `receptive_field` names.

    python proof/to_pixels.py            writes proof/results/to_pixels.json and .md
    python proof/to_pixels.py --short    digits alone, trained on 400 small pictures
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import fsum
from pathlib import Path

import numpy as np
from _openings import open_zoo
from _record import TOP, conclude, options, table

sys.path.insert(0, str(TOP / "tests"))
import pellucid
from pellucid.images import open_source
from pellucid.inside.field import receptive_field
from pellucid.inside.number import Inside, Number, closes_within
from pellucid.inside.places import Place
from pellucid.inside.tree import Level, expand
from pellucid.model.opened import Opened
from pellucid.network.operations import Formula, Linear
from support.digits import digit_arrays

SEED = 0
CLOSE = 1e-12
DIGITS = (
    "conv 8 5x5, relu, maxpool 2, conv 16 5x5, batchnorm, relu, maxpool 2, flatten, dense 84, relu, dense 10"
)
SMALL = "conv 8 3x3 pad 1, batchnorm, relu, maxpool 2, conv 8 3x3, tanh, avgpool 2, flatten, dense 10"


# Every formula that isn't a sum, in these networks: from its operands in the order in which they are given.
def _batch_normalised(number: Number) -> float:
    roles = {part.role: float(part.values[0]) for part in _parts(number)}
    epsilon = _formula(number).facts["epsilon"]
    mean, variance = roles["mean"], roles["variance"]
    x = float(_parts(number)[0].values[0])
    return (x - mean) / np.sqrt(variance + epsilon) * roles["scale"] + roles["shift"]


def _softmax(number: Number) -> float:
    values = _parts(number)[0].values
    own = number.place.full[-1]
    return float(np.exp(values[own]) / np.exp(values).sum())


def _only(number: Number) -> float:
    return float(_parts(number)[0].values[0])


def _divided(number: Number) -> float:
    """Whole numbers are divided towards zero."""
    one, other = (float(part.values[0]) for part in _parts(number))
    return float(np.trunc(one / other)) if number.dtype.startswith(("int", "uint")) else one / other


def _resized(number: Number) -> float:
    """Grey levels, weighted along the rows and rounded, then along the columns and rounded. The weights as shown are
    the products of both."""
    (part,) = _parts(number)
    rows, columns = (len(np.unique(part.index[:, axis])) for axis in (1, 2))
    assert part.weights is not None
    weights, levels = (each.reshape(rows, columns) for each in (part.weights, part.values))
    across, down = weights.sum(axis=0) / weights.sum(), weights.sum(axis=1)
    return float(np.floor(down @ np.floor(levels @ across + 0.5) + 0.5))


FORMULAS: dict[str, Callable[[Number], float]] = {
    "Relu": lambda number: max(_only(number), 0.0),
    "Tanh": lambda number: float(np.tanh(_only(number))),
    "MaxPool": lambda number: float(max(_parts(number)[0].values)),
    "BatchNormalization": _batch_normalised,
    "Softmax": _softmax,
    "Cast": lambda number: _only(number) if number.dtype.startswith("float") else float(int(_only(number))),
    "Div": _divided,
    "Resize": _resized,
}


def _formula(number: Number) -> Formula:
    assert isinstance(number.opening, Formula)
    return number.opening


def _parts(number: Number):
    return _formula(number).parts


@dataclass
class Tally:
    """What was found at one network's trees."""

    name: str
    sums: int = 0
    formulas: Counter[str] = field(default_factory=Counter)
    worst_sum: float = 0.0
    worst_formula: float = 0.0
    worst_closing: float = 0.0
    chained: int = 0
    rest_terms: int = 0
    deepest: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, level: Level) -> None:
        """Check one level and how it hangs on those below."""
        number = level.number
        opening = number.opening
        assert opening is not None and number.sum is not None and level.total is not None
        if isinstance(opening, Linear):
            self.sums += 1
            shown = {(id(part), entry) for part, entry in self._taken(level)}
            others = [
                float(product)
                for part in opening.parts
                for entry, product in enumerate(part.products)
                if (id(part), entry) not in shown
            ]
            self.rest_terms += len(others)
            if level.rest != len(others) or level.rest_sum != fsum(others):
                self.wrong.append(f"{number.place}: the remainder isn't the sum of the {len(others)} others")
            gap = _gap(level.total, number.sum, opening.magnitude)
            self.worst_sum = max(self.worst_sum, gap)
        else:
            kind = number.node.type if number.node else ""
            self.formulas[kind] += 1
            if kind not in FORMULAS:
                self.wrong.append(f"{number.place}: no formula of {kind} is written down here")
                return
            gap = _gap(FORMULAS[kind](number), number.sum, opening.magnitude)
            self.worst_formula = max(self.worst_formula, gap)
        if not gap <= CLOSE:
            self.wrong.append(f"{number.place}: {gap:.2g} of its magnitude from its number")
        self.worst_closing = max(self.worst_closing, closes_within(number))
        for branch in level.branches:
            if branch.level is None:
                continue
            self.chained += 1
            below = branch.level.number
            if below.place != branch.term.source or below.stored != branch.term.input:
                self.wrong.append(
                    f"{number.place} takes in {branch.term.input!r}, below stands {below.stored!r}"
                )

    def _taken(self, level: Level) -> list[tuple[object, int]]:
        opening = level.number.opening
        assert opening is not None
        return [(opening.parts[part], entry) for part, entry in level.number.order[: len(level.branches)]]


def _gap(value: float, wanted: float, magnitude: float) -> float:
    difference = abs(value - wanted)
    return difference / magnitude if difference else 0.0


def ends(level: Level) -> Iterator[tuple[Place, int]]:
    """The places at the ends of every way down, and how many levels lie above."""
    for branch in level.branches:
        if branch.level is None:
            yield branch.term.source, 1
        else:
            yield from ((place, depth + 1) for place, depth in ends(branch.level))


def way_down(inside: Inside, number: Number, tally: Tally) -> tuple[Place, int]:
    """The largest term that isn't a constant, its largest, and so on: where that ends, and after how many levels."""
    steps = 0
    while number.opening is not None:
        tally.add(expand(inside, number, 1, 3))
        terms = (number.term(*each) for each in number.order)
        source = next(term for term in terms if not inside.places.is_constant(term.source.tensor))
        below = inside.open(source.source)
        if below.stored != source.input:
            tally.wrong.append(f"{number.place} takes in {source.input!r}, below stands {below.stored!r}")
        number, steps = below, steps + 1
    return number.place, steps


def follow(name: str, opened: Opened, starts: Sequence[str], depth: int, top: int, near: str) -> Tally:
    """Everything that is to hold of one network."""
    inside, tally = Inside(opened), Tally(name)
    for start in starts:
        for level in expand(inside, inside.at(start), depth, top).levels():
            tally.add(level)
        end, steps = way_down(inside, inside.at(start), tally)
        tally.deepest = max(tally.deepest, steps)
        if end.tensor not in opened.graph.inputs:
            tally.wrong.append(f"the way from {start} ends at {end}, not at a pixel")
    whole = expand(inside, inside.at(near), sys.maxsize, sys.maxsize)
    for level in whole.levels():
        tally.add(level)
    (picture,) = opened.graph.inputs
    reached = {place.full for place, _ in ends(whole) if place.tensor == picture}
    mask = receptive_field(inside, inside.places.find(near)).masks[picture]
    if reached != {tuple(int(n) for n in place) for place in np.argwhere(mask)}:
        tally.wrong.append(f"{near}: its terms end at {len(reached)} values of the picture, not {mask.sum()}")
    return tally


def digits(short: bool, folder: Path) -> Opened:
    """A network trained on digits, and one that it has not seen."""
    if short:
        pictures, labels = digit_arrays(400)
        data, picture = (pictures[1:, :, :, None], labels[1:]), pictures[0][:, :, None]
    else:
        source = open_source("mnist")
        data, picture = "mnist", source.read(int(np.flatnonzero(source.parts == "test")[0]))
    model = pellucid.train(
        data, SMALL if short else DIGITS, out=folder / "digits", epochs=1, seed=SEED, watch=lambda event: None
    )
    return model.opened(picture)


def main(argv: Sequence[str]) -> int:
    """Run the proof; the exit status is 0 only if every level holds."""
    given = options(argv, __doc__)
    tallies = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        opened = digits(given.short, folder)
        answers = [f"probabilities[{k}]" for k in range(10)]
        deep = (4, 4) if given.short else (8, 4)
        tallies.append(follow("digits", opened, answers, *deep, "pool1[3,2,2]"))
        for network, inner, near in () if given.short else (
            ("vgg16", ("conv13[17,6,8]", "pool4[300,0,13]"), "conv2[5,100,7]"),
            ("resnet18", ("conv18[40,3,3]", "add5[100,6,0]"), "pool1[5,20,30]"),
        ):  # fmt: skip
            opened = open_zoo(network, folder)
            best = np.argsort(-opened.values["probabilities"][0])[:3]
            starts = [*(f"probabilities[{k}]" for k in best), *inner]
            tallies.append(follow(network, opened, starts, 7, 3, near))
    rows = [
        (
            tally.name, f"{tally.sums:,}", f"{tally.worst_sum:.1e}", f"{tally.formulas.total():,}",
            f"{tally.worst_formula:.1e}", f"{tally.worst_closing:.3f}", f"{tally.rest_terms:,}", f"{tally.chained:,}",
            tally.deepest,
        )
        for tally in tallies
    ]  # fmt: skip
    titles = [
        "network", "sums:", "worst:", "other formulas:", "worst:", "closing, worst:", "terms in remainders:",
        "chained:", "levels to a pixel:",
    ]  # fmt: skip
    body = table(titles, rows)
    counted = sum((tally.formulas for tally in tallies), Counter())
    body += "\n\nOther formulas: " + ", ".join(f"{kind} {n:,}" for kind, n in counted.most_common())
    body += (
        f". `worst`: the greatest difference over the magnitude (at most {CLOSE:g}); `closing`: in units of what is "
        f"allowed; `chained`: values that are the same bits above and below. Seed {SEED}."
    )
    wrong = [f"{tally.name}: {line}" for tally in tallies for line in tally.wrong[:20]]
    figures = {
        "n": sum(tally.sums + tally.formulas.total() for tally in tallies), "seed": SEED,
        "networks": [vars(tally) for tally in tallies],
    }  # fmt: skip
    return conclude("to_pixels", "From the answer down to the pixels", given, figures, body, wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
