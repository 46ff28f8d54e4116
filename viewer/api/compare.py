"""Traces side by side.

GET /api/compare?traces=A,B…&since=             the steps of all, aligned, and where each first parts from A
GET /api/compare/span?a=TRACE.SPAN&b=…          what became of one span
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracer.span_row import SpanRow
from tracer.viewer import answers
from tracer.viewer.api.answering import Answering, hex_id, hex_ids, json_response


def routes(answering: Answering) -> list[Route]:
    asked = _Compare(answering)
    return [Route("/api/compare", asked.compare), Route("/api/compare/span", asked.span)]


class _Compare:
    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.store = answering.store

    def compare(self, request: Request) -> Response:
        ids = hex_ids(request.query_params.get("traces", ""))
        return self.answering.since(request.query_params.get("since"), lambda: answers.compared(self.store, ids))

    def span(self, request: Request) -> Response:
        before, after = (self._row(request.query_params.get(name, "")) for name in ("a", "b"))
        return json_response(answers.changed(before, after))

    def _row(self, place: str) -> SpanRow:
        trace_id, _, span_id = place.partition(".")
        return self.store.span(hex_id(trace_id), hex_id(span_id))
