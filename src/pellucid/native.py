"""The compiled part of pellucid (`native/`), where it was built: None else, and the same bits come more slowly."""

try:
    from pellucid import _native as native
except ImportError:
    native = None

__all__ = ["native"]
