"""Build the documents: python docs/build.py

Runs every chapter of docs/course/ in a fresh kernel, writes its notebook to docs/course/notebooks/ and the site,
offline, to build/site/ (open build/site/index.html). With --check nothing is written to docs/: a notebook that differs
from what its chapter gives today is an error. --only 04 takes the chapters whose names begin so, for writing one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from course_builder.checks import problems
from course_builder.notebooks import Run, notebook_text, run
from course_builder.site import build_site
from course_builder.source import chapters

DOCS = Path(__file__).resolve().parent
BUILD = DOCS.parent / "build"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", default="", metavar="NN")
    wanted = parser.parse_args()
    runs: list[Run] = []
    wrong = []
    for chapter in chapters(DOCS / "course"):
        if not chapter.name.startswith(wanted.only):
            continue
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            runs.append(run(chapter, Path(folder)))
        print(
            f"{chapter.name}: {chapter.words} words, run in {time.monotonic() - start:.1f} s", file=sys.stderr
        )
        kept = DOCS / "course" / "notebooks" / f"{chapter.name}.ipynb"
        text = notebook_text(runs[-1].notebook)
        if not wanted.check:
            kept.write_text(text)
        elif not kept.exists() or kept.read_text() != text:
            wrong.append(f"{kept.name} isn't what its chapter gives: python docs/build.py writes it")
    build_site(runs, DOCS, BUILD / "site", BUILD / "site-work", strict=not wanted.only)
    if not wanted.only:
        wrong += problems(BUILD / "site")
    print("\n".join(wrong) or f"built {BUILD / 'site' / 'index.html'}", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
