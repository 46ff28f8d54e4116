"""HTTP: a threaded server on 127.0.0.1 that reads requests, asks for the answer, and sends it at its pace."""

from __future__ import annotations

import gzip
import itertools
import json
import re
import socket
import struct
import sys
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tracer.demo.server import chat, responses
from tracer.demo.server.conversation import Conversation
from tracer.demo.server.embeddings import embeddings
from tracer.demo.server.model import answer
from tracer.demo.server.replies import ApiError, JsonObject, RecordedRequest, Reply, reply_error
from tracer.demo.server.snapshots import model_list, model_object

_PATH = re.compile(
    r"^(?:/openai)?(?:/v1)?(?:/deployments/(?P<deployment>[^/]+))?"
    r"/(?P<endpoint>chat/completions|responses|embeddings|models)(?:/(?P<id>[^/?]+))?(?:\?.*)?$"
)
_UNKNOWN_MODEL = "no-such"
_WRONG_KEY = "wrong-key"
_TRY_AGAIN = (408, 409, 429)


class LoopbackServer:
    """An OpenAI-compatible server: `with LoopbackServer() as server: OpenAI(base_url=server.base_url, api_key="any")`.

    It serves `/chat/completions`, `/responses`, `/embeddings` and `/models`, under `/v1` and in Azure's
    form `/openai/deployments/<name>/…`. `latency_s` passes before each answer and `delay_s` between the
    events of a stream. Any key will do, but none, or `wrong-key`, is a 401; a model whose name begins with
    `no-such` is a 404. Response ids count up from one, so that a run can be repeated.
    """

    def __init__(self, *, port: int = 0, latency_s: float = 0.0, delay_s: float = 0.0) -> None:
        self.latency_s = latency_s
        self.delay_s = delay_s
        self.requests: list[RecordedRequest] = []
        self.stored: dict[str, tuple[list[JsonObject], JsonObject]] = {}
        self.stopping = threading.Event()
        self._replies: deque[Reply] = deque()
        self._numbers = itertools.count(1)
        self._http = _HttpServer(self, port)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="loopback", daemon=True)

    @property
    def url(self) -> str:
        """The root, as `azure_endpoint` wants it."""
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def script(self, *replies: Reply) -> None:
        """Queue replies for the next requests, whatever they ask; each is used once."""
        self._replies.extend(replies)

    def start(self) -> LoopbackServer:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and let go of replies that wait."""
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> LoopbackServer:
        return self.start()

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def take(self, request: RecordedRequest) -> tuple[Reply, int]:
        """Note a request; return its reply, with the server's pace filled in, and its number."""
        self.requests.append(request)
        try:
            reply = self._replies.popleft()
        except IndexError:
            reply = Reply()
        latency_s = self.latency_s if reply.latency_s is None else reply.latency_s
        delay_s = self.delay_s if reply.delay_s is None else reply.delay_s
        return replace(reply, latency_s=latency_s, delay_s=delay_s), next(self._numbers)

    def history(self, response_id: str | None) -> list[JsonObject]:
        """The items of a stored response and of those before it."""
        if response_id is None:
            return []
        if response_id not in self.stored:
            raise ApiError(404, f"Previous response with id '{response_id}' not found.", param="previous_response_id")
        return self.stored[response_id][0]


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, owner: LoopbackServer, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.owner = owner
        self.cut: set[int] = set()

    def shutdown_request(self, request: Any) -> None:
        """Close a connection; one that is to be cut goes with a reset, and not with a farewell."""
        if id(request) in self.cut:
            self.cut.discard(id(request))
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no news; everything else is told as usual."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _HttpServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged: the requests are in `LoopbackServer.requests`."""

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = _parsed(raw)
        reply, self.number = self.server.owner.take(RecordedRequest(self.command, self.path, headers, body))
        self.server.owner.stopping.wait(reply.latency_s)
        if reply.cut_after == 0:
            self._reset()
            return
        try:
            self._check_key(headers)
            if reply.status >= 400:
                self._send_json(reply.status, {"error": reply_error(reply, reply.status)}, reply)
            else:
                self._answer(body, reply)
        except ApiError as refused:
            self._send_json(refused.status, {"error": refused.error}, reply)

    def _check_key(self, headers: dict[str, str]) -> None:
        key = headers.get("api-key") or headers.get("authorization", "").removeprefix("Bearer").strip()
        if not key:
            raise ApiError(401, "You didn't provide an API key.", code="invalid_api_key")
        if key == _WRONG_KEY:
            raise ApiError(401, f"Incorrect API key provided: {key}.", code="invalid_api_key")

    def _answer(self, body: Any, reply: Reply) -> None:
        route = _PATH.match(self.path)
        if route is None:
            raise ApiError(404, f"Invalid URL ({self.command} {self.path})", code="unknown_url")
        if reply.body is not None:
            self._send_json(reply.status, dict(reply.body), reply)
        elif self.command == "POST" and route["id"] is None and route["endpoint"] != "models":
            self._generate(route["endpoint"], _request(body, route["deployment"]), reply)
        else:
            self._send_json(200, self._stored(route["endpoint"], route["id"]), reply)

    def _generate(self, endpoint: str, request: JsonObject, reply: Reply) -> None:
        if endpoint == "embeddings":
            self._send_json(200, embeddings(request, reply), reply)
        elif endpoint == "responses":
            self._respond(request, reply)
        else:
            conversation = _understood(chat.conversation, request)
            reply = _answered(reply, conversation)
            if request.get("stream"):
                self._send_events(chat.chunks(request, reply, self.number), chat.failed_events(reply), reply)
            else:
                self._send_json(200, chat.completion(request, reply, self.number), reply)

    def _respond(self, request: JsonObject, reply: Reply) -> None:
        owner = self.server.owner
        history = owner.history(request.get("previous_response_id"))
        conversation = _understood(responses.conversation, request, history)
        reply = _answered(reply, conversation)
        whole = responses.response(request, reply, self.number)
        if request.get("store", True):
            owner.stored[whole["id"]] = ([*history, *responses.input_items(request), *whole["output"]], whole)
        if request.get("stream"):
            failed = responses.failed_events(request, reply, self.number, reply.error_after or 0)
            self._send_events(responses.events(request, reply, self.number), failed, reply)
        else:
            self._send_json(200, whole, reply)

    def _stored(self, endpoint: str, name: str | None) -> JsonObject:
        stored = self.server.owner.stored
        if endpoint == "models" and self.command == "GET":
            return model_list() if name is None else model_object(_known_model(name))
        if endpoint == "responses" and name in stored:
            if self.command == "DELETE":
                del stored[name]
                return {"id": name, "object": "response", "deleted": True}
            return stored[name][1]
        raise ApiError(404, f"No {endpoint} '{name}' that this server could {self.command}.")

    def _send_json(self, status: int, body: JsonObject, reply: Reply) -> None:
        self._hold(reply, 0)
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        data = gzip.compress(data) if reply.compressed else data
        self._send_head(status, reply, {"content-type": "application/json", "content-length": str(len(data))})
        self.wfile.write(data)
        self.wfile.flush()

    def _send_events(self, events: Iterator[str], failed: str, reply: Reply) -> None:
        """Send the events one by one, each a chunk of the transfer, with the reply's accidents."""
        self._hold(reply, 0)
        self._send_head(200, reply, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        pack = zlib.compressobj(wbits=31) if reply.compressed else None
        for count, event in enumerate(events):
            if count == reply.cut_after:
                self._reset()
                return
            if count == reply.error_after:
                self._send_chunk(failed.encode(), pack)
            if count in (reply.error_after, reply.end_after):
                break
            if count:
                self.server.owner.stopping.wait(reply.delay_s)
                self._hold(reply, count)
            self._send_chunk(event.encode("utf-8", "replace"), pack)
        self.wfile.write(b"0\r\n\r\n" if pack is None else _chunk(pack.flush()) + b"0\r\n\r\n")
        self.wfile.flush()

    def _send_chunk(self, data: bytes, pack: Any) -> None:
        if pack is not None:
            data = pack.compress(data) + pack.flush(zlib.Z_SYNC_FLUSH)
        self.wfile.write(_chunk(data))
        self.wfile.flush()

    def _send_head(self, status: int, reply: Reply, headers: dict[str, str]) -> None:
        self.send_response(status)
        headers |= {"x-request-id": f"req_{self.number:06d}", "openai-version": "2020-10-01"}
        if reply.compressed:
            headers["content-encoding"] = "gzip"
        if status in _TRY_AGAIN or status >= 500:
            headers["retry-after-ms"] = "10"
        if any(name.lower().startswith("retry-after") for name in reply.headers):
            headers.pop("retry-after-ms", None)
        for name, value in (headers | dict(reply.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()

    def _hold(self, reply: Reply, sent: int) -> None:
        """Wait for the reply's event, once `sent` events have gone, but not beyond the server's end."""
        if reply.hold is None or sent < reply.hold_after:
            return
        while not reply.hold.wait(0.02) and not self.server.owner.stopping.is_set():
            pass

    def _reset(self) -> None:
        """Have the connection reset: with a linger of zero, closing it sends RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.server.cut.add(id(self.connection))
        self.close_connection = True


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw


def _request(body: Any, deployment: str | None) -> JsonObject:
    """The body with its model, which Azure names in the path."""
    if not isinstance(body, dict):
        raise ApiError(400, "We could not parse the JSON body of your request.")
    model = body.get("model") or deployment
    if not isinstance(model, str):
        raise ApiError(400, "you must provide a model parameter")
    return body | {"model": _known_model(model)}


def _understood(read: Callable[..., Conversation], *said: Any) -> Conversation:
    """What a request says, or a 400 for one whose parts are not where they belong."""
    try:
        return read(*said)
    except (KeyError, TypeError, AttributeError) as malformed:
        raise ApiError(400, f"Invalid request: {type(malformed).__name__} {malformed}") from malformed


def _known_model(name: str) -> str:
    if name.startswith(_UNKNOWN_MODEL):
        problem = f"The model `{name}` does not exist or you do not have access to it."
        raise ApiError(404, problem, code="model_not_found")
    return name


def _answered(reply: Reply, conversation: Conversation) -> Reply:
    """The reply as scripted, with what the model says where the script says nothing."""
    if reply.answers:
        return reply
    said = answer(conversation)
    reasoning = said.reasoning if reply.reasoning is None else reply.reasoning
    return replace(reply, text=said.text, tool_calls=said.tool_calls, reasoning=reasoning)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
