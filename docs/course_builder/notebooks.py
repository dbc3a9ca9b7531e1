"""A chapter as a notebook, and the notebook run in a fresh kernel.

Notebooks are kept without outputs: what they show is on the pages, and outputs would go stale or fill the history. Cell
ids are numbers in order, so that the same source gives the same bytes.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_builder.source import BOX, Chapter, Live, expressions, with_values

SECONDS = 300  # for one cell, at most
COURSE_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")

INSTALL = """\
# Installs pellucid where it is missing, as on Colab; where it is there, this does nothing.
import importlib.util

if importlib.util.find_spec("{module}") is None:
    %pip install -q "{package}"
"""


@dataclass(frozen=True)
class Run:
    """A chapter that was run: the notebook as it is kept, what each cell gave, the values in each text (by part)."""

    chapter: Chapter
    notebook: NotebookNode
    outputs: dict[int, list[NotebookNode]]
    values: dict[int, list[str]]


def install_cell(chapter: Chapter) -> str:
    """The first cell."""
    module, package = ("torch", "pellucid[torch]") if chapter.trains else ("pellucid", "pellucid")
    cell = INSTALL.format(module="pellucid", package=package)
    if chapter.trains:
        cell = cell.replace(
            'if importlib.util.find_spec("pellucid") is None:',
            f'if not all(importlib.util.find_spec(name) for name in ("pellucid", "{module}")):',
        )
    return cell.rstrip("\n")


def notebook_of(chapter: Chapter, values: dict[int, list[str]]) -> NotebookNode:
    """The notebook that is kept: no outputs, every value in its text."""
    cells = []
    for place, part in enumerate(chapter.parts):
        found = values.get(place, [])
        if isinstance(part, Live):
            cells.append(new_code_cell(part.code))
            if part.caption:
                cells.append(new_markdown_cell(f"*{_plain_links(with_values(part.caption, found))}*"))
        else:
            cells.append(new_markdown_cell(_for_notebooks(with_values(part.markdown, found))))
        if place == 0:
            cells.append(new_code_cell(install_cell(chapter)))
    return _notebook(chapter, cells)


def notebook_text(notebook: NotebookNode) -> str:
    """A notebook's file."""
    nbformat.validate(notebook)
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def run(chapter: Chapter, folder: Path) -> Run:
    """Run a chapter in a fresh kernel, in an empty folder, and give what it gave. Raises nbclient's CellExecutionError.

    Between the notebook's cells stand those that compute the values in its texts; they change nothing.
    """
    cells = [new_code_cell(install_cell(chapter))]
    meant: list[tuple[int, bool]] = [
        (-1, False)
    ]  # for each cell its part, and whether it computes a text's values
    for place, part in enumerate(chapter.parts):
        if isinstance(part, Live):
            cells.append(new_code_cell(part.code))
            meant.append((place, False))
        asked = expressions(part.caption if isinstance(part, Live) else part.markdown)
        if asked:
            texts = ", ".join(f'f"""{{{each}}}"""' for each in asked)
            cells.append(new_code_cell(f'__import__("json").dumps([{texts}])'))
            meant.append((place, True))
    notebook = _notebook(chapter, cells)
    client = NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=40"],
    )  # fmt: skip
    client.execute()
    outputs: dict[int, list[NotebookNode]] = {}
    values: dict[int, list[str]] = {}
    for (place, asking), cell in zip(meant, notebook.cells, strict=True):
        if asking:
            values[place] = json.loads(ast.literal_eval(cell.outputs[0].data["text/plain"]))
        elif place >= 0:
            outputs[place] = cell.outputs
    return Run(chapter, notebook_of(chapter, values), outputs, values)


def _notebook(chapter: Chapter, cells: list[NotebookNode]) -> NotebookNode:
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "colab": {"name": f"{chapter.name}.ipynb", "provenance": [], "toc_visible": True},
        },
    )


def _for_notebooks(markdown: str) -> str:
    """Boxes as notebooks can show them, and no links that would lead nowhere outside the project."""
    return _plain_links(BOX.sub(_box, markdown + "\n")).rstrip("\n")


def _box(match: re.Match[str]) -> str:
    body, title = dedent(match["body"]).strip("\n"), match["title"]
    if match["mark"] == "???":
        return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>\n"
    quoted = "\n".join(f"> {line}".rstrip() for line in body.splitlines())
    return f"> **{title}**\n>\n{quoted}\n\n"


def _plain_links(markdown: str) -> str:
    return COURSE_LINK.sub(r"\1", markdown)
