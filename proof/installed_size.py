"""Proof 28: the core is small and starts at once, and its wheel needs no compiler.

- Installed size, as pip's own records have it, bytecode included: pellucid with all that it asks for, at most 300 MB
  and at most 1/3 of a CPU install of torch with all that that asks for.
- `import pellucid` in less than 0.3 s, each in a fresh process, bytecode compiled.
- The wheel, built here, repaired by auditwheel where that is installed, goes into an empty environment whose PATH has
  no compiler and no cmake; one quick epoch of MNIST is trained there, and digits are predicted (.ci/try_wheel.py).

    python proof/installed_size.py                  writes proof/results/installed_size.json and .md
    python proof/installed_size.py --wheel FILE     a wheel that is built already
    python proof/installed_size.py --short          sizes and start of the package where it stands; no wheel
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

from _record import RESULTS, TOP, Options, conclude, parser, run, table

MOST_BYTES, SHARE, SECONDS = 300_000_000, 1 / 3, 0.3
STARTS = 15
# Run by the interpreter whose packages are measured. Requirements are followed as pip does, extras left out.
MEASURE = """
import json, re, sys
from importlib.metadata import PackageNotFoundError, distribution
def needs(name):
    for line in distribution(name).requires or []:
        if "extra ==" not in line:
            yield re.match(r"[\\w.-]+", line)[0]
sizes, todo = {}, [sys.argv[1]]
while todo:
    name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
    if name in sizes:
        continue
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:  # for other systems or Pythons
        continue
    paths = {file.locate() for file in files}
    sizes[name] = sum(path.stat().st_size for path in paths if path.is_file())
    todo += needs(name)
print(json.dumps(sizes))
"""
IMPORT = "import time; begin = time.perf_counter(); import pellucid; print(time.perf_counter() - begin)"
COMPILERS = ("c++", "g++", "gcc", "cc", "clang", "clang++", "cmake", "ninja", "make")


def sizes(python: Path | str, package: str) -> dict[str, int]:
    """Bytes of a package and of all that it asks for, by name; empty where it isn't installed."""
    ran = run([python, "-c", MEASURE, package])
    if ran.code:
        raise SystemExit(f"{package} could not be measured\n{ran.err}")
    return json.loads(ran.out)


def starts(python: Path | str, count: int, folder: Path) -> list[float]:
    """Seconds of `import pellucid`, each in a fresh process; a first one, which compiles bytecode, isn't counted."""
    found = []
    for _ in range(count + 1):
        ran = run([python, "-c", IMPORT], cwd=folder, PYTHONDONTWRITEBYTECODE="")
        if ran.code:
            raise SystemExit(f"pellucid could not be imported\n{ran.err}")
        found.append(float(ran.out))
    return found[1:]


def built(folder: Path) -> tuple[Path, str]:
    """The wheel of this tree, and what was done to it."""
    ran = run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder / "built", TOP])
    if ran.code:
        raise SystemExit(f"the wheel could not be built\n{ran.err[-3000:]}")
    (wheel,) = (folder / "built").glob("*.whl")
    return repaired(wheel, folder)


def repaired(wheel: Path, folder: Path) -> tuple[Path, str]:
    """The wheel as auditwheel leaves it."""
    auditwheel = shutil.which("auditwheel")
    if auditwheel is None or not shutil.which("patchelf"):
        return wheel, "as built: auditwheel or patchelf is not installed here"
    ran = run([auditwheel, "repair", "-w", folder / "repaired", wheel])
    if ran.code:
        raise SystemExit(f"auditwheel refused the wheel\n{ran.err[-3000:]}")
    (found,) = (folder / "repaired").glob("*.whl")
    return found, "repaired by auditwheel"


def tried(wheel: Path, folder: Path) -> tuple[Path, dict]:
    """The interpreter of a new environment with the wheel, and what it did there without any compiler in PATH."""
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    empty = folder / "venv" / "bin"  # nothing else is in PATH
    # Of this machine's settings only where packages come from.
    clean = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name == "HOME"}
    clean |= {"PATH": str(empty), "CXX": "", "CC": ""}
    here = [name for name in COMPILERS if shutil.which(name, path=str(empty))]
    ran = run([python, "-m", "pip", "install", "-q", "--no-input", wheel], folder, surrounding=clean)
    if ran.code:
        raise SystemExit(f"the wheel could not be installed\n{ran.err[-3000:]}")
    ran = run([python, TOP / ".ci" / "try_wheel.py"], folder, surrounding=clean)
    if ran.code:
        raise SystemExit(f"the installed wheel does not work\n{ran.err[-3000:]}")
    return python, json.loads(ran.out.splitlines()[-1]) | {"compilers_in_path": here}


def main(argv: Sequence[str]) -> int:
    known = parser(__doc__)
    known.add_argument("--wheel", type=Path, help="a wheel that is built already")
    asked = known.parse_args(argv)
    given = Options(asked.short, asked.out or (None if asked.short else RESULTS))
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        worked: dict | None = None
        python: Path | str = sys.executable
        wheel_name, wheel_bytes, how = "", 0, "no wheel: the short form"
        if not given.short:
            wheel, how = repaired(asked.wheel.resolve(), folder) if asked.wheel else built(folder)
            wheel_name, wheel_bytes = wheel.name, wheel.stat().st_size
            python, worked = tried(wheel, folder)
            if worked["compilers_in_path"]:
                wrong.append(f"a compiler was in PATH: {', '.join(worked['compilers_in_path'])}")
        core, torch = sizes(python, "pellucid"), sizes(sys.executable, "torch")
        seconds = starts(python, 3 if given.short else STARTS, folder)
    if "torch" in core:
        wrong.append("the core asks for torch")
    if "pellucid" not in core or "numpy" not in core:
        wrong.append(f"the core's packages were not found: {', '.join(core)}")
    total, whole = sum(core.values()), sum(torch.values())
    if total > MOST_BYTES:
        wrong.append(f"{total / 1e6:.0f} MB installed, at most {MOST_BYTES / 1e6:.0f} wanted")
    if not torch:
        how += "; torch is not installed here, so nothing is compared with it"
    elif total > whole * SHARE:
        wrong.append(f"{total / whole:.2f} of torch's size, at most 1/3 wanted")
    median = statistics.median(seconds)
    if not given.short and median >= SECONDS:
        wrong.append(f"import pellucid takes {median:.3f} s, less than {SECONDS} wanted")
    largest = sorted(core.items(), key=lambda item: -item[1])
    body = table(["package", "MB:"], [(name, f"{size / 1e6:.1f}") for name, size in largest])
    body += f"\n\nThe core: {len(core)} packages, **{total / 1e6:.0f} MB** installed. "
    if torch:
        body += f"torch with what it asks for: {len(torch)} packages, {whole / 1e6:.0f} MB; "
        body += f"the core is {total / whole:.2f} of it. "
    body += f"`import pellucid`: **{median:.3f} s** (n = {len(seconds)}, {min(seconds):.3f} to {max(seconds):.3f} s)."
    if worked:
        body += (
            f"\n\n{wheel_name}, {wheel_bytes / 1e6:.1f} MB, {how}. Where there is no compiler: one epoch "
            f"of bench-lenet on MNIST in {worked['seconds']} s from the process's start, {worked['accuracy']:.2%} of "
            f"{worked['count']:,} test pictures right, {worked['digits_right']} of {worked['digits']} digits."
        )
    figures = {
        "n": len(seconds), "seed": 0, "wheel": wheel_name, "wheel_bytes": wheel_bytes, "how": how,
        "core_bytes": core, "core_total": total, "torch_bytes": torch, "torch_total": whole,
        "import_seconds": [round(each, 4) for each in seconds], "import_median": round(median, 4), "tried": worked,
    }  # fmt: skip
    return conclude(
        "installed_size", "The core's size, its start, and its wheel", given, figures, body, wrong
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
