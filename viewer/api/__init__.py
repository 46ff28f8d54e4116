"""The small JSON API that the page's components ask, on the same origin as the page.

One file a family of questions, each with its `routes(store)`; how any of them is answered stands in `answering`. What
an answer looks like is decided beside this folder, in `columns`.

    traces.py       the list, one trace, one span
    attachments.py  images, sounds and files
    summary.py      many traces as a whole
    origin.py       the functions and processes that spans come from
    sessions.py     conversations
    compare.py      traces side by side
    share.py        files and texts to take away
    scores.py       judgements
    panels.py       statistics

An error is `{"error": <its class>, "message": <what to tell the user>}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.routing import Route

from tracer.store import Store
from tracer.viewer.api import attachments, compare, origin, panels, scores, sessions, share, summary, traces
from tracer.viewer.api.answering import Answering, refuse

__all__ = ["refuse", "routes"]


def routes(store: Store, panel_folders: Sequence[Path] = ()) -> list[Route]:
    """Return the routes of the API over one store. Its endpoints are plain functions: each runs in a thread."""
    answering = Answering(store)
    families = (traces, attachments, summary, origin, sessions, compare, share, scores)
    return [
        *(route for family in families for route in family.routes(answering)),
        *panels.routes(answering, panel_folders),
    ]
