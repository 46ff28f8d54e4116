"""Conversations: the traces that share a session id.

GET /api/sessions?q=&tests=&since=      the sessions of the traces that a filter finds, the last active first
GET /api/session?id=&since=             the turns of one, in the order in which they began
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracer.viewer.api.answering import Answering
from tracer.viewer.columns import Json, listed_json
from tracer.viewer.sessions import turn

_MOST_SESSIONS = 500
_MOST_TURNS = 500

_SESSIONS = """
    select session_id, count(*) as turns, min(start_ns) as start_ns, max(start_ns) as last_ns,
        max(coalesce(end_ns, start_ns)) - min(start_ns) as lasted_ns,
        arg_min(input_preview, start_ns) as first_input, arg_max(output_preview, start_ns) as last_output,
        arg_max(status, start_ns) as status, arg_max(status_message, start_ns) as status_message,
        sum(model_call_count) as model_call_count,
        sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(cost_usd) as cost_usd,
        sum(tokens_unknown_calls) as tokens_unknown_calls, sum(cost_unknown_calls) as cost_unknown_calls,
        count(*) filter (error_count > 0) as failed_turns, any_value(user_id) as user_id
    from traces where session_id is not null
    group by session_id order by last_ns desc, session_id limit ?
"""

_TURNS = """
    with turn as (from traces where session_id = ? order by start_ns desc, trace_id limit ?),
    root as (
        select trace_id, arg_min({input: input, output: output}, (start_ns, span_id)) as said
        from spans s where trace_id in (select trace_id from turn)
            and start_ns between (select min(start_ns) from turn) and (select max(coalesce(end_ns, 9e18)) from turn)
            and not exists (from spans p where p.trace_id = s.trace_id and p.span_id = s.parent_id)
        group by trace_id
    )
    select turn.*, said.input as input, said.output as output
    from turn left join root using (trace_id) order by start_ns, trace_id
"""


def routes(answering: Answering) -> list[Route]:
    asked = _Sessions(answering)
    return [Route("/api/sessions", asked.sessions), Route("/api/session", asked.session)]


class _Sessions:
    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.store = answering.store

    def sessions(self, request: Request) -> Response:
        query = request.query_params
        within = self.answering.within(request)

        def answer() -> Json:
            rows = list(self.store.sql(_SESSIONS, [_MOST_SESSIONS + 1], within=within))
            return {"sessions": listed_json(rows[:_MOST_SESSIONS]), "is_cut": len(rows) > _MOST_SESSIONS}

        return self.answering.since(query.get("since"), answer)

    def session(self, request: Request) -> Response:
        query = request.query_params

        def answer() -> Json:
            rows = list(self.store.sql(_TURNS, [query.get("id", ""), _MOST_TURNS + 1]))
            return {"turns": [turn(row) for row in rows[-_MOST_TURNS:]], "is_cut": len(rows) > _MOST_TURNS}

        return self.answering.since(query.get("since"), answer)
