"""One loaded ONNX model, its errors turned into ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from pellucid.errors import EngineError, ModelError
from pellucid.images.threads import cpu_count
from pellucid.storage import shown

NOTHING: Mapping[str, NDArray[Any]] = MappingProxyType({})
LARGEST_RUN = 4 << 30  # bytes that one run may hold: a graph may ask for more than its shapes tell beforehand
UNBOUNDED = ["ConstantFolding"]  # it computes while the model is loaded, in memory that nothing bounds
_FATAL_ONLY = 4  # onnxruntime's own log would go to stderr beside our message


class Session:
    """A model ready to run.

    `given` are the large weights that the model takes from us instead of holding them; `threads` bounds the threads
    of one run; the default is every processor allowed. `bounded`: a run fails where it would hold more than
    LARGEST_RUN bytes; for graphs that others made.
    """

    def __init__(
        self,
        model: bytes,
        given: Mapping[str, NDArray[Any]] = NOTHING,
        where: str = "",
        threads: int | None = None,
        bounded: bool = False,
    ):
        self._given = given
        self._options = run_options() if bounded else None
        try:
            self._session = ort.InferenceSession(
                model,
                session_options(threads, given, bounded),
                providers=["CPUExecutionProvider"],
                enable_fallback=0,  # it would print to stdout and try the same again
                disabled_optimizers=UNBOUNDED if bounded else None,
            )
        except Exception as error:  # onnxruntime has no error class of its own to catch
            raise loading_error(error, where) from error
        self._where = where

    def run(self, inputs: Mapping[str, NDArray[Any]], output: str) -> NDArray[Any]:
        """One output for these inputs."""
        return self.run_all(inputs, [output])[output]

    def run_all(self, inputs: Mapping[str, NDArray[Any]], outputs: Sequence[str]) -> dict[str, NDArray[Any]]:
        """These outputs by name."""
        try:
            found = self._session.run(list(outputs), dict(inputs), self._options)
        except Exception as error:
            raise running_error(error, inputs, self._where) from error
        return {name: np.asarray(array) for name, array in zip(outputs, found, strict=True)}


def session_options(
    threads: int | None, given: Mapping[str, NDArray[Any]], bounded: bool
) -> ort.SessionOptions:
    """What every session is made with. It reads the `given` arrays as long as it lives.

    `bounded`: its runs may hold LARGEST_RUN bytes, together with all others that are bounded."""
    options = ort.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
    if bounded:
        _bound_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
    options.intra_op_num_threads = threads or cpu_count()
    # Threads that spin between runs would starve whatever else the program does.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if given:
        values = [ort.OrtValue.ortvalue_from_numpy(array) for array in given.values()]
        options.add_external_initializers(list(given), values)
    return options


@cache
def _bound_memory() -> None:
    """Give onnxruntime a pool of memory with an end, which the bounded sessions of this process share."""
    where = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    ort.create_and_register_allocator(
        where, ort.OrtArenaCfg({"max_mem": LARGEST_RUN, "arena_extend_strategy": 1})
    )


def run_options() -> ort.RunOptions:
    """What a bounded run is made with: the pool gives back what it took."""
    options = ort.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def loading_error(error: Exception, where: str) -> ModelError:
    """What onnxruntime said when it could not load a model."""
    said = _short(error)
    other = "INVALID_PROTOBUF" in said
    return ModelError(
        "this is no ONNX model, or a damaged one" if other else "onnxruntime can't load this model",
        where=where, received=said, remedy="check that the file is whole: copy it again, or train again",
    )  # fmt: skip


def running_error(error: Exception, inputs: Mapping[str, NDArray[Any]], where: str) -> EngineError:
    """What onnxruntime said when it could not run one."""
    shapes = ", ".join(f"{shown(name)} {array.dtype} {list(array.shape)}" for name, array in inputs.items())
    return EngineError("onnxruntime failed on this input", where=where, received=f"{shapes}: {_short(error)}",
                       remedy="a picture of another size, or another export of the model")  # fmt: skip


def _short(error: Exception) -> str:
    return shown(" ".join(str(error).split())[:300])  # it repeats names from the file
