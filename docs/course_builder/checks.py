"""What is held against the built site: nothing from elsewhere, no dead link, pictures in words, headings in order."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Names of languages (namespaces) and addresses in licence texts: nothing is fetched from them.
NAMES = re.compile(r"https?://(?:www\.w3\.org/|fontawesome\.com)[\w./#-]*")
LOADING = {"src", "srcset", "data", "poster", "action", "background"}  # attributes that load what they name
LOADING_LINKS = {
    "stylesheet",
    "icon",
    "preconnect",
    "dns-prefetch",
    "preload",
    "modulepreload",
    "prefetch",
    "manifest",
}


class Page(HTMLParser):
    """What a page links to, loads, draws and is headed by."""

    def __init__(self, html: str):
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.without_words: list[str] = []
        self.headings: list[int] = []
        self.figures = 0
        self.untitled = 0
        self.article = 0
        self.feed(html)
        self.without_words += ["a diagram without a description"] * self.untitled

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "article":
            self.article += 1
        self.ids |= {given[name] for name in ("id", "name") if given.get(name)}
        self.loads += [given[name] for name in LOADING & given.keys()]
        self.loads += re.findall(r"url\(\s*['\"]?([^'\")]+)", given.get("style", ""))
        if tag == "link" and set(given.get("rel", "").split()) & LOADING_LINKS:
            self.loads.append(given.get("href", ""))
        elif tag in ("image", "use"):
            self.loads.append(given.get("href") or given.get("xlink:href", ""))
        elif tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "img":
            self.figures += 1
            if not given.get("alt", "").strip():
                self.without_words.append(f"img {given.get('src', '')[:60]}")
        if tag == "svg" and self.article and "twemoji" not in given.get("class", ""):
            role = given.get("role", "")
            self.figures += role in ("img", "graphics-document")
            # A diagram has a title and a description in it. The theme's icons have neither a role nor a size.
            self.untitled += role == "graphics-document"
            if (role == "img" and not given.get("aria-label", "").strip()) or (not role and "width" in given):
                self.without_words.append(f"svg {given}")
        self.untitled -= tag == "desc"
        if re.fullmatch("h[1-6]", tag) and self.article:
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self.article -= 1


def problems(site: Path) -> list[str]:
    """Everything that is wrong with a built site, each as a sentence; none if all is right."""
    pages = {path: Page(path.read_text()) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        found += [f"{name} loads {each} from elsewhere" for each in page.loads if is_elsewhere(each)]
        found += [f"{name} has a drawing without words: {each}" for each in page.without_words]
        if path.name != "404.html":
            found += [f"{name}: {each}" for each in heading_problems(page.headings)]
            found += [
                f"{name}: {each} leads nowhere"
                for each in [*page.links, *page.loads]
                if not _leads(each, path, site, pages)
            ]
    for path in [*site.rglob("*.js"), *site.rglob("*.css"), *site.rglob("*.svg")]:
        addresses = re.findall(r"https?://[\w.-]+[\w./@#-]*", NAMES.sub("", path.read_text()))
        found += [f"{path.relative_to(site)} names {each}" for each in addresses]
    return found


def is_elsewhere(address: str) -> bool:
    """Whether an address that is loaded is on another machine."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ("", "data", "about")


def heading_problems(levels: list[int]) -> list[str]:
    """One first-level heading, at the top, and no level left out."""
    if levels.count(1) != 1 or levels[0] != 1:
        return [f"a page has one first heading, at its top; here the levels are {levels}"]
    return [f"a heading of level {b} stands under one of level {a}" for a, b in pairwise(levels) if b > a + 1]


def _leads(address: str, page: Path, site: Path, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return True  # another site's, followed only by a person; loading from one is a problem of its own
    target = page if not parts.path else (page.parent / unquote(parts.path)).resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.exists():
        return False
    return (
        not parts.fragment
        or target not in pages
        or unquote(parts.fragment) in pages[target].ids
        or parts.fragment.startswith("__")
    )
