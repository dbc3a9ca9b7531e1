"""A filter over a picture of 12 megapixels: pellucid, SciPy and scikit-image, in turns, every run a fresh process.

    python benchmarks/filters.py                 every way once, then 5 pairs against the quickest of each library
    python benchmarks/filters.py --pairs 9 --others 0.2

Writes benchmarks/results/filters.json and .md. See README.md for the rules.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from peers.filtering import HEIGHT, TASKS, WIDTH, ways_for
from turns import RESULTS, in_words, processor, run, spread

PICTURE = 4 * HEIGHT * WIDTH * 3  # bytes in float32
MOST = 4  # times that, in memory


def once(task: str, way: str) -> dict:
    """One fresh process."""
    return run(sys.executable, "filtering", task, way)


def same(one: dict, other: dict) -> bool:
    """Whether both computed the same, by some of their values (of pixels up to 255)."""
    return all(abs(a - b) < 0.02 for a, b in zip(one["checks"], other["checks"], strict=True))


def compare(task: str, pairs: int, others: float) -> dict:
    """Every way once; then pairs against SciPy's and scikit-image's quickest."""
    first = once(task, "pellucid")
    tried = {way: once(task, way) for way in ways_for(task)}
    wrong = [way for way, found in tried.items() if not same(first, found)]
    if wrong:
        raise SystemExit(f"{task}: another answer than pellucid's from {', '.join(wrong)}")
    for way, found in {"pellucid": first, **tried}.items():
        print(
            f"  {task}, {way}: {found['seconds']:.2f} s, {found['grown'] / PICTURE:.2f} pictures",
            file=sys.stderr,
        )
    libraries = {}
    for library, start in (("SciPy", "scipy"), ("scikit-image", "scikit-image")):
        own = [way for way in tried if way.startswith(start)]
        if own:
            libraries[library] = min(own, key=lambda way: tried[way]["seconds"])
    against = {library: pair_up(task, way, pairs, others) for library, way in libraries.items()}
    return {"task": task, "tried": tried, "first": first, "against": against}


def pair_up(task: str, way: str, pairs: int, others: float) -> dict:
    """`pairs` runs of each, in turns; a pair counts if other programs took at most `others` of the processors."""
    kept: list[dict] = []
    tried = 0
    while len(kept) < pairs and tried < 3 * pairs:
        order = ("pellucid", way) if tried % 2 == 0 else (way, "pellucid")
        tried += 1
        found = {who: once(task, who) for who in order}
        ratio = found[way]["seconds"] / found["pellucid"]["seconds"]
        calm = max(each["others"] for each in found.values()) <= others
        if calm:
            kept.append({"pellucid": found["pellucid"], "peer": found[way], "ratio": ratio})
        print(
            f"  {task}, {way}, pair {tried}: {ratio:.1f} x{'' if calm else ': does not count'}",
            file=sys.stderr,
        )
    if len(kept) < pairs:
        raise SystemExit(
            f"other programs took more than {others:.0%} in {tried - len(kept)} of {tried} pairs"
        )
    return {
        "way": way,
        "pairs_tried": tried,
        "ratio": spread([each["ratio"] for each in kept]),
        "pellucid_seconds": spread([each["pellucid"]["seconds"] for each in kept]),
        "peer_seconds": spread([each["peer"]["seconds"] for each in kept]),
        "pellucid_grown": max(each["pellucid"]["grown"] for each in kept),
        "peer_grown": max(each["peer"]["grown"] for each in kept),
        "others": max(each[who]["others"] for each in kept for who in ("pellucid", "peer")),
        "runs": kept,
    }


def markdown(result: dict) -> str:
    """The tables for people."""
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    lines = [
        "# A filter over 12 megapixels in colour",
        "",
        f"{result['machine']}, {result['cores']} cores, compiled for {result['instructions']}; {versions}; "
        f"{result['date']}. {WIDTH}x{HEIGHT}x3 uint8 to float32, borders zero; {result['pairs']} pairs in turns, every "
        "run a fresh process and the median of up to 3 calls; medians, quartiles in brackets. A peer is the quickest "
        f"way of its library for the task. Other programs took at most {result['others_seen']:.0%} of the processors. "
        "Memory: the most that resident memory grew over the loaded picture, in pictures of float32 "
        f"({PICTURE:,} bytes), the answer included.",
        "",
        "| filter | against | times as quick | pellucid, s | peer, s | pellucid, memory | peer, memory |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for task in result["tasks"]:
        for row in task["against"].values():
            lines.append(
                f"| {task['task']} | {row['way']} | **{row['ratio']['median']:.1f}** ({row['ratio']['lower']:.1f} - "
                f"{row['ratio']['upper']:.1f}) | {in_words(row['pellucid_seconds'], '.2f')} "
                f"| {in_words(row['peer_seconds'], '.2f')} | {row['pellucid_grown'] / PICTURE:.2f} "
                f"| {row['peer_grown'] / PICTURE:.2f} |"
            )
    lines += ["", "Every way once:", "", "| filter | way | s | memory |", "| --- | --- | ---: | ---: |"]
    for task in result["tasks"]:
        for way, found in {"pellucid": task["first"], **task["tried"]}.items():
            lines.append(
                f"| {task['task']} | {way} | {found['seconds']:.2f} | {found['grown'] / PICTURE:.2f} |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument(
        "--others", type=float, default=0.05, help="largest share of other programs in a pair that counts"
    )
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    from pellucid import __version__
    from pellucid.native import native

    tasks = [compare(task, options.pairs, options.others) for task in options.tasks]
    rows = [row for task in tasks for row in task["against"].values()]
    most = max(max(row["pellucid_grown"] for row in rows), *(task["first"]["grown"] for task in tasks))
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "instructions": native.filter_instructions()[-1] if native else "nothing: NumPy alone",
        "versions": {
            "Python": platform.python_version(),
            "pellucid": __version__,
            **{name: version(name) for name in ("numpy", "scipy", "scikit-image")},
        },
        "pairs": options.pairs,
        "others_at_most": options.others,
        "others_seen": max(row["others"] for row in rows),
        "slowest_ratio": min(row["ratio"]["median"] for row in rows),
        "most_memory_in_pictures": most / PICTURE,
        "tasks": tasks,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "filters.json").write_text(json.dumps(result, indent=1) + "\n")
    table = markdown(result)
    (options.out / "filters.md").write_text(table)
    print(table)
    if result["slowest_ratio"] <= 1 or most >= MOST * PICTURE:
        raise SystemExit("slower than a peer, or more memory than promised")


if __name__ == "__main__":
    main()
