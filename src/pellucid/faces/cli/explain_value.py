"""`pellucid explain MODEL IMAGE --at NAME[index]`: one value as an equation, or opened some levels down."""

from __future__ import annotations

from pathlib import Path

from pellucid import __version__
from pellucid.faces.cli import output
from pellucid.images.reading import Pixels
from pellucid.inside import schema, wire
from pellucid.inside.equation import does_not_close, equation, title
from pellucid.inside.field import Reach, box, picture_mask, reached_by, receptive_field
from pellucid.inside.number import Inside, Number
from pellucid.inside.on_picture import outlined
from pellucid.inside.pictures import png
from pellucid.inside.tree import Level, expand
from pellucid.inside.tree_text import tree_lines
from pellucid.network.operations import number
from pellucid.storage import shown, write_atomically

TOP = 8


def explain_value(
    inside: Inside, text: str, depth: int, top: int, field_file: str | None, pixels: Pixels, as_json: bool,
    assumed: tuple[str, ...], again: str,
) -> None:  # fmt: skip
    """Print one opened value; `again` is the command so far, for the line that goes deeper."""
    opened = inside.at(text)
    picture = inside.opened.graph.inputs[0]
    start = opened.node is None
    reach = reached_by(inside, opened.place) if start else receptive_field(inside, opened.place)
    field = None if start else field_document(inside, reach, picture)
    if field_file is not None:
        _draw_field(Path(field_file), inside, reach, picture, pixels, opened, inside.opened.where)
    level = expand(inside, opened, depth, top) if depth > 1 else None
    if as_json:
        parts = wire.level_document(level) if level else wire.number_document(opened)
        reaches = _reaches(inside, reach) if start else None
        document = schema.OpenedDocument(**parts, field=field, reaches=reaches, assumed=list(assumed))
        output.print_json(document.model_dump(mode="json"))
        return
    if opened.closes is False:
        print(does_not_close(opened))
    seen = f"   field: {field_text(field)}" if field else ""
    print(f"{shown(str(opened.place))}   {title(opened)}{seen}")
    if level is None:
        print("\n".join(equation(opened, top)))
    else:
        _print_levels(level)
    if start:
        for row in _reaches(inside, reach):
            print(f"  reaches {row.values:,} of {row.of:,} values of {shown(row.name)}")
    following = _next_value(inside, opened)
    if following:
        print(f"then: {following}")
    print(f"indices count from 0: {shown(opened.place.name)}[{', '.join(opened.place.axes)}]")
    if field_file is not None:
        print(f"field drawn on the picture: {shown(field_file)}")
    deeper = _deeper(opened)
    if deeper:
        print(f"open a term: {again} --at {deeper}", flush=True)


def field_document(inside: Inside, reach: Reach, picture: str) -> schema.FieldDocument | None:
    """The pixels of the picture that reach a value."""
    mask = picture_mask(inside, reach, picture)
    if mask is None or not mask.any():
        return None
    rows, columns = box(mask)
    return schema.FieldDocument(rows=rows, columns=columns, pixels=int(mask.sum()), exact=reach.exact)


def field_text(field: schema.FieldDocument) -> str:
    """pixels rows 8–21, columns 10–23."""
    rows, columns = (
        f"{first}–{last}" if first != last else str(first) for first, last in (field.rows, field.columns)
    )
    area = (field.rows[1] - field.rows[0] + 1) * (field.columns[1] - field.columns[0] + 1)
    some = f", {field.pixels:,} of them" if field.pixels != area else ""
    return f"pixels rows {rows}, columns {columns}{some}{'' if field.exact else ' at most'}"


def _print_levels(level: Level) -> None:
    lines = list(tree_lines(level))
    print("\n".join(lines))
    open_ones = [each.number for each in level.levels() if each.number.closes is False]
    checked = sum(each.number.closes is not None for each in level.levels())
    print(f"  {checked - len(open_ones):,} of {checked:,} levels close to the value that the runtime stored")
    for each in open_ones:
        print(f"  {shown(str(each.place))}: {does_not_close(each)}")


def _reaches(inside: Inside, reach: Reach) -> list[schema.ReachedDocument]:
    """How many values of each layer something reaches, in the graph's order."""
    return [
        schema.ReachedDocument(
            name=node.name, values=reach.count(name), of=int(inside.places.value(name).size)
        )
        for node in inside.opened.graph.nodes
        for name in node.outputs[:1]
        if name in reach.masks
    ]


def _next_value(inside: Inside, opened: Number) -> str:
    """relu2[3,4,5] = max(0, 1.17) = 1.17: where the next node takes this value alone."""
    for node, _ in inside.opened.graph.users.get(opened.place.tensor, ()):
        made = node.outputs[0]
        if (
            node.operation is None
            or not made
            or inside.places.shape(made) != inside.places.shape(opened.place.tensor)
        ):
            continue
        after = inside.open(inside.places.at(made, opened.place.full))
        if after.opening is not None and after.opening.count == 1:
            return f"{shown(str(after.place))} = {after.opening.formula} = {number(after.stored)}"
    return ""


def _deeper(opened: Number) -> str:
    """The strongest term that can be opened itself."""
    for place in opened.order[:64]:
        source = opened.term(*place).source
        if opened.places.is_computed(source.tensor):
            return shown(str(source))
    return ""


def _draw_field(
    path: Path, inside: Inside, reach: Reach, picture: str, pixels: Pixels, opened: Number, where: str
) -> None:
    mask = picture_mask(inside, reach, picture)
    if mask is None:
        mask = pixels[:, :, 0] < 0
    about = {
        "Title": f"receptive field of {opened.place}",
        "Model": where,
        "Software": f"pellucid {__version__}",
    }
    write_atomically(path, png(outlined(pixels, mask), about))
