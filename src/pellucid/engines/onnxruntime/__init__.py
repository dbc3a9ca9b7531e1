"""onnxruntime: runs a model file. `Session` is the one door to it."""

from pellucid.engines.onnxruntime.session import Session

__all__ = ["Session"]
