"""A server that answers what it is told, whatever it is asked: where the demo's server would think of something."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

REQUEST_ID = "req_on_the_wire"


@dataclass(frozen=True)
class Answer:
    """A status, and a body: as one piece, or as events, each a chunk of the transfer."""

    body: bytes = b""
    content_type: str = "application/json"
    status: int = 200
    events: Sequence[bytes] = ()


@dataclass(frozen=True)
class Request:
    """What arrived. The boundary of a form, which is random, has one name in `body`."""

    method: str
    path: str
    content_type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def json_answer(body: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(body).encode(), status=status)


def event_stream(events: Sequence[Any], *, done: bool) -> Answer:
    """The events as the API sends them: those with a type say it twice. Chat ends with `[DONE]`."""
    told = []
    for event in events:
        name = f"event: {event['type']}\n" if "type" in event else ""
        told.append(f"{name}data: {json.dumps(event)}\n\n".encode())
    return Answer(content_type="text/event-stream", events=[*told, *([b"data: [DONE]\n\n"] if done else [])])


class WireServer:
    """`with WireServer() as server: server.answer = …` answers so from then on; `requests` are all that came."""

    def __init__(self) -> None:
        self.answer: Answer | Sequence[Answer] = Answer()
        self.requests: list[Request] = []
        self._http = _HttpServer(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def take(self, request: Request) -> Answer:
        """Note a request and return its answer: of several answers the next, the last for good."""
        self.requests.append(request)
        if isinstance(self.answer, Answer):
            return self.answer
        answer, *rest = self.answer
        self.answer = rest or answer
        return answer

    def __enter__(self) -> WireServer:
        self._thread.start()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: WireServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _HttpServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        content_type = self.headers.get("content-type", "")
        body = self._body()
        if found := re.search(r"boundary=(\S+)", content_type):
            body = body.replace(found[1].encode(), b"boundary")
        kind = content_type.partition(";")[0]
        self._send(self.server.owner.take(Request(self.command, self.path, kind, body)))

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, format: str, *args: Any) -> None:
        """The requests are in `WireServer.requests`."""

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("content-type", answer.content_type)
        self.send_header("x-request-id", REQUEST_ID)
        if answer.events:
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for event in answer.events:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
        self.wfile.flush()
