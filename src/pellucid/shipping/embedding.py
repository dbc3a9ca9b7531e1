"""Data inside an HTML file, safely: text that can't end its element, and a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from html import escape
from html.parser import HTMLParser
from typing import Any

CODE = "pellucid-code"  # the id of the template's script, before which its data have to stand
DATA = {"application/json", "application/octet-stream"}
# Nothing comes from elsewhere and nothing goes there; pictures and the worker are made by the page itself.
_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src {styles}; img-src data: blob:; worker-src blob:; "
    "base-uri 'none'; form-action 'none'"
)


def json_block(identity: str, document: Any) -> str:
    """A document as a data block. Names in it are text, whatever they look like."""
    text = json.dumps(document, allow_nan=False, separators=(",", ":"), ensure_ascii=True)
    for letter in "<>&":  # `</script>` would end the block, `<!--` change how the rest is read
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return f'<script type="application/json" id="{identity}">{text}</script>\n'


def bytes_block(identity: str, data: bytes) -> str:
    """Bytes as a data block."""
    text = base64.b64encode(data).decode()
    return f'<script type="application/octet-stream" id="{identity}">{text}</script>\n'


def page_of(template: str, title: str, blocks: Iterable[str]) -> str:
    """The template with its title, its data, and a policy that allows its own scripts and styles alone."""
    parts = Parts(template)
    policy = _POLICY.format(scripts=_hashes(parts.scripts), styles=_hashes(parts.styles))
    head = f'<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">'
    code = re.search(rf'<script type="module" id="{CODE}"', template)
    if template.count("<head>") != 1 or code is None:
        raise ValueError("the template has no head, or no script of the explorer's")
    before, after = template[: code.start()], template[code.start() :]
    before = before.replace("<head>", head, 1)
    named = f"<title>{escape(title)}</title>"
    before = re.sub(r"<title>[^<]*</title>", lambda _: named, before, count=1)
    return "".join([before, *blocks, after])


class Parts(HTMLParser):
    """The scripts, styles and data blocks of a page, read as a browser reads them; `policy` as it stands there."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.blocks: dict[str, str] = {}
        self.policy = ""
        self._inside: tuple[str, str, str] | None = None
        self._text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "meta" and (given.get("http-equiv") or "").lower() == "content-security-policy":
            self.policy = given.get("content") or ""
        if tag in ("script", "style"):
            self._inside, self._text = (tag, given.get("type") or "", given.get("id") or ""), []

    def handle_data(self, data: str) -> None:
        if self._inside:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if self._inside is None or tag != self._inside[0]:
            return
        (tag, kind, identity), text = self._inside, "".join(self._text)
        self._inside = None
        if tag == "style":
            self.styles.append(text)
        elif kind in DATA:
            self.blocks[identity] = text
        else:
            self.scripts.append(text)

    def document(self, identity: str) -> Any:
        """A data block's document. ValueError where there is none."""
        return json.loads(self.blocks.get(identity, ""))

    def bytes(self, identity: str) -> bytes:
        """A data block's bytes. ValueError where they are none."""
        return base64.b64decode(self.blocks.get(identity, "-"), validate=True)

    def allows_itself(self) -> bool:
        """Whether its policy has the digest of each of its scripts and styles."""
        return all(
            digest in self.policy for text in (*self.scripts, *self.styles) for digest in [_hash(text)]
        )


def _hash(text: str) -> str:
    # A browser reads \r\n as \n before it takes the digest.
    digest = hashlib.sha256(text.replace("\r\n", "\n").encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _hashes(texts: list[str]) -> str:
    return " ".join(map(_hash, texts)) or "'none'"
