"""A WebSocket server on loopback that speaks OpenAI's realtime and responses protocols, as it is told to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

Speaker = Callable[["Line"], None]


class Line:
    """One connection of a client: `hear` what it sends, `say` events, `close` with a code, or `vanish`."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self.path = connection.request.path if connection.request else ""

    def hear(self) -> dict[str, Any]:
        return json.loads(self._connection.recv())

    def hear_until(self, kind: str) -> None:
        while self.hear()["type"] != kind:
            pass

    def say(self, *events: dict[str, Any]) -> None:
        for event in events:
            self._connection.send(json.dumps(event))

    def close(self, code: int, reason: str = "") -> None:
        self._connection.close(code, reason)

    def vanish(self) -> None:
        self._connection.socket.shutdown(socket.SHUT_RDWR)


class Speaking:
    """`with Speaking(speak, …) as server:` lets the first connection be served by the first function, and so on."""

    def __init__(self, *speakers: Speaker) -> None:
        self._speakers = speakers
        self.paths: list[str] = []
        self._server = serve(self._serve, "127.0.0.1", 0)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        port: int = self._server.socket.getsockname()[1]
        return port

    @property
    def urls(self) -> dict[str, str]:
        """What a client is to be made with."""
        return {
            "base_url": f"http://127.0.0.1:{self.port}/v1",
            "websocket_base_url": f"ws://127.0.0.1:{self.port}/v1",
        }

    def __enter__(self) -> Speaking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()

    def _serve(self, connection: ServerConnection) -> None:
        line = Line(connection)
        self.paths.append(line.path)
        with suppress(ConnectionClosed):
            self._speakers[min(len(self.paths), len(self._speakers)) - 1](line)
