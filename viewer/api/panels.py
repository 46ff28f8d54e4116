"""The panels of the page of statistics.

    GET /api/panels?q=&tests=                   which there are, and the width of a bucket that suits what is asked of
    GET /api/panel/{name}?q=&tests=&bucket=     the rows of one, and the SQL that was asked

Both are of the traces that the filter `q` finds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracer.errors import QueryError, UsageError
from tracer.units import NANOSECONDS
from tracer.viewer.api.answering import Answering, json_response, whole_number
from tracer.viewer.columns import Json, table_json
from tracer.viewer.panels import Panel, find, read

_ROWS = 1000
_SECONDS = 20.0
_MOST_BUCKETS = 48

_STEPS = ["1s", "5s", "10s", "30s", "1m", "5m", "10m", "30m", "1h", "3h", "6h", "12h", "1d", "7d", "30d"]
_WIDTHS = [int(step[:-1]) * NANOSECONDS[step[-1]] for step in _STEPS]

_EXTENT = "select min(start_ns) as first, max(start_ns) as last from traces"


def routes(answering: Answering, folders: Sequence[Path]) -> list[Route]:
    asked = _Panels(answering, folders)
    return [Route("/api/panels", asked.panels), Route("/api/panel/{name}", asked.panel)]


class _Panels:
    def __init__(self, answering: Answering, folders: Sequence[Path]) -> None:
        self.answering = answering
        self.store = answering.store
        self.folders = folders

    def panels(self, request: Request) -> Response:
        found, problems = self._found()
        (extent,) = self.store.sql(_EXTENT, within=self.answering.within(request))
        return json_response(
            {
                "panels": [
                    {"name": panel.name, "title": panel.title, "chart": panel.chart, "is_ours": panel.is_ours}
                    for panel in found
                ],
                "problems": problems,
                "folders": [str(folder) for folder in self.folders],
                "bucket": bucket(extent["first"], extent["last"]),
            }
        )

    def panel(self, request: Request) -> Response:
        name = request.path_params["name"]
        panel = next((panel for panel in self._found()[0] if panel.name == name), None)
        if panel is None:
            raise UsageError(f"there is no panel {name!r}")
        sql = panel.filled(whole_number(request.query_params.get("bucket", "1")))
        began = time.perf_counter()
        rows = self.store.sql(sql, within=self.answering.within(request), limit=_ROWS, timeout=_SECONDS)
        answer: Json = {**table_json(rows, panel.unit), "is_cut": rows.is_cut}
        return json_response(
            {
                **answer,
                "chart": panel.chart,
                "opens": panel.opens,
                "sql": sql,
                "took_ms": round((time.perf_counter() - began) * 1000),
            }
        )

    def _found(self) -> tuple[list[Panel], list[str]]:
        """Return the panels, and what is wrong with other files. All are read anew: one was perhaps just saved."""
        found: dict[str, Panel] = {}
        problems = []
        for file in find(self.folders):
            try:
                panel = read(file)
            except QueryError as error:
                problems.append(str(error))
            else:
                found[panel.name] = panel
        return list(found.values()), problems


def bucket(first_ns: int | None, last_ns: int | None) -> int:
    """Return the width in nanoseconds, a round one, of which few enough lie between these times."""
    extent = (last_ns or 0) - (first_ns or 0)
    return next((width for width in _WIDTHS if extent <= width * _MOST_BUCKETS), _WIDTHS[-1])
