"""`pellucid summary`."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import NetworkError, SettingsError
from pellucid.faces.cli import output
from pellucid.filters import has_filters, kernel_name, network_of
from pellucid.network import Network, table, zoo
from pellucid.network.layers import LAYERS, Shape, on_screen
from pellucid.storage import shown, typed, write_atomically

if TYPE_CHECKING:
    from pellucid.model import ForeignModel, ModelFile


@dataclass(frozen=True)
class Drawings:
    """Where to draw the network, and how; where to draw its first convolution's connections."""

    diagram: str | None = None
    fold: bool = False
    down: bool = False
    connections: str | None = None

    def check(self, against: str | None) -> None:
        """SettingsError for options that can't go together, before anything is computed."""
        for option, path in (("--diagram", self.diagram), ("--drawing", self.connections)):
            if path is not None and not path.lower().endswith(".svg"):
                raise SettingsError("the drawing is an SVG file", where=option, received=shown(path),
                                    remedy=f"{option} {typed(Path(path).stem or 'network')}.svg")  # fmt: skip
        for option, given in (("--fold", self.fold), ("--down", self.down)):
            if given and self.diagram is None:
                raise SettingsError(f"{option} says how a diagram is drawn", where=option,
                                    remedy=f"{option} --diagram network.svg")  # fmt: skip
        if self.connections is not None and against is None:
            raise SettingsError("the connections are drawn beside those of another layer", where="--drawing",
                                remedy="--against dense --drawing connections.svg")  # fmt: skip

    def write(self, network: Network, title: str) -> dict[str, str]:
        """Draw what was asked for: (what -> file)."""
        if self.diagram is not None:
            made = network.diagram(title, fold=self.fold, down=self.down)
            write_atomically(self.diagram, made.encode())
        if self.connections is not None:
            from pellucid.network.sharing import sharing

            write_atomically(self.connections, sharing(network).encode())
        files = {"diagram": self.diagram, "drawing": self.connections}
        return {what: path for what, path in files.items() if path is not None}


def summary_command(
    name: str, size: str | None, classes: int | None, formula: bool, against: str | None, as_json: bool,
    side: str | None, drawings: Drawings, plan: bool = False,
) -> None:  # fmt: skip
    """Print the table of a model file, a network of the zoo, or a network's text. `side` is for another tool's file
    that leaves its pictures' size open."""
    drawings.check(against)
    if against not in (None, "dense", "local"):
        raise SettingsError("--against is dense or local", where="--against", received=repr(against),
                            remedy="--against dense, or --against local")  # fmt: skip
    if plan and (formula or against or drawings != Drawings()):
        raise SettingsError("--plan is a table of its own", where="--plan",
                            received="other tables or drawings beside it", remedy="leave the others out")  # fmt: skip
    if name.endswith(".onnx") or (is_file(name) and name not in zoo.ZOO):
        from pellucid.model import ForeignModel

        model = _file(name, size, classes, side)
        if isinstance(model, ForeignModel):
            if drawings != Drawings():
                raise SettingsError("a network in words, or trained by pellucid, is drawn; another tool's is not",
                                    where="--diagram", received=name, remedy="leave --diagram out")  # fmt: skip
            if plan:
                raise SettingsError("a network in words, or trained by pellucid, has a plan; another tool's has not",
                                    where="--plan", received=name, remedy="leave --plan out")  # fmt: skip
            _print_foreign(model, formula, against, as_json)
            return
        network = model.network
    elif side is not None:
        raise SettingsError("--size is about another tool's model file", where="--size", received=side,
                            remedy="--input 28x28x1 for a network by its name or text")  # fmt: skip
    else:
        network = named_network(name, size, classes)
    if plan:
        from pellucid.faces.cli.summary_plan import plan_command

        plan_command(network, as_json)
        return
    rows = table.rows(network)
    sums = table.totals(rows)
    compared = []
    if against:
        compared = table.against_dense(network) if against == "dense" else table.against_local(network)
    files = drawings.write(network, name)
    if as_json:
        document: dict[str, Any] = {
            "input_shape": list(on_screen(network.input_shape)),
            "network": network.text,
            "rows": [row.as_dict() for row in rows],
            **sums.as_dict(),
        }
        if against:
            document["against"] = [row.as_dict() for row in compared]
        output.print_json(document | files)
        return
    for what, path in files.items():
        print(f"{what}   {shown(path)}", file=sys.stderr)
    print(f"input {' x '.join(str(n) for n in on_screen(network.input_shape))}")
    if against:
        print(table.plain_against(compared) or "the network has no convolution")
        for row in compared if formula else ():
            print(f"{row.name}: {row.formula}")
        return
    print(table.plain(rows, sums))
    if formula:
        _print_formulas(rows)


def _print_formulas(rows: Sequence[table.Row]) -> None:
    for row in rows:
        print(f"\n{row.name}: {row.text}")
        for title, text in vars(row.formulas).items():
            print(f"  {title.replace('_', ' '):<16} {text}")


def _print_foreign(model: ForeignModel, formula: bool, against: str | None, as_json: bool) -> None:
    """Another tool's file, run once on a black picture."""
    from pellucid.inside.number import Inside
    from pellucid.inside.table import table_of

    if against:
        raise SettingsError("a network in words, or trained by pellucid, is compared; another tool's is not",
                            where="--against", received=against, remedy="leave --against out")  # fmt: skip
    for sentence in model.intake.shape_assumed:
        print(f"assumed: {sentence}", file=sys.stderr)
    size = model.intake.preprocessing
    shape = (size.height, size.width, size.channels)
    rows = table_of(Inside(model.opened(np.zeros(shape, np.uint8))), model.intake.name)
    sums = table.totals(rows)
    if as_json:
        document = {"input_shape": list(shape), "rows": [row.as_dict() for row in rows], **sums.as_dict()}
        output.print_json(document)
        return
    order = "last" if model.intake.channel_last else "first"
    kind = np.dtype(model.intake.dtype).name
    print(f"input {' x '.join(str(n) for n in shape)}, in the file {kind} with channels {order}")
    safe = [replace(row, name=shown(row.name), text=shown(row.text)) for row in rows]
    print(table.plain(safe, replace(sums, largest_layer=shown(sums.largest_layer)), "as stored", "operation"))
    if formula:
        _print_formulas(safe)


def _file(name: str, size: str | None, classes: int | None, side: str | None) -> ModelFile | ForeignModel:
    from pellucid.faces.cli.wishes import read_wishes
    from pellucid.model import open_any

    for option, value in (("--input", size), ("--classes", classes)):
        if value is not None:
            raise SettingsError(f"A model file has its own: {option} means nothing here", where=option,
                                received=str(value), remedy=f"leave {option} out")  # fmt: skip
    return open_any(name, read_wishes(None, None, None, False, side, None, None))


def named_network(name: str, size: str | None, classes: int | None) -> Network:
    """A network by its name in the zoo, or by its text and its input's size. NetworkError, SettingsError."""
    shape = input_shape(size) if size is not None else None
    if re.fullmatch(r"[\w-]+", name.strip()) and name.strip() not in LAYERS and not kernel_name(name.strip()):
        return _of_zoo(name.strip(), shape, classes)
    if shape is None:
        raise NetworkError(
            "The input's size is needed to work out the shapes", where="--input",
            remedy="--input 28x28x1 (height x width x channels), 128x3 (length x channels), or 16x32x32x1 "
            "(depth x height x width x channels)",
        )  # fmt: skip
    if classes is not None:
        raise SettingsError("A network's text says itself how many classes there are", where="--classes",
                            received=str(classes), remedy="change the last dense layer of the text")  # fmt: skip
    try:
        return _of_text(name, shape)
    except NetworkError as error:
        _offer_one_channel(error, name, shape)
        raise


def _of_text(text: str, shape: Shape) -> Network:
    """A network's text, with filters among its layers or without."""
    return network_of(text, shape) if has_filters(text) else Network.from_text(text, shape)


def _of_zoo(name: str, shape: Shape | None, classes: int | None) -> Network:
    if shape is None:
        return zoo.build(name, classes=classes)
    if len(shape) != 3:
        own = zoo.build(name).input_shape  # an unknown name is told first
        raise SettingsError(
            f"{name} is a network for pictures, with height and width", where="--input",
            received="x".join(str(n) for n in on_screen(shape)),
            remedy=f"--input {'x'.join(str(n) for n in on_screen(own))} (height x width x channels), "
            "or the text of a network",
        )  # fmt: skip
    channels, height, width = shape
    return zoo.build(name, height, width, channels, classes)


def _offer_one_channel(error: NetworkError, text: str, shape: Shape) -> None:
    """28x28 is a signal of 28 channels. Where the text fits a picture of 28x28 instead, the error says so."""
    if len(shape) < 4:
        sizes = on_screen(shape)
        try:
            _of_text(text, (1, *sizes))
        except NetworkError:
            return
        size = "x".join(str(n) for n in (*sizes, 1))
        error.remedy += f", or --input {size} for a {table.EXAMPLE[len(sizes)]} with one channel"


def is_file(name: str) -> bool:
    """Whether a file of this name is there."""
    try:
        return Path(name).exists() and not Path(name).is_dir()
    except OSError:  # a long text is no path
        return False


def input_shape(text: str) -> Shape:
    """128x3, 28x28x1 or 16x32x32x1 as (channels, length), (channels, height, width) or (channels, depth, …)."""
    written = text.lower().replace("×", "x").strip()
    sizes = (
        [int(part) for part in written.split("x")] if re.fullmatch(r"\d{1,5}(x\d{1,5}){1,3}", written) else []
    )
    if not sizes or 0 in sizes:
        raise SettingsError(
            "The input's size is height x width x channels for a picture, length x channels for a signal, or "
            "depth x height x width x channels for a volume", where="--input", received=repr(text),
            remedy="--input 28x28x1, --input 128x3, or --input 16x32x32x1",
        )  # fmt: skip
    return (sizes[-1], *sizes[:-1])
