"""onnxruntime: runs a model file. `Session` runs one, `Recording` keeps every value."""

from pellucid.engines.onnxruntime.recording import Recording
from pellucid.engines.onnxruntime.session import Session

__all__ = ["Recording", "Session"]
