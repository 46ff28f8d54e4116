"""Images, sounds and files that spans refer to.

GET /api/attachment/{hash}     the content: what a browser shows without running anything of it, or else a download

The browser is told the type that the span told, and to believe nothing else; `guard` shuts the answer off from all that
a page may do.
"""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracer.viewer.api.answering import Answering, hex_id
from tracer.viewer.contents import DOWNLOADED, given_type

_HEADERS = {"Cache-Control": "no-store", "Accept-Ranges": "bytes"}


def routes(answering: Answering) -> list[Route]:
    def attachment(request: Request) -> Response:
        found = answering.store.attachment(hex_id(request.path_params["hash"]))
        headers = {**_HEADERS}
        mime_type = given_type(found.mime_type)
        if mime_type == DOWNLOADED:
            headers["Content-Disposition"] = f'attachment; filename="{found.hash[:16]}{_ending(found.mime_type)}"'
        return _range_of(found.bytes, request.headers.get("range", ""), headers, mime_type)

    return [Route("/api/attachment/{hash}", attachment)]


def _ending(mime_type: str) -> str:
    kind = re.sub(r"[^a-z0-9]", "", mime_type.partition("/")[2].partition("+")[0])
    return "" if kind == "octetstream" else f".{kind[:20]}"


def _range_of(content: bytes, asked: str, headers: dict[str, str], mime_type: str) -> Response:
    """Answer with the range of bytes that was asked for, as players do to move within a sound; else with all of it.

    Source: https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
    """
    found = re.fullmatch(r"bytes=([0-9]{1,15})-([0-9]{0,15})", asked)
    if found is None:
        return Response(content, 200, headers, mime_type)
    begin = int(found[1])
    end = min(int(found[2] or len(content)), len(content) - 1)
    if begin > end:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{len(content)}"})
    headers = {**headers, "Content-Range": f"bytes {begin}-{end}/{len(content)}"}
    return Response(content[begin : end + 1], 206, headers, mime_type)
