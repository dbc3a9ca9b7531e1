"""What the proofs share: their options, running the command line, and the record that each writes."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
RESULTS = TOP / "proof" / "results"
COMMAND = Path(sys.executable).with_name("pellucid")


@dataclass(frozen=True)
class Options:
    """`short`: the form that `make test` runs. `out`: where the record goes, or None for nowhere."""

    short: bool
    out: Path | None


@dataclass(frozen=True)
class Ran:
    """How a command ended: exit status, stdout, stderr, and the seconds it took from the process's start."""

    code: int
    out: str
    err: str
    seconds: float


def parser(about: str | None) -> argparse.ArgumentParser:
    """The options that every proof has."""
    made = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--short", action="store_true", help="seconds instead of minutes; writes nothing")
    made.add_argument("--out", type=Path, help="where to write the record (proof/results at full size)")
    return made


def options(argv: Sequence[str], about: str | None) -> Options:
    """The options given to a proof that has no others."""
    given = parser(about).parse_args(argv)
    return Options(given.short, given.out or (None if given.short else RESULTS))


def run(
    command: Sequence[str | Path],
    cwd: Path | None = None,
    timeout: float = 3600,
    surrounding: Mapping[str, str] = os.environ,
    stdin: str = "",
    **variables: str,
) -> Ran:
    """Run a command to its end in a process of its own, with these environment variables changed."""
    start = time.monotonic()
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**surrounding, **variables},
        input=stdin,
        capture_output=True,
        text=True,
        errors="backslashreplace",
        check=False,
        timeout=timeout,
    )
    return Ran(done.returncode, done.stdout, done.stderr, time.monotonic() - start)


def table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; columns whose title ends in `:` stand to the right."""
    lines = [
        "| " + " | ".join(title.rstrip(":") for title in titles) + " |",
        "| " + " | ".join("---:" if title.endswith(":") else "---" for title in titles) + " |",
    ]
    for row in rows:
        cells = [str(cell).replace("|", "\\|").replace("\n", "<br>") for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def conclude(
    name: str,
    title: str,
    given: Options,
    figures: dict[str, Any],
    text: str,
    wrong: Sequence[str],
) -> int:
    """Print the proof's text, write its record where asked, and give the exit status: 0 only if nothing is wrong."""
    about = surroundings()
    versions = ", ".join(f"{package} {number}" for package, number in about["versions"].items())
    heading = f"# {title}\n\n{about['date']}, {about['machine']}, {about['cores']} cores; {versions}\n"
    verdict = "Holds." if not wrong else "Does not hold:\n\n" + "\n".join(f"- {line}" for line in wrong)
    page = f"{heading}\n{text}\n\n{verdict}\n"
    print(page)
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        record = about | {"full_size": not given.short, **figures, "wrong": list(wrong), "holds": not wrong}
        written = json.dumps(record, indent=1, allow_nan=False, ensure_ascii=False)
        (given.out / f"{name}.json").write_text(written + "\n", encoding="utf-8")
        (given.out / f"{name}.md").write_text(page, encoding="utf-8")
    return 1 if wrong else 0


def surroundings() -> dict[str, Any]:
    """Date, machine and versions, as they stand in every record."""
    import pellucid

    versions = {"pellucid": pellucid.__version__, "Python": platform.python_version()}
    for package in ("numpy", "torch", "onnxruntime"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": processor(),
        "cores": cores,
        "versions": versions,
    }


def processor() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def busy() -> float:
    """Processor seconds that all processes of the machine have used; 0 where the system doesn't say."""
    try:
        user, nice, system = Path("/proc/stat").read_text().splitlines()[0].split()[1:4]
    except (OSError, ValueError):
        return 0.0
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


def busy_here() -> float:
    """Processor seconds of this process and its finished children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
