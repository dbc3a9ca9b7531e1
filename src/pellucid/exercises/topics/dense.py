"""Dense layers: a neuron's value, a layer's, two layers with a ReLU between.

`data`: `task`: "neuron" (output `neuron`, from 1), "layer" (all outputs, as one row), "layer-relu" (with a ReLU after),
"two" (the output of a dense layer, ReLU, and a second dense layer with one output); `input` [n], `weights` [m][n], a
row for each output, `biases` [m]; for "two" also `weights2` [1][m], `biases2` [1].
"""

from __future__ import annotations

import numpy as np

from pellucid.exercises.draw import Draw
from pellucid.exercises.question import Question, ask
from pellucid.exercises.slips import slip
from pellucid.exercises.wording import grid
from pellucid.exercises.worked import Numbers, Worked, exact

TITLE = "Dense layers"
TASKS = {1: ("neuron", "neuron"), 2: ("layer", "layer-relu"), 3: ("two", "layer-relu")}
ROWS = "Each row of the weights belongs to one output; y = W x + b."


def make(draw: Draw, level: int) -> Question | None:
    task = draw.task(TASKS[level])
    n, m = draw.whole("inputs", 3, 4), draw.whole("outputs", 2, 3)
    if level == 3:
        n, m = draw.whole("inputs", 3, 5), draw.whole("outputs", 3, 4)
    x = draw.array("input", (n,), 0 if level == 1 else -3, 5)
    weights, biases = draw.signed("weights", (m, n), 3), draw.signed("biases", (m,), 5)
    if (x == 0).sum() > 1 or len(set(biases.tolist())) < m:
        return None
    given = (
        f"The input of a dense layer is\n\n{grid(x)}\n\nIts weights, a row for each "
        f"output:\n\n{grid(weights)}\n\nIts biases:\n\n{grid(biases)}\n\n"
    )
    data = {"task": task, "input": x.tolist(), "weights": weights.tolist(), "biases": biases.tolist()}
    plain = weights @ x
    if task == "two":
        return _two(draw, level, x, weights, biases, given, data)
    text = f"dense {m}" + (", relu" if task == "layer-relu" else "")
    worked = Worked(text, x, {"dense1.weight": weights, "dense1.bias": biases})
    if task == "neuron":
        k = draw.whole("neuron", 0, m - 1)
        return ask(
            "dense",
            level,
            "number",
            f"{given}Which value does output {k + 1} have?",
            worked.value("dense1", k),
            working=[f"`{worked.line('dense1', k)}`"],
            conventions=[ROWS, "Outputs are counted from 1."],
            slips=[
                slip("bias forgotten", int(plain[k])),
                slip("bias subtracted", int(plain[k] - biases[k])),
                slip("next neuron's bias", int(plain[k] + biases[(k + 1) % m])),
                slip("signs lost", int(abs(weights[k]) @ x + biases[k])),
                slip("counted from 0", int(plain[k + 1] + biases[k + 1]) if k + 1 < m else None),
                slip("inputs not weighted", int(x.sum() + biases[k])),
            ],
            data=data | {"neuron": k + 1},
        )
    last = "relu1" if task == "layer-relu" else "dense1"
    total = plain + biases
    if task == "layer-relu" and ((total < 0).sum() == 0 or (total > 0).sum() == 0):
        return None

    def shown(values: Numbers) -> tuple[tuple[int | float, ...]]:
        after = np.maximum(values, 0) if task == "layer-relu" else values
        return (tuple(exact(float(v)) for v in after),)

    then = " A ReLU follows." if task == "layer-relu" else ""
    square = shown(weights[:, :m].T @ x[:m] + biases) if n >= m else None
    return ask(
        "dense",
        level,
        "matrix",
        f"{given}What does the layer give?{then}",
        (worked.vector(last),),
        working=[
            *(f"output {k + 1}: `{worked.line('dense1', k)}`" for k in range(m)),
            *([f"ReLU: {', '.join(f'`{worked.line(last, k)}`' for k in range(m))}"] if then else []),
        ],
        conventions=[ROWS],
        slips=[
            slip("bias forgotten", shown(plain)),
            slip("ReLU forgotten", (tuple(int(v) for v in total),)) if then else None,
            slip("bias after the ReLU", (tuple(int(v) for v in np.maximum(plain, 0) + biases),))
            if then
            else None,
            slip("bias subtracted", shown(plain - biases)),
            slip("weights transposed", square),
            slip("one bias for all", shown(plain + biases[0])),
            slip("signs lost", shown(abs(weights) @ x + biases)),
        ],
        data=data,
    )


def _two(
    draw: Draw, level: int, x: Numbers, weights: Numbers, biases: Numbers, given: str, data: dict[str, object]
) -> Question | None:
    m = len(weights)
    second, bias = draw.signed("second weights", (1, m), 3), draw.array("second bias", (1,), 1, 5)
    hidden = weights @ x + biases
    if (hidden < 0).sum() == 0 or (hidden > 0).sum() < 2:
        return None
    worked = Worked(
        f"dense {m}, relu, dense 1",
        x,
        {"dense1.weight": weights, "dense1.bias": biases, "dense2.weight": second, "dense2.bias": bias},
    )

    def out(values: Numbers) -> int:
        return int((second @ values)[0])

    b = int(bias[0])
    return ask(
        "dense",
        level,
        "number",
        f"{given}A ReLU follows, then a second dense layer with one output, with the "
        f"weights\n\n{grid(second)}\n\nand the bias "
        f"{b}. What is the output?",
        worked.value("dense2", 0),
        working=[
            *(
                f"hidden {k + 1}: `{worked.line('dense1', k)}`, then `{worked.line('relu1', k)}`"
                for k in range(m)
            ),
            f"output: `{worked.line('dense2', 0)}`",
        ],
        conventions=[ROWS],
        slips=[
            slip("ReLU forgotten", out(hidden) + b),
            slip("bias forgotten", out(np.maximum(hidden, 0))),
            slip("first biases forgotten", out(np.maximum(weights @ x, 0)) + b),
            slip("ReLU too late", max(out(hidden) + b, 0)),
            slip("signs lost", int((abs(second) @ np.maximum(hidden, 0))[0]) + b),
        ],
        data=data | {"weights2": second.tolist(), "biases2": bias.tolist()},
    )
