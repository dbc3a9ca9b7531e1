"""Proof 21: opening one value is quick, recording all of a network costs little more than running it.

VGG-16 at 224 x 224 with random weights, scikit-image's cat. Wanted, on two cores:

- one value opened, once recorded, in less than 20 ms: every node's first value (nothing kept from before), and others
  by chance;
- recording every value in less than 2 x a plain onnxruntime run: pairs of fresh processes, one after the other, the
  order changing; both as the run alone, and with the model being loaded and its nodes read;
- in less than 2 GB: RssAnon, read 100 times a second, and VmHWM, which counts the mapped weights too;
- `pellucid explain --at` on digits, from a cold process, in less than 1 s.

Wants an idle machine; the share of the processors that others took stands beside. Linux alone has the memory figures.

    python proof/opening_speed.py            writes proof/results/opening_speed.json and .md
    python proof/opening_speed.py --short    small networks, one pair; nothing is held to a limit
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from _openings import made_by, photograph, write_zoo
from _record import COMMAND, busy, busy_here, conclude, options, run, table

MILLISECONDS, RATIO, BYTES, SECONDS = 20.0, 2.0, 2_000_000_000, 1.0
PAIRS, STARTS, VALUES = 7, 9, 50
SEED = 0


def recorded(path: str) -> dict[str, float]:
    """In a process of its own: everything recorded once, and the run alone again."""
    from pellucid.model.model import ModelFile

    with _Watched() as watched:
        start = time.perf_counter()
        model = ModelFile.read(path)
        opened = model.opened(photograph())
        whole = time.perf_counter() - start
        values = sum(array.nbytes for array in opened.values.values())
    return {"whole": whole, "bytes": values, "anonymous": watched.anonymous, "resident": watched.resident}


def again(path: str) -> dict[str, float]:
    """In a process of its own: the run that records, and a plain one, with their sessions made before."""
    import onnxruntime

    from pellucid.engines.onnxruntime.recording import Recording
    from pellucid.model.onnx_file import OnnxFile

    file = OnnxFile.open(Path(path))
    feeds = {"image": photograph()[None]}
    names = [name for node in file.skeleton.graph.node for name in node.output if name]
    found = {"recording": _timed(partial(Recording(*file.stripped(), names, feeds, {}, path)._run, names))}
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return found | {"plain": _timed(lambda: session.run(None, feeds))}


def _timed(call: Callable[[], object]) -> float:
    """Seconds, the median of five, after one to warm up."""
    call()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def plain(path: str) -> dict[str, float]:
    """In a process of its own: what anybody would write with onnxruntime."""
    import onnxruntime

    start = time.perf_counter()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    session.run(None, {"image": photograph()[None]})
    return {"whole": time.perf_counter() - start}


def opening(path: str) -> dict[str, object]:
    """In a process of its own: each node's first value, and others of it, in milliseconds."""
    from pellucid.inside.number import Inside
    from pellucid.model.model import ModelFile

    inside = Inside(ModelFile.read(path).opened(photograph()))
    rng = np.random.default_rng(SEED)
    rows = []
    for node in inside.opened.graph.nodes:
        tensor = made_by(node)[0]
        shape = inside.opened.values[tensor].shape
        times = []
        for _ in range(VALUES + 1):
            place = inside.places.at(tensor, tuple(int(rng.integers(n)) for n in shape))
            start = time.perf_counter()
            number = inside.open(place)
            assert number.closes
            times.append(1000 * (time.perf_counter() - start))
        rows.append(
            {
                "node": node.name, "type": node.type, "terms": number.opening.count, "first": times[0],
                "median": statistics.median(times[1:]), "most": max(times[1:]),
            }
        )  # fmt: skip
    return {"nodes": rows}


class _Watched:
    """The most anonymous memory that this process had meanwhile, and its peak of resident memory."""

    def __enter__(self) -> _Watched:
        self.anonymous = self.resident = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            self._read()

    def _read(self) -> None:
        try:
            lines = Path("/proc/self/status").read_text().splitlines()
        except OSError:
            return
        found = dict(line.split(":", 1) for line in lines if line.startswith(("RssAnon", "VmHWM")))
        anonymous, high = (int(found.get(name, "0 kB").split()[0]) * 1024 for name in ("RssAnon", "VmHWM"))
        self.anonymous, self.resident = max(self.anonymous, anonymous), max(self.resident, high)

    def __exit__(self, *about: object) -> None:
        self._over.set()
        self._thread.join()
        self._read()


PARTS = {"recorded": recorded, "again": again, "plain": plain, "opening": opening}


def apart(what: str, path: Path) -> dict:
    """One of the measurements above, in a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, "--part", what, str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{what} ended with {done.returncode}\n{done.stderr[-3000:]}")
    return json.loads(done.stdout)


def explained(folder: Path, short: bool) -> list[float]:
    """Seconds from the process's start to the end of `pellucid explain --at`, on a digit."""
    from PIL import Image

    model = write_zoo("bench-lenet", folder / "digits.onnx")
    picture = folder / "digit.png"
    Image.fromarray(np.random.default_rng(SEED).integers(0, 256, (28, 28), np.uint8)).save(picture)
    # Bytecode is there, as pip compiles what it installs; a tree run in place may be forbidden to write any.
    surrounding = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    surrounding["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    times = []
    for _ in range(2 if short else STARTS + 1):
        ran = run([COMMAND, "explain", model, picture, "--at", "conv2[3,4,5]"], surrounding=surrounding)
        if ran.code:
            raise SystemExit(f"pellucid explain ended with {ran.code}\n{ran.err[-3000:]}")
        times.append(ran.seconds)
    return times[1:]  # the first one reads the files from the disk, and compiles


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    lower, middle, upper = np.percentile(values, [25, 50, 75])
    return float(lower), float(middle), float(upper)


def main(argv: Sequence[str]) -> int:
    """Run the proof; the exit status is 0 only if every limit is kept."""
    if argv[:1] == ["--part"]:
        print(json.dumps(PARTS[argv[1]](argv[2])))
        return 0
    given = options(argv, __doc__)
    others, own, start = busy(), busy_here(), time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = write_zoo("digits" if given.short else "vgg16", folder / "network.onnx")
        pairs = []
        for pair in range(1 if given.short else PAIRS):
            order = ("recorded", "plain") if pair % 2 else ("plain", "recorded")
            pairs.append({what: apart(what, path) for what in order} | {"again": apart("again", path)})
        nodes = apart("opening", path)["nodes"]
        seconds = explained(folder, given.short)
    elapsed = time.monotonic() - start
    taken = max((busy() - others) - (busy_here() - own), 0) / elapsed / (os.cpu_count() or 1)
    whole = quartiles([pair["recorded"]["whole"] / pair["plain"]["whole"] for pair in pairs])
    alone = quartiles([pair["again"]["recording"] / pair["again"]["plain"] for pair in pairs])
    memory = {what: max(pair["recorded"][what] for pair in pairs) for what in ("anonymous", "resident")}
    slowest = max(nodes, key=lambda row: max(row["first"], row["median"]))
    opened = max(slowest["first"], slowest["median"])
    cold = quartiles(seconds)
    rows = [
        ("one value opened, the slowest node", f"{opened:.2f} ms", f"{MILLISECONDS:g} ms",
         f"{slowest['node']}, {slowest['terms']:,} terms"),
        ("recording / plain run, runs alone", f"{alone[1]:.2f}", f"{RATIO:g}", _between(alone)),
        ("recording / plain run, with loading", f"{whole[1]:.2f}", f"{RATIO:g}", _between(whole)),
        ("memory, RssAnon", f"{memory['anonymous'] / 1e9:.2f} GB", f"{BYTES / 1e9:g} GB", "peak"),
        ("memory, VmHWM", f"{memory['resident'] / 1e9:.2f} GB", f"{BYTES / 1e9:g} GB", "peak, mapped weights too"),
        ("`pellucid explain --at`, cold", f"{cold[1]:.2f} s", f"{SECONDS:g} s", _between(cold)),
    ]  # fmt: skip
    limits = [
        opened < MILLISECONDS, alone[1] < RATIO, whole[1] < RATIO, memory["anonymous"] < BYTES,
        memory["resident"] < BYTES, cold[1] < SECONDS,
    ]  # fmt: skip
    wrong = [] if given.short else [
        f"{row[0]}: {row[1]}, less than {row[2]} wanted" for row, kept in zip(rows, limits, strict=True) if not kept
    ]  # fmt: skip
    body = table(["what", "measured:", "less than:", "quartiles, or where"], rows)
    body += "\n\n" + table(
        ["node", "operation", "terms:", "first, ms:", "median, ms:", "most, ms:"],
        [
            (
                row["node"],
                row["type"],
                f"{row['terms']:,}",
                *(f"{row[k]:.2f}" for k in ("first", "median", "most")),
            )
            for row in nodes
        ],
    )
    body += (
        f"\n\n{len(pairs)} pairs of fresh processes, {VALUES} values a node, {len(seconds)} cold starts. Other "
        f"programs took {taken:.0%} of the processors meanwhile. Recorded: "
        f"{pairs[0]['recorded']['bytes'] / 1e6:,.0f} MB of values."
    )
    figures = {
        "n": len(pairs), "seed": SEED, "pairs": pairs, "nodes": nodes, "cold_seconds": seconds, "others": taken,
    }  # fmt: skip
    return conclude("opening_speed", "How quickly a value opens", given, figures, body, wrong)


def _between(values: tuple[float, float, float]) -> str:
    return f"{values[0]:.2f} – {values[2]:.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
