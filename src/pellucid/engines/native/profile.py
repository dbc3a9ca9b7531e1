"""Where the time of compiled training steps went: by compiled step, forward and back, and what is beside these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.engines.contract import StepReport
from pellucid.engines.native.steps import PlanStep, StepPlan


@dataclass(frozen=True)
class StepSeconds:
    """A compiled step's time: seconds of all threads together, over all pictures.

    `forward_flop` and `back_flop` are what was computed in that time, of one picture. The gradient of a dense layer's
    weights is no part of it: it is computed for the whole batch at once, in the optimiser's time.
    """

    step: PlanStep
    forward: float
    back: float
    forward_flop: int
    back_flop: int


@dataclass(frozen=True)
class Profile:
    """What some optimiser steps took.

    `steps` are in the order of `step_plan`. `loading` of pictures and the `loss` are seconds of all threads
    together, as those of `steps`. `preparing` (weights laid out for the kernels) and the `optimiser` are seconds
    on the clock: all threads work at each at the same time. `wall` is the whole on the clock. `optimiser_flop` are
    those of dense layers' gradients of weights, of one picture.
    """

    report: StepReport
    steps: tuple[StepSeconds, ...]
    loading: float
    loss: float
    preparing: float
    optimiser: float
    optimiser_flop: int
    wall: float
    threads: int

    @property
    def counted(self) -> float:
        """Seconds of all threads together that have a name.

        What `threads` x `wall` has beyond them is waiting, clearing gradients, and taking those of convolutions by
        tiles back to their weights.
        """
        passes = sum(step.forward + step.back for step in self.steps)
        return passes + self.loading + self.loss + self.threads * (self.preparing + self.optimiser)


def profile_of(
    plan: StepPlan, learned: set[str], report: StepReport, seconds: Sequence[float], wall: float, threads: int
) -> Profile:
    """The compiled trainer's `seconds` with names. `learned`: parameters that aren't frozen."""
    if len(seconds) != 2 * len(plan.steps) + 4:
        raise ValueError(f"{len(seconds)} times for {len(plan.steps)} steps")
    apart = [
        step.forward_flop if step.what.startswith("dense") and f"{step.layers[0]}.weight" in learned else 0
        for step in plan.steps
    ]
    steps = tuple(
        StepSeconds(step, forward, back, step.forward_flop, step.back_flop - later)
        for step, forward, back, later in zip(plan.steps, seconds[:-4:2], seconds[1:-4:2], apart, strict=True)
    )
    loading, loss, preparing, optimiser = seconds[-4:]
    return Profile(report, steps, loading, loss, preparing, optimiser, sum(apart), wall, threads)
