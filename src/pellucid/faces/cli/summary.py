"""`pellucid summary`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pellucid.errors import NetworkError, SettingsError
from pellucid.faces.cli import output
from pellucid.network import Network, table, zoo
from pellucid.network.layers import LAYERS, Shape, on_screen


def summary_command(
    name: str, size: str | None, classes: int | None, formula: bool, against: str | None, as_json: bool
) -> None:
    """Print the table of a model file, a network of the zoo, or a network's text."""
    if against not in (None, "dense", "local"):
        raise SettingsError("--against is dense or local", where="--against", received=repr(against),
                            remedy="--against dense, or --against local")  # fmt: skip
    network = _network(name, size, classes)
    rows = table.rows(network)
    sums = table.totals(rows)
    compared = []
    if against:
        compared = table.against_dense(network) if against == "dense" else table.against_local(network)
    if as_json:
        document: dict[str, Any] = {
            "input_shape": list(on_screen(network.input_shape)),
            "network": network.text,
            "rows": [row.as_dict() for row in rows],
            **sums.as_dict(),
        }
        if against:
            document["against"] = [row.as_dict() for row in compared]
        output.print_json(document)
        return
    print(f"input {' x '.join(str(n) for n in on_screen(network.input_shape))}")
    if against:
        print(table.plain_against(compared) or "the network has no convolution")
        for row in compared if formula else ():
            print(f"{row.name}: {row.formula}")
        return
    print(table.plain(rows, sums))
    if formula:
        for row in rows:
            print(f"\n{row.name}: {row.text}")
            for title, text in vars(row.formulas).items():
                print(f"  {title.replace('_', ' '):<16} {text}")


def _network(name: str, size: str | None, classes: int | None) -> Network:
    if name.endswith(".onnx") or (_is_file(name) and name not in zoo.ZOO):
        from pellucid.model import ModelFile

        for option, value in (("--input", size), ("--classes", classes)):
            if value is not None:
                raise SettingsError(f"A model file has its own: {option} means nothing here", where=option,
                                    received=str(value), remedy=f"leave {option} out")  # fmt: skip
        return ModelFile.open(name).network
    shape = input_shape(size) if size is not None else None
    if re.fullmatch(r"[\w-]+", name.strip()) and name.strip() not in LAYERS:
        channels, height, width = shape or (None, None, None)
        return zoo.build(name.strip(), height, width, channels, classes)
    if shape is None:
        raise NetworkError(
            "The size of the pictures is needed to work out the shapes", where="--input",
            remedy="--input 28x28x1 (height x width x channels)",
        )  # fmt: skip
    if classes is not None:
        raise SettingsError("A network's text says itself how many classes there are", where="--classes",
                            received=str(classes), remedy="change the last dense layer of the text")  # fmt: skip
    return Network.from_text(name, shape)


def _is_file(name: str) -> bool:
    try:
        return Path(name).exists() and not Path(name).is_dir()
    except OSError:  # a long text is no path
        return False


def input_shape(text: str) -> Shape:
    """28x28x1, or 28x28 for one channel, as (channels, height, width)."""
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})(?:x(\d{1,5}))?", text.lower().replace("×", "x").strip())
    if not match or "0" in {part.lstrip("0") or "0" for part in match.groups(default="1")}:
        raise SettingsError(
            "The input's size is height x width x channels", where="--input", received=repr(text),
            remedy="--input 28x28x1",
        )  # fmt: skip
    height, width, channels = (int(part) for part in match.groups(default="1"))
    return (channels, height, width)
