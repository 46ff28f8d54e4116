"""Traces side by side.

GET /api/compare?traces=A,B…&since=                     the steps of all, aligned, and where each parts from A
GET /api/compare/span?a=TRACE.SPAN&b=TRACE.SPAN         what became of one span: texts as changes, parameters beside
                                                        each other
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracer.compare import align, changes, divergences, readable
from tracer.errors import UsageError
from tracer.span_row import SpanRow
from tracer.viewer.api.answering import Answering, Json, hex_id, json_response
from tracer.viewer.columns import compared_json

_MOST_TRACES = 6

_FACTS = """
    select span_id, function_id as code, request_model as model, status,
        md5(system_instructions::varchar) as instructions, md5(tool_definitions::varchar) as tools,
        md5(request_parameters::varchar) as parameters, md5(input::varchar) as input,
        md5(output::varchar) as output
    from spans where list_contains(?, trace_id)
"""

_TEXTS = ("system_instructions", "tool_definitions", "input", "output", "status_message")


def routes(answering: Answering) -> list[Route]:
    asked = _Compare(answering)
    return [Route("/api/compare", asked.compare), Route("/api/compare/span", asked.span)]


class _Compare:
    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.store = answering.store

    def compare(self, request: Request) -> Response:
        ids = [hex_id(id_) for id_ in request.query_params.get("traces", "").split(",")]
        if not 2 <= len(ids) <= _MOST_TRACES:
            raise UsageError(f"from 2 to {_MOST_TRACES} traces can be compared, not {len(ids)}")

        def answer() -> Json:
            traces = [self.store.trace(id_, content=False) for id_ in ids]
            summaries = [self.store.summary(trace.trace_id) for trace in traces]
            told = self.store.sql(_FACTS, [[trace.trace_id for trace in traces]])
            facts = {row["span_id"]: row for row in told}
            steps = align([trace.roots for trace in traces])
            return compared_json(summaries, steps, facts, divergences(steps, facts))

        return self.answering.since(request.query_params.get("since"), answer)

    def span(self, request: Request) -> Response:
        before, after = (self._row(request.query_params.get(name, "")) for name in ("a", "b"))
        texts = {name: (readable(getattr(before, name)), readable(getattr(after, name))) for name in _TEXTS}
        return json_response(
            {
                "texts": {name: changes(*pair) for name, pair in texts.items() if pair[0] != pair[1]},
                "parameters": _parameters(before, after),
            }
        )

    def _row(self, place: str) -> SpanRow:
        trace_id, _, span_id = place.partition(".")
        return self.store.span(hex_id(trace_id), hex_id(span_id))


def _parameters(before: SpanRow, after: SpanRow) -> list[tuple[str, Any, Any]]:
    """Return the parameters of either that are not alike: name, before, after."""
    old, new = ({"model": row.request_model, **(row.request_parameters or {})} for row in (before, after))
    return [
        (name, old.get(name), new.get(name)) for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)
    ]
