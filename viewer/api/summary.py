"""What the traces that a filter finds are as a whole.

GET /api/summary?q=&tests=&since=       how many, how long, how dear, how many failed, and when;
                                        `traces` is null where it would take too long to say
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracer.errors import AnswerTooLong
from tracer.viewer.api.answering import Answering
from tracer.viewer.columns import Json

_PARTS = 90

MOST_SECONDS = 3.0
"""For as long nothing can be absorbed."""

_SUMMARY = f"""
    with figures as (
        select count(*) as traces, count(*) filter (error_count > 0) as failed, sum(cost_usd) as cost_usd,
            sum(cost_unknown_calls) as cost_unknown_calls, quantile_cont(end_ns - start_ns, 0.5) as p50_ns,
            quantile_cont(end_ns - start_ns, 0.95) as p95_ns, min(start_ns) as first_ns,
            (max(start_ns) - min(start_ns)) // {_PARTS} + 1 as width_ns
        from traces
    ),
    part as (
        select (start_ns - first_ns) // width_ns as part, count(*) as traces,
            count(*) filter (error_count > 0) as failed
        from traces, figures group by part
    )
    select figures.*, (select list({{part: part, traces: traces, failed: failed}} order by part) from part) as parts
    from figures
"""


def routes(answering: Answering) -> list[Route]:
    return [Route("/api/summary", _Summary(answering).summary)]


class _Summary:
    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.store = answering.store

    def summary(self, request: Request) -> Response:
        query = request.query_params
        within = self.answering.within(request)
        question = None if query.get("q") else f"summary {query.get('tests')}"

        def answer() -> Json:
            try:
                (row,) = self.store.sql(_SUMMARY, within=within, timeout=MOST_SECONDS)
            except AnswerTooLong:
                return {"traces": None}
            told = {name: row[name] for name in ("traces", "failed", "cost_usd", "cost_unknown_calls")}
            told |= {f"{name}_us": row[f"{name}_ns"] and row[f"{name}_ns"] / 1e3 for name in ("p50", "p95")}
            if row["traces"] < 2:
                return told
            return told | {
                "first_ms": row["first_ns"] / 1e6,
                "width_ms": row["width_ns"] / 1e6,
                "parts": {name: [part[name] for part in row["parts"]] for name in ("part", "traces", "failed")},
            }

        return self.answering.since(query.get("since"), answer, question=question)
