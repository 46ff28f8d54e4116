"""The small JSON API that the page's components ask, on the same origin as the page.

Reads only. What an answer looks like is decided in `columns`; here stands how it is asked for.

    GET /api/traces?q=&before=&limit=&tests=&since=     one page of the list, newest first
    GET /api/trace/{trace_id}?since=                    one trace, without its content
    GET /api/trace/{trace_id}/neighbours                the traces that began just before and after it
    GET /api/span/{trace_id}/{span_id}                  one span with all its content

With `since`, the `version` of an earlier answer, the answer is 204 where nothing was recorded after that,
and holds only a new `version` where something was, but nothing that changes this answer.
An error is `{"error": <its class>, "message": <what to tell the user>}`.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from typing import Any

import orjson
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracer.errors import QueryError, StoreError, StoreLocked, TraceNotFound, TracerError, UsageError
from tracer.journal import absorber
from tracer.store import Store
from tracer.viewer.columns import list_json, span_json, trace_json

Json = dict[str, Any]

_HTTP_STATUS: tuple[tuple[type[TracerError], int], ...] = (
    (TraceNotFound, 404),
    (QueryError, 400),
    (UsageError, 400),
    (StoreLocked, 503),
    (StoreError, 500),
    (TracerError, 500),
)

_MAX_LIMIT = 1000
_ABSORB_EVERY_S = 5

_NEIGHBOURS = """
    select
        (select trace_id from traces where (start_ns, trace_id) > (here.start_ns, here.trace_id)
         order by start_ns, trace_id limit 1) as newer,
        (select trace_id from traces where (start_ns, trace_id) < (here.start_ns, here.trace_id)
         order by start_ns desc, trace_id desc limit 1) as older
    from traces as here where trace_id = ?
"""


class Api:
    """The API over one store. Its endpoints are plain functions, so Starlette runs each in a thread."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.absorbed_at = 0.0

    def routes(self) -> list[Route]:
        return [
            Route("/api/traces", self.traces),
            Route("/api/trace/{trace_id}", self.trace),
            Route("/api/trace/{trace_id}/neighbours", self.neighbours),
            Route("/api/span/{trace_id}/{span_id}", self.span),
        ]

    def traces(self, request: Request) -> Response:
        query = request.query_params
        limit = min(_integer(query.get("limit", "100")), _MAX_LIMIT)

        def answer() -> Json:
            rows = self.store.traces(
                query.get("q") or None,
                limit=limit,
                before=_place(query.get("before")),
                include_tests=query.get("tests") == "1",
            )
            return {"store": str(self.store.path), **list_json(list(rows), limit=limit)}

        return self._since(query.get("since"), answer)

    def trace(self, request: Request) -> Response:
        trace_id = _hex(request.path_params["trace_id"])

        def answer() -> Json:
            trace = self.store.trace(trace_id, content=False)
            return trace_json(trace, self.store.summary(trace.trace_id))

        return self._since(request.query_params.get("since"), answer)

    def neighbours(self, request: Request) -> Response:
        found = list(self.store.sql(_NEIGHBOURS, [_hex(request.path_params["trace_id"])]))
        return _json(found[0] if found else {"newer": None, "older": None})

    def span(self, request: Request) -> Response:
        row = self.store.span(_hex(request.path_params["trace_id"]), _hex(request.path_params["span_id"]))
        return _json(span_json(row))

    def _since(self, version: str | None, answer: Callable[[], Json]) -> Response:
        """Answer only what is newer than `version`: a fingerprint of the store and a checksum of the answer."""
        # Read before the question is asked: what is recorded meanwhile is then asked for once more, never missed.
        fingerprint = self.store.fingerprint()
        known_fingerprint, _, known_checksum = (version or "").rpartition("-")
        if fingerprint == known_fingerprint:
            return Response(status_code=204, headers=_HEADERS)
        body = _encoded(answer())
        checksum = f"{zlib.crc32(body):08x}"
        head = _encoded({"version": f"{fingerprint}-{checksum}"})
        response = _response(head if checksum == known_checksum else head[:-1] + b"," + body[1:])
        response.background = BackgroundTask(self._absorb_later)
        return response

    def _absorb_later(self) -> None:
        """Let what waits in the journal be absorbed, now that the answer is out."""
        if time.monotonic() - self.absorbed_at > _ABSORB_EVERY_S and self.store.waiting():
            self.absorbed_at = time.monotonic()
            absorber.start(self.store.path)


def refuse(_request: Request, error: Exception) -> Response:
    """Turn an error of ours into its answer. Registered for `TracerError`."""
    status = next((status for kind, status in _HTTP_STATUS if isinstance(error, kind)), 500)
    return _json({"error": type(error).__name__, "message": str(error)}, status)


def _hex(text: str) -> str:
    if not text or set(text) - set("0123456789abcdef"):
        raise UsageError(f"an id is lower-case hex; not {text!r}")
    return text


def _integer(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"a whole number was expected; not {text!r}")
    return int(text)


def _place(key: str | None) -> tuple[int, str] | None:
    """Read what `columns.page_key` wrote."""
    if not key:
        return None
    start_ns, _, trace_id = key.partition(".")
    return _integer(start_ns), _hex(trace_id)


_HEADERS = {"Cache-Control": "no-store"}


def _json(value: Any, status: int = 200) -> Response:
    return _response(_encoded(value), status)


def _response(body: bytes, status: int = 200) -> Response:
    return Response(body, status, _HEADERS, "application/json")


def _encoded(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
