"""The list of traces, one trace, and one span.

GET /api/traces?q=&before=&limit=&tests=&since=     one page of the list, newest first
GET /api/trace/{trace_id}?since=                    one trace, without its content
GET /api/trace/{trace_id}/neighbours                the traces that began just before and after it,
                                                        and the one of the same name before it
GET /api/trace/{trace_id}/events                    the events of its spans
GET /api/trace/{trace_id}/find?q=                   the ids of its spans in which a text stands
GET /api/span/{trace_id}/{span_id}                  one span with all its content
GET /api/span/{trace_id}/{span_id}/previous         what was added to a model call's prompt since the one before it
GET /api/span/{trace_id}/{span_id}/request          a call of OpenAI's API as `curl` and as Python; null for all else
"""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracer.span_row import SpanRow
from tracer.viewer import answers
from tracer.viewer.api.answering import Answering, hex_id, json_response, whole_number
from tracer.viewer.columns import Json, list_json, span_json
from tracer.viewer.request import request_json

_MAX_LIMIT = 1000

SEARCH_SECONDS = 0.3
"""What the page waits for before it is told how far back the search came."""

_NEIGHBOURS = """
    select
        (select trace_id from traces where (start_ns, trace_id) > (here.start_ns, here.trace_id)
         order by start_ns, trace_id limit 1) as newer,
        (select trace_id from traces where (start_ns, trace_id) < (here.start_ns, here.trace_id)
         order by start_ns desc, trace_id desc limit 1) as older,
        (select trace_id from traces where name = here.name and (start_ns, trace_id) < (here.start_ns, here.trace_id)
         order by start_ns desc, trace_id desc limit 1) as same
    from traces as here where trace_id = ?
"""


def routes(answering: Answering) -> list[Route]:
    asked = _Traces(answering)
    return [
        Route("/api/traces", asked.traces),
        Route("/api/trace/{trace_id}", asked.trace),
        Route("/api/trace/{trace_id}/neighbours", asked.neighbours),
        Route("/api/trace/{trace_id}/events", asked.events),
        Route("/api/trace/{trace_id}/find", asked.find),
        Route("/api/span/{trace_id}/{span_id}", asked.span),
        Route("/api/span/{trace_id}/{span_id}/previous", asked.previous),
        Route("/api/span/{trace_id}/{span_id}/request", asked.request),
    ]


class _Traces:
    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.store = answering.store

    def traces(self, request: Request) -> Response:
        query = request.query_params
        limit = min(whole_number(query.get("limit", "100")), _MAX_LIMIT)
        question = None if query.get("q") else f"traces {limit} {query.get('tests')} {query.get('before')}"

        def answer() -> Json:
            found = self.store.newest(
                query.get("q") or None,
                limit=limit,
                before=_place(query.get("before")),
                include_tests=query.get("tests") == "1",
                seconds=SEARCH_SECONDS,
            )
            return {"store": str(self.store.path), **list_json(found, limit=limit)}

        return self.answering.since(query.get("since"), answer, question=question)

    def trace(self, request: Request) -> Response:
        trace_id = hex_id(request.path_params["trace_id"])

        def answer() -> Json:
            return answers.trace(self.store, trace_id)

        return self.answering.since(request.query_params.get("since"), answer, question=f"trace {trace_id}")

    def neighbours(self, request: Request) -> Response:
        found = list(self.store.sql(_NEIGHBOURS, [hex_id(request.path_params["trace_id"])]))
        return json_response(found[0] if found else {"newer": None, "older": None, "same": None})

    def events(self, request: Request) -> Response:
        return json_response(answers.events(self.store, hex_id(request.path_params["trace_id"])))

    def find(self, request: Request) -> Response:
        trace_id = hex_id(request.path_params["trace_id"])
        return json_response({"span_ids": answers.find(self.store, trace_id, request.query_params.get("q", ""))})

    def span(self, request: Request) -> Response:
        return json_response(span_json(self._row(request)))

    def previous(self, request: Request) -> Response:
        return json_response(answers.previous(self.store, self._row(request)))

    def request(self, request: Request) -> Response:
        return json_response(request_json(self._row(request), partial(answers.content, self.store)))

    def _row(self, request: Request) -> SpanRow:
        return self.store.span(hex_id(request.path_params["trace_id"]), hex_id(request.path_params["span_id"]))


def _place(key: str | None) -> tuple[int, str] | None:
    """Read what `columns.list_json` wrote: the place of a trace, or only a time."""
    if not key:
        return None
    start_ns, _, trace_id = key.partition(".")
    return whole_number(start_ns), trace_id and hex_id(trace_id)
