"""How the API answers: JSON that no browser keeps, only what is new since the last time, and errors as their text."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from threading import Lock
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from tracer.errors import (
    AttachmentNotFound,
    QueryError,
    StoreError,
    StoreLocked,
    TraceNotFound,
    TracerError,
    UsageError,
)
from tracer.journal import absorber
from tracer.store import Store
from tracer.store.filters import Condition
from tracer.viewer.columns import Json, encoded

_HTTP_STATUS: tuple[tuple[type[TracerError], int], ...] = (
    (TraceNotFound, 404),
    (AttachmentNotFound, 404),
    (QueryError, 400),
    (UsageError, 400),
    (StoreLocked, 503),
    (StoreError, 500),
    (TracerError, 500),
)

_HEADERS = {"Cache-Control": "no-store"}
_ABSORB_EVERY_S = 5


class Answering:
    """Answers over one store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._absorbed_at = 0.0
        self._kept = _KeptAnswers()

    def since(self, version: str | None, answer: Callable[[], Json], *, question: str | None = None) -> Response:
        """Answer what is newer than `version`, that of an earlier answer: a fingerprint of the store and a checksum.

        204 where nothing was recorded after that; only a new `version` where something was, but nothing that changes
        this answer. Under the name of its `question` an answer is kept until something is recorded: such as depend on
        the store alone, and not on the time of day, may have one.
        """
        # Read before the question is asked: what is recorded meanwhile is then asked for once more, never missed.
        fingerprint = self.store.fingerprint()
        known_fingerprint, _, known_checksum = (version or "").rpartition("-")
        if fingerprint == known_fingerprint:
            return Response(status_code=204, headers=_HEADERS)
        body = self._body(fingerprint, question, answer)
        checksum = f"{zlib.crc32(body):08x}"
        head = encoded({"version": f"{fingerprint}-{checksum}"})
        response = _response(head if checksum == known_checksum else head[:-1] + b"," + body[1:])
        response.background = BackgroundTask(self._absorb_later)
        return response

    def within(self, request: Request) -> Condition:
        """Return what the filter of a request, `q` and `tests`, asks of a trace. Raises QueryError."""
        query = request.query_params
        return self.store.condition(query.get("q"), include_tests=query.get("tests") == "1")

    def _body(self, fingerprint: str, question: str | None, answer: Callable[[], Json]) -> bytes:
        if question is None:
            return encoded(answer())
        body = self._kept.find(fingerprint, question)
        if body is None:
            body = encoded(answer())
            self._kept.keep(fingerprint, question, body)
        return body

    def _absorb_later(self) -> None:
        """Let what waits in the journal be absorbed, now that the answer is out."""
        if time.monotonic() - self._absorbed_at > _ABSORB_EVERY_S and self.store.waiting():
            self._absorbed_at = time.monotonic()
            absorber.start(self.store.path)


class _KeptAnswers:
    """The last answers to what was asked of one state of the store, as far as there is room. Threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._fingerprint = ""
        self._bodies: dict[str, bytes] = {}

    def find(self, fingerprint: str, question: str) -> bytes | None:
        with self._lock:
            if fingerprint != self._fingerprint:
                self._fingerprint = fingerprint
                self._bodies.clear()
            return self._bodies.get(question)

    def keep(self, fingerprint: str, question: str, body: bytes) -> None:
        with self._lock:
            if fingerprint != self._fingerprint:
                return
            self._bodies[question] = body
            while sum(map(len, self._bodies.values())) > _MOST_KEPT_BYTES:
                del self._bodies[next(iter(self._bodies))]


_MOST_KEPT_BYTES = 16_000_000


def json_response(value: Any, status: int = 200) -> Response:
    return _response(encoded(value), status)


def refuse(_request: Request, error: Exception) -> Response:
    """Turn an error of ours into its answer. Registered for `TracerError`."""
    status = next((status for kind, status in _HTTP_STATUS if isinstance(error, kind)), 500)
    return json_response({"error": type(error).__name__, "message": str(error)}, status)


def hex_id(text: str) -> str:
    """Return an id that came in an address. Raises UsageError if it is none."""
    if not text or set(text) - set("0123456789abcdef"):
        raise UsageError(f"an id is lower-case hex; not {text!r}")
    return text


def hex_ids(text: str) -> list[str]:
    """Return the ids of a list with commas that came in an address. Raises UsageError if one is none."""
    return [hex_id(id_) for id_ in text.split(",")]


def whole_number(text: str) -> int:
    """Read a number that came in an address. Raises UsageError if it is none."""
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"a whole number was expected; not {text!r}")
    return int(text)


def _response(body: bytes, status: int = 200) -> Response:
    return Response(body, status, _HEADERS, "application/json")
