"""Data in a page: whatever a class is called, it stays text, and only the page's own script may run."""

import base64
import hashlib

import pytest

from pellucid.shipping.embedding import Parts, bytes_block, json_block, page_of

TEMPLATE = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>x</title><style>a{color:red}</style>\n'
    '</head>\n<body><div id="explorer"></div>\n<script type="module" id="pellucid-code">let a = "<p>"</script>\n'
    "</body></html>"
)
WICKED = [
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "<img src=x onerror=alert(1)>",
    "&lt;/script&gt;\u2028\u2029\\u003c",
    "]]>\"'`${alert(1)}",
    "\ud800 lone, \x00 zero",
]


@pytest.mark.parametrize("name", WICKED)
def test_a_name_is_text_and_nothing_else(name):
    text = page_of(
        TEMPLATE, name.replace("\x00", "").replace("\ud800", ""), [json_block("data", {"classes": [name]})]
    )
    parts = Parts(text)
    assert parts.document("data") == {"classes": [name]}
    assert parts.scripts == ['let a = "<p>"'] and len(parts.blocks) == 1
    assert text.count("<script") == 2 and text.count("</script") == 2 and "<!--" not in text
    assert "<img" not in text


def test_the_policy_allows_its_own_script_and_style_alone():
    parts = Parts(page_of(TEMPLATE, "t", []))
    script = base64.b64encode(hashlib.sha256(b'let a = "<p>"').digest()).decode()
    style = base64.b64encode(hashlib.sha256(b"a{color:red}").digest()).decode()
    assert f"script-src 'sha256-{script}'" in parts.policy and f"style-src 'sha256-{style}'" in parts.policy
    assert parts.policy.startswith("default-src 'none'") and "unsafe" not in parts.policy
    assert parts.allows_itself()
    assert not Parts(page_of(TEMPLATE, "t", []).replace("let a", "let b")).allows_itself()


def test_bytes_come_back():
    data = bytes(range(256)) * 3
    parts = Parts(page_of(TEMPLATE, "t", [bytes_block("weights", data), bytes_block("none", b"")]))
    assert parts.bytes("weights") == data and parts.bytes("none") == b""
    with pytest.raises(ValueError):
        parts.bytes("nothing")


def test_a_template_of_something_else_is_refused():
    with pytest.raises(ValueError, match="no head, or no script"):
        page_of("<html><body></body></html>", "t", [])
