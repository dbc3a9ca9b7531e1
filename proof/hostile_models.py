"""Proof 23: hostile model files, each opened in a process of its own.

Files that are none, weights kept in other places, sizes that lie, tensors of 2^40 values, loops without end, functions
that call themselves, names that write on the terminal, cards that lie, and an honest file cut short or with bits
turned, some hundred times. Each ends in an error that says what, where, what was received and what to do, in less
than 2 seconds and 500 MB beyond the imports, with no crash. At full size each goes through the command line, too.

    python proof/hostile_models.py            writes proof/results/hostile_models.json and .md
    python proof/hostile_models.py --short    a few damaged files, no commands; writes nothing
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from _record import TOP, conclude, options, run, table

sys.path.insert(0, str(TOP / "tests"))
from PIL import Image

from support.hostile import MEGABYTES, SECONDS, Case, Sandbox, cuts, damaged, flips, judge, saved
from support.hostile_cases import cases

SEED = 23
DAMAGED, DAMAGED_SHORT = 500, 20


def main(argv: Sequence[str]) -> int:
    """Run the proof; the exit status is 0 only if every file ends as it should."""
    given = options(argv, __doc__)
    rows, wrong = [], []
    calls = 0
    with Sandbox() as sandbox:
        for case in cases():
            with tempfile.TemporaryDirectory() as name:
                path = case.write(Path(name))
                met = sandbox.open(path)
                wrong += [f"{case.name}: {text}" for text in judge(case, met)]
                if not given.short:
                    found = _by_command(path, bool(met.error))
                    calls += 2
                    wrong += [f"{case.name}, by command: {text}" for text in found]
            said = met.said.replace(name, "…")
            rows.append({"case": case.name, "said": said[:300], "seconds": round(met.waited, 3),
                         "megabytes": round(met.megabytes)})  # fmt: skip
        tally, slowest, count = _damaged(sandbox, DAMAGED_SHORT if given.short else DAMAGED, wrong)
    most = max(rows, key=lambda row: row["seconds"])
    widest = max(rows, key=lambda row: row["megabytes"])
    body = (
        f"{len(rows)} hostile files, {count:,} damaged ones, {calls} commands (`explain`, as text and as JSON). "
        f"Wanted: less than {SECONDS:g} s and {MEGABYTES:g} MB each. The slowest took {most['seconds']:.2f} s "
        f"({most['case']}), the largest {widest['megabytes']} MB ({widest['case']}); of the damaged ones "
        f"{slowest:.2f} s.\n\n"
    )
    body += table(
        ["file", "what it said", "seconds:", "MB:"],
        [(row["case"], row["said"], f"{row['seconds']:.2f}", row["megabytes"]) for row in rows],
    )
    body += "\n\nAn honest file, damaged:\n\n"
    body += table(
        ["damage", "what it said", "files:"], [(*key, number) for key, number in tally.most_common()]
    )
    figures = {
        "n": len(rows) + count, "seed": SEED, "cases": rows, "commands": calls,
        "damaged": [{"damage": key[0], "said": key[1], "files": number} for key, number in tally.most_common()],
    }  # fmt: skip
    return conclude("hostile_models", "Hostile model files", given, figures, body, wrong)


def _damaged(sandbox: Sandbox, each: int, wrong: list[str]) -> tuple[Counter[tuple[str, str]], float, int]:
    """Bits turned and ends cut: what was said how often, the slowest, and how many files."""
    tally: Counter[tuple[str, str]] = Counter()
    slowest = 0.0
    harmless = Case("damaged", saved(b""), harmless=True)
    kinds = {"bits turned": flips(each, SEED), "cut short": cuts(each, SEED)}
    with tempfile.TemporaryDirectory() as name:
        for kind, files in kinds.items():
            for number, data in enumerate(files):
                met = sandbox.open(damaged(Path(name), data))
                tally[kind, met.error.get("what", "it opened")] += 1
                slowest = max(slowest, met.waited)
                wrong += [f"{kind}, number {number}: {text}" for text in judge(harmless, met)]
    return tally, slowest, 2 * each


def _by_command(path: Path, refused: bool) -> list[str]:
    """What is wrong with how `explain` ended, as text and as JSON."""
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        picture = Path(name) / "picture.png"
        Image.new("RGB", (8, 8), (9, 99, 200)).save(picture)
        for form in ([], ["--json"]):
            command = [
                sys.executable,
                "-m",
                "pellucid",
                "explain",
                path,
                picture,
                "--heatmap",
                Path(name) / "h.png",
            ]
            ran = run([*command, *form], timeout=120)
            if ran.code not in ({1} if refused else {0, 1}) or "Traceback" in ran.err:
                wrong.append(f"status {ran.code}: {ran.err[-200:]!r}")
            elif ran.code == 1 and form:
                try:
                    json.loads(ran.err.strip().splitlines()[-1])
                except ValueError:
                    wrong.append(f"the error is not JSON: {ran.err[-200:]!r}")
            if not ran.err.replace("\n", "").isprintable():
                wrong.append("control characters on the terminal")
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
