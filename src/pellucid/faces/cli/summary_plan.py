"""`pellucid summary --plan`: what the native engine does at each step of training."""

from __future__ import annotations

import sys
from typing import Any

from pellucid.engines.native.steps import StepPlan, step_plan
from pellucid.errors import SettingsError
from pellucid.faces.cli import output
from pellucid.faces.cli.blocks import print_table
from pellucid.network import Network, table
from pellucid.network.layers import on_screen


def plan_command(network: Network, as_json: bool) -> None:
    """Print the plan of `network`."""
    plan = step_plan(network)
    if as_json:
        document: dict[str, Any] = {"input_shape": list(on_screen(network.input_shape)), "network": network.text}
        output.print_json(document | plan.as_dict())
        return
    print_plan(network, plan)


def print_plan(network: Network, plan: StepPlan) -> None:
    """The table on stdout; what it counts on stderr."""
    print(f"input {' x '.join(str(n) for n in on_screen(network.input_shape))} · {plan.instructions}")
