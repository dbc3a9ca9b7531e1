"""What every request passes first: it is for this address, from this page, with this run's key, and not too large.

Another site in the same browser may send requests here. It can't read answers (no CORS), can't pretend to be this
address (the Host header is checked, so a name that is made to point at 127.0.0.1 is turned away), and can't write (no
Origin but ours). Another person on the same machine lacks the key, which the printed address carries and a cookie
keeps.
"""

from __future__ import annotations

import json
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 1 << 20  # bytes, of what isn't a picture
LARGEST_PICTURE = 136 << 20  # 40 million raw pixels in colour, and a head
LARGEST_FILE = 64 << 20  # a picture file that is dropped
_LIMITS = {"/api/run": LARGEST_PICTURE, "/api/decode": LARGEST_FILE}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class TooLarge(HTTPException):
    """A body went on past its limit, without having said how long it is."""


class Guard:
    """ASGI middleware around the explorer's app on `port`. `key`: what the address has to carry."""

    def __init__(self, app: ASGIApp, port: int, key: str):
        self._app = app
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self._key = key
        self._cookie = f"pellucid-{port}"  # cookies don't know ports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self._hosts:
            return await _refuse(send, 421, "This server answers to 127.0.0.1 alone.")
        if origin is not None and origin != f"http://{host}":
            return await _refuse(send, 403, "Another page may not ask this server.")
        given = parse_qs(scope["query_string"].decode("latin-1")).get("key", [""])[-1]
        if scope["path"] == "/" and given and secrets.compare_digest(given.encode(), self._key.encode()):
            return await self._let_in(send)
        if not self._has_key(headers.get("cookie", "")):
            return await _refuse(
                send, 403, "This address lacks its key: open the one that pellucid printed in the terminal."
            )
        limit = _LIMITS.get(scope["path"], LARGEST_BODY)
        said = headers.get("content-length", "0")
        too_large = f"That is too large: {limit >> 20} MB at most are taken here."
        if not said.isdigit() or int(said) > limit:
            return await _refuse(send, 413, too_large)
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                raise TooLarge(413, too_large)
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((n.encode(), v.encode()) for n, v in _HEADERS.items() if n.encode() not in own),
                ]
            await send(message)

        await self._app(scope, counted, sent)

    def _has_key(self, cookies: str) -> bool:
        try:
            found = SimpleCookie(cookies).get(self._cookie)
        except CookieError:
            return False
        return found is not None and secrets.compare_digest(found.value.encode(), self._key.encode())

    async def _let_in(self, send: Send) -> None:
        """Keep the key in a cookie, and go on to the address without it."""
        cookie = f"{self._cookie}={self._key}; HttpOnly; SameSite=Lax; Path=/"
        headers = [(b"location", b"/"), (b"set-cookie", cookie.encode()), (b"content-length", b"0"),
                   *((name.encode(), value.encode()) for name, value in _HEADERS.items())]  # fmt: skip
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()),
               (b"connection", b"close"), *((n.encode(), v.encode()) for n, v in _HEADERS.items())]  # fmt: skip
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
