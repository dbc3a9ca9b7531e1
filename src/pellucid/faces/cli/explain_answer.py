"""`pellucid explain MODEL IMAGE`: why this answer."""

from __future__ import annotations

from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from pellucid.faces.cli import output
from pellucid.faces.cli.blocks import block_lines, colours_of
from pellucid.images.reading import Pixels
from pellucid.inside import notebook, wire
from pellucid.inside.explanation import Explanation, Method, explain_records
from pellucid.inside.on_picture import laid_over
from pellucid.model import ForeignModel, ModelFile
from pellucid.storage import shown, write_atomically

COLUMNS = 40  # of the heatmap in the terminal


def explain_answer(
    model: ModelFile | ForeignModel, pixels: Pixels, target: str | None, against: str | None, method: Method,
    layer: str | None, heatmap: str, as_json: bool, again: str,
) -> None:  # fmt: skip
    """Print the answer, why not the next one, the evidence by layer, and where the heatmap was written."""
    explanation = _explained(model, pixels, target, against, method, layer)
    written = explanation.heatmap is not None
    if written:
        write_atomically(Path(heatmap), notebook.panel_png(explanation))
    if as_json:
        document = wire.explanation_document(explanation, heatmap if written else None)
        output.print_json(document.model_dump(mode="json"))
        return
    print(notebook.answer_line(explanation))
    for line in notebook.versus_lines(explanation):
        print(line)
    print("the strongest evidence, layer by layer, back to a pixel")
    rows = notebook.trail_rows(explanation)
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    for place, value, terms in rows:
        print(f"  {place:<{widths[0]}}  {value:>{widths[1]}}   {terms}")
    if explanation.heatmap is not None:
        _show(explanation)
        print(f"heatmap {shown(heatmap)}   {notebook.heat_line(explanation)}")
    for line in notebook.grad_cam_lines(explanation):
        print(line)
    for sentence in explanation.lacking:
        print(f"note    {sentence}")
    deeper = _deeper(explanation)
    print(f"deeper  {again} --at {deeper}", flush=True)


def _explained(
    model: ModelFile | ForeignModel, pixels: Pixels, target: str | None, against: str | None, method: Method,
    layer: str | None,
) -> Explanation:  # fmt: skip
    console = output.stderr()
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=20), TimeRemainingColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task("looking inside", total=None)
        for record in explain_records(model, pixels, target, against, method, layer):
            if isinstance(record, Explanation):
                return record
            bar.update(task, description="covering parts", completed=record.done, total=record.total)
    raise AssertionError("explaining ends in an explanation")


def _show(explanation: Explanation) -> None:
    console, heatmap = output.stdout(), explanation.heatmap
    colours = colours_of(console)
    if not colours or heatmap is None:
        return
    height, width = explanation.pixels.shape[:2]
    picture = laid_over(explanation.pixels, heatmap.over(height, width))
    print("\n".join(block_lines(picture, min(COLUMNS, console.width), colours)))


def _deeper(explanation: Explanation) -> str:
    """The class' score, the first sum on the trail."""
    sums = [step.number for step in explanation.trail if not step.moved and step.number.opening]
    linear = [each for each in sums if each.node and each.node.operation and each.node.operation.linear]
    many = [each for each in linear if each.opening and each.opening.count > 1]
    return shown(str((many or linear or sums)[0].place))
