"""Write the golden traces: what Python computes for single operations and for whole networks, for the front end's own
tests to recompute. `python web/golden/write.py`; with --check, only compare.

Operations are ONNX's own suite of single nodes (their outputs are the suite's, not ours) and random ones with odd
paddings, strides, dilations and groups (onnxruntime's). Networks go through the whole file: any picture in, every
tensor, openings, fields, explanations.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(Path(__file__).parent)]

from network_traces import network_traces  # noqa: E402
from operation_traces import operation_traces  # noqa: E402

FOLDER = Path(__file__).parent
WRITERS = {"operations.json": operation_traces, "networks.json": network_traces}


def text_of(traces: list[dict]) -> str:
    """One trace in a line, so that a change shows where it is."""
    lines = ",\n".join(
        json.dumps(trace, separators=(",", ":"), ensure_ascii=False, allow_nan=False) for trace in traces
    )
    return f"[\n{lines}\n]\n"


def main() -> int:
    """Write the files, or with --check compare them."""
    check, stale = "--check" in sys.argv[1:], []
    for name, write in WRITERS.items():
        text = text_of(write())
        if not check:
            (FOLDER / name).write_text(text)
        elif (FOLDER / name).read_text() != text:
            stale.append(name)
    if stale:
        print(f"{', '.join(stale)}: not what web/golden/write.py makes today; run it", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
