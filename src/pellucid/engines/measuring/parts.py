"""What one training step consists of: each compiled step forward and back, and the work beside them.

Of each part: its operations, and the bytes that must at least go in and out of it, where every value is read and
written once and the weights are read once a batch. A convolution's operations are those of its definition.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

from pellucid.engines.native.profile import Profile
from pellucid.engines.native.steps import PlanStep, StepPlan
from pellucid.engines.order import evaluation_order
from pellucid.network import INPUT, Network, Node
from pellucid.network.layers import Shape

FLOAT = 4  # bytes
ADAM = 7  # floats that move for a weight: its gradient and both moments and itself read, all but the first written
REREAD = (
    "convolution",
    "normalisation",
    "activation",
    "largest of windows",
)  # whose way back needs what went in


@dataclass(frozen=True)
class Part:
    """One part: `flop` and `bytes` of one picture; of a compiled step which `way`, "" of the work beside them."""

    name: str
    way: Literal["forward", "back", ""]
    flop: int
    bytes: float
    step: PlanStep | None = None


def parts_of(network: Network, plan: StepPlan, batch: int) -> list[Part]:
    """All parts, in the order of `seconds_of`."""
    graph = _Graph(network, plan, batch)
    parts = [part for step in plan.steps for part in graph.passes(step)]
    pixels, logits = prod(network.input_shape), prod(network.output_shape)
    dense = graph.dense_gradients()
    return [
        *parts,
        Part("loading pictures", "", 0, pixels * (1 + FLOAT)),
        Part("loss", "", 0, logits * 2 * FLOAT),
        Part("preparing weights", "", 0, 2 * sum(step.weight_bytes for step in plan.steps) / batch),
        Part(
            "optimiser, dense gradients" if dense else "optimiser",
            "",
            sum(step.forward_flop for step in dense),
            sum(graph.moved(step) for step in dense) + ADAM * FLOAT * graph.learned_weights() / batch,
        ),
    ]


def seconds_of(profile: Profile) -> list[float]:
    """Seconds a picture of each part, and of the whole. All threads work at the same time: what they took together
    is divided among them."""
    pictures, share = profile.report.count, profile.report.count * profile.threads
    passes = [seconds / share for step in profile.steps for seconds in (step.forward, step.back)]
    beside = [profile.loading / share, profile.loss / share]
    return [
        *passes, *beside, profile.preparing / pictures, profile.optimiser / pictures, profile.wall / pictures,
    ]  # fmt: skip


def called(step: PlanStep) -> str:
    """A compiled step by its first and its last layer."""
    if not step.layers:
        return "logits"
    return step.layers[0] if len(step.layers) == 1 else f"{step.layers[0]} … {step.layers[-1]}"


class _Graph:
    """A network in the order that it is computed in, with what each value is and which of them need a gradient."""

    def __init__(self, network: Network, plan: StepPlan, batch: int):
        self.network, self.plan, self.batch = network, plan, batch
        self.nodes: dict[str, Node] = {}
        self.shapes: dict[str, Shape] = {INPUT: network.input_shape}
        self.needs = {INPUT: False}
        learned = {name.rpartition(".")[0] for name in network.parameter_shapes if name not in network.frozen}
        for node in evaluation_order(network.nodes):
            self.nodes[node.name] = node
            self.shapes[node.name] = node.layer.output_shape(*(self.shapes[name] for name in node.inputs))
            self.needs[node.name] = node.name in learned or any(self.needs[name] for name in node.inputs)
        self.learned = learned

    def passes(self, step: PlanStep) -> tuple[Part, Part]:
        """The two ways through a compiled step."""
        taken, given = self.taken(step), prod(step.output)
        weights = step.weight_bytes / self.batch
        dense = step in self.dense_gradients()
        forward = FLOAT * (sum(taken.values()) + given) + weights
        back = 0.0
        if self.needs[self._last(step)]:
            learns, wanted = self._learns(step), [name for name in taken if self.needs[name]]
            back = FLOAT * (given + sum(taken[name] for name in wanted))
            if step.what.startswith(REREAD) and (learns or not step.what.startswith("convolution")):
                back += FLOAT * next(iter(taken.values()))
            back += weights * (bool(wanted) + (learns and not dense))
        name, less = called(step), step.forward_flop if dense else 0
        return (
            Part(name, "forward", step.forward_flop, forward, step),
            Part(name, "back", step.back_flop - less, back, step),
        )

    def taken(self, step: PlanStep) -> dict[str, int]:
        """How many values of a picture go into a compiled step, by where they come from."""
        if not step.layers:
            return {self._last(step): prod(step.output)}
        names = [name for layer in step.layers for name in self.nodes[layer].inputs]
        return {name: prod(self.shapes[name]) for name in names if name not in step.layers}

    def moved(self, step: PlanStep) -> float:
        """Bytes of a dense layer's gradient of its weights, computed for the whole batch at once."""
        return FLOAT * (sum(self.taken(step).values()) + prod(step.output)) + step.weight_bytes / self.batch

    def dense_gradients(self) -> list[PlanStep]:
        """The dense layers that learn."""
        return [step for step in self.plan.steps if step.what.startswith("dense") and self._learns(step)]

    def learned_weights(self) -> int:
        """How many numbers the optimiser moves."""
        frozen = self.network.frozen
        return sum(prod(shape) for name, shape in self.network.parameter_shapes.items() if name not in frozen)

    def _learns(self, step: PlanStep) -> bool:
        return bool(step.layers) and step.layers[0] in self.learned

    def _last(self, step: PlanStep) -> str:
        return step.layers[-1] if step.layers else list(self.nodes)[-1]
