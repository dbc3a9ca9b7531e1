"""Every command in README and the other documents is run, in order, in a folder of its own.

In a block marked `console`, each line that starts with "$ " is a command (a backslash continues it); the
other lines show its output. `python` blocks are programs. A comment in the line before the block may say
`<!-- run as: COMMAND -->` (a shorter command instead), `<!-- exits 1 -->` or `<!-- not run: REASON -->`.

The course's cells, `python live`, share a chapter's kernel: tests/docs/test_course.py runs them, and nothing here does.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from course_builder.source import Live, chapters

TOP = Path(__file__).resolve().parent.parent
PAGES = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
BLOCK = re.compile(
    r"^(?:<!-- (?P<word>.+?) -->\n)?```(?P<kind>\w*)(?P<live> live)?[^\n]*\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block: the program to run, the exit status it promises, why it isn't run (or "")."""

    page: str
    number: int
    kind: str
    program: str
    exits: int = 0
    reason: str = ""


def blocks(page: str, text: str) -> list[Block]:
    """The blocks of a page that hold commands or programs."""
    found = []
    for number, match in enumerate(BLOCK.finditer(text), 1):
        word, kind, body = match["word"] or "", match["kind"], match["body"]
        if kind in ("sh", "bash", "shell"):
            raise ValueError(f"{page}, block {number}: write commands as ```console, so that they are run")
        if kind not in ("console", "python") or match["live"]:
            continue
        if kind == "console":
            lines = body.replace("\\\n", "").splitlines()
            body = "\n".join(line.removeprefix("$ ") for line in lines if line.startswith("$ "))
        exits, reason = 0, ""
        if word.startswith("run as: "):
            kind, body = "console", word.removeprefix("run as: ")
        elif word.startswith("not run: "):
            reason = word.removeprefix("not run: ")
        elif match_exit := re.fullmatch(r"exits (\d)", word):
            exits = int(match_exit[1])
        found.append(Block(page, number, kind, body, exits, reason))
    return found


def all_blocks() -> list[Block]:
    pages = [TOP / name for name in PAGES] + sorted((TOP / "docs").rglob("*.md"))
    found = []
    for path in pages:
        if path.exists():
            found += blocks(path.relative_to(TOP).as_posix(), path.read_text())
    return found


def run(block: Block, folder: Path) -> subprocess.CompletedProcess[str]:
    shell = ["bash", "-euo", "pipefail", "-c"] if block.kind == "console" else [sys.executable, "-c"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [*shell, block.program],
        cwd=folder,
        env=os.environ | {"PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """One folder for each page, kept from block to block, with the examples in it."""
    made: dict[str, Path] = {}

    def folder(page: str) -> Path:
        if page not in made:
            made[page] = tmp_path_factory.mktemp("page")
            (made[page] / "examples").symlink_to(TOP / "examples")
        return made[page]

    return folder


@pytest.mark.parametrize("block", all_blocks(), ids=lambda block: f"{block.page}-{block.number}")
def test_a_block_runs(block, folders):
    if block.reason:
        pytest.skip(block.reason)
    done = run(block, folders(block.page))
    assert done.returncode == block.exits, f"{block.program}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr


def test_live_cells_are_left_to_the_course_that_runs_them():
    """Each one belongs to a chapter, and the chapter's own reader finds as many."""
    read = {chapter.name: chapter for chapter in chapters(TOP / "docs" / "course")}
    for path in [TOP / name for name in PAGES] + sorted((TOP / "docs").rglob("*.md")):
        live = [match for match in BLOCK.finditer(path.read_text()) if match["live"]]
        if live:
            assert path.parent == TOP / "docs" / "course"
            cells = [part for part in read[path.stem].parts if isinstance(part, Live)]
            assert [match["body"].rstrip("\n") for match in live] == [cell.code for cell in cells]


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_are_there(page):
    assert (TOP / page).read_text().startswith("# ")


def test_the_readme_has_commands_that_are_run():
    assert [block for block in all_blocks() if block.page == "README.md" and not block.reason]


@pytest.mark.parametrize("page", [*PAGES, "NOTICE"])
def test_links_inside_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", (TOP / page).read_text()):
        assert (TOP / target).exists(), f"{page} links to {target}"


EXAMPLE = """# Page
<!-- exits 1 -->
```console
$ echo first \\
  second
first second
$ false
```
```python
print(1 / 0)
```
<!-- run as: echo short -->
```console
$ sleep 1000
```
<!-- not run: it needs a screen -->
```console
$ xeyes
```
```
$ plain text, no command
```
```python live
raise SystemExit("a chapter's cell, run by the course's test")
```
"""


def test_the_runner_itself(tmp_path):
    first, program, short, unrun = blocks("page.md", EXAMPLE)
    assert (first.program, first.exits) == ("echo first   second\nfalse", 1)
    done = run(first, tmp_path)
    assert (done.returncode, done.stdout) == (1, "first second\n")
    assert run(program, tmp_path).returncode == 1
    assert run(short, tmp_path).stdout == "short\n"
    assert unrun.reason == "it needs a screen"
    with pytest.raises(ValueError, match="block 1: write commands as ```console"):
        blocks("page.md", "```bash\npellucid train\n```\n")
