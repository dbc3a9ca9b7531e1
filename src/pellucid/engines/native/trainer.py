"""Training by the compiled engine. What it computes is in native/train; here are names, shapes and errors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.contract import Batches, Recipe, StepReport
from pellucid.engines.memory import physical_memory
from pellucid.engines.muon import filters_of
from pellucid.engines.native.instructions import chosen
from pellucid.engines.native.plan import compile_plan, planes, unable
from pellucid.engines.native.profile import Profile, profile_of
from pellucid.engines.native.steps import StepPlan, step_plan
from pellucid.errors import EngineError
from pellucid.native import native
from pellucid.network import Network

_OPTIMISERS = ("adam", "adamw", "sgd", "muon")  # numbered as in native/train/kernels.h
_MOMENTS: dict[str, tuple[str, ...]] = {
    "adam": ("exp_avg", "exp_avg_sq"),
    "adamw": ("exp_avg", "exp_avg_sq"),
    "sgd": ("momentum_buffer",),
    "muon": ("exp_avg", "exp_avg_sq"),  # of its filters, the first is the momentum, the second stays 0
}
_NO_MEMORY = "not enough memory for this network and batch size"
_LESS_MEMORY = "a smaller --batch-size, a smaller --size, or fewer --threads"


def open_trainer(
    network: Network,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    scale: NDArray[np.float32],
    shift: NDArray[np.float32],
    recipe: Recipe,
) -> NativeTrainer:
    """A trainer of `network`, which carries the weights to start from; see `contract.Engine`.

    The state after some steps is the same bits for any number of threads. EngineError where `unable` says why.
    """
    why = unable(network, recipe.device, recipe.precision)
    if why:
        raise EngineError("The native engine can't train this network", received=why, remedy="--engine torch")
    channels, *spatial = network.input_shape
    if pixels.dtype != np.uint8 or pixels.shape[1:] != (*spatial, channels) or len(labels) != len(pixels):
        raise EngineError(
            "the pictures don't fit the network's input",
            received=f"pixels {pixels.dtype} {pixels.shape}, {len(labels)} labels",
            remedy=f"pixels uint8 (n, {', '.join(str(n) for n in (*spatial, channels))}), n labels",
        )
    classes = prod(network.output_shape)
    if recipe.class_weights is not None and len(recipe.class_weights) != classes:
        raise EngineError(
            "the class weights don't fit the network's answer",
            received=f"{len(recipe.class_weights)} weights, {classes} classes",
        )
    if len(labels) and not 0 <= int(np.min(labels)) <= int(np.max(labels)) < classes:
        raise EngineError(
            "a label is outside the network's answer",
            received=f"labels from {np.min(labels)} to {np.max(labels)}, {classes} classes",
        )
    if not network.weights:
        raise EngineError("the network to train has no weights to start from")
    return NativeTrainer(network, pixels, labels, scale, shift, recipe)


class NativeTrainer:
    """See `contract.Trainer`. Loss, optimisers and averaging are those of the torch engine, to the last detail.

    Pictures that are normalised together are blocks of up to 16, cut evenly from the batch.
    """

    def __init__(
        self,
        network: Network,
        pixels: NDArray[np.uint8],
        labels: NDArray[np.int64],
        scale: NDArray[np.float32],
        shift: NDArray[np.float32],
        recipe: Recipe,
    ):
        self.network, self.recipe = network, recipe
        self.instructions = chosen()
        self.classes = prod(network.output_shape)
        self.threads = min(
            recipe.threads, -(-recipe.batch_size // 16)
        )  # a block of pictures at least for each
        channels, rows, columns = planes(network.input_shape)
        with _explained():
            self.plan = compile_plan(network)
            learned = [self.plan.parameters[name] for name in network.parameter_shapes]
            filters = filters_of(network)
            assert native
            self.core = native.Trainer.open(
                network=self.plan.compiled, instructions=self.instructions,
                pixels=np.ascontiguousarray(pixels).reshape(len(pixels), rows, columns, channels),
                labels=np.ascontiguousarray(labels, np.int64),
                scale=np.asarray(scale, np.float32).tolist(), shift=np.asarray(shift, np.float32).tolist(),
                parameters=[
                    (p.offset, p.count, p.decays, name in network.frozen, filters.get(name, 0))
                    for name, p in zip(network.parameter_shapes, learned, strict=True)
                ],
                batch=recipe.batch_size, piece=self.plan.piece, groups=self.plan.groups,
                threads=self.threads,
                optimiser=_OPTIMISERS.index(recipe.optimiser), momentum=recipe.momentum, beta2=recipe.beta2,
                epsilon=recipe.epsilon, decay=recipe.weight_decay, smoothing=recipe.label_smoothing,
                averaging=recipe.averaging, clip=recipe.clip, seed=recipe.seed & (2**64 - 1),
                class_weights=list(recipe.class_weights or ()),
            )  # fmt: skip
        _check_memory(self.core.bytes, recipe)
        start = self._joined(network.weights, list(self.plan.parameters))
        self.core.write("weights", start)
        if recipe.averaging:
            self.core.write("average", start)

    def steps(self, batches: Batches, first_step: int) -> StepReport:
        """Take the steps, in order; see the contract."""
        varied = batches.augmentation
        if varied is not None and len(self.network.input_shape) != 3:
            raise EngineError(
                "augmentation moves and turns pictures, with height and width",
                received=f"augmentation of examples of shape {self.network.input_shape}",
                remedy="batches without augmentation",
            )
        parts = (
            (varied.affine, varied.gain, varied.offset, varied.erase) if varied is not None else (None,) * 4
        )
        kinds = (np.float32, np.float32, np.float32, np.int32)
        arrays: list[Any] = [
            None if part is None else np.ascontiguousarray(part, kind)
            for part, kind in zip(parts, kinds, strict=True)
        ]
        if arrays[0] is not None:
            arrays[0] = arrays[0].reshape(*arrays[0].shape[:2], 2, 3)
        rows = np.ascontiguousarray(batches.indices, np.int64)
        rates = np.ascontiguousarray(batches.rates, np.float32)
        with _explained():
            return StepReport(*self.core.steps(rows, rates, first_step, *arrays))

    def profile(self, batches: Batches, first_step: int) -> Profile:
        """Take the steps as `steps` does, to the same bits, and say where their time went: see `Profile`.

        Reading the clock costs less than a hundredth, from here on.
        """
        self.core.measure()  # from 0 again
        begin = time.perf_counter()
        report = self.steps(batches, first_step)
        wall = time.perf_counter() - begin
        learned = set(self.network.parameter_shapes) - set(self.network.frozen)
        return profile_of(self.step_plan, learned, report, self.core.seconds, wall, self.threads)

    @cached_property
    def step_plan(self) -> StepPlan:
        """The compiled steps in words; `profile` has their times."""
        return step_plan(self.network)

    def logits(self, indices: NDArray[np.int64], averaged: bool = True) -> NDArray[np.float32]:
        """Logits [len(indices), classes] in inference; see the contract."""
        with _explained():
            return self.core.logits(np.ascontiguousarray(indices, np.int64), averaged, self.classes)

    def weights(self, averaged: bool = True) -> dict[str, NDArray[np.float32]]:
        """A copy of every weight and running statistic."""
        return self._apart(self.core.read("average" if averaged and self.recipe.averaging else "weights"))

    def state(self) -> dict[str, NDArray[np.generic]]:
        """A copy of all that the next step depends on."""
        found: dict[str, NDArray[np.generic]] = {
            f"weights/{name}": array for name, array in self.weights(averaged=False).items()
        }
        if self.recipe.averaging:
            found |= {f"average/{name}": array for name, array in self.weights().items()}
        for moment in _MOMENTS[self.recipe.optimiser]:
            flat = self.core.read(_stored(moment))
            found |= {f"optimiser/{moment}/{name}": array for name, array in self._apart(flat).items()}
        found["optimiser/step"] = np.array(self.core.taken, np.int64)
        return found

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go back to a state of a trainer of the same network and recipe. EngineError if it is of another."""
        everything, learned = list(self.plan.parameters), list(self.network.parameter_shapes)
        parts = {"weights": ("weights", everything)}
        if self.recipe.averaging:
            parts["average"] = ("average", everything)
        for moment in _MOMENTS[self.recipe.optimiser]:
            parts[f"optimiser/{moment}"] = (_stored(moment), learned)
        values = {}
        for part, (stored, names) in parts.items():
            for name in names:
                array, shape = state.get(f"{part}/{name}"), self.plan.parameters[name].shape
                if array is None or array.shape != shape:
                    raise EngineError(
                        "the state to go on from is of another network, recipe or engine",
                        received=f"{part}/{name} {'is missing' if array is None else array.shape}",
                        remedy=f"{shape} is needed; start the run again",
                    )
            values[stored] = self._joined({name: state[f"{part}/{name}"] for name in names}, names)
        if np.size(state.get("optimiser/step", ())) != 1:
            raise EngineError(
                "the state to go on from is of another network, recipe or engine",
                received="optimiser/step is missing",
                remedy="start the run again",
            )
        for stored, flat in values.items():
            self.core.write(stored, flat)
        self.core.taken = int(np.reshape(state["optimiser/step"], ()))  # a file may have made it [1]

    def _joined(self, arrays: Mapping[str, NDArray[Any]], names: list[str]) -> NDArray[np.float32]:
        """Arrays one after the other, as the compiled engine keeps them."""
        return np.concatenate([np.asarray(arrays[name], np.float32).reshape(-1) for name in names])

    def _apart(self, flat: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return {
            name: flat[p.offset : p.offset + p.count].reshape(p.shape).copy()
            for name, p in self.plan.parameters.items()
            if p.offset + p.count <= len(flat)
        }


def _check_memory(needed: int, recipe: Recipe) -> None:
    """EngineError where steps would write to more memory than there is: the system would end the process for it."""
    here = physical_memory()
    if here and needed > here:
        raise EngineError(
            _NO_MEMORY,
            received=f"{needed / 2**30:.1f} GiB are needed for batches of {recipe.batch_size} and {recipe.threads} "
            f"threads, there are {here / 2**30:.1f}",
            remedy=_LESS_MEMORY,
        )


def _stored(moment: str) -> str:
    """The compiled engine's name for a moment: gradient descent's one stands where Adam's first does."""
    return "exp_avg" if moment == "momentum_buffer" else moment


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise EngineError(
            _NO_MEMORY, received=str(error) or "an allocation failed", remedy=_LESS_MEMORY
        ) from error
