"""Softmax: probabilities from scores, by hand or with a pocket calculator.

`data`: `logits` [n] and `task`: "one" (the probability of class `chosen`, from 1), "all" (every probability, as one
row), "temperature" (of class `chosen` after the scores were divided by `temperature`), "shift" (of class `chosen` after
`shift` was added to every score), "dense" (of class `chosen` behind a dense layer: `input` [k], `weights` [n][k],
`biases` [n]; no `logits`). Three decimals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from pellucid.exercises.draw import Draw
from pellucid.exercises.question import Question, Slip, ask, table
from pellucid.exercises.slips import slip
from pellucid.exercises.wording import grid
from pellucid.exercises.worked import Numbers, Worked, computed
from pellucid.network.operations.softmax import Softmax

TITLE = "Softmax"
TASKS = {1: ("one",), 2: ("all", "shift", "one"), 3: ("temperature", "dense", "all")}
DECIMALS = 3
CLASSES = (
    ("car", "truck", "motorcycle", "bus"),
    ("cat", "dog", "horse", "cow"),
    ("apple", "pear", "plum", "cherry"),
    ("square", "circle", "triangle", "star"),
    ("sun", "rain", "snow", "fog"),
    ("violin", "flute", "drum", "harp"),
)
THREE = "Three decimals are asked."
NATURAL = "softmax(z)_k = e^(z_k) / sum of e^(z_j) over all classes j."


def make(draw: Draw, level: int) -> Question | None:
    task = draw.task(TASKS[level])
    n = draw.whole("classes", 2, 3) if level == 1 else draw.whole("classes", 3, 4)
    names = draw.pick("names", CLASSES)[:n]
    if task == "dense":
        return _dense(draw, level, names)
    logits = draw.array("logits", (n,), -3, 6)
    if len(set(logits.tolist())) < n or max(logits) - min(logits) > 6:
        return None
    k = draw.whole("chosen", 0, n - 1)
    given = (
        "A network gives these scores (logits):\n\n" + table([[str(z) for z in logits]], (), names) + "\n\n"
    )
    data: dict[str, object] = {"task": task, "logits": logits.tolist()}
    scores = logits.astype(float)
    asked = f"What is the probability of **{names[k]}** after softmax?"
    more: list[Slip | None] = []
    before: list[str] = []
    if task == "temperature":
        t = draw.pick("temperature", (2, 4, 0.5))
        scores = logits / t
        asked = (
            f"The scores are divided by the temperature {t:g}, then softmax is taken. What is the "
            f"probability of **{names[k]}**?"
        )
        more = [
            slip("temperature forgotten", round(_probability(logits, k), DECIMALS)),
            slip("temperature multiplied", round(_probability(logits * t, k), DECIMALS)),
        ]
        before = [f"Divided by {t:g}: " + ", ".join(f"`{z}/{t:g} = {z / t:g}`" for z in logits.tolist())]
        data |= {"temperature": t}
    elif task == "shift":
        c = draw.whole("shift", 1, 9)
        scores = logits + c
        asked = (
            f"{c} is added to every score, then softmax is taken. What is the probability of **{names[k]}**?"
        )
        before = [
            f"Adding the same number to all scores multiplies every e^z by e^{c}, which cancels: softmax "
            f"stays as it was."
        ]
        more = [
            slip("added to one score", round(_probability(logits + c * (np.arange(n) == k), k), DECIMALS))
        ]
        data |= {"shift": c}
        scores = logits.astype(float)
    worked = Worked("softmax", scores)
    for i in range(n):
        worked.value("softmax1", i)  # refused unless the runtime computes the same
    answers = [round(_probability(scores, i), DECIMALS) for i in range(n)]
    if task != "all" and not 0.01 < answers[k] < 0.99:
        return None
    powers = [f"`e^{_bracket(z)} = {math.exp(z):.4g}`" for z in scores.tolist()]
    if task == "all":
        return ask(
            "softmax",
            level,
            "matrix",
            f"{given}What are the probabilities after softmax?",
            (tuple(answers),),
            working=[
                ", ".join(powers),
                f"sum: `{float(np.exp(scores).sum()):.4g}`",
                *(f"{names[i]}: `{worked.line('softmax1', i)}`" for i in range(n)),
            ],
            conventions=[NATURAL, THREE],
            slips=[
                slip(name, (tuple(round(f(i), DECIMALS) for i in range(n)),))
                for name, f in _vectors(scores).items()
            ],
            data=data,
            decimals=DECIMALS,
            columns=names,
            rows=("probability",),
        )
    return ask(
        "softmax",
        level,
        "number",
        given + asked,
        answers[k],
        working=[*before, ", ".join(powers), f"`{worked.line('softmax1', k)}`"],
        conventions=[NATURAL, THREE],
        slips=[*more, *_others(scores, k)],
        data=data | {"chosen": k + 1},
        decimals=DECIMALS,
    )


def _dense(draw: Draw, level: int, names: Sequence[str]) -> Question | None:
    n = len(names)
    x, weights, biases = (
        draw.array("input", (2,), 1, 3),
        draw.signed("weights", (n, 2), 2),
        draw.signed("biases", (n,), 2),
    )
    k = draw.whole("chosen", 0, n - 1)
    logits = weights @ x + biases
    if len(set(logits.tolist())) < n or max(logits) - min(logits) > 6:
        return None
    worked = Worked(f"dense {n}, softmax", x, {"dense1.weight": weights, "dense1.bias": biases})
    worked.value("softmax1", k)
    scores = logits.astype(float)
    bare = (weights @ x).astype(float)
    return ask(
        "softmax",
        level,
        "number",
        f"The last dense layer of a network has the input\n\n{grid(x)}\n\nthe weights (a row for each "
        f"class: {', '.join(names)})\n\n"
        f"{grid(weights)}\n\nand the biases\n\n{grid(biases)}\n\nSoftmax follows. What is the "
        f"probability of **{names[k]}**?",
        round(_probability(scores, k), DECIMALS),
        working=[
            *(f"{names[i]}: `{worked.line('dense1', i)}`" for i in range(n)),
            f"`{worked.line('softmax1', k)}`",
        ],
        conventions=[NATURAL, THREE],
        slips=[slip("bias forgotten", round(_probability(bare, k), DECIMALS)), *_others(scores, k)],
        data={
            "task": "dense",
            "input": x.tolist(),
            "weights": weights.tolist(),
            "biases": biases.tolist(),
            "chosen": k + 1,
        },
        decimals=DECIMALS,
    )


def _probability(scores: Numbers, k: int) -> float:
    return float(computed(Softmax((0,)), np.asarray(scores, float))[k])


def _vectors(scores: Numbers) -> dict[str, Callable[[int], float]]:
    """The wrong ways, each as a function of the class."""
    total, powers = float(scores.sum()), np.exp(scores)
    ways: dict[str, Callable[[int], float]] = {
        "not normalised": lambda i: float(powers[i]),
        "base 2": lambda i: float(2.0 ** scores[i] / (2.0**scores).sum()),
        "sigmoid": lambda i: float(1 / (1 + math.exp(-scores[i]))),
        "left out of the sum": lambda i: float(powers[i] / (powers.sum() - powers[i])),
    }
    if total > 0 and (scores >= 0).all():
        ways["exponentials forgotten"] = lambda i: float(scores[i] / total)
    return ways


def _others(scores: Numbers, k: int) -> list[Slip | None]:
    found = [slip(name, round(way(k), DECIMALS)) for name, way in _vectors(scores).items()]
    found.append(slip("other class", round(_probability(scores, (k + 1) % len(scores)), DECIMALS)))
    return found


def _bracket(z: float) -> str:
    return f"({z:g})" if z < 0 else f"{z:g}"
