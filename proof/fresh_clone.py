"""Proof 1: in a fresh clone, `make run` and `make test`, each once, with nothing else typed.

Clones the repository at HEAD into a temporary folder and runs both there, in surroundings that know nothing of this
checkout. Needs git, and whatever the two need (the package index, on a first set-up).

    python proof/fresh_clone.py            writes proof/results/fresh_clone.json and .md
    python proof/fresh_clone.py --short    only looks whether the clone holds what Makefile, README and .ci/run name
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from _record import TOP, Options, Ran, conclude, options, run, table

# Files that name others, and those that are run by their name.
NAMING = ["Makefile", "README.md", "CONTRIBUTING.md", "pyproject.toml", ".ci/run", ".ci/check",
          ".ci/environment", "examples/first_run.sh"]  # fmt: skip
PROGRAMS = [".ci/run", ".ci/check", ".ci/environment", "examples/first_run.sh"]
# What shows this checkout to a program that it starts.
OURS = re.compile(r"^(PYTHON|VIRTUAL_ENV|MAKE|MFLAGS|PELLUCID|PYTEST|GIT_|CI$)")
BUILT = ("src/pellucid/faces/explorer", "web/node_modules")  # by node, where there is one
LAST_LINES = 12


def clone(folder: Path) -> tuple[Path, str]:
    """The repository at HEAD, as anybody gets it, and the commit. Before the first commit: what is staged."""
    place = folder / "pellucid"
    head = run(["git", "-C", TOP, "rev-parse", "--verify", "HEAD"])
    if head.code:
        run(["git", "-C", TOP, "checkout-index", "--all", f"--prefix={place}/"])
        return place, "the index; there is no commit yet"
    cloned = run(["git", "clone", "--quiet", "--no-hardlinks", TOP.as_uri(), place])
    if cloned.code:
        raise SystemExit(f"git clone failed:\n{cloned.err}")
    return place, head.out.strip()


def make(target: str, place: Path) -> Ran:
    """`make TARGET` there, by itself; what it prints in its order, all on stdout."""
    clean = {name: value for name, value in os.environ.items() if not OURS.match(name)}
    clean["PATH"] = os.pathsep.join(
        part for part in clean["PATH"].split(os.pathsep) if not Path(part).is_relative_to(TOP)
    )
    return run(["bash", "-c", f"exec make {target} 2>&1"], cwd=place, timeout=3 * 3600, surrounding=clean)


def named(text: str, top_folders: set[str]) -> Iterator[str]:
    """What a file's text says lies in the repository: paths below its folders, and its own pages."""
    for word in re.findall(r"[\w./*!\[\]-]+", text):
        path = word.strip(".").removeprefix("/") if not word.startswith(".ci") else word.rstrip(".")
        if "/" in path and path.split("/")[0] in top_folders:
            yield path.rstrip("/")
        elif re.fullmatch(r"[A-Z]+\.md|constraints\.txt|LICENSE|NOTICE|pyproject\.toml|Makefile", path):
            yield path


def lacking(place: Path) -> list[str]:
    """What is named and isn't there, or isn't a program although it is run."""
    files = subprocess.check_output(["git", "-C", TOP, "ls-files", "-z"], text=True).split("\0")
    # Folders that git knows, and those that our files speak of and could have forgotten.
    folders = {file.split("/")[0] for file in files if "/" in file} | {"examples", "docs", ".ci", "proof"}
    wrong = []
    for file in NAMING:
        if not (place / file).is_file():
            wrong.append(f"{file} is not in the clone")
            continue
        for path in sorted(set(named((place / file).read_text(), folders))):
            made = path.startswith(("proof/results", "docs", *BUILT)) or path.endswith("__pycache__")
            if not made and not (place / path).exists() and not any(place.glob(path)):
                wrong.append(f"{file} names {path}, which is not in the clone")
    for program in PROGRAMS:
        if (place / program).is_file() and not os.access(place / program, os.X_OK):
            wrong.append(f"{program} is run by its name, but isn't executable")
    return wrong


def main(argv: Sequence[str]) -> int:
    given: Options = options(argv, __doc__)
    if run(["git", "-C", TOP, "rev-parse", "--git-dir"]).code:
        print("not checked: this is no git repository, so there is nothing to clone")
        return 0
    with tempfile.TemporaryDirectory() as name:
        place, commit = clone(Path(name))
        wrong = lacking(place)
        helped = make("help", place)
        if helped.code or "make run" not in helped.out:
            wrong.append(f"`make help` ended with {helped.code}: {helped.out.strip()[-300:]}")
        rows = []
        if not given.short:
            for target in ("run", "test"):
                ran = make(target, place)
                said = ran.out.replace(str(place), "pellucid").splitlines()
                said = [line for line in said if not line.startswith("WARNING: ")]  # pip's, of this machine
                rows.append({"target": target, "code": ran.code, "seconds": round(ran.seconds, 1),
                             "last_lines": said[-LAST_LINES:]})  # fmt: skip
                if ran.code:
                    wrong.append(f"`make {target}` ended with {ran.code}")
    body = f"Commit: {commit}.\n\n"
    if given.short:
        body += "Every file that Makefile, README and the scripts name was looked for; nothing was set up."
    else:
        body += table(
            ["typed", "exit status:", "seconds:"],
            [(f"`make {row['target']}`", row["code"], f"{row['seconds']:,.0f}") for row in rows],
        )
        for row in rows:
            body += (
                f"\n\nThe last lines of `make {row['target']}`:\n\n```\n"
                + "\n".join(row["last_lines"])
                + "\n```"
            )
    figures = {"commit": commit, "runs": rows, "n": len(rows)}
    return conclude("fresh_clone", "A fresh clone: `make run`, `make test`", given, figures, body, wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
