"""A server that misbehaves to order: it plays, for each request in turn, exactly the bytes and accidents it is told."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

Step: TypeAlias = "bytes | Callable[[], object] | str"
"""Bytes to send, something to do, or an accident: RESET, CLOSE or HANG."""

RESET = "reset"
CLOSE = "close"
HANG = "hang"


class Wire:
    """`with Wire([step, …], [step, …]) as wire:` answers the first request with the first list, and so on.

    What is asked beyond the last list gets the last one again. `requests` holds the paths as they came.
    """

    def __init__(self, *scripts: list[Step]) -> None:
        self.requests: list[str] = []
        self._scripts = scripts
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Wire:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as received:
            while (path := _path(received)) is not None:
                script = self._scripts[min(len(self.requests), len(self._scripts) - 1)]
                self.requests.append(path)
                for step in script:
                    if not self._play(connection, step):
                        return

    def _play(self, connection: socket.socket, step: Step) -> bool:
        """Return whether the connection goes on."""
        if isinstance(step, bytes):
            try:
                connection.sendall(step)
            except OSError:
                return False
        elif step == HANG:
            self._stopping.wait()
        elif step == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        elif step == CLOSE:
            return False
        else:
            assert callable(step)
            step()
        return True


def answer(body: Any = b"", *, status: str = "200 OK", content_type: str = "application/json", **headers: str) -> bytes:
    """A whole response; a body that is no bytes is sent as JSON."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return _head(status, {"content-type": content_type, "content-length": str(len(sent)), **_named(headers)}) + sent


def stream_head(**headers: str) -> bytes:
    """The head of a response whose body comes in chunks of the transfer."""
    return _head("200 OK", {"content-type": "text/event-stream", "transfer-encoding": "chunked", **_named(headers)})


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(body: Any) -> bytes:
    """A server-sent event, as a chunk of its own."""
    return chunk(b"data: " + (body if isinstance(body, bytes) else json.dumps(body).encode()) + b"\n\n")


LAST_CHUNK = b"0\r\n\r\n"


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _head(status: str, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _path(received: Any) -> str | None:
    """Read one request; return its path, or None when the client has gone."""
    length = 0
    path = None
    try:
        while line := received.readline().strip():
            if path is None:
                path = line.split()[1].decode()
            elif line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        received.read(length)
    except OSError:
        return None
    return path
