"""The site: chapters and the other documents as pages, built offline by Zensical, with nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from course_builder.notebooks import Run, notebook_text
from course_builder.pages import page_of

HERE = Path(__file__).resolve().parent
# The theme's script knows where add-ons (diagrams, light boxes, code playgrounds) and a repository's figures could be
# fetched from, and would where a page asks for one. None of ours does; the addresses go, so that none ever can.
ELSEWHERE = re.compile(r"https://(?:unpkg\.com|cdn\.jsdelivr\.net|api\.github\.com)[\w./@-]*")
OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./[^)]+\)")  # a link to a file of the project that isn't on the site
COLOUR = re.compile(r"\x1b\[[\d;]*m")

CONFIG = """\
[project]
site_name = "pellucid"
site_description = "Convolutional networks you can see through: a course, and how to use them"
docs_dir = "docs"
site_dir = "site"
use_directory_urls = false
extra_css = ["course.css"]
nav = {nav}

[project.theme]
language = "en"
font = false
features = ["navigation.footer", "navigation.sections", "navigation.top", "toc.follow", "content.code.copy"]

[[project.theme.palette]]
media = "(prefers-color-scheme: light)"
scheme = "default"
toggle = {{ icon = "lucide/sun", name = "To the dark" }}

[[project.theme.palette]]
media = "(prefers-color-scheme: dark)"
scheme = "slate"
toggle = {{ icon = "lucide/moon", name = "To the light" }}

[project.extra]
generator = false
"""


def build_site(runs: Sequence[Run], docs: Path, out: Path, work: Path, strict: bool = True) -> None:
    """Write the site into the folder `out` (replaced), by way of `work` (replaced).

    `docs`: the project's documents; its Markdown at the top level become pages beside the chapters. Raises
    RuntimeError with Zensical's words where it doesn't build, or (`strict`) has a warning, as about a dead link.
    """
    shutil.rmtree(work, ignore_errors=True)
    source = work / "docs"
    (source / "course" / "notebooks").mkdir(parents=True)
    guides = sorted(docs.glob("*.md"), key=lambda path: (path.name != "index.md", path.name))
    for path in docs.iterdir():
        if path.suffix in (".md", ".json") or (
            path.is_dir() and path.name in {guide.stem for guide in guides}
        ):
            (shutil.copytree if path.is_dir() else shutil.copy)(path, source / path.name)
    for guide in guides:
        text = (source / guide.name).read_text()
        (source / guide.name).write_text(OUTSIDE.sub(r"\1", text))
    shutil.copy(HERE / "course.css", source / "course.css")
    for run in runs:
        (source / "course" / f"{run.chapter.name}.md").write_text(page_of(run))
        (source / "course" / "notebooks" / f"{run.chapter.name}.ipynb").write_text(
            notebook_text(run.notebook)
        )
    (work / "zensical.toml").write_text(CONFIG.format(nav=_nav(runs, guides)))
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", *(["--strict"] if strict else [])],
        cwd=work, env=os.environ | {"NO_COLOR": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode or not (work / "site" / "index.html").exists():
        raise RuntimeError(f"zensical: {COLOUR.sub('', done.stdout)}{done.stderr[-500:]}")
    for path in [*(work / "site").rglob("*.js"), *(work / "site").rglob("*.css")]:
        path.write_text(ELSEWHERE.sub("about:blank", path.read_text()))
    shutil.rmtree(out, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(work / "site", out)


def _nav(runs: Sequence[Run], guides: Sequence[Path]) -> str:
    """The navigation, as TOML."""
    course = ", ".join(
        f"{{ {json.dumps(run.chapter.title, ensure_ascii=False)} = {json.dumps(f'course/{run.chapter.name}.md')} }}"
        for run in runs
    )
    entries = []
    for path in guides:
        title = "Welcome" if path.name == "index.md" else path.read_text().split("\n")[0].lstrip("# ")
        entries.append(f"{{ {json.dumps(title)} = {json.dumps(path.name)} }}")
    first, *others = entries
    return f'[{first}, {{ "The course" = [{course}] }}, {{ "Guides" = [{", ".join(others)}] }}]'
