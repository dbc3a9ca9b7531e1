"""What one open explorer works with: the model, the last few runs with every value, and the run's folder."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import SettingsError
from pellucid.images.reading import Pixels
from pellucid.inside.classical import nearest_filters
from pellucid.inside.editing import Edited, Weight
from pellucid.inside.explanation import Explanation, explain_records
from pellucid.inside.explorer_browser import not_in_browser
from pellucid.inside.explorer_document import Described, described
from pellucid.inside.explorer_schema import PictureEntry
from pellucid.inside.field import box, picture_mask, receptive_field
from pellucid.inside.number import Inside
from pellucid.inside.occlusion import Progress, deletion_records
from pellucid.inside.places import Place
from pellucid.inside.run_folder import RunFolder
from pellucid.inside.schema import LevelDocument
from pellucid.inside.wire import explanation_document, figure, number_document
from pellucid.model import ForeignModel, ModelFile
from pellucid.network.operations.convolution import Convolution
from pellucid.storage import shown

GIVEN = "given"  # the id of the picture that was named on the command line
MOST_RUNS, FEWEST_RUNS = 24, 2
MOST_BYTES = 1 << 30  # of recorded values
# A network up to here is computed in the browser: a drawn stroke shows at once there.
LOCAL_VALUES, LOCAL_BYTES, LOCAL_MULT_ADDS = 2_000_000, 24 << 20, 200_000_000
_MOST_KERNEL_VALUES = 1_000_000  # that are compared with classical filters: a second's work
_MOST_CHECKED = 40_000_000_000  # mult-adds of a network whose heatmaps are checked: 231 runs (VGG-16: 16 s)
_UNCHECKED = "the heatmap isn't checked here: it would take a minute or more (pellucid explain checks it)"


@dataclass(frozen=True, eq=False)
class Run:
    """One forward pass: what ran, on which picture, with every value. `off`: the maps that were switched off."""

    inside: Inside
    pixels: Pixels
    model: ModelFile | ForeignModel | Edited
    off: frozenset[tuple[str, int]]
    bytes: int


class Session:
    """The explorer of one model; `given`, a picture (name and pixels) to begin with. Safe for several threads."""

    def __init__(self, model: ModelFile | ForeignModel, given: tuple[str, Pixels] | None = None):
        self.model = model
        self.given = given
        self.folder = RunFolder(model)
        self._runs: OrderedDict[int, Run] = OrderedDict()
        self._count = 0
        self._lock = threading.RLock()
        self._edited: tuple[str, Edited] | None = None
        self._warming: threading.Thread | None = None

    def warm_up(self) -> None:
        """Begin to find what the page asks for first, while the browser is still starting."""
        self._warming = threading.Thread(target=self._warm, daemon=True)
        self._warming.start()

    def _warm(self) -> None:
        with suppress(Exception):  # what fails here fails again where it is asked for, and is said there
            _ = self.described, self.folder.lacks

    @cached_property
    def described(self) -> Described:
        """The graph document and the weights."""
        with self._lock:
            return described(self.model)

    @cached_property
    def base(self) -> Inside:
        """The model opened on a picture of nothing."""
        size = self.described.document.input
        return Inside(self.model.opened(np.zeros((size.height, size.width, size.channels), np.uint8)))

    @property
    def is_local(self) -> bool:
        """Whether the browser is to compute it."""
        document = self.described.document
        return (
            not not_in_browser(document) and document.values <= LOCAL_VALUES and document.weight_bytes <= LOCAL_BYTES
            and document.mult_adds <= LOCAL_MULT_ADDS
        )  # fmt: skip

    def start(self) -> dict[str, Any]:
        """What the page asks for first."""
        if self._warming is not None:
            self._warming.join()
        lacks = dict(self.folder.lacks)
        if self.given is not None:
            lacks.pop("pictures", None)
        return {
            "graph": self.described.document.model_dump(mode="json"),
            "lacks": lacks,
            "local": self.is_local,
            "first": GIVEN if self.given else None,
        }

    def entries(
        self, kind: Literal["test", "mistakes"], start: int, count: int, truth: int | None, answer: int | None
    ) -> list[PictureEntry]:
        """Pictures, as RunFolder.entries; among the test pictures the given one comes first."""
        if kind == "mistakes" or truth is not None or answer is not None or self.given is None:
            return self.folder.entries(kind, start, count, truth, answer)
        name, pixels = self.given
        own = PictureEntry(
            id=GIVEN, name=shown(name), truth=None, answer=None, probability=None, of_truth=None,
            height=pixels.shape[0], width=pixels.shape[1], corrected=None,
        )  # fmt: skip
        first = [own] if start == 0 and count > 0 else []
        if "pictures" in self.folder.lacks:
            return first
        return first + self.folder.entries(kind, max(0, start - 1), count - len(first))

    def picture(self, identity: str) -> Pixels:
        """A picture by its entry's id."""
        if identity == GIVEN and self.given is not None:
            return self.given[1]
        return self.folder.picture(identity)

    def correct(self, identity: str, label: str | None) -> None:
        """Write a picture's corrected label down, as RunFolder.correct."""
        with self._lock:  # one at a time: the table is read and written whole
            self.folder.correct(identity, label)

    def run(self, pixels: Pixels, edits: Mapping[str, Any]) -> dict[str, Any]:
        """One forward pass with these edits (weights, off, epoch): its number, probabilities and logits."""
        with self._lock:
            begin = time.perf_counter()
            model = self._with(edits)
            last = next(reversed(self._runs.values()), None)
            again = last.inside.opened if last and last.model is model else None
            inside = Inside(model.opened(pixels, again))
            taken = time.perf_counter() - begin
            off = frozenset((edit["name"], edit["channel"]) for edit in edits.get("off") or ())
            self._count += 1
            number = self._count
            self._runs[number] = Run(inside, pixels, model, off, _bytes(inside))
            self._let_go()
        probabilities, logits = self._answer(inside)
        return {
            "number": number,
            "milliseconds": 1000 * taken,
            "probabilities": [figure(float(p)) for p in probabilities],
            "logits": None if logits is None else [figure(float(value)) for value in logits],
        }

    def _with(self, edits: Mapping[str, Any]) -> ModelFile | ForeignModel | Edited:
        """The model, or as it is with these edits; the last ones are kept, as a stroke of the brush runs many times."""
        changes = {name: edits[name] for name in ("weights", "off", "epoch") if edits.get(name)}
        if not changes:
            return self.model
        key = json.dumps(changes, sort_keys=True)
        if self._edited is None or self._edited[0] != key:
            whole = self.folder.weights_of(changes["epoch"]) if "epoch" in changes else None
            changed = [Weight(e["name"], tuple(e["index"]), e["value"]) for e in changes.get("weights", ())]
            off = [(e["name"], e["channel"]) for e in changes.get("off", ())]
            self._edited = key, Edited(self.model, self.base, whole, changed, off)
        return self._edited[1]

    def _let_go(self) -> None:
        while len(self._runs) > FEWEST_RUNS and (
            len(self._runs) > MOST_RUNS or sum(run.bytes for run in self._runs.values()) > MOST_BYTES
        ):
            self._runs.popitem(last=False)

    def _answer(self, inside: Inside) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        answer, values = self.described.document.answer, inside.opened.values
        raw = shares = np.ravel(values[answer.probabilities]).astype(np.float64)
        if answer.ending == "softmax":
            shares = np.exp(shares - shares.max())
        if answer.ending:
            shares = shares / max(float(shares.sum()), 1e-30)
        if answer.logits and answer.scores:
            return shares, np.ravel(values[answer.scores]).astype(np.float64)
        return shares, raw if answer.ending == "softmax" else None

    def held(self, number: int) -> Run:
        """A run by its number. SettingsError where it has been let go."""
        run = self._runs.get(number)
        if run is None:
            raise SettingsError("this run's values aren't held any more", received=str(number),
                                remedy="run the picture again")  # fmt: skip
        return run

    def maps(self, number: int, name: str, first: int, last: int | None) -> tuple[dict[str, Any], bytes]:
        """A tensor's channels from `first` up to `last`, and what is known of all of them."""
        inside = self.held(number).inside
        with self._lock:  # a recording too large to hold fetches tensors one by one
            tensor = inside.places.tensor(name)
            array = inside.places.value(tensor)
        shape = inside.places.short(tensor)
        array = np.asarray(array, np.float32).reshape(shape)
        if tensor in inside.places.channel_last and array.ndim == 3:
            array = array.transpose(2, 0, 1)
        array = array.reshape(1) if array.ndim == 0 else array
        strength = np.abs(array).reshape(len(array), -1).mean(axis=1)
        last = min(len(array), len(array) if last is None else last)
        first = max(0, min(first, last))
        head = {
            "shape": list(array.shape),
            "from": first,
            "order": np.argsort(-strength, kind="stable").tolist(),
            "largest": figure(float(np.abs(array).max(initial=0))),
        }
        return head, np.ascontiguousarray(array[first:last], "<f4").tobytes()

    def _place(self, inside: Inside, name: str, index: list[int]) -> Place:
        return inside.places.find(f"{name}[{','.join(str(n) for n in index)}]")

    def open(self, number: int, name: str, index: list[int]) -> dict[str, Any]:
        """One value opened, as a LevelDocument."""
        run = self.held(number)
        with self._lock:
            opened = run.inside.open(self._place(run.inside, name, index))
            document = number_document(opened)
        if index and (opened.place.name, index[0]) in run.off:
            document |= {"closes": None, "difference": None, "reason": "switched off by hand: it counts as 0"}
        return LevelDocument(**document).model_dump(mode="json")

    def field(self, number: int, name: str, index: list[int]) -> list[int]:
        """The part of the picture that reaches a value: [top, left, bottom, right], the last ones exclusive."""
        run = self.held(number)
        height, width = run.pixels.shape[:2]
        with self._lock:
            inside = run.inside
            place = self._place(inside, name, index)
            reach = receptive_field(inside, place)
            mask = picture_mask(inside, reach, inside.opened.graph.inputs[0])
        if mask is None or not mask.any() or mask.shape != (height, width):
            return [0, 0, height, width]
        (top, bottom), (left, right) = box(mask)
        return [top, left, bottom + 1, right + 1]

    def kernels(self, name: str, edits: Mapping[str, Any]) -> tuple[dict[str, Any], bytes, bytes]:
        """A convolution's kernels, each with the classical filter that is nearest; its biases."""
        places = self.base.places
        node = places.node(name)
        if not isinstance(node.operation, Convolution) or len(node.operation.kernel) != 2:
            raise SettingsError(
                "this layer has no kernels to look at: it is no convolution", where=shown(name)
            )
        with self._lock:
            model = self._with(edits)
        changed = model.weights if isinstance(model, Edited) else {}
        weights = np.asarray(changed.get(node.inputs[1], places.value(node.inputs[1])), np.float32)
        bias = None
        if len(node.inputs) > 2 and node.inputs[2]:
            bias = np.asarray(changed.get(node.inputs[2], places.value(node.inputs[2])), np.float32)
        head = {"shape": list(weights.shape), "near": self._near(weights), "bias": bias is not None}
        return (
            head,
            np.ascontiguousarray(weights, "<f4").tobytes(),
            (b"" if bias is None else np.ascontiguousarray(bias, "<f4").tobytes()),
        )

    def _near(self, weights: NDArray[np.float32]) -> list[dict[str, Any] | None]:
        frames = {(f.height, f.width): f.filters for f in self.described.document.classical}
        filters = frames.get((weights.shape[2], weights.shape[3]))
        if filters is None or weights.size > _MOST_KERNEL_VALUES:
            return [None] * len(weights)
        drawn = {(each.name, tuple(each.shift), each.enlarged): each.kernel for each in filters}
        return [
            {"name": near.words, "likeness": float(near.similarity),
             "kernel": drawn[near.name, tuple(float(n) for n in near.shift), near.enlarged]}
            if near.is_near and (near.name, tuple(float(n) for n in near.shift), near.enlarged) in drawn
            else None
            for near in nearest_filters(weights)
        ]  # fmt: skip

    def why(
        self, number: int, target: int, against: int | None, method: Literal["gradcam", "occlusion"]
    ) -> Iterator[dict[str, Any]]:
        """Why this class: {"share": ...} on the way, {"so_far": ...} before the check, {"document": ...} in the end."""
        run = self.held(number)
        check = self.described.document.mult_adds <= _MOST_CHECKED
        for record in explain_records(run.model, run.pixels, target, against, method, check=False):
            if isinstance(record, Progress):
                yield {"share": record.done / max(record.total, 1)}
            elif not check or record.heatmap is None:
                lacking = record.lacking if check else (*record.lacking, _UNCHECKED)
                yield {"document": _document(replace(record, lacking=lacking))}
            else:
                yield {"so_far": _document(record)}
                for step in deletion_records(run.model.probabilities, run.pixels, record.heatmap, target):
                    if isinstance(step, Progress):
                        yield {"share": step.done / max(step.total, 1)}
                    else:
                        yield {"document": _document(replace(record, deletion=step))}


def _document(explanation: Explanation) -> dict[str, Any]:
    return explanation_document(explanation, None).model_dump(mode="json")


def _bytes(inside: Inside) -> int:
    """What a run's own values take."""
    if inside.opened.lazy:
        return 0  # they aren't held
    graph = inside.opened.graph
    return sum(inside.opened.values[name].nbytes for node in graph.nodes for name in node.outputs if name)
