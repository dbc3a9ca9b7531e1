"""The compiled engine's plan, for people: each step that it takes, what was fused into it, its kernel and its costs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pellucid.engines.native.instructions import chosen
from pellucid.engines.native.plan import BLOCK, compile_plan, unable
from pellucid.engines.order import evaluation_order
from pellucid.errors import EngineError
from pellucid.network import Network


@dataclass(frozen=True)
class PlanStep:
    """One pass over a block of 16 pictures.

    `layers` are those computed in it; `output` is its values' shape, channels first. Bytes are of a block: values kept
    for the way back, and their gradients, which take turns in memory; and of the weights. FLOP are of one picture, a
    product and a sum each one, forward and back; 0 where there are no products.
    """

    layers: tuple[str, ...]
    what: str
    output: tuple[int, int, int]
    kernel: str
    value_bytes: int
    gradient_bytes: int
    weight_bytes: int
    forward_flop: int
    back_flop: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        found = asdict(self)
        channels, rows, columns = found.pop("output")
        return found | {"output_shape": [rows, columns, channels]}


@dataclass(frozen=True)
class StepPlan:
    """All steps, in order; `instructions` is the set that they are for, `worker_bytes` one thread's memory."""

    steps: tuple[PlanStep, ...]
    instructions: str
    block: int
    worker_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "instructions": self.instructions,
            "block": self.block,
            "worker_bytes": self.worker_bytes,
            "steps": [step.as_dict() for step in self.steps],
        }


def step_plan(network: Network) -> StepPlan:
    """What training of `network` does on this machine, without training it.

    EngineError where the native engine can't train it, saying which layer it is.
    """
    why = unable(network)
    if why:
        raise EngineError(
            "The native engine has no plan for this network",
            received=why,
            remedy="pellucid summary without --plan; torch trains such a network",
        )
    instructions = chosen()
    plan = compile_plan(network)
    names = [node.name for node in evaluation_order(network.nodes)]
    steps, worker = plan.compiled.describe(instructions, plan.piece)
    return StepPlan(
        tuple(
            PlanStep(_named(numbers, plan.nodes, names), what, (channels, rows, columns), *rest)
            for numbers, what, channels, rows, columns, *rest in steps
        ),
        instructions,
        BLOCK,
        worker,
    )


def _named(numbers: list[int], nodes: list[int], names: list[str]) -> tuple[str, ...]:
    """The layers behind compiled steps; a last copy that only lays the logits side by side has none."""
    return tuple(names[nodes[number]] for number in numbers if number < len(nodes))
