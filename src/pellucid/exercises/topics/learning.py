"""One step of learning: loss, gradient, new weight.

`data`: `task`: "loss" (cross-entropy -ln p of class `target`, from 1, of `probabilities`), "loss-logits" (the same from
`logits` through softmax), "square" (dL/dw of L = (y - t)^2, y = w x + b, by `w`), "square-step" (w after one step with
`rate`), "gradient" (dL/dz of cross-entropy after softmax, for each of `logits`, as one row), "step" (weight
`weight` = W[k][i] of the dense layer before softmax after one step, from `logits`, `target`, `class` k, `input` x_i,
`rate`); classes count from 1. Three decimals unless all numbers are whole.
"""

from __future__ import annotations

import math

import numpy as np

from pellucid.exercises.draw import Draw
from pellucid.exercises.question import Question, ask, table
from pellucid.exercises.slips import slip
from pellucid.exercises.topics.softmax import CLASSES, NATURAL
from pellucid.exercises.worked import Worked, exact
from pellucid.network.operations import number

TITLE = "Loss and one step of learning"
TASKS = {1: ("loss", "square"), 2: ("square-step", "loss-logits", "gradient"), 3: ("step", "gradient")}
CROSS = "The loss is cross-entropy: L = -ln p of the true class."
SQUARE = "y = w*x + b and L = (y - t)^2, so dL/dw = 2*(y - t)*x."
STEP = "Gradient descent: w becomes w - rate*dL/dw."


def make(draw: Draw, level: int) -> Question | None:
    task = draw.task(TASKS[level])
    if task.startswith("square"):
        return _square(draw, level, task)
    if task == "loss":
        return _loss(draw, level)
    return _softmax(draw, level, task)


def _loss(draw: Draw, level: int) -> Question | None:
    n = draw.whole("classes", 3, 4)
    names = draw.pick("names", CLASSES)[:n]
    cuts = np.sort(draw.array("cuts", (n - 1,), 2, 98))
    parts = np.diff([0, *cuts, 100])
    if parts.min() < 3 or len(set(parts.tolist())) < n:
        return None
    k = draw.whole("target", 0, n - 1)
    p = [int(part) / 100 for part in parts]
    answer = round(-math.log(p[k]), 3)
    return ask(
        "learning",
        level,
        "number",
        "A network gives these probabilities:\n\n"
        + table([[f"{each:.2f}" for each in p]], (), names)
        + f"\n\nThe picture shows **{names[k]}**. How large is the loss?",
        answer,
        working=[f"`-ln {p[k]:.2f} = {answer:.3f}`"],
        conventions=[CROSS, "Three decimals are asked."],
        slips=[
            slip("minus forgotten", -answer),
            slip("logarithm to base 10", round(-math.log10(p[k]), 3)),
            slip("logarithm to base 2", round(-math.log2(p[k]), 3)),
            slip("1 - p", round(1 - p[k], 3)),
            slip("other class", round(-math.log(max(each for i, each in enumerate(p) if i != k)), 3)),
        ],
        data={"task": "loss", "probabilities": p, "target": k + 1},
        decimals=3,
    )


def _square(draw: Draw, level: int, task: str) -> Question | None:
    w, x, b, t = (
        draw.whole("w", -4, 5),
        draw.whole("x", -3, 6),
        draw.whole("b", -5, 5),
        draw.whole("t", -8, 12),
    )
    worked = Worked("dense 1", [x], {"dense1.weight": [[w]], "dense1.bias": [b]})
    y = int(worked.value("dense1", 0))
    error = y - t
    gradient = 2 * error * x
    if 0 in (w, x, b, error) or abs(error) > 12 or abs(x) == 1:
        return None
    given = f"A neuron computes y = w*x + b with w = {w}, x = {x} and b = {b}. It should give t = {t}."
    lines = [f"y: `{worked.line('dense1', 0)}`", f"`dL/dw = 2*({y} - {_b(t)})*{_b(x)} = {gradient}`"]
    data = {"task": task, "w": w, "x": x, "b": b, "t": t}
    if task == "square":
        return ask(
            "learning",
            level,
            "number",
            f"{given} How large is the gradient dL/dw of the squared error?",
            gradient,
            working=lines,
            conventions=[SQUARE],
            slips=[
                slip("factor 2 forgotten", error * x),
                slip("error's sign", -gradient),
                slip("input forgotten", 2 * error),
                slip("loss for gradient", error * error),
                slip("bias forgotten", 2 * (w * x - t) * x),
                slip("weight for input", 2 * error * w),
            ],
            data=data,
        )
    hundredths = draw.pick("rate", (1, 5, 10))
    rate = hundredths / 100
    after = (100 * w - hundredths * gradient) / 100
    return ask(
        "learning",
        level,
        "number",
        f"{given} One step of gradient descent on the squared error is made, with the learning rate "
        f"{rate:g}. What is w then?",
        exact(round(after, 2)),
        working=[*lines, f"`w = {w} - {rate:g}*{_b(gradient)} = {number(after)}`"],
        conventions=[SQUARE, STEP],
        slips=[
            slip("step uphill", round(w + rate * gradient, 2)),
            slip("rate forgotten", w - gradient),
            slip("factor 2 forgotten", round(w - rate * error * x, 2)),
            slip("input forgotten", round(w - rate * 2 * error, 2)),
            slip("step only", round(-rate * gradient, 2)),
        ],
        data=data | {"rate": rate},
        decimals=2,
        tolerance=1e-9,
    )


def _softmax(draw: Draw, level: int, task: str) -> Question | None:
    n = 3 if task != "gradient" or level == 2 else 4
    names = draw.pick("names", CLASSES)[:n]
    logits = draw.array("logits", (n,), -2, 4)
    target = draw.whole("target", 0, n - 1)
    if len(set(logits.tolist())) < n or max(logits) - min(logits) > 4:
        return None
    worked = Worked("softmax", logits)
    p = [float(worked.value("softmax1", i)) for i in range(n)]
    given = (
        "A network gives these scores (logits):\n\n"
        + table([[str(z) for z in logits]], (), names)
        + f"\n\nThe picture shows **{names[target]}**. "
    )
    lines = [f"p({names[i]}): `{worked.line('softmax1', i)}`" for i in range(n)]
    data: dict[str, object] = {"task": task, "logits": logits.tolist(), "target": target + 1}
    asked = "Three decimals are asked."
    if task == "loss-logits":
        answer = round(-math.log(p[target]), 3)
        powers = sum(math.exp(z) for z in logits.tolist())
        return ask(
            "learning",
            level,
            "number",
            given + "Softmax follows. How large is the loss?",
            answer,
            working=[lines[target], f"`-ln {number(p[target])} = {answer:.3f}`"],
            conventions=[NATURAL, CROSS, asked],
            slips=[
                slip("minus forgotten", -answer),
                slip("logarithm to base 10", round(-math.log10(p[target]), 3)),
                slip("1 - p", round(1 - p[target], 3)),
                slip("probability for loss", round(p[target], 3)),
                slip("other class", round(-math.log(p[(target + 1) % n]), 3)),
                slip("score left out", round(math.log(powers), 3)),
            ],
            data=data,
            decimals=3,
        )
    errors = [each - (i == target) for i, each in enumerate(p)]
    rule = (
        "With softmax before it, dL/dz_k = p_k - y_k, where y is 1 for the true class and 0 for the others."
    )
    if task == "gradient":
        rounded = tuple(round(each, 3) for each in errors)
        return ask(
            "learning",
            level,
            "matrix",
            given + "Softmax and cross-entropy follow. What is the gradient of the loss by each score?",
            (rounded,),
            working=[
                *lines,
                *(f"{names[i]}: `{number(p[i])} - {int(i == target)} = {rounded[i]:.3f}`" for i in range(n)),
            ],
            conventions=[NATURAL, CROSS, rule, asked],
            slips=[
                slip("target forgotten", (tuple(round(each, 3) for each in p),)),
                slip("error's sign", (tuple(-each for each in rounded),)),
                slip(
                    "1 for the wrong class",
                    (tuple(round(each - (i == (target + 1) % n), 3) for i, each in enumerate(p)),),
                ),
                slip(
                    "true class only",
                    (tuple(each if i == target else 0.0 for i, each in enumerate(rounded)),),
                ),
            ],
            data=data,
            decimals=3,
            columns=names,
            rows=("dL/dz",),
        )
    k = draw.whole("class", 0, n - 1)
    x, weight = draw.whole("input", 2, 5), draw.whole("weight", -3, 3)
    rate = draw.pick("rate", (0.1, 0.5))
    gradient = errors[k] * x
    return ask(
        "learning",
        level,
        "number",
        given
        + f"The score of {names[k]} comes from a dense layer. One of its inputs is {x}, and the weight from there to "
        f"{names[k]} is {weight}. One step of gradient descent on the loss is made, with the learning "
        f"rate {rate:g}. What is "
        "this weight then?",
        round(weight - rate * gradient, 3),
        working=[
            lines[k],
            f"dL/dz: `{number(p[k])} - {int(k == target)} = {number(errors[k])}`",
            f"dL/dw: `{number(errors[k])}*{x} = {number(gradient)}`",
            f"`{weight} - {rate:g}*{_b(gradient)} = {weight - rate * gradient:.3f}`",
        ],
        conventions=[NATURAL, CROSS, rule, STEP, asked],
        slips=[
            slip("step uphill", round(weight + rate * gradient, 3)),
            slip("rate forgotten", round(weight - gradient, 3)),
            slip("input forgotten", round(weight - rate * errors[k], 3)),
            slip("target forgotten", round(weight - rate * p[k] * x, 3))
            if k == target
            else slip("1 for the wrong class", round(weight - rate * (p[k] - 1) * x, 3)),
            slip("step only", round(-rate * gradient, 3)),
        ],
        data=data | {"class": k + 1, "input": x, "weight": weight, "rate": rate},
        decimals=3,
    )


def _b(value: float) -> str:
    text = number(value)
    return f"({text})" if value < 0 else text
