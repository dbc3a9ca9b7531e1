"""The front end's golden traces are what Python computes today."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "web" / "golden"


@pytest.mark.slow
def test_the_committed_traces_are_what_the_writer_makes():
    pytest.importorskip("torch")  # Grad-CAM's gradients
    script = GOLDEN / "write.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_traces_stay_small():
    assert sum(path.stat().st_size for path in GOLDEN.glob("*.json")) < 1_000_000


def test_a_change_of_a_trace_is_seen(monkeypatch):
    monkeypatch.syspath_prepend(str(GOLDEN))
    from write import differs

    trace = json.loads((GOLDEN / "operations.json").read_text(encoding="utf-8"))[0]
    assert differs(trace, trace) == ""
    for changed in (
        trace | {"name": "another"},
        trace | {"results": []},
        trace | {"openings": [trace["openings"][0] | {"value": 1.5 + float(trace["openings"][0]["value"])}]},
    ):
        assert differs(trace, changed)
