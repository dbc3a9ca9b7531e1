"""Proof 16: ONNX's own suite of single nodes, computed value by value through our terms and formulas.

Every case of one node whose operation is opened: each value of each output is opened and held against the suite's
own, at the case's tolerance (whole numbers: equal). 99 cases are wanted of convolution and its transpose, pooling,
softmax, Gemm, batch normalisation, ReLU and flattening: 99 of 99. Of the other operations as many as the suite has;
each case that isn't opened is listed with its reason.

    python proof/onnx_suite.py            writes proof/results/onnx_suite.json and .md
    python proof/onnx_suite.py --short    at most 50 values of each output; writes nothing
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from _record import TOP, conclude, options, table

sys.path.insert(0, str(TOP / "tests"))
from pellucid.model.onnx_nodes import READERS
from support.onnx_suite import CORE, RUNTIME, Outcome, cases, compute

SHORT = 50
# Nodes that follow from constants and shapes alone are folded where a graph is read: no value of theirs is opened.
FOLDED = ("Constant", "ConstantOfShape", "Shape")
# Named in the promise beside the 99: listed even where no reader takes them.
WANTED = (
    "GroupNormalization", "InstanceNormalization", "LayerNormalization", "LRN", "QuantizeLinear", "DequantizeLinear",
)  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Run the proof; the exit status is 0 only if all 99 hold and no opened case is wrong."""
    given = options(argv, __doc__)
    rows, wrong, refused = [], [], []
    values = 0
    for kind in (*CORE, *sorted({*READERS, *WANTED, *FOLDED} - set(CORE))):
        of_kind = cases().get(kind, [])
        found = (
            {case.name: compute(case, SHORT if given.short else None) for case in of_kind}
            if kind in READERS
            else {case.name: Outcome(refused=_why(kind)) for case in of_kind}
        )
        held = sum(outcome.passed for outcome in found.values())
        opened = sum(outcome.values for outcome in found.values())
        values += opened
        rows.append({"operation": kind, "cases": len(of_kind), "held": held, "values": opened})
        wrong += [
            f"{name}: {outcome.wrong[0]} ({len(outcome.wrong)} values)"
            for name, outcome in found.items()
            if outcome.wrong
        ]
        refused += [
            {"case": name, "operation": kind, "reason": outcome.refused}
            for name, outcome in found.items()
            if outcome.refused
        ]
    core = [row for row in rows if row["operation"] in CORE]
    others = [row for row in rows if row["operation"] not in CORE]
    held, count = (sum(row[name] for row in core) for name in ("held", "cases"))
    if held != count or count != 99:
        wrong.append(f"{held} of {count} cases of {', '.join(CORE)}, not 99 of 99")
    body = f"**{held} of {count}** cases of the operations that all of are wanted; {_sum(others)} of the others.\n\n"
    body += table(
        ["operation", "cases:", "held:", "values:"],
        [(row["operation"], row["cases"], row["held"], f"{row['values']:,}") for row in rows],
    )
    body += f"\n\n{values:,} values opened{', at most 50 of each output' if given.short else ''}. "
    body += "Held against onnxruntime instead, which differs from the suite there: " + ", ".join(
        sorted(RUNTIME)
    )
    body += ".\n\nNot opened:\n\n"
    body += (
        table(["case", "operation", "reason"], [list(row.values()) for row in refused]) if refused else "none"
    )
    figures = {
        "n": values,
        "seed": None,
        "core_held": held,
        "core_cases": count,
        "operations": rows,
        "refused": refused,
    }
    figures["against_runtime"] = sorted(RUNTIME)
    return conclude("onnx_suite", "ONNX's suite of single nodes, opened", given, figures, body, wrong)


def _why(kind: str) -> str:
    """Why no case of an operation without a reader is opened."""
    return "folded where a graph is read" if kind in FOLDED else f"{kind} isn't opened"


def _sum(rows: list[dict[str, object]]) -> str:
    held, count = (sum(int(str(row[name])) for row in rows) for name in ("held", "cases"))
    return f"{held} of {count}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
