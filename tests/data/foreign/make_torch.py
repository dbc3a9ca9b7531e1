"""Networks of proof/_torch_networks.py as PyTorch's exporters write them.

Run as: python tests/data/foreign/make_torch.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import onnx

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "proof"))
from _torch_networks import export


def main(folder: Path) -> None:
    export("inception", folder / "torch-script.onnx", dynamo=False)
    export("squeeze", folder / "torch-dynamo.onnx", dynamo=True)
    export("dense", folder / "torch-opset9.onnx", dynamo=False, opset=9)
    without_paths(folder / "torch-dynamo.onnx")


def without_paths(path: Path) -> None:
    """Leave out the stack traces: they name files of the machine where it was exported."""
    model = onnx.load(str(path))
    for node in model.graph.node:
        node.doc_string = ""
        kept = [entry for entry in node.metadata_props if not entry.key.endswith("stack_trace")]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    onnx.save(model, str(path))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
