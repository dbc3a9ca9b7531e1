"""The hostile files by name. What each does is said by its name; the words it must be refused with stand beside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from pellucid.model import Card, Preprocessing
from pellucid.model.card import CARD_KEY, SEAL_KEY
from pellucid.model.write import model_bytes, seal
from pellucid.network import Network
from support.hostile import (
    BIG,
    SIDE,
    Case,
    body,
    external,
    graph_attribute,
    network,
    node,
    raw,
    saved,
    varint,
    weight,
    whole,
)

PLACE = "a place that isn't read"


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _files()
    yield from _elsewhere()
    yield from _tensors()
    yield from _bombs()
    yield from _running()
    yield from _functions()
    yield from _names()
    yield from _graphs()
    yield from _answers()
    yield from _cards()


def _files() -> Iterator[Case]:
    yield Case("a file of zeros", saved(bytes(1 << 20)), ("no ONNX model",))
    yield Case("text", saved(b"this is no model\n" * 99), ("no ONNX model",))
    yield Case("an empty file", saved(b""), ("empty",))
    yield Case("no file", lambda folder: folder / "none.onnx", ("no such model file",))
    yield Case("a folder", lambda folder: folder, ("folder",))
    yield Case("a pipe in the model's place", _pipe("model.onnx"), ("no plain file",))
    yield Case("a device in the model's place", lambda folder: Path("/dev/zero"), ("no plain file",))
    yield Case(
        "1 GB declared, 100 bytes there", saved(b"\x3a" + varint(1 << 30) + bytes(100)), ("ends inside",)
    )
    yield Case("a header of a 2 GB tensor, 64 bytes there", saved(_short_tensor()), ("ends inside",))
    yield Case("a field number of 0", saved(b"\x02\x01\x00"), ("no ONNX model",))
    yield Case("a number of 11 bytes", saved(b"\x08" + b"\xff" * 11), ("no ONNX model",))
    yield Case("only unknown fields", saved(raw(500, bytes(4000))), ("no network",))
    yield Case("a million nodes", saved(_many_nodes(1_000_000)), ("over 200,000 nodes",))
    yield Case("100,000 nodes", saved(_many_nodes(100_000)), ("100,000 nodes",))
    yield Case("a million weights", saved(_many_weights()), ("over 200,000 nodes",))


def _short_tensor() -> bytes:
    """A tensor of 2 GB is announced, its data are not there."""
    head = raw(8, b"w") + b"\x10\x01" + b"\x08" + varint(1 << 29)
    data = varint(9 << 3 | 2) + varint((1 << 31) - 100)
    tensor = varint(5 << 3 | 2) + varint(len(head) + len(data) + (1 << 31) - 100) + head + data
    return varint(7 << 3 | 2) + varint(len(tensor) + (1 << 31) - 100) + tensor + bytes(64)


def _many_nodes(count: int) -> bytes:
    first = raw(1, node("Identity", "x", "y").SerializeToString())
    inner = raw(1, node("Relu", "x", "z").SerializeToString())
    return raw(7, first + inner * (count - 1))


def _many_weights() -> bytes:
    inner = raw(5, TensorProto(name="w", dims=[1], data_type=1, raw_data=bytes(4)).SerializeToString())
    return raw(7, raw(1, node("Identity", "x", "y").SerializeToString()) + inner * 1_000_000)


def _pipe(name: str):
    def write(folder: Path) -> Path:
        os.mkfifo(folder / name)
        return saved(external(name))(folder) if name != "model.onnx" else folder / name

    return write


def _elsewhere() -> Iterator[Case]:
    yield Case("weights in /etc/passwd", saved(external("/etc/passwd")), (PLACE,))
    yield Case("weights in ../secret", saved(external("../secret.bin")), (PLACE,))
    yield Case("weights in a/../../secret", saved(external("a/../../secret.bin")), (PLACE,))
    yield Case("weights behind backslashes", saved(external("..\\secret.bin")), (PLACE,))
    yield Case("weights in no place", saved(external("")), (PLACE,))
    yield Case("weights in the folder itself", saved(external("..")), ("out of its folder",))
    yield Case(
        "weights behind a link out of the folder", _linked(Path("/etc/passwd")), ("link out of its folder",)
    )
    yield Case("weights behind a link to a device", _linked(Path("/dev/zero")), ("link out of its folder",))
    yield Case("a pipe as the file of weights", _pipe("w.bin"), ("no plain file",))
    yield Case("a missing file of weights", saved(external("w.bin")), ("belongs beside",))
    yield Case("weights in a file too short", _beside(bytes(100)), ("it holds 100",))
    yield Case(
        "weights from beyond the file's end", _beside(bytes(1296), offset="1000000"), ("of a file of 1,296",)
    )
    yield Case("weights from before the file", _beside(bytes(1296), offset="-8"), ("of a file of 1,296",))
    yield Case(
        "weights at a place that is no number", _beside(bytes(1296), offset="9" * 5000), ("no number",)
    )
    yield Case("2^40 weights in 100 bytes", _beside(bytes(100), dims=(1 << 20, 1 << 20)), ("it holds 100",))
    address = external("*/_ORT_MEM_ADDR_/*", offset=str(1 << 22), length="1296")
    yield Case("weights at an address in memory", saved(address), (PLACE,))
    inside = TensorProto(name="t", dims=[4], data_type=1, data_location=TensorProto.EXTERNAL)
    inside.external_data.add(key="location", value="/etc/passwd")
    yield Case("a constant in /etc/passwd", saved(network(node("Constant", "", "k", value=inside),
                                                          node("Add", "x k", "y"))), ("another file",))  # fmt: skip
    branch = body(node("Identity", "t", "z"), output="z")
    branch.initializer.append(inside)
    yield Case("an inner graph's weight in /etc/passwd", saved(_if(branch)), ("another file",))


def _linked(target: Path):
    def write(folder: Path) -> Path:
        (folder / "w.bin").symlink_to(target)
        return saved(external("w.bin"))(folder)

    return write


def _beside(data: bytes, dims: tuple[int, ...] = (12, 3, 3, 3), **more: str):
    def write(folder: Path) -> Path:
        (folder / "w.bin").write_bytes(data)
        return saved(external("w.bin", dims, **more))(folder)

    return write


def _with(
    dims: list[int], data: bytes = bytes(1296), kind: int = TensorProto.FLOAT, **fields: object
) -> ModelProto:
    made = whole()
    made.graph.initializer[0].CopyFrom(
        TensorProto(name="w", dims=dims, data_type=kind, raw_data=data, **fields)  # type: ignore[arg-type]
    )
    return made


def _tensors() -> Iterator[Case]:
    for name, dims in (
        ("2^40 values in 1,296 bytes", [1 << 40]),
        ("dimensions whose product overflows 64 bits", [1 << 32, 1 << 32, 1 << 32]),
        ("dimensions whose product overflows to the right size", [324, 1 << 62, 4]),
        ("a negative dimension", [-12, -3, 3, 3]),
        ("one negative dimension", [-1, 3, 3, 3]),
        ("200 dimensions", [1] * 200),
    ):
        yield Case(name, saved(_with(dims)), ("can't be read",))
        yield Case(f"{name}, a small tensor", saved(_with(dims, bytes(16))), ("can't be read",))
    yield Case("no values, of a huge shape", saved(_with([0, 1 << 62, 1 << 62], b"")), ())
    yield Case("a number type that ONNX doesn't have", saved(_with([324], kind=99)), ("can't be read",))
    yield Case("no number type", saved(_with([324], kind=0)), ("can't be read",))
    yield Case(
        "text said to lie in raw bytes", saved(_with([162], kind=TensorProto.STRING)), ("can't be read",)
    )
    yield Case("4-bit numbers, too few", saved(_with([1 << 40], kind=TensorProto.INT4)), ("can't be read",))
    yield Case("a weight of text", saved(_text_weight()), ())
    for name, bad in (("NaN", np.nan), ("infinity", np.inf)):
        made = whole()
        values = numpy_helper.to_array(made.graph.initializer[0]).copy()
        values[3, 1, 2, 0] = bad
        made.graph.initializer[0].CopyFrom(weight("w", values))
        yield Case(f"{name} among the weights", saved(made), ("no numbers", "1 of 324"))
    made = whole()
    made.graph.initializer[2].CopyFrom(weight("d", np.full((4, 12), np.nan), np.float16))
    made.graph.node.insert(4, node("Cast", "d", "e", to=1))
    made.graph.node[5].input[1] = "e"
    yield Case("NaN in half precision", saved(made), ("no numbers",))
    made = network(node("Constant", "", "k", value=weight("k", [[[[np.nan]]]])), node("Mul", "x k", "y"))
    yield Case("NaN in a constant of the graph", saved(made), ("no numbers",))
    made = whole()
    sparse = made.graph.sparse_initializer.add()
    sparse.dims[:] = [BIG]
    sparse.values.CopyFrom(weight("z", [1.0]))
    sparse.indices.CopyFrom(weight("i", [5], np.int64))
    yield Case("a sparse weight of 2^40", saved(made), ("sparse",))
    made = whole()
    made.graph.initializer.append(made.graph.initializer[0])
    yield Case("one weight twice", saved(made), ("twice",))


def _text_weight() -> ModelProto:
    return network(node("Identity", "t", "u"), node("Relu", "x", "y"),
                   weights=[helper.make_tensor("t", TensorProto.STRING, [2], [b"a", b"\xff\x1b[31m"])])  # fmt: skip


def _bombs() -> Iterator[Case]:
    big = weight("n", [BIG], np.int64)
    added = node("Add", "x m", "y")
    mean = node("ReduceMean", "k", "m", keepdims=0)
    too_large = ("too large for memory",)
    yield Case("ConstantOfShape of 2^40", saved(network(node("ConstantOfShape", "n", "k"), mean, added, weights=[big])),
               too_large)  # fmt: skip
    yield Case("Expand to 2^40", saved(network(node("Expand", "v n", "k"), mean, added,
                                               weights=[big, weight("v", [1.0])])), too_large)  # fmt: skip
    yield Case("Tile of 2^40", saved(network(node("Tile", "v n", "k"), mean, added,
                                             weights=[big, weight("v", [1.0])])), too_large)  # fmt: skip
    yield Case("Range to 2^40", saved(network(
        node("Range", "a n b", "q"), node("Cast", "q", "k", to=1), mean, added,
        weights=[weight("a", 0, np.int64), weight("n", BIG, np.int64), weight("b", 1, np.int64)])), ())  # fmt: skip
    yield Case("Pad by 2^38", saved(network(node("Pad", "x p", "k"), mean, added, weights=[
        weight("p", [0, 0, 0, 0, 0, 0, 1 << 19, 1 << 19], np.int64)])), too_large)  # fmt: skip
    yield Case("Resize by a million", saved(network(node("Resize", "x e s", "k", mode="nearest"), mean, added, weights=[
        weight("e", []), weight("s", [1, 1, 1e6, 1e6])])), too_large)  # fmt: skip
    yield Case("ConvTranspose with a stride of a million", saved(network(
        node("ConvTranspose", "x w", "k", strides=[10**6, 10**6]), mean, added,
        weights=[weight("w", np.ones((3, 1, 1, 1)))])), too_large)  # fmt: skip
    yield Case("padding of 2^30 in a convolution", saved(network(
        node("Conv", "x w", "k", pads=[1 << 20] * 4), mean, added,
        weights=[weight("w", np.ones((1, 3, 1, 1)))])), too_large)  # fmt: skip
    doubling = [node("Concat", f"t{k} t{k}", f"t{k + 1}", axis=3) for k in range(40)]
    yield Case("40 doublings of a tensor", saved(network(node("Identity", "x", "t0"), *doubling,
                                                         node("ReduceMean", "t40", "y", keepdims=0))),
               too_large)  # fmt: skip
    hidden = [
        node("Exp", "e", "f"),
        node("Cast", "f", "n", to=7),
        node("ConstantOfShape", "n", "k"),
        mean,
        added,
    ]
    yield Case("2^40, its size worked out as it runs", saved(network(
        *hidden, weights=[weight("e", [np.log(BIG)], np.float64)])), ("onnxruntime failed",))  # fmt: skip
    yield Case("8 GB, its size worked out as it runs", saved(network(
        *hidden, weights=[weight("e", [np.log(2e9)], np.float64)])), ("onnxruntime failed",))  # fmt: skip
    late = [node("ReduceMean", "x", "m0", keepdims=0), node("Mul", "m0 z", "e0"), node("Add", "e0 e", "e1"),
            node("Exp", "e1", "f"), *hidden[1:]]  # fmt: skip
    yield Case("2^40, by the picture's values", saved(network(
        *late, weights=[weight("e", [np.log(BIG)]), weight("z", [1e-9])])), ("onnxruntime failed",))  # fmt: skip
    yield Case("a picture of 60,000 x 60,000", saved(network(node("Relu", "x", "y"), taken=(1, 3, 60000, 60000))),
               ("size that isn't made",))  # fmt: skip
    yield Case("a picture of 2^62 columns", saved(network(node("Relu", "x", "y"), taken=(1, 3, 4, 1 << 62))),
               ("size that isn't made",))  # fmt: skip
    yield Case("a picture of -5 rows", saved(network(node("Relu", "x", "y"), taken=(1, 3, -5, 5))),
               ("size that isn't made",))  # fmt: skip
    yield Case("a billion classes declared", saved(network(node("Flatten", "x", "y"), shape=(1, 10**9))), (),
               harmless=True)  # fmt: skip


def _if(*branches: object) -> ModelProto:
    other = body(node("Constant", "", "v", value_float=1.0), output="v", name="other")
    choice = node("If", "c", "i")
    choice.attribute.append(graph_attribute("then_branch", branches[0]))  # type: ignore[arg-type]
    choice.attribute.append(graph_attribute("else_branch", other))
    return network(choice, node("Add", "x i", "y"), weights=[weight("c", True, np.bool_)])


def _deep(depth: int) -> bytes:
    """A model whose node has a branch, whose node has a branch, and so on: in protobuf's bytes, by hand."""
    inner = raw(1, node("Identity", "x", "z").SerializeToString())
    for _ in range(depth):
        branch = raw(1, b"then_branch") + raw(6, inner) + varint(20 << 3) + b"\x05"
        inner = raw(1, raw(1, b"c") + raw(2, b"z") + raw(4, b"If") + raw(5, branch))
    return raw(7, inner)


def _running() -> Iterator[Case]:
    again = ("again and again",)
    step = helper.make_graph(
        [node("Identity", "go", "on"), node("Identity", "v", "w")], "step",
        [helper.make_tensor_value_info("i", 7, []), helper.make_tensor_value_info("go", 9, []),
         helper.make_tensor_value_info("v", 1, None)],
        [helper.make_tensor_value_info("on", 9, []), helper.make_tensor_value_info("w", 1, None)],
    )  # fmt: skip
    yield Case("a loop without end", saved(network(
        helper.make_node("Loop", ["", "go0", "x"], ["y"], body=step), weights=[weight("go0", True, np.bool_)])),
        again)  # fmt: skip
    inner = body(node("Identity", "x", "z"), output="z")
    inner.node.insert(0, helper.make_node("Loop", ["", "go0", "x"], ["deep"], body=step))
    yield Case("a loop within a branch", saved(_if(inner)), again)
    scan = helper.make_graph([node("Identity", "e", "f")], "scan", [helper.make_tensor_value_info("e", 1, None)],
                             [helper.make_tensor_value_info("f", 1, None)])  # fmt: skip
    yield Case("a scan", saved(network(node("Scan", "x", "y", body=scan, num_scan_inputs=1))), again)
    yield Case("branches within branches, 200 deep", saved(_deep(200)), ("no ONNX model",))
    huge = body(node("ConstantOfShape", "n", "k"), node("ReduceMean", "k", "z", keepdims=0), output="z")
    huge.initializer.append(weight("n", [BIG], np.int64))
    yield Case("2^40 within a branch", saved(_if(huge)), ("too large for memory",))
    yield Case("an operation of a library", saved(network(
        node("Payload", "x", "y", domain="evil.library"), domains=["evil.library"])),
        ("operation of a library",))  # fmt: skip
    yield Case("an operation of a library within a branch", saved(_if(body(
        node("Payload", "x", "z", domain="evil.library"), output="z"))), ("operation of a library",))  # fmt: skip
    yield Case(
        "an operation that ONNX doesn't have", saved(network(node("Payload", "x", "y"))), ("can't load",)
    )
    yield Case("Python said to be in a node", saved(network(
        node("PythonOp", "x", "y", domain="com.microsoft", name="os.system"), domains=["com.microsoft"])),
        ("can't load",))  # fmt: skip


def _function(name: str, *nodes, domain: str = "mine"):
    return helper.make_function(domain, name, ["a"], ["b"], nodes, [helper.make_opsetid("", 17),
                                                                    helper.make_opsetid("mine", 1)])  # fmt: skip


def _functions() -> Iterator[Case]:
    call = node("F0", "x", "y", domain="mine")
    circle = ("in a circle",)
    yield Case("a function that calls itself", saved(network(
        call, functions=[_function("F0", node("F0", "a", "b", domain="mine"))], domains=["mine"])), circle)  # fmt: skip
    yield Case("functions that call each other", saved(network(call, functions=[
        _function("F0", node("F1", "a", "b", domain="mine")), _function("F1", node("F0", "a", "b", domain="mine")),
    ], domains=["mine"])), circle)  # fmt: skip
    laughs = [_function(f"F{k}", node(f"F{k + 1}", "a", "m", domain="mine"), node(f"F{k + 1}", "m", "b", domain="mine"))
              for k in range(40)]  # fmt: skip
    yield Case("functions that come to 2^40 nodes", saved(network(
        call, functions=[*laughs, _function("F40", node("Relu", "a", "b"))], domains=["mine"])),
        ("50,000 nodes",))  # fmt: skip
    chain = [_function(f"F{k}", node(f"F{k + 1}", "a", "b", domain="mine")) for k in range(2000)]
    yield Case("functions 2,000 deep", saved(network(
        call, functions=[*chain, _function("F2000", node("Relu", "a", "b"))], domains=["mine"])), circle)  # fmt: skip
    yield Case(
        "a function that isn't there", saved(network(call, domains=["mine"])), ("operation of a library",)
    )


def _names() -> Iterator[Case]:
    for name, text in (
        ("terminal escapes", "\x1b[2J\x1b]0;owned\x07"),
        ("line ends", "a\nb\r\n\tc"),
        ("HTML", "<script>alert(1)</script>"),
        ("letters that turn the line", "\u202egnp.exe\u2066"),
        ("bytes that are no letters", "w\udcff"),
    ):
        if "\udcff" in text:
            data = whole().SerializeToString().replace(b"\x01w\x0a", b"\x01\xff\x0a")
            data = data.replace(b"B\x01w", b"B\x01\xff")
            yield Case(f"a weight's name of {name}", saved(data), (), harmless=True)
            continue
        made = whole()
        made.graph.initializer[0].name = text
        yield Case(f"a weight's name of {name}", saved(made), ("nothing makes",))
        made = whole()
        made.graph.node[1].op_type = text
        yield Case(f"an operation's name of {name}", saved(made), ("can't load",))
        made = whole()
        made.graph.input[0].name = text
        made.graph.node[0].input[0] = text
        made.graph.node[1].op_type = "Sin" if name == "HTML" else "Payload"
        yield Case(f"an input's name of {name}", saved(made), (), harmless=name == "HTML")
    yield Case("a name of a million letters", saved(network(node("Relu", "x", "y" * 10**6), output="y" * 10**6)),
               ("too long",))  # fmt: skip
    made = whole()
    made.graph.node[0].name = "/" + "a/" * 499
    made.graph.node[1].metadata_props.add(key="pkg.torch.onnx.name_scopes", value="[" * 200_000)
    yield Case("a module's path of 200,000 brackets", saved(made), (), harmless=True)
    made = whole()
    for k, name in enumerate(("relu1", "relu1'", "relu1''", "conv1", "softmax1'")):
        made.graph.node[k].name = name
    yield Case("nodes named as others are", saved(made), (), harmless=True)
    made = whole()
    for each in made.graph.node:
        each.name = "one"
    yield Case("nodes that share a name", saved(made), (), harmless=True)


def _graphs() -> Iterator[Case]:
    yield Case("a circle", saved(network(node("Add", "x b", "a"), node("Relu", "a", "b"), node("Relu", "b", "y"))),
               ("in a circle",))  # fmt: skip
    yield Case("a node that takes itself in", saved(network(node("Add", "x y", "y"))), ("in a circle",))
    yield Case("a tensor that nothing makes", saved(network(node("Add", "x none", "y"))), ("nothing makes",))
    yield Case("two nodes that make one tensor", saved(network(node("Relu", "x", "y"), node("Sin", "x", "y"))),
               ("the same tensor",))  # fmt: skip
    made = whole()
    del made.graph.input[:]
    yield Case("no input", saved(made), ("one input",))
    made = whole()
    made.graph.input.append(made.graph.input[0])
    made.graph.input[1].name = "x2"
    yield Case("two inputs", saved(made), ("one input",))
    made = whole()
    del made.graph.output[:]
    yield Case("no output", saved(made), ("no output",))
    made = whole()
    made.graph.output[0].name = "none"
    yield Case("an output that nothing makes", saved(made), ("can't load",))
    yield Case("an input of text", saved(_input_of(TensorProto.STRING)), ("numbers that pictures",))
    yield Case("an input of five axes", saved(network(node("Relu", "x", "y"), taken=(1, 3, 4, 4, 4))),
               ("one picture",))  # fmt: skip
    made = whole()
    made.opset_import[0].version = 999
    yield Case("an opset of the future", saved(made), ("can't load",))
    made = whole()
    made.opset_import[0].version = -1
    yield Case("a negative opset", saved(made), ("can't load",))
    made = whole()
    made.graph.node[0].attribute[0].ints[:] = [-5, -5, -5, -5]
    yield Case("negative padding", saved(made), ())
    made = whole()
    made.graph.node[0].attribute.append(helper.make_attribute("strides", [0, 0]))
    yield Case("a stride of 0", saved(made), ())
    made = whole()
    made.graph.node[0].attribute.append(helper.make_attribute("kernel_shape", "three"))
    yield Case("an attribute of the wrong kind", saved(made), ())
    made = whole()
    made.graph.node[0].attribute.append(helper.make_attribute("group", 0))
    yield Case("0 groups", saved(made), ())
    chain = [node("Identity", f"t{k}", f"t{k + 1}") for k in range(5000)]
    yield Case("a chain of 5,000 nodes that only hand on", saved(network(
        node("Flatten", "x", "t0"), *chain, node("Relu", "t5000", "y"))), (), harmless=True)  # fmt: skip


def _input_of(kind: int) -> ModelProto:
    made = network(node("Identity", "x", "y"))
    made.graph.input[0].type.tensor_type.elem_type = kind
    return made


def _answers() -> Iterator[Case]:
    yield Case("an answer of text", saved(network(node("Relu", "x", "r"), node("Cast", "r", "y", to=8))), ())
    yield Case(
        "a list of tensors as the answer", saved(network(node("SplitToSequence", "x", "y", axis=3))), ()
    )
    yield Case("a list of tensors on the way", saved(network(
        node("SplitToSequence", "x", "q", axis=3), node("SequenceAt", "q k", "y"),
        weights=[weight("k", 0, np.int64)])), ())  # fmt: skip
    yield Case("an answer without values", saved(network(node("Slice", "x a a", "y"), weights=[
        weight("a", [0], np.int64)])), ("no list of scores",))  # fmt: skip
    made = whole()
    made.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 3
    yield Case("fewer classes declared than there are", saved(made), ())
    yield Case(
        "an answer that is the picture", saved(network(node("Relu", "x", "r"), output="x")), (), harmless=True
    )
    yield Case("an answer that is a weight", saved(network(node("Relu", "x", "r"), output="k", weights=[
        weight("k", [[1.0, 2.0]])])), (), harmless=True)  # fmt: skip


def _card() -> tuple[Network, Card]:
    drawn = Network.from_text("conv 2 3x3, relu, flatten, dense 3, softmax", (3, SIDE, SIDE))
    rng = np.random.default_rng(0)
    drawn = drawn.with_weights(
        {name: rng.normal(size=shape).astype(np.float32) for name, shape in drawn.parameter_shapes.items()}
    )
    made = Preprocessing(height=SIDE, width=SIDE, channels=3, scale=(1.0,) * 3, shift=(0.0,) * 3)
    return drawn, Card(classes=("a", "b", "c"), network=drawn.text, preprocessing=made)


def sealed(made: ModelProto, card: str) -> bytes:
    """A model with a card and a seal that holds, as anybody can make them."""
    del made.metadata_props[:]
    made.metadata_props.add(key=CARD_KEY, value=card)
    made.metadata_props.add(key=SEAL_KEY, value="0" * 64)
    return seal(made.SerializeToString())


def _cards() -> Iterator[Case]:
    _, card = _card()
    text = card.model_dump_json()
    foreign = whole()
    foreign.graph.output[0].name = "probabilities"
    foreign.graph.node[-1].output[0] = "probabilities"
    foreign.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 3
    yield Case(
        "a foreign graph with a card and seal of ours", saved(sealed(foreign, text)), ("not the network",)
    )
    yield Case("a card with a broken seal", saved(sealed(foreign, text)[:-64] + b"1" * 64), ("checksum",))
    ours = ModelProto()
    ours.ParseFromString(model_bytes(*_card()))
    ours.graph.node[-1].op_type = "Identity"
    yield Case("our graph without its softmax, sealed again", saved(sealed(ours, text)), ("not the network",))
    yield Case("a card that is no JSON", saved(sealed(ours, "{")), ("card can't be read",))
    yield Case("a card nested 100,000 deep", saved(sealed(ours, "[" * 100_000)), ("card can't be read",))
    for name, old, new in (
        ("a card of a network that isn't", "conv 2 3x3", "conv 2 99x99"),
        ("a card of a picture of 65,536 x 65,536", '"height":8,"width":8', '"height":65536,"width":65536'),
        ("a card of 60,000 layers", "conv 2 3x3", "conv 2 3x3" + ", relu" * 60_000),
        ("a card of 2^40 channels", "conv 2 3x3", f"conv {BIG} 3x3"),
    ):
        yield Case(name, saved(sealed(ours, text.replace(old, new))), ())
    bomb = network(node("ConstantOfShape", "n", "k"), node("ReduceMean", "k", "m", keepdims=0),
                   node("Add", "x m", "probabilities"), weights=[weight("n", [BIG], np.int64)],
                   output="probabilities", shape=(1, 3))  # fmt: skip
    yield Case("2^40 in a file with a card and seal", saved(sealed(bomb, text)), ("not the network",))
