"""The explorer's server as a browser meets it: over a real socket, with the key that the address carries."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.faces.server.frames import framed, unframed
from pellucid.faces.server.serving import Door, open_door, server_of
from pellucid.faces.server.session import Session


@dataclass
class Answer:
    """A response: its status, headers (names in small letters) and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def frame(self) -> tuple[dict[str, Any], np.ndarray]:
        """The head, and the values as bytes."""
        head, values = unframed(self.body)
        return head, np.frombuffer(values, np.uint8)


@dataclass
class Client:
    """Asks a server; `cookie` is what it was let in with."""

    door: Door
    cookie: str = field(default="")

    def ask(self, path: str, body: Any = None, method: str | None = None, **headers: str) -> Answer:
        """GET, or POST where there is a body: bytes, or a document."""
        connection = http.client.HTTPConnection("127.0.0.1", self.door.port, timeout=120)
        sent = {"cookie": self.cookie, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body is not None and not isinstance(body, bytes):
            body, sent["content-type"] = json.dumps(body).encode(), "application/json"
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, body, sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def run(self, pixels: np.ndarray, **edits: Any) -> dict[str, Any]:
        """One forward pass."""
        height, width, channels = pixels.shape
        head = {"height": height, "width": width, "channels": channels, "edits": edits}
        answer = self.ask("/api/run", framed(head, pixels.tobytes()))
        assert answer.status == 200, answer.body
        return answer.json


@contextmanager
def serving(session: Session) -> Iterator[Client]:
    """A server in a thread of its own, let in already."""
    door = open_door()
    server = server_of(session, door)
    server.install_signal_handlers = lambda: None
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door.socket]}, daemon=True)
    thread.start()
    client = Client(door)
    begin = time.monotonic()
    while not server.started:
        assert time.monotonic() - begin < 60, "the server doesn't start"
        time.sleep(0.01)
    try:
        let_in = client.ask(f"/?key={door.key}")
        assert let_in.status == 303, let_in.body
        client.cookie = let_in.headers["set-cookie"].split(";")[0]
        yield client
    finally:
        server.should_exit = True
        thread.join(30)
        door.socket.close()
