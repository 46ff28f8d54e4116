"""Judgements of those who look: the one thing that the viewer writes.

    GET  /api/scores/{trace_id}     the scores of a trace and of its spans, oldest first
    POST /api/scores                {"trace_id", "span_id"?, "name", "value"?, "label"?, "comment"?}

A score is a line of the journal, as that of a program is; DuckDB is only read here.
"""

from __future__ import annotations

import time
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracer.capture.redaction import Redactor
from tracer.errors import StoreUnavailable, UsageError
from tracer.journal.writer import Writer
from tracer.scoring import score_data
from tracer.viewer.api.answering import Answering, hex_id, json_response

_MOST_BYTES = 100_000


def routes(answering: Answering) -> list[Route]:
    asked = _Scores(answering)
    return [
        Route("/api/scores/{trace_id}", asked.scores),
        Route("/api/scores", asked.score, methods=["POST"]),
    ]


class _Scores:
    def __init__(self, answering: Answering) -> None:
        self.store = answering.store

    def scores(self, request: Request) -> Response:
        return json_response(list(self.store.scores(hex_id(request.path_params["trace_id"]))))

    async def score(self, request: Request) -> Response:
        told = _told(await request.body())
        judged = score_data(
            told.get("trace_id", ""),
            told.get("span_id"),
            told.get("name", ""),
            told.get("value"),
            label=told.get("label"),
            comment=told.get("comment"),
            source="viewer",
            time_ns=time.time_ns(),
        )
        await run_in_threadpool(self._write, judged)
        return json_response(judged, 201)

    def _write(self, judged: dict[str, Any]) -> None:
        writer = Writer(self.store.path)
        try:
            if not writer.write(Redactor().redact(orjson.dumps({"record": "score", "data": judged}))):
                raise StoreUnavailable(f"the score could not be written to {self.store.path}: {writer.drop_reason}")
        finally:
            writer.close()


def _told(body: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(body) if len(body) <= _MOST_BYTES else None
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict):
        raise UsageError("a score is a JSON object, and no long one")
    return told
