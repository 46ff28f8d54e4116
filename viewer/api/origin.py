"""Where spans come from.

GET /api/function/{function_id}     the source of a traced function, and its file and line; null where none was stored
GET /api/process/{process_id}       what ran: arguments, Python, packages, git; null where nothing was stored
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracer.viewer.api.answering import Answering, json_response


def routes(answering: Answering) -> list[Route]:
    def function(request: Request) -> Response:
        return json_response(answering.store.function(request.path_params["function_id"]))

    def process(request: Request) -> Response:
        return json_response(answering.store.process(request.path_params["process_id"]))

    return [Route("/api/function/{function_id}", function), Route("/api/process/{process_id}", process)]
