"""`pellucid summary --plan`: what the native engine does at each step of training."""

from __future__ import annotations

from typing import Any

from pellucid.engines.native.steps import StepPlan, step_plan
from pellucid.faces.cli import output
from pellucid.network import Network, table
from pellucid.network.layers import on_screen

TITLES = ("step", "output", "values", "gradients", "weights", "forward", "back", "kernel")


def plan_command(network: Network, as_json: bool) -> None:
    """Print the plan of `network`; EngineError where the native engine has none."""
    plan = step_plan(network)
    shape = on_screen(network.input_shape)
    if as_json:
        document: dict[str, Any] = {"input_shape": list(shape), "network": network.text}
        output.print_json(document | plan.as_dict())
        return
    print(f"input {' x '.join(str(n) for n in shape)} · native engine, {plan.instructions}")
    right = [0 < place < len(TITLES) - 1 for place in range(len(TITLES))]
    print("\n".join(table.aligned(list(TITLES), _cells(plan), right)))
    print(
        f"values and gradients: of a block of {plan.block} pictures; with scratch, and gradients taking turns, "
        f"a thread uses {table.bytes_text(plan.worker_bytes)}\n"
        "forward and back: floating-point operations of one picture"
    )


def _cells(plan: StepPlan) -> list[list[str]]:
    return [
        [
            f"{' + '.join(step.layers) or 'logits'}: {step.what}",
            " x ".join(f"{n:,}" for n in (step.output[1], step.output[2], step.output[0])),
            *(
                table.bytes_text(n) if n else ""
                for n in (step.value_bytes, step.gradient_bytes, step.weight_bytes)
            ),
            *(f"{n:,}" if n else "" for n in (step.forward_flop, step.back_flop)),
            step.kernel,
        ]
        for step in plan.steps
    ]
