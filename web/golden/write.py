"""Write the golden traces: what Python computes for single operations and for whole networks, for the front end's own
tests to recompute. `python web/golden/write.py`; with --check, only compare.

Operations are ONNX's own suite of single nodes (their outputs are the suite's, not ours) and random ones with odd
paddings, strides, dilations and groups (onnxruntime's). Networks go through the whole file: any picture in, every
tensor, openings, fields, explanations.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(Path(__file__).parent)]

from network_traces import network_traces  # noqa: E402
from operation_traces import operation_traces  # noqa: E402

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?")
FOLDER = Path(__file__).parent
WRITERS = {"operations.json": operation_traces, "networks.json": network_traces}


def text_of(traces: list[dict]) -> str:
    """One trace in a line, so that a change shows where it is."""
    lines = [
        json.dumps(trace, separators=(",", ":"), ensure_ascii=False, allow_nan=False) for trace in traces
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def differs(stored: Any, made: Any, where: str = "") -> str:
    """Where two traces differ by more than another processor's rounding; "" where they don't."""
    if isinstance(stored, dict) and isinstance(made, dict) and stored.keys() == made.keys():
        return next(filter(None, (differs(stored[key], made[key], f"{where}.{key}") for key in stored)), "")
    if isinstance(stored, list) and isinstance(made, list) and len(stored) == len(made):
        pairs = enumerate(zip(stored, made, strict=True))
        return next(filter(None, (differs(*pair, f"{where}[{n}]") for n, pair in pairs)), "")
    if isinstance(stored, int | float) and isinstance(made, int | float) and type(stored) is not bool:
        return "" if abs(stored - made) <= 2e-5 * max(1, abs(stored)) else f"{where}: {stored}, now {made}"
    if isinstance(stored, str) and isinstance(made, str):
        stored, made = (NUMBER.sub("#", text) for text in (stored, made))
    return "" if stored == made else f"{where}: {str(stored)[:80]}, now {str(made)[:80]}"


def main() -> int:
    """Write the files, or with --check compare them."""
    check, stale = "--check" in sys.argv[1:], []
    for name, write in WRITERS.items():
        text = text_of(write())
        if not check:
            (FOLDER / name).write_text(text, encoding="utf-8")
            continue
        difference = differs(json.loads((FOLDER / name).read_text(encoding="utf-8")), json.loads(text))
        if difference:
            stale.append(f"{name}{difference}")
    if stale:
        print(f"{'; '.join(stale)}: web/golden/write.py makes another today; run it", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
