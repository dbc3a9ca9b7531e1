"""Every script of proof/ in its short form, as `make test` wants it: it runs, says what it found, and it holds.

Also what they share: a record has what a reader needs to judge it, and a proof that fails says so by its status.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pellucid.native import native

PROOF = Path(__file__).resolve().parents[2] / "proof"
SCRIPTS = sorted(PROOF.glob("[!_]*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_short_form_holds(script, tmp_path):
    holds(tmp_path, script, "--short")


@pytest.mark.skipif(native is None, reason="the compiled part is not built here")
def test_killed_and_resumed_with_the_native_engine(tmp_path):
    assert "engine native" in holds(tmp_path, PROOF / "kills.py", "--short", "--engine", "native")


def holds(tmp_path, *command):
    """What a proof prints; that it holds, and leaves nothing."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env=os.environ | {"PELLUCID_CACHE": str(tmp_path / "cache")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    assert done.stdout.strip()
    assert "Traceback" not in done.stderr
    left = {path.name for path in tmp_path.iterdir()} - {"cache"}
    assert left == set(), "the short form writes nothing where it is run"
    return done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_proof_says_what_it_shows_and_how_to_run_it(script):
    text = script.read_text()
    assert text.startswith('"""Proof ')
    assert f"python proof/{script.name} " in text
    assert "def main(argv" in text


RECORDING = """
import sys
sys.path.insert(0, {proof!r})
from pathlib import Path
from _record import Options, conclude, table
wrong = sys.argv[2:]
text = table(["a", "b:"], [("x|y", 1)])
sys.exit(conclude("example", "An example", Options(False, Path(sys.argv[1])), {{"n": 3, "seed": 0}}, text, wrong))
"""


def record(tmp_path, *wrong):
    """The exit status and the record of a proof that found this wrong."""
    code = RECORDING.format(proof=str(PROOF))
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path, *wrong], capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads((tmp_path / "example.json").read_text()), tmp_path / "example.md"


def test_a_record_has_all_that_its_reader_needs(tmp_path):
    code, found, page = record(tmp_path)
    assert (code, found["holds"], found["wrong"]) == (0, True, [])
    assert {"date", "machine", "cores", "versions", "n", "seed", "full_size"} <= set(found)
    assert {"pellucid", "Python", "numpy", "torch", "onnxruntime"} <= set(found["versions"])
    text = page.read_text()
    assert text.startswith("# An example\n")
    assert "| x\\|y | 1 |" in text
    assert text.endswith("Holds.\n")


def test_what_does_not_hold_ends_with_1(tmp_path):
    code, found, page = record(tmp_path, "two is not three")
    assert (code, found["holds"], found["wrong"]) == (1, False, ["two is not three"])
    assert "Does not hold:\n\n- two is not three" in page.read_text()
