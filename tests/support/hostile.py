"""Hostile model files: each is written by a function, opened in a process of its own, and has to end in our error.

The process reports what it met, the seconds and the memory that this took beyond what the imports had taken.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

SECONDS, MEGABYTES = 2.0, 500.0
PATIENCE = 60  # seconds after which a process is ended
SIDE = 8
BIG = 1 << 40


@dataclass(frozen=True)
class Case:
    """One hostile file. `says`: words that the error has to have. `harmless`: it may also open."""

    name: str
    write: Callable[[Path], Path]
    says: tuple[str, ...] = ()
    harmless: bool = False


@dataclass
class Met:
    """How it ended: the error's parts (empty where the file opened), the processor's seconds, megabytes; `crash` says
    what else; `waited` are the clock's seconds, which are others' doing too."""

    error: dict[str, str]
    seconds: float
    megabytes: float
    crash: str = ""
    waited: float = 0.0

    @property
    def said(self) -> str:
        """The message on one line."""
        parts = [self.error[part] for part in ("what", "received", "remedy") if part in self.error]
        return " | ".join(parts) or self.crash or "opened"


def judge(case: Case, met: Met) -> list[str]:
    """What is wrong with how a case ended."""
    wrong = [met.crash] if met.crash else []
    if not met.error and not met.crash and not case.harmless:
        wrong.append("it opened")
    if met.seconds > SECONDS:
        wrong.append(f"{met.seconds:.1f} s")
    if met.megabytes > MEGABYTES:
        wrong.append(f"{met.megabytes:.0f} MB")
    if met.error:
        wrong += [f"no {part}" for part in ("what", "where", "received", "remedy") if not met.error.get(part)]
        text = "\n".join(met.error.values())
        wrong += [f"it doesn't say {word!r}" for word in case.says if word.lower() not in text.lower()]
        if not text.replace("\n", "").isprintable():
            wrong.append("it repeats control characters")
        if len(text) > 3000:
            wrong.append(f"a message of {len(text):,} characters")
    return wrong


class Sandbox:
    """One process that has imported everything; each file is opened in a fork of it, so that nothing is left over."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from support.hostile import serve; serve({theirs.fileno()})"],
            pass_fds=[theirs.fileno()],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        theirs.close()
        self._stream = ours.makefile("rw")

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._process.wait()

    def open(self, path: Path) -> Met:
        """Open a model as `explain` does: read it, run it on a picture, open its last value."""
        self._stream.write(json.dumps(str(path)) + "\n")
        self._stream.flush()
        return Met(**json.loads(self._stream.readline()))


def serve(number: int) -> None:
    """The sandbox's side: one line in, a path; one line out, what came of it."""
    import pellucid.inside.tree
    import pellucid.model.any_file  # noqa: F401

    stream = socket.socket(fileno=number).makefile("rw")
    for line in stream:
        stream.write(json.dumps(_in_fork(json.loads(line))) + "\n")
        stream.flush()


def _in_fork(path: str) -> dict[str, Any]:
    reading, writing = os.pipe()
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (24 << 30, 24 << 30))
        before = _high_water()
        signal.alarm(PATIENCE)
        error, crash = _open(path)
        end = {"error": error, "crash": crash, "megabytes": _high_water() - before}
        os.write(writing, json.dumps(end).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status, used = os.wait4(child, 0)
    times = {"seconds": used.ru_utime + used.ru_stime, "waited": time.monotonic() - start}
    if not said:
        ended = os.waitstatus_to_exitcode(status)
        crash = f"over {PATIENCE} s" if ended == -signal.SIGALRM else f"the process ended with {ended}"
        return {"error": {}, "crash": crash, "megabytes": 0.0} | times
    return json.loads(said) | times


def _open(path: str) -> tuple[dict[str, str], str]:
    from pellucid.errors import PellucidError
    from pellucid.inside.number import Inside
    from pellucid.inside.tree import expand
    from pellucid.model import open_any

    picture = np.full((SIDE, SIDE, 3), 7, np.uint8)
    try:
        model = open_any(path, threads=1)
        model.predict(picture)
        inside = Inside(model.opened(picture))
        last = inside.opened.graph.outputs[0]
        number = inside.open(inside.places.at(last, (0,) * len(inside.places.shape(last))))
        list(expand(inside, number, 3, 3).levels())
    except PellucidError as error:
        return error.as_dict(), ""
    except BaseException:
        return {}, traceback.format_exc()[-600:]
    return {}, ""


def _high_water() -> float:
    """The most memory that this process ever had, in megabytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


# ---- building blocks


def network(
    *nodes: NodeProto, weights: Sequence[TensorProto] = (), output: str = "y", shape: Sequence[int | str] = (),
    taken: Sequence[int | str] = (1, 3, SIDE, SIDE), **more: Any,
) -> ModelProto:  # fmt: skip
    """A model that takes a picture `x` and gives `y`."""
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, taken)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape or None)], weights,
    )  # fmt: skip
    opsets = [
        helper.make_opsetid("", 17),
        *(helper.make_opsetid(name, 1) for name in more.pop("domains", ())),
    ]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, **more)


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> NodeProto:
    """A node; its inputs and outputs as words."""
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def weight(name: str, values: Any, dtype: Any = np.float32) -> TensorProto:
    """A weight."""
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def whole(seed: int = 0) -> ModelProto:
    """An honest small classifier: the start of many cases."""
    rng = np.random.default_rng(seed)
    return network(
        node("Conv", "x w b", "c", pads=[1, 1, 1, 1]), node("Relu", "c", "r"), node("GlobalAveragePool", "r", "p"),
        node("Flatten", "p", "f"), node("Gemm", "f d", "s", transB=1), node("Softmax", "s", "y"),
        weights=[weight("w", rng.normal(size=(12, 3, 3, 3))), weight("b", rng.normal(size=12)),
                 weight("d", rng.normal(size=(4, 12)))],
        shape=(1, 4),
    )  # fmt: skip


def raw(field: int, content: bytes) -> bytes:
    """One length-delimited protobuf field."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """A protobuf number."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def saved(made: ModelProto | bytes) -> Callable[[Path], Path]:
    """Writes a model that is ready."""

    def write(folder: Path) -> Path:
        path = folder / "model.onnx"
        path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
        return path

    return write


def damaged(folder: Path, data: bytes) -> Path:
    """Writes bytes as a model."""
    return saved(data)(folder)


def flips(count: int, seed: int = 0) -> list[bytes]:
    """An honest model with one to four bits turned, so many times; three times in four outside its weights."""
    made = whole()
    data = np.frombuffer(made.SerializeToString(), np.uint8)
    frame = np.ones(len(data), bool)
    for tensor in made.graph.initializer:
        start = data.tobytes().find(tensor.raw_data)
        frame[start : start + len(tensor.raw_data)] = False
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        turned: NDArray[np.uint8] = data.copy()
        places = np.flatnonzero(frame) if number % 4 else np.arange(len(data))
        for place in rng.choice(places, rng.integers(1, 5)):
            turned[place] ^= 1 << int(rng.integers(8))
        found.append(turned.tobytes())
    return found


def cuts(count: int, seed: int = 0) -> list[bytes]:
    """An honest model cut short at so many places."""
    data = whole().SerializeToString()
    places = np.random.default_rng(seed).integers(0, len(data), count)
    return [data[:place] for place in places]


def external(location: str, dims: Sequence[int] = (12, 3, 3, 3), **more: str) -> ModelProto:
    """The honest model whose first weight is kept elsewhere."""
    made = whole()
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.dims[:] = dims
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        tensor.external_data.add(key=key, value=value)
    return made


def body(*nodes: NodeProto, output: str, name: str = "body") -> onnx.GraphProto:
    """An inner graph without inputs."""
    return helper.make_graph(
        nodes, name, [], [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)]
    )


def graph_attribute(name: str, graph: onnx.GraphProto) -> AttributeProto:
    """An attribute that holds a graph."""
    return helper.make_attribute(name, graph)
