"""A free port, the address with its key, and the server that runs until Ctrl-C."""

from __future__ import annotations

import errno
import os
import secrets
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn

from pellucid.errors import SettingsError
from pellucid.faces.server.app import make_app
from pellucid.faces.server.session import Session

HOST = "127.0.0.1"


@dataclass(frozen=True, eq=False)
class Door:
    """A socket that listens already, so that an address that was told is never too early."""

    socket: socket.socket
    port: int
    key: str

    @property
    def address(self) -> str:
        """What a browser opens."""
        return f"http://{HOST}:{self.port}/?key={self.key}"


def open_door(port: int = 0) -> Door:
    """Listen on a port of 127.0.0.1, a free one unless given. SettingsError where it is taken."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name != "nt":
        listening.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # after a restart the port is free at once
    try:
        listening.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listening.close()
        number = getattr(error, "errno", None)
        taken = number == errno.EADDRINUSE
        raise SettingsError(
            "this port is taken by another program" if taken else "this port can't be listened on",
            where="--port", received=f"{port}" if taken else f"{port}: {os.strerror(number) if number else error}",
            remedy="leave --port out: a free one is found",
        ) from error  # fmt: skip
    listening.listen(128)
    return Door(listening, listening.getsockname()[1], secrets.token_urlsafe(16))


def server_of(session: Session, door: Door) -> uvicorn.Server:
    """The server of a session, not yet running: `run(sockets=[door.socket])`."""
    config = uvicorn.Config(
        make_app(session, door.port, door.key), loop="asyncio", http="h11", ws="none", lifespan="off",
        access_log=False, log_level="critical", server_header=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    return uvicorn.Server(config)


def serve(session: Session, door: Door, ready: Callable[[], None]) -> None:
    """Serve until Ctrl-C or a termination; `ready` is called once, when requests are answered."""
    session.warm_up()
    server = server_of(session, door)
    # The server hands Ctrl-C on once it has closed; it then ends here, and not the whole program.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ready()
        server.run(sockets=[door.socket])
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGINT, before)
        door.socket.close()


def show(address: str) -> None:
    """Open the browser, where there is one that has a window of its own."""
    if sys.platform not in ("win32", "darwin") and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    ):
        return  # webbrowser would start one in this terminal, over the lines that are printed here
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
