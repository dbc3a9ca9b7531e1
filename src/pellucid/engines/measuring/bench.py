"""All of `pellucid bench`: rounds in which everything is measured once, so that what disturbs one disturbs all."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from pellucid.engines.measuring import machine
from pellucid.engines.measuring.figure import Row, rounded
from pellucid.engines.measuring.stages import Stage, Timed, stages, up_to
from pellucid.engines.native import open_trainer, unable
from pellucid.engines.native.instructions import chosen
from pellucid.errors import EngineError
from pellucid.images.threads import cpu_count
from pellucid.network import Network

LOOK = 0.15  # seconds of one measurement of the machine or of a stage
RATE = 0.6  # seconds of one measurement of training
PICTURE = 4_000_000  # mult-adds of a picture, with a batch of 512; larger networks have smaller batches
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
    """Measure, and say what is being done; the rows come at the end, in order: machine, layers, training.

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
        self.batch = _batch(self.network.mult_adds)
        self.sizes = _sizes(self.batch)
        self.stages = stages(self.network, self.batch)
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
        yield from self._layers()
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
        for cut in [0, *(stage.last for stage in self.stages)]:
            part = up_to(self.network, cut)
            work[f"layers to {cut}"] = lambda part=part: self._timed(part, self.batch).fastest(LOOK)
        work["native engine"] = self._native
        if self.asked.peers and find_spec("torch"):
            work["PyTorch"] = self._torch
        return work

    def _timed(self, part: Network, batch: int) -> Timed:
        return Timed(part, open_trainer, batch, self.threads)

    def _sgemm(self) -> float:
        rate, threads = machine.matrix_product(LOOK)
        self.blas_threads = max(self.blas_threads, threads)
        return rate

    def _native(self) -> float:
        if len(self.sizes) > 1:  # the first round finds the best size, as the peer's does
            rates = {size: self._timed(self.network, size).rate(RATE / 4) for size in self.sizes}
            self.sizes = [max(rates, key=lambda size: rates[size])]
        return self._timed(self.network, self.sizes[0]).rate(RATE)

    def _torch(self) -> float:
        sizes = [self.peer["batch"]] if self.peer else _sizes(self.batch)
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

    def _layers(self) -> Iterator[Row]:
        whole = self._median(f"layers to {self.stages[-1].last}")
        cuts = [0, *(stage.last for stage in self.stages)]
        yield self._row("layers", "input and head", "s/picture", "layers to 0", batch=self.batch,
                        threads=self.threads)  # fmt: skip
        for stage, first in zip(self.stages, cuts, strict=False):
            before, after = self.kept[f"layers to {first}"], self.kept[f"layers to {stage.last}"]
            values = [b - a for a, b in zip(before.values, after.values, strict=True)]
            row = Row("layers", stage.name, "s/picture", values, after.seconds)
            yield Row(
                row.part, row.name, row.unit, values, row.seconds, self._about(stage, row.median, whole)
            )

    def _about(self, stage: Stage, seconds: float, whole: float) -> dict[str, Any]:
        """A stage on the roofline. What is lost in the noise (no time left over) has no rate, and says so by None."""
        intensity = stage.flop / stage.bytes
        ceiling = min(self._median("products in registers"), intensity * self._median("cache"))
        rate = stage.flop / seconds / 1e9 if seconds > 0 else None
        return {
            "batch": self.batch, "threads": self.threads, "flop": stage.flop, "bytes": round(stage.bytes),
            "flop_per_byte": rounded(intensity), "gflops": rate and rounded(rate),
            "ceiling_gflops": rounded(ceiling), "share_of_ceiling": rate and rounded(rate / ceiling),
            "share_of_time": rounded(max(seconds, 0.0) / whole),
        }  # fmt: skip

    def _training(self) -> Iterator[Row]:
        flop = sum(stage.flop for stage in self.stages)

        def about(what: str, batch: int) -> dict[str, Any]:
            rate = self._median(what) * flop / 1e9
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


def _batch(mult_adds: int) -> int:
    """512 pictures, or fewer of those that take long, 32 at least."""
    batch = 512
    while batch > 32 and batch * mult_adds > 512 * PICTURE:
        batch //= 2
    return batch


def _sizes(batch: int) -> list[int]:
    """Of batches to try in training: the layers' and its neighbours."""
    return [batch // 2, batch, batch * 2]


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
