"""All of `pellucid bench`: rounds in which everything is measured once, so that what disturbs one disturbs all."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from pellucid.engines.measuring import machine
from pellucid.engines.measuring.figure import Row, rounded
from pellucid.engines.measuring.parts import Part
from pellucid.engines.measuring.training import Timed
from pellucid.engines.native import unable
from pellucid.engines.native.instructions import chosen
from pellucid.engines.native.plan import BLOCK
from pellucid.errors import EngineError
from pellucid.images.threads import cpu_count
from pellucid.network import Network

LOOK = 0.15  # seconds of one measurement of the machine
RATE = 0.6  # and of training, as a whole or by its parts
PICTURE = 4_000_000  # mult-adds of a picture, with a batch of 512; larger networks have smaller batches
UNIT = "s/picture"
PEER_SECONDS = 300  # a peer that takes longer has got stuck


@dataclass(frozen=True)
class Asked:
    """What is measured: training of `network`, with so many threads, in so many rounds; peers or not."""

    network: Network
    threads: int
    rounds: int = 3
    peers: bool = True


@dataclass(frozen=True)
class Doing:
    """What comes next, for people who wait."""

    round: int
    rounds: int
    what: str


@dataclass
class _Kept:
    """What a figure has so far."""

    values: list[float] = field(default_factory=list)
    seconds: float = 0.0


def measure(asked: Asked) -> Iterator[Doing | Row]:
    """Measure, and say what is being done; the rows come at the end, in order: machine, layers, rest, whole, training.

    layers  two of each compiled step, forward and back: seconds of a picture's part of a training step, with all
            threads at work; of each the fastest that was seen.
    rest    the same of what is beside them, and what is left of the fastest whole step: waiting for other threads,
            clearing gradients, other programs. In each round all these add up to
    whole   a step.

    Operations are those of a convolution's definition: done by Winograd's tiles it has fewer products, and its share
    of the peak may be over 1.

    EngineError where the native engine can't train this network, with the layer.
    """
    why = unable(asked.network)
    if why:
        raise EngineError("The native engine can't train this network, so there is nothing to measure",
                          received=why, remedy="another --network")  # fmt: skip
    yield from _Bench(asked).run()


class _Bench:
    def __init__(self, asked: Asked):
        self.asked, self.network, self.threads = asked, asked.network.without_weights(), asked.threads
        self.instructions = chosen()
        self.sizes = _sizes(self.network.mult_adds, self.threads)
        self.parts: list[Part] = []
        self.looks: list[list[float]] = []  # of each round, what `Timed.fastest` gave
        self.kept: dict[str, _Kept] = {}
        self.blas_threads = 1
        self.peer: dict[str, Any] = {}

    def run(self) -> Iterator[Doing | Row]:
        for number in range(1, self.asked.rounds + 1):
            for what, work in self._work().items():
                yield Doing(number, self.asked.rounds, what)
                begin = time.perf_counter()
                kept = self.kept.setdefault(what, _Kept())
                kept.values.append(work())
                kept.seconds += time.perf_counter() - begin
        yield from self._machine()
        yield from self._step()
        yield from self._training()

    def _work(self) -> dict[str, Callable[[], float]]:
        """Everything that a round measures, by name."""
        work: dict[str, Callable[[], float]] = {
            "products in registers, one thread": lambda: machine.multiply_add(self.instructions, 1, LOOK),
            "products in registers": lambda: machine.multiply_add(self.instructions, self.threads, LOOK),
            "matrix product": self._sgemm,
            "memory": lambda: machine.bandwidth(self.instructions, self.threads, machine.MEMORY, LOOK),
            "cache": lambda: machine.bandwidth(self.instructions, self.threads, machine.CACHE, LOOK),
        }
        work["native engine"] = self._native
        work["parts of a step"] = self._look
        if self.asked.peers and find_spec("torch"):
            work["PyTorch"] = self._torch
        return work

    def _sgemm(self) -> float:
        rate, threads = machine.matrix_product(LOOK)
        self.blas_threads = max(self.blas_threads, threads)
        return rate

    def _native(self) -> float:
        if len(self.sizes) > 1:  # the first round finds the best size, as the peer's does
            rates = {size: self._timed(size).rate(RATE / 4) for size in self.sizes}
            self.sizes = [max(rates, key=lambda size: rates[size])]
        return self._timed(self.sizes[0]).rate(RATE)

    def _timed(self, batch: int) -> Timed:
        return Timed(self.network, batch, self.threads)

    def _look(self) -> float:
        timed = self._timed(self.sizes[0])
        self.parts = timed.parts
        self.looks.append(timed.fastest(RATE))
        return self.looks[-1][-1]

    def _torch(self) -> float:
        sizes = [self.peer["batch"]] if self.peer else _sizes(self.network.mult_adds, self.threads)
        asked = {
            "network": self.network.text, "input_shape": self.network.input_shape, "batches": sizes,
            "threads": self.threads, "seconds": RATE,
        }  # fmt: skip
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pellucid.engines.torch.eager"], input=json.dumps(asked),
                capture_output=True, text=True, check=False, timeout=PEER_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise EngineError(f"PyTorch took more than {PEER_SECONDS} s to train for a moment",
                              remedy="--no-peers") from error  # fmt: skip
        if done.returncode:
            raise EngineError("PyTorch is installed, but could not train this network",
                              received=(done.stderr.strip().splitlines() or ["no message"])[-1][:500],
                              remedy="--no-peers")  # fmt: skip
        self.peer = json.loads(done.stdout.splitlines()[-1])
        return self.peer["pictures_per_second"]

    def _row(self, part: Any, name: str, unit: str, what: str, **about: Any) -> Row:
        kept = self.kept[what]
        return Row(part, name, unit, kept.values, kept.seconds, about)

    def _median(self, what: str) -> float:
        return Row("machine", what, "", self.kept[what].values, 0).median

    def _machine(self) -> Iterator[Row]:
        fma = {"instructions": self.instructions, "loop": "own"}
        yield self._row(
            "machine",
            "multiply-add, one thread",
            "GFLOP/s",
            "products in registers, one thread",
            threads=1,
            **fma,
        )
        yield self._row(
            "machine", "multiply-add", "GFLOP/s", "products in registers", threads=self.threads, **fma
        )
        yield self._row(
            "machine", "matrix product (sgemm)", "GFLOP/s", "matrix product", threads=self.blas_threads,
            library=machine.blas(), side=machine.SIDE, share_of_peak=self._share("matrix product"),
        )  # fmt: skip
        for name, what, size in (("memory", "memory", machine.MEMORY), ("cache", "cache", machine.CACHE)):
            yield self._row("machine", f"{name} bandwidth", "GB/s", what, threads=self.threads, loop="own triad",
                            bytes_per_thread=size)  # fmt: skip

    def _share(self, what: str) -> float:
        return rounded(self._median(what) / self._median("products in registers"))

    def _step(self) -> Iterator[Row]:
        """A step's parts, what is left when they are taken from it, and the whole."""
        whole, seconds = self._median("parts of a step"), self.kept["parts of a step"].seconds
        of_all = {"batch": self.sizes[0], "threads": self.threads}
        for number, part in enumerate(self.parts):
            if not part.bytes:  # no gradient goes back there
                continue
            values = [look[number] for look in self.looks]
            row = Row("layers" if part.step else "rest", part.name, UNIT, values, seconds)
            about = of_all | self._about(part, row.median)
            yield replace(row, about=about | {"share_of_time": rounded(row.median / whole)})
        row = Row(
            "rest", "waiting and clearing", UNIT, [look[-1] - sum(look[:-1]) for look in self.looks], seconds
        )
        yield replace(row, about=of_all | {"share_of_time": rounded(row.median / whole)})
        rate = self._flop() / whole / 1e9
        about = {"flop": self._flop(), "gflops": rounded(rate), "share_of_peak": rounded(rate / self._peak())}
        yield self._row("whole", "a whole step", UNIT, "parts of a step", **of_all, **about)

    def _about(self, part: Part, seconds: float) -> dict[str, Any]:
        """A part on the roofline; without products it has no rate, but bytes that could be moved so fast."""
        cache = self._median("cache")
        possible = max(part.flop / self._peak(), part.bytes / cache) / 1e9
        rate = part.flop / seconds / 1e9 if part.flop and seconds > 0 else None
        about: dict[str, Any] = {
            "flop": part.flop, "bytes": round(part.bytes), "flop_per_byte": rounded(part.flop / part.bytes),
            "gflops": rate and rounded(rate), "share_of_peak": rate and rounded(rate / self._peak()),
            "ceiling_gflops": rounded(part.flop / possible / 1e9) if part.flop else None,
            "share_of_ceiling": rounded(possible / seconds) if seconds > 0 else None,
        }  # fmt: skip
        if part.step:
            channels, rows, columns = part.step.output
            about |= {
                "pass": part.way, "layers": list(part.step.layers), "what": part.step.what,
                "kernel": part.step.kernel, "output_shape": [rows, columns, channels],
            }  # fmt: skip
        return about

    def _flop(self) -> int:
        return sum(part.flop for part in self.parts)

    def _peak(self) -> float:
        return self._median("products in registers")

    def _training(self) -> Iterator[Row]:
        def about(what: str, batch: int) -> dict[str, Any]:
            rate = self._median(what) * self._flop() / 1e9
            return {
                "batch": batch, "threads": self.threads, "precision": "f32", "gflops": rounded(rate),
                "share_of_sgemm": rounded(rate / self._median("matrix product")),
                "share_of_peak": rounded(rate / self._median("products in registers")),
            }  # fmt: skip

        name = "pellucid, native engine"
        yield self._row("training", name, "pictures/s", "native engine", **about("native engine", self.sizes[0]),
                        instructions=self.instructions)  # fmt: skip
        if self.peer:
            pairs = zip(self.kept["native engine"].values, self.kept["PyTorch"].values, strict=True)
            ratio = Row("training", "", "", [own / other for own, other in pairs], 0).median
            yield self._row(
                "training", "PyTorch, eager, tuned", "pictures/s", "PyTorch", **about("PyTorch", self.peer["batch"]),
                instructions=self.peer["capability"], torch=self.peer["torch"], pellucid_ratio=rounded(ratio),
            )  # fmt: skip


def _sizes(mult_adds: int, threads: int) -> list[int]:
    """Batches to try: 512 pictures, or fewer of those that take long, and its neighbours. Each thread has a block of
    16 pictures at least."""
    batch = 512
    while batch > 32 and batch * mult_adds > 512 * PICTURE:
        batch //= 2
    batch = max(batch, BLOCK * threads)
    return [size for size in (batch // 2, batch, batch * 2) if size >= BLOCK * threads]


def surroundings(threads: int) -> dict[str, Any]:
    """The machine and the versions that belong to every figure."""
    versions = {"Python": platform.python_version()}
    for package in ("pellucid", "numpy", "torch"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "processor": machine.processor(), "cores": cpu_count(), "threads": threads,
        "instructions": chosen(), "versions": versions,
    }  # fmt: skip
