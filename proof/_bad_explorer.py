"""The cases of bad_input.py for `open` and `export`: models, pictures, labels, ports and places that won't do."""

from __future__ import annotations

import itertools
import re
import socket
from pathlib import Path

import numpy as np
import onnx
from _bad_cases import Case
from onnx import TensorProto, helper, numpy_helper

from pellucid.inside.explorer_files import FOLDER

FILES = (
    ("no such file", "nowhere.onnx", "no such model file"),
    ("an empty file", "nothing.onnx", "empty"),
    ("a text file", "text.onnx", "onnx"),
    ("a picture", "picture.onnx", "onnx"),
    ("half of it", "torn.onnx", "torn.onnx"),
    ("a byte more", "longer.onnx", "damaged"),
    ("another program's that is none for pictures", "foreign.onnx", "foreign.onnx"),
)
PICTURES = (
    ("no such file", "nowhere.png", "no such file"),
    ("a folder", "digits", "folder"),
    ("a model", "model.onnx", "not a jpeg, png, webp"),
    ("an empty file", "mixed/0/zero.png", "the file is empty"),
    ("random bytes", "mixed/0/random.jpg", "not a jpeg, png, webp"),
    ("cut short", "mixed/0/whole.png", "cut short"),
    ("far too many pixels", "mixed/0/huge.png", "more than"),
    ("an empty name", "", ""),
)
_HELD: list[socket.socket] = []  # ports that are taken as long as this program runs


def on_explorer(folder: Path) -> tuple[list[Case], list[str]]:
    """What is refused before anything is served or written; and what couldn't be tried here, for want of the built
    front end."""
    dense_file(folder / "nameless.onnx", (48, 3))
    (folder / "two.txt").write_text("red\ngreen\n")
    (folder / "labels.bin").write_bytes(b"\xff\xfe\x00red")
    quiet = ("--no-browser",)
    cases = [
        Case(verb, f"model: {name}", [verb, file, *rest], [says])
        for name, file, says in FILES
        for verb, rest in (("open", quiet), ("export", ("page",)))
    ]
    cases += [
        Case("open", f"picture: {name}", ["open", "model.onnx", file, *quiet], [says] if says else [])
        for name, file, says in PICTURES
    ]
    cases += [
        Case("open", "labels: no such file", ["open", "nameless.onnx", "--labels", "nowhere.txt", *quiet],
             ["labels can't be read"]),
        Case("open", "labels: no text", ["open", "nameless.onnx", "--labels", "labels.bin", *quiet], ["utf-8"]),
        Case("open", "labels: fewer than classes", ["open", "nameless.onnx", "--labels", "two.txt", *quiet],
             ["two.txt", "3"]),
        Case("open", "labels: the file has them", ["open", "model.onnx", "--labels", "two.txt", *quiet],
             ["--labels"]),
        Case("export", "no form", ["export", "model.onnx"], ["FORMAT"], code=2),
        Case("export", "an unknown form", ["export", "model.onnx", "pdf"], ["no such form", "page"]),
    ]  # fmt: skip
    if not (FOLDER / "page.html").is_file():
        return cases, ["a page, and a port that is taken, as the explorer isn't built here (make explorer)"]
    dense_file(folder / "large.onnx", (48, 2600, 2600, 3))
    _HELD.append(socket.create_server(("127.0.0.1", 0)))
    port = str(_HELD[-1].getsockname()[1])
    page = ["export", "model.onnx", "page", "--pictures", "0", "--out"]
    cases += [
        Case("open", "a port that is taken", ["open", "model.onnx", "--port", port, *quiet],
             ["taken by another program", port, "leave --port out"]),
        Case("export", "a page over 25 MB", ["export", "large.onnx", "page", "--out", "made"],
             ["larger than 25 mb", "smaller network", "pellucid open"], after=no_page),
        Case("export", "below a file", [*page, "file/page.html"], ["file/page.html"]),
        Case("export", "in place of a folder", [*page, "digits"], ["digits"]),
        Case("export", "in a folder that isn't there", [*page, "nowhere/there/page.html"],
             ["make the folder first"]),
        Case("export", "a name too long", [*page, "x" * 300], ["too long"]),
        Case("export", "in a system folder", [*page, "/proc/pellucid.html"], ["/proc"]),
        Case("export", "labels missing: classes are numbers",
             ["export", "nameless.onnx", "page", "--pictures", "0", "--out", "nameless.html"], [], code=0,
             after=numbered),
    ]  # fmt: skip
    return cases, []


def dense_file(path: Path, sizes: tuple[int, ...]) -> None:
    """Another program's network: a picture of 4 x 4 in colour, then dense layers of these sizes."""
    nodes, weights, last = [helper.make_node("Flatten", ["x"], ["h0"], name="flat")], [], "h0"
    rng = np.random.default_rng(0)
    for i, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        values = rng.uniform(-1, 1, (inputs, outputs)).astype(np.float32) / inputs
        weights.append(numpy_helper.from_array(values, f"w{i}"))
        name = "y" if i == len(sizes) - 2 else f"h{i + 1}"
        nodes.append(helper.make_node("MatMul", [last, f"w{i}"], [name], name=f"dense{i}"))
        last = name
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 4, 4])
    answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, sizes[-1]])
    graph = helper.make_graph(nodes, "other", [given], [answer], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def no_page(folder: Path) -> list[str]:
    return ["it left a page behind"] if (folder / "made").exists() else []


def numbered(folder: Path) -> list[str]:
    """The page of a model without labels says that its classes are numbers."""
    page = (folder / "nameless.html").read_text()
    return (
        []
        if re.search(r'"named":\s*false', page)
        else ["the page doesn't know that its classes have no names"]
    )
