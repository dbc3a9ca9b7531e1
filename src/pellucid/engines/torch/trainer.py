"""Training with torch: a batch in pieces, each computed by one thread, gradients summed in a fixed order.

torch's own threads meet at a barrier in every operation, so one busy core stops them all: with another program
running, a small network was measured to train 10 to 40 times slower. Here each thread carries whole pieces forward
and back by itself, and meets the others once a step. Which thread takes which piece changes no bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pellucid import draws
from pellucid.engines.contract import Augmentation, Batches, Recipe, StepReport
from pellucid.engines.muon import filters_of
from pellucid.engines.torch.layers import MOMENTUM, BatchNormalisation, Dropping
from pellucid.engines.torch.memory import keep_freed_memory
from pellucid.engines.torch.module import NetworkModule, array_of
from pellucid.engines.torch.optimiser import Average, Optimiser
from pellucid.engines.torch.pictures import Pictures
from pellucid.engines.torch.plan import Plan, plan
from pellucid.errors import EngineError
from pellucid.network import Network

_STREAM = 0xD20  # of the dropout masks
CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}  # by dimensions; torch has none for 3
_SHOWN = 256  # pictures at a time in inference


def open_trainer(
    network: Network,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    scale: NDArray[np.float32],
    shift: NDArray[np.float32],
    recipe: Recipe,
) -> TorchTrainer:
    """A trainer of `network`, which carries the weights to start from; see `contract.Engine`.

    The state after some steps is the same bits for any number of threads, except for networks of more than 32 million
    parameters, whose batches aren't cut: there only for the same number.
    """
    channels, *spatial = network.input_shape
    if pixels.dtype != np.uint8 or pixels.shape[1:] != (*spatial, channels) or len(labels) != len(pixels):
        raise EngineError(
            "the pictures don't fit the network's input",
            received=f"pixels {pixels.dtype} {pixels.shape}, {len(labels)} labels",
            remedy=f"pixels uint8 (n, {', '.join(str(n) for n in (*spatial, channels))}), n labels",
        )
    if not network.weights and network.parameter_shapes:
        raise EngineError("the network to train has no weights to start from")
    if recipe.device == "cuda" and not torch.cuda.is_available():
        raise EngineError(
            "PyTorch sees no GPU here",
            received="device cuda",
            remedy="--device cpu, or a PyTorch built for this GPU",
        )
    if recipe.class_weights is not None and len(recipe.class_weights) != network.output_shape[0]:
        raise EngineError(
            "the class weights don't fit the network's answer",
            received=f"{len(recipe.class_weights)} weights, {network.output_shape[0]} classes",
        )
    keep_freed_memory()
    return TorchTrainer(network, Pictures(pixels, scale, shift, torch.device(recipe.device)), labels, recipe)


@dataclass
class Sum:
    """What a lane has seen in one step."""

    loss: float = 0.0
    correct: int = 0
    count: int = 0


class Lane:
    """A replica of the network that shares the weights and has gradients and statistics of its own."""

    def __init__(self, master: NetworkModule):
        self.module = master.replica()
        self.module.quicken()
        self.parameters = list(self.module.parameters())
        self.norms = [m for m in self.module.modules() if isinstance(m, BatchNormalisation)]
        self.dropouts = [m for m in self.module.modules() if isinstance(m, Dropping)]
        self.statistics: list[tuple[int, list[Tensor]]] = []
        self.sum = Sum()

    def clear(self) -> None:
        """Before a step."""
        for parameter in self.parameters:
            parameter.grad = None
        self.statistics = []
        self.sum = Sum()


class TorchTrainer:
    """See `contract.Trainer`. The loss reported is the plain cross-entropy, without label smoothing or weights.

    What a step descends is the mean over the batch's pictures of
    w[y] ((1 - s) (-ln p[y]) + (s / classes) Σ_c -ln p[c]), w the class weights, s the smoothing: a picture of class y
    counts as w[y] pictures. torch.nn.CrossEntropyLoss differs twice. It divides by the batch's sum of weights; here
    the divisor is the number of pictures, so that one counts the same whoever else is in its batch. And it smooths by
    w[c], towards the rare classes, which spoils the probabilities: see training/class_weights.py.
    """

    def __init__(self, network: Network, pictures: Pictures, labels: NDArray[np.int64], recipe: Recipe):
        self.network, self.recipe, self.pictures = network, recipe, pictures
        self.labels = torch.from_numpy(np.array(labels, np.int64))
        self.device = pictures.device
        self.class_weights = (
            None if recipe.class_weights is None
            else torch.tensor(recipe.class_weights, dtype=torch.float32, device=self.device)
        )  # fmt: skip
        cpu = self.device.type == "cpu"
        self.plan = plan(network, recipe.batch_size) if cpu else Plan(recipe.batch_size, 1)
        self.master = NetworkModule(network).to(self.device)
        for parameter in self.master.parameters():
            if parameter.ndim in CHANNELS_LAST:
                parameter.data = parameter.data.contiguous(memory_format=CHANNELS_LAST[parameter.ndim])
        self.lanes = [Lane(self.master) for _ in range(self.plan.lanes)]
        learned = {name: p for name, p in self.master.named_parameters() if name not in network.frozen}
        self.optimiser = Optimiser(learned, recipe, filters_of(network))
        self.average = Average(self.master.state_dict(), recipe.averaging) if recipe.averaging else None
        self.shown = self.master.replica().eval()
        self.shown.quicken()
        workers = min(recipe.threads, self.plan.lanes) - 1
        self.pool = ThreadPoolExecutor(workers, "pellucid-train", _one_thread) if workers else None
        self.workers = workers

    def steps(self, batches: Batches, first_step: int) -> StepReport:
        """Take the steps, in order; see the contract."""
        total = Sum()
        with self._settings(), _explained():
            for index, rate in enumerate(batches.rates.tolist()):
                variation = _step_of(batches.augmentation, index)
                self._step(batches.indices[index], variation, rate, first_step + index)
                for lane in self.lanes:
                    total.loss += lane.sum.loss
                    total.correct += lane.sum.correct
                    total.count += lane.sum.count
        return StepReport(total.loss, total.correct, total.count)

    def logits(self, indices: NDArray[np.int64], averaged: bool = True) -> NDArray[np.float32]:
        """Logits [len(indices), classes] in inference; see the contract."""
        source = self.average.tensors if averaged and self.average else self.master.state_dict()
        self.shown.load_state_dict(source, assign=True)
        rows = torch.from_numpy(np.array(indices, np.int64))
        parts = list(rows.split(min(_SHOWN, 8 * self.plan.piece)))
        results: list[Tensor] = [torch.empty(0)] * len(parts)

        def show(part: int) -> None:
            with torch.inference_mode():
                results[part] = self.shown.logits(self.pictures.plain(parts[part])).float().cpu()

        with self._settings(), _explained():
            self._share(show, range(len(parts)))
        return (
            torch.cat(results).numpy()
            if len(rows)
            else np.empty((0, self.network.output_shape[0]), np.float32)
        )

    def weights(self, averaged: bool = True) -> dict[str, NDArray[np.float32]]:
        """A copy of every weight and running statistic."""
        source = self.average.tensors if averaged and self.average else self.master.state_dict()
        return {name: array_of(tensor) for name, tensor in source.items()}

    def state(self) -> dict[str, NDArray[np.generic]]:
        """A copy of all that the next step depends on."""
        parts: dict[str, Mapping[str, NDArray[np.generic]]] = {"weights": self.weights(averaged=False)}
        if self.average:
            parts["average"] = self.weights()
        parts["optimiser"] = self.optimiser.state()
        return {f"{part}/{name}": array for part, arrays in parts.items() for name, array in arrays.items()}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go back to a state of a trainer of the same network and recipe. EngineError if it is of another."""
        wanted = {f"weights/{name}": tensor for name, tensor in self.master.state_dict().items()}
        if self.average:
            wanted |= {f"average/{name}": tensor for name, tensor in self.average.tensors.items()}
        for name, tensor in wanted.items():
            if name not in state or state[name].shape != tensor.shape:
                raise EngineError(
                    "the state to go on from is of another network or recipe",
                    received=f"{name} {state[name].shape if name in state else 'is missing'}",
                    remedy=f"{tuple(tensor.shape)} is needed; start the run again",
                )
        with torch.no_grad():
            for name, tensor in wanted.items():
                tensor.copy_(torch.from_numpy(np.array(state[name], np.float32)))
        moments = {
            name.removeprefix("optimiser/"): a for name, a in state.items() if name.startswith("optimiser/")
        }
        self.optimiser.restore(moments)

    def _step(self, rows: NDArray[np.int64], variation: Augmentation | None, rate: float, step: int) -> None:
        """Gradients of every piece, summed lane by lane in order, and one step of the optimiser."""
        count = int(np.count_nonzero(rows >= 0))
        pieces = range(0, len(rows), self.plan.piece)
        each = -(-len(pieces) // len(self.lanes))  # neighbours go to one lane, so that their order is theirs

        def run(lane: int) -> None:
            self.lanes[lane].clear()
            for number in range(lane * each, min((lane + 1) * each, len(pieces))):
                places = np.arange(pieces[number], min(pieces[number] + self.plan.piece, len(rows)))
                places = places[rows[places] >= 0]  # an empty place is left out: it can't leave a trace
                if len(places):
                    self._piece(
                        self.lanes[lane], rows[places], _rows_of(variation, places), count, step, number
                    )

        self._share(run, range(len(self.lanes)))
        if not count:
            return
        self._gather()
        self.optimiser.step(rate)
        if self.average:
            self.average.follow(step)

    def _piece(
        self,
        lane: Lane,
        rows: NDArray[np.int64],
        variation: Augmentation | None,
        count: int,
        step: int,
        number: int,
    ) -> None:
        index = torch.from_numpy(rows)
        x = self.pictures.plain(index) if variation is None else self.pictures.varied(index, variation)
        y = self.labels.index_select(0, index).to(self.device)
        for place, dropout in enumerate(lane.dropouts):
            seed = int(draws.bits(self.recipe.seed, _STREAM, step, number, place)) >> 1
            dropout.generator = torch.Generator(self.device).manual_seed(seed)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16"):
            logits = lane.module.logits(x).float()
        smoothing = self.recipe.label_smoothing
        weights = self.class_weights
        if weights is None:
            loss = F.cross_entropy(logits, y, reduction="sum", label_smoothing=smoothing)
        else:
            each = F.cross_entropy(logits, y, reduction="none", label_smoothing=smoothing)
            loss = (weights.index_select(0, y) * each).sum()
        (loss / count).backward()
        with torch.no_grad():
            changed = smoothing or weights is not None
            plain = F.cross_entropy(logits, y, reduction="sum") if changed else loss
            lane.sum.loss += plain.item()
            lane.sum.correct += int((logits.argmax(1) == y).sum())
        lane.sum.count += len(rows)
        if lane.norms:
            moments = [t.clone() for norm in lane.norms for t in (norm.running_mean, norm.running_var)]
            lane.statistics.append((len(rows), moments))

    def _gather(self) -> None:
        """The lanes' gradients and statistics into the master's, in the lanes' order."""
        used = [lane for lane in self.lanes if lane.sum.count]
        for number, parameter in enumerate(self.master.parameters()):
            total = used[0].parameters[number].grad
            for lane in used[1:]:
                gradient = lane.parameters[number].grad
                if total is not None and gradient is not None:
                    total.add_(gradient)
            parameter.grad = total
        pieces = [piece for lane in used for piece in lane.statistics]
        if pieces:
            count = sum(n for n, _ in pieces)
            norms = [m for m in self.master.modules() if isinstance(m, BatchNormalisation)]
            running = [t for norm in norms for t in (norm.running_mean, norm.running_var)]
            for place, tensor in enumerate(running):
                mean = torch.zeros_like(tensor)
                for n, moments in pieces:
                    mean.add_(moments[place], alpha=n / count)
                tensor.lerp_(mean, MOMENTUM)

    def _share(self, work: Callable[[int], None], parts: Iterable[int]) -> None:
        """Do every part, on all threads; whoever is free takes the next."""
        waiting = iter(parts)

        def take() -> None:
            for part in waiting:
                work(part)

        others = [self.pool.submit(take) for _ in range(self.workers)] if self.pool else []
        take()
        for other in others:
            other.result()

    @contextmanager
    def _settings(self) -> Iterator[None]:
        """torch's own threads off while pieces run side by side; all of them for a network whose batch isn't cut.

        On a GPU f32 is f32: the TF32 that torch allows there keeps 10 bits, and the saved model, which is run in full,
        would answer differently from the one that was measured. And the same bits every time, where cuDNN can.
        """
        before = torch.get_num_threads()
        torch.set_num_threads(1 if self.plan.lanes > 1 else self.recipe.threads)
        try:
            with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
                yield
        finally:
            torch.set_num_threads(before)


def _one_thread() -> None:
    torch.set_num_threads(1)


@contextmanager
def _explained() -> Iterator[None]:
    """torch's lack of memory as an error of ours."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or "alloc" in str(error) or "out of memory" in str(error):
            raise EngineError(
                "not enough memory for this network and batch size",
                received=" ".join(str(error).split())[:200],
                remedy="a smaller --batch-size, or a smaller --size",
            ) from error
        raise


def _step_of(augmentation: Augmentation | None, index: int) -> Augmentation | None:
    return augmentation and Augmentation(
        augmentation.affine[index],
        augmentation.gain[index],
        augmentation.offset[index],
        augmentation.erase[index],
    )


def _rows_of(augmentation: Augmentation | None, places: NDArray[np.int64]) -> Augmentation | None:
    return augmentation and Augmentation(
        augmentation.affine[places],
        augmentation.gain[places],
        augmentation.offset[places],
        augmentation.erase[places],
    )
