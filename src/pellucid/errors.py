"""The one error family: what happened, where, what was received, what to do about it.

Every error that a user can cause or meet is one of these. The faces print them (as text or JSON) and exit
with 1; anything else that escapes is a defect of pellucid.
"""


class PellucidError(Exception):
    """An error for a person to read.

    Parameters: `what` happened, as a sentence without its full stop; `where` (a path, a layer, an option);
    what was `received`, shown as it came; the `remedy`, as something to type or do.
    """

    def __init__(self, what: str, *, where: str = "", received: str = "", remedy: str = ""):
        super().__init__(what)
        self.what = what
        self.where = where
        self.received = received
        self.remedy = remedy

    def as_dict(self) -> dict[str, str]:
        """The four parts by name, empty ones left out; `error` says which kind it is."""
        parts = {"what": self.what, "where": self.where, "received": self.received, "remedy": self.remedy}
        return {"error": type(self).__name__} | {name: text for name, text in parts.items() if text}

    def __str__(self) -> str:
        lines = [self.what]
        lines += [
            f"  {name}: {text}" for name, text in self.as_dict().items() if name not in ("error", "what")
        ]
        return "\n".join(lines)


class DataError(PellucidError):
    """The pictures, their folder, table or labels can't be used."""


class NetworkError(PellucidError):
    """A network's text or layers don't make sense, or don't fit their input.

    `fitted` is the network up to the layer that broke, for the faces to print its table above the message.
    """

    def __init__(
        self, what: str, *, where: str = "", received: str = "", remedy: str = "", fitted: object = None
    ):
        super().__init__(what, where=where, received=received, remedy=remedy)
        self.fitted = fitted


class ModelError(PellucidError):
    """A model file can't be read, is damaged, or isn't what its card says."""


class SettingsError(PellucidError):
    """An option or setting has a value that can't be used."""


class StorageError(PellucidError):
    """The disk refused: no space, no permission, an I/O error. The previous good state still stands."""


class EngineError(PellucidError):
    """No engine here can do what was asked, or one failed while computing."""


class Diverged(EngineError):
    """Training's loss or weights stopped being numbers; the error says what is left of the run."""


class Interrupted(PellucidError):
    """Stopped on request (Ctrl-C) after saving; the remedy says how to go on."""
