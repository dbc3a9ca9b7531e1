"""report.html: one file that holds everything, loads nothing, and says so to the browser."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

from pellucid import __version__
from pellucid.evaluation.page import sections
from pellucid.evaluation.page.confusion import confusion_section
from pellucid.evaluation.page.markup import Child, Markup, element, joined
from pellucid.evaluation.page.records import Report
from pellucid.evaluation.page.words import percent
from pellucid.storage import shown, write_atomically

_LINKS = {
    "mistakes": "mistakes", "confusion": "confusion", "classes": "classes", "confidence": "confidence",
    "learning": "learning", "data": "pictures", "settings": "settings",
}  # fmt: skip


def write_report(path: str | os.PathLike, report: Report) -> None:
    """Write the page, whole or not at all. Raises StorageError."""
    write_atomically(path, report_page(report).encode("utf-8"))


def report_page(report: Report) -> str:
    """The page as HTML text. The same report gives the same page."""
    style, script = (Path(__file__).with_name(name).read_text("utf-8") for name in ("style.css", "script.js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    made = {
        "mistakes": sections.mistakes(report),
        "confusion": confusion_section(report),
        "classes": sections.classes(report),
        "confidence": sections.confidence(report),
        "learning": sections.learning(report),
        "data": sections.data(report),
        "settings": sections.settings(report),
    }
    links = [
        element("li", element("a", name, href=f"#{key}"))
        for key, name in _LINKS.items()
        if made[key] is not None
    ]
    title = f"{shown(report.name)}: {percent(report.evaluation.accuracy, 2)} right · pellucid report"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content=f"pellucid {__version__}"),
        element("title", title),
        element("style", Markup(style)),
    )
    ending: Child = (
        f"Written by pellucid {__version__} for {shown(report.model)}, {report.created}. This file is complete: it "
        "loads nothing and sends nothing."
    )
    body = element(
        "body",
        sections.answer(report),
        element("nav", element("ul", links), aria_label="Sections"),
        element("main", list(made.values())),
        element("footer", element("p", ending)),
        element("script", Markup(script)),
    )
    return "<!DOCTYPE html>\n" + joined([element("html", head, body, lang="en"), Markup("\n")])


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
