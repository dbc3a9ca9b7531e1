"""A trained model: one file, opened. The public `pellucid.Model` adds what the rooms above can do with it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.onnxruntime import Session
from pellucid.errors import ModelError
from pellucid.model import notebook
from pellucid.model.card import Card
from pellucid.model.classifier import Classifier, check_pixels
from pellucid.model.forward import Forward, forward_of, many
from pellucid.model.onnx_file import Bytes, OnnxFile, read_file
from pellucid.model.preprocessing import IMAGE
from pellucid.model.read import check_graph, check_seal, read_card, read_network
from pellucid.model.write import PROBABILITIES
from pellucid.network import Network
from pellucid.storage import shown

if TYPE_CHECKING:
    from pellucid.model.opened import Opened

_TRIED = 32  # pictures that both ways have to answer alike


class ModelFile(Classifier):
    """An opened model file.

    `card` says what it is: classes, preprocessing, data, split, figures, versions. `network` has the layers and
    weights. `data` are the file's bytes. Raises ModelError where the file is missing, damaged or not pellucid's.
    """

    def __init__(self, data: Bytes, where: str = "", threads: int | None = None):
        self.data = data
        self.where = where
        self._threads = threads
        self._held = False  # whether the compiled engine was held against the runtime
        check_seal(data, where)
        self.file = OnnxFile(data, where)
        self.card: Card = read_card(self.file.metadata, where)
        outputs = self.file.output_shape(PROBABILITIES)
        if outputs[1:] != [len(self.card.classes)]:
            raise ModelError(
                "the model's outputs are not its classes", where=where,
                received=f"{outputs[1:]} outputs, {len(self.card.classes)} classes",
            )  # fmt: skip

    @classmethod
    def read(cls, path: str | Path, threads: int | None = None) -> Self:
        """Open a file that `train` wrote. ModelError where it is missing, damaged or not pellucid's."""
        return cls(read_file(Path(path)), shown(path), threads)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.card.classes

    @cached_property
    def network(self) -> Network:
        """The layers with their weights, read from the file and held against its card."""
        return read_network(self.file, self.card)

    @cached_property
    def _session(self) -> Session:
        check_graph(self.file, self.card)
        return Session(*self.file.stripped(), self.where, self._threads)

    def probabilities(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities [N, classes] of raw pixels, uint8 [N, height, width, 1 or 3], of any height and width."""
        check_pixels(pixels)
        if not len(pixels):
            return np.zeros((0, len(self.classes)), np.float32)
        forward = self._forward if len(pixels) >= many(self._threads) else None
        if forward and not self._held:
            first = pixels[:_TRIED]
            self._held = forward.agrees(first, self._by_runtime(first))
            if not self._held:
                forward = self._forward = None
        return forward(pixels) if forward else self._by_runtime(pixels)

    def _by_runtime(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        answer = self._session.run({IMAGE: np.ascontiguousarray(pixels)}, PROBABILITIES)
        return answer.astype(np.float32, copy=False)

    @cached_property
    def _forward(self) -> Forward | None:
        return forward_of(self.network, self.card.preprocessing, self.card.temperature, self._threads)

    def opened(self, pixels: NDArray[np.uint8], again: Opened | None = None) -> Opened:
        """The file's graph with every value that it computes for one picture, uint8 [height, width, 1 or 3]. `again`:
        an earlier one, whose loaded model serves once more."""
        from pellucid.model.opened import open_run  # every operation of ONNX: not for training or answering

        check_pixels(pixels[None])
        check_graph(self.file, self.card)
        return open_run(self.file, {IMAGE: np.ascontiguousarray(pixels[None])}, self._threads, again=again)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        text = "\n".join([*notebook.about(self), repr(self.network.summary())])
        return {"text/plain": text, "text/html": notebook.html(self)}

    def __repr__(self) -> str:
        size = self.card.preprocessing
        return (
            f"<{type(self).__name__} {self.where or 'in memory'}: {len(self.classes)} classes, "
            f"{size.height}x{size.width}x{size.channels}, {self.card.network}>"
        )
