"""Which set of instructions the compiled engine uses: the processor's best, unless PELLUCID_ISA names another."""

from __future__ import annotations

import os
import warnings
from functools import cache

from pellucid.errors import EngineError
from pellucid.native import native

VARIABLE = "PELLUCID_ISA"


def chosen() -> str:
    """The name of the set to use, checked once a process. EngineError where the one asked for isn't here."""
    here = native.train_instructions() if native else []
    asked = os.environ.get(VARIABLE, "")
    if asked and asked not in here:
        raise EngineError(
            "This processor can't run the instructions that were asked for",
            where=f"environment variable {VARIABLE}",
            received=asked,
            remedy=f"one of: {', '.join(here)}; without it, the best of them is used",
        )
    return _checked(tuple([asked] if asked else reversed(here)))


@cache
def _checked(names: tuple[str, ...]) -> str:
    """The first of these that passes the check against NumPy; a warning says which one didn't, and by how much."""
    from pellucid.engines.native.check import difference

    for name in names:
        found = difference(name)
        if found < 1e-4:
            return name
        warnings.warn(
            f"the native engine's {name} code gives wrong results on this processor "
            f"(off by {found:.2g} of the largest value): it is not used",
            RuntimeWarning,
            stacklevel=2,
        )
    raise EngineError(
        "The native engine gives wrong results on this processor",
        received=", ".join(names),
        remedy="--engine torch, and please report it with the processor's name",
    )
