"""Proof 22: the worked examples of the course that the project began from, opened by this code.

Each is a small network that goes through our own layer writer and onnxruntime. Every value of its answer is opened,
written term by term as the course writes it, closes to the stored value, and is the course's number.

    python proof/worked_examples.py            writes proof/results/worked_examples.json and .md
    python proof/worked_examples.py --short    the same, printing one equation an example; writes nothing
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from _record import TOP, conclude, options, table

sys.path.insert(0, str(TOP / "tests"))
from support.worked import Example, examples


def main(argv: Sequence[str]) -> int:
    """Run the proof; the exit status is 0 only if every value is the course's."""
    given = options(argv, __doc__)
    found = list(examples())
    wrong = [line for example in found for line in example.wrong]
    opened = sum(len(example.lines) for example in found)
    holding = sum(bool(line.holds) for example in found for line in example.lines)
    body = (
        f"{len(found)} examples, {holding} of {opened} opened values closing and equal to the course's.\n\n"
    )
    body += table(
        ["example", "network", "result", "values:", "said"],
        [
            (
                example.name,
                f"`{example.network}`",
                _size(example),
                len(example.lines),
                "; ".join(example.facts),
            )
            for example in found
        ],
    )
    body += "\n\nIndices are 0-based; cells over the border are written as 0*weight.\n\n"
    body += table(
        ["example", "value", "equation"],
        [
            (example.name, f"`{line.place}`", f"`{line.equation}`")
            for example in found
            for line in (example.lines[:1] if given.short else example.lines)
        ],
    )
    figures = {
        "n": opened, "seed": 0, "examples": len(found), "equal": holding,
        "equations": [{"example": example.name, "network": example.network, "equations": example.equations}
                      for example in found],
    }  # fmt: skip
    return conclude("worked_examples", "The course's worked examples, opened", given, figures, body, wrong)


def _size(example: Example) -> str:
    return "x".join(str(n) for n in example.shape)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
