"""Every value that a model computes, read from one run: each intermediate tensor is an output.

Nothing that is an output can be fused away, so each value is that of its own node, and the answer has the bits of a
plain run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, ValueInfoProto

from pellucid.engines.onnxruntime.session import (
    UNBOUNDED,
    loading_error,
    run_options,
    running_error,
    session_options,
)
from pellucid.errors import ModelError
from pellucid.storage import shown

# As onnxruntime names the types that NumPy takes over.
_NUMBERS = {f"tensor({kind})" for kind in ("float", "double", "float16", "bool")} | {
    f"tensor({sign}int{bits})" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
BUDGET = 1 << 30  # bytes of recorded tensors held at once


class Recording(Mapping[str, NDArray[Any]]):
    """The tensors of one run by name, as the runtime stored them.

    Parameters: `model`, the bytes of an ONNX model; `given`, the large weights that it takes from us; `names`, the
    tensors to record; `feeds`, the inputs; `sizes`, bytes that each tensor is expected to take, as far as that is
    known. Where all of them would take more than `budget` bytes, each is fetched when it is asked for, by a run of
    its own, and the oldest are let go. `like`: an earlier recording; where it was of the same model and weights, what
    was loaded for it is used again. Raises ModelError if the model can't be loaded, EngineError if it can't be run.
    """

    def __init__(
        self,
        model: bytes,
        given: Mapping[str, NDArray[Any]],
        names: Sequence[str],
        feeds: Mapping[str, NDArray[Any]],
        sizes: Mapping[str, int],
        where: str = "",
        threads: int | None = None,
        budget: int = BUDGET,
        like: Recording | None = None,
    ):
        self._where = where
        self._feeds = dict(feeds)
        self._budget = budget
        self._names = dict.fromkeys([*feeds, *names])
        self._held: dict[str, NDArray[Any]] = dict(feeds)
        self._given = given  # onnxruntime reads these arrays as long as its session lives
        self._loaded = model, tuple(names), threads
        self.is_again = like is not None and like._loaded == self._loaded and _same(like._given, given)
        self._session = like._session if like and self.is_again else self._load(model, names, threads)
        self.lazy = sum(sizes.get(name, 0) for name in names) > budget
        if not self.lazy:
            self._held |= self._run(list(names))

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._held:
            found = self._run([name])
            while len(self._held) > len(self._feeds) and self._bytes() + found[name].nbytes > self._budget:
                oldest = next(each for each in self._held if each not in self._feeds)
                del self._held[oldest]
            self._held |= found
        return self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _bytes(self) -> int:
        return sum(array.nbytes for array in self._held.values())

    def _load(self, model: bytes, names: Sequence[str], threads: int | None) -> ort.InferenceSession:
        outputs = ModelProto(graph=GraphProto(output=[ValueInfoProto(name=name) for name in names]))
        try:
            options = session_options(threads, self._given, bounded=True)
            # Two protobuf messages one after the other are read as one: the outputs are added to the model's.
            session = ort.InferenceSession(
                model + outputs.SerializeToString(),
                options,
                providers=["CPUExecutionProvider"],
                enable_fallback=0,
                disabled_optimizers=UNBOUNDED,
            )
        except Exception as error:  # onnxruntime has no error class of its own to catch
            raise loading_error(error, self._where) from error
        for made in session.get_outputs():
            if made.type not in _NUMBERS:
                raise ModelError(
                    "the network computes something that is no array of numbers", where=self._where,
                    received=f"{shown(made.name)[:80]}: {made.type}",
                    remedy="export the part that takes in the picture and gives its scores",
                )  # fmt: skip
        return session

    def _run(self, names: list[str]) -> dict[str, NDArray[Any]]:
        try:
            found = list(self._session.run(names, self._feeds, run_options()))
        except Exception as error:
            raise running_error(error, self._feeds, self._where) from error
        arrays = {}
        for name in reversed(names):  # copied, and let go one by one: the runtime's own pool is bounded
            arrays[name] = np.array(found.pop())
        return arrays


def _same(one: Mapping[str, NDArray[Any]], other: Mapping[str, NDArray[Any]]) -> bool:
    """Whether these are the very same arrays."""
    return list(one) == list(other) and all(one[name] is other[name] for name in one)
