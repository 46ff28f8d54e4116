"""What someone takes away of a trace, or of several side by side.

GET /api/share/trace/{id}.html          one file with all of it, to open anywhere
GET /api/share/trace/{id}.md            its text, for an issue
GET /api/share/compare/{id},{id}.html, .md
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tracer.viewer import share
from tracer.viewer.api.answering import Answering, hex_ids


def routes(answering: Answering) -> list[Route]:
    asked = _Share(answering)
    return [
        Route("/api/share/{what:str}/{ids}.html", asked.file),
        Route("/api/share/{what:str}/{ids}.md", asked.text),
    ]


class _Share:
    def __init__(self, answering: Answering) -> None:
        self.store = answering.store

    def file(self, request: Request) -> Response:
        ids = hex_ids(request.path_params["ids"])
        name, page = share.file(self.store, ids)
        # A download, never a page of this origin: it has a policy of its own, which allows what the viewer does not.
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(page, headers=headers, media_type="text/html")

    def text(self, request: Request) -> Response:
        return PlainTextResponse(share.text(self.store, hex_ids(request.path_params["ids"])))
