"""A chapter that was run as a page: Markdown again, each cell followed by what it gave, as HTML."""

from __future__ import annotations

import re
from html import escape

from markdown import markdown
from nbformat import NotebookNode

from course_builder.notebooks import Run
from course_builder.source import Live, with_values

NOTEBOOK = (
    '<p class="notebook"><a href="notebooks/{name}.ipynb" download>This chapter as a notebook</a>, '
    "for Jupyter or Colab.</p>"
)
# An exercise's own figure, SVG in an image, is a part of its question and has no caption.
DRAWS = re.compile(r"<svg|data:image/png")


def page_of(run: Run) -> str:
    """The page's Markdown. Raises ValueError where a cell draws and has no caption, or an output isn't known."""
    parts = []
    for place, part in enumerate(run.chapter.parts):
        if not isinstance(part, Live):
            text = with_values(part.markdown, run.values.get(place, []))
            if place == 0:
                heading, _, rest = text.partition("\n")
                text = f"{heading}\n\n{NOTEBOOK.format(name=run.chapter.name)}\n{rest}"
            parts.append(text)
            continue
        code = f"```python\n{part.code}\n```"
        if part.fold:
            inner = code.replace("\n", "\n    ")
            code = f'??? code "The code of this figure"\n\n    {inner}'
        parts.append(code)
        html = "".join(_output(run.chapter.name, each) for each in run.outputs[place])
        if DRAWS.search(html) and not part.caption:
            raise ValueError(f"{run.chapter.name}: a cell that draws has no caption:\n{part.code}")
        if not html:
            continue
        said = with_values(part.caption, run.values.get(place, []))
        caption = f"<figcaption>{_inline(said)}</figcaption>" if said else ""
        tag = "figure" if caption else "div"
        parts.append(f'<{tag} class="live">{_one_line(html)}{caption}</{tag}>')
    return "\n\n".join(parts) + "\n"


def _output(name: str, output: NotebookNode) -> str:
    """One output of a cell as HTML."""
    if output.output_type == "stream":
        if output.name != "stdout":
            raise ValueError(f"{name}: a cell writes to {output.name}: {output.text[:300]}")
        return f"<pre>{escape(output.text.rstrip(), quote=False)}</pre>"
    if output.output_type not in ("execute_result", "display_data"):
        raise ValueError(f"{name}: a cell ends in {output.output_type}")
    data = output.data
    if "text/html" in data:
        return f'<div class="shown">{data["text/html"]}</div>'
    if "text/markdown" in data:
        return markdown(data["text/markdown"], extensions=["tables", "fenced_code"])
    if set(data) != {"text/plain"}:
        raise ValueError(f"{name}: an output without words, as {', '.join(data)}")
    return f"<pre>{escape(data['text/plain'], quote=False)}</pre>"


def _one_line(html: str) -> str:
    """Without line breaks, which could end the HTML in Markdown; those of preformatted text as characters."""
    return html.replace("\n", "&#10;")


def _inline(text: str) -> str:
    return re.sub(r"^<p>|</p>$", "", markdown(text))
