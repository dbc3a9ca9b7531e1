"""`pellucid export`: a model in another form, read back and verified."""

from __future__ import annotations

from pathlib import Path

from pellucid.errors import SettingsError
from pellucid.faces.cli import output
from pellucid.faces.cli.wishes import open_model
from pellucid.images.sources import counted
from pellucid.model import Wishes
from pellucid.storage import shown

FORMS = ("page",)
LATER = ("int8", "torch", "header")


def export_command(
    name: str, form: str, out: str | None, pictures: int, as_json: bool, wishes: Wishes
) -> None:
    """Write the form that was asked for; what it came to."""
    if form in LATER:
        raise SettingsError(f"{form} can't be made yet", where="FORMAT", received=form,
                            remedy=f"this version makes {', '.join(FORMS)}")  # fmt: skip
    if form not in FORMS:
        raise SettingsError("there is no such form", where="FORMAT", received=repr(form),
                            remedy=f"this version makes {', '.join(FORMS)}")  # fmt: skip
    from pellucid.shipping.page import write_page

    model = open_model(name, wishes)
    page = write_page(model, out or _beside(model.where), pictures)
    if as_json:
        output.print_json(
            {"path": page.path, "agreement": page.agreement, "bytes": page.size, "pictures": page.pictures}
        )
        return
    print(f"{shown(page.path)}  {page.size / 1e6:.1f} MB, one file: it works offline and on any host")
    print(f"its numbers answer as the model does (largest difference {page.agreement:.0e})")
    if page.pictures:
        print(f"{counted(page.pictures, 'picture')} of the test part are in it: --pictures 0 leaves them out")


def _beside(model: str) -> Path:
    """explorer.html in the model's folder; in the current one for a model that came with a package."""
    path = Path(model)
    return path.with_name("explorer.html") if path.is_file() else Path("explorer.html")
