"""Show a reader the live rows: the views `spans`, `traces`, `processes`, `functions` and `scores` hold what is stored
together with what still lies in the journal, so that a call is seen as soon as it is written.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from tracer.journal.layout import JOURNAL_VERSION, Layout
from tracer.journal.locks import is_locked
from tracer.rows import LOST, RUNNING
from tracer.store import fresh
from tracer.store.enrich import enrich_cheaply
from tracer.store.lines import read_lines
from tracer.store.summary import SUMMARY


def show(connection: DuckDBPyConnection, layout: Layout) -> None:
    """Make the views over the attached store and the segments that are not in it yet."""
    segments = {segment.name: segment.path for segment in layout.segments() if segment.version <= JOURNAL_VERSION}
    if segments:
        for name in fresh.absorbed(connection, list(segments)):
            del segments[name]
    if segments:
        read_lines(connection, list(segments.values()))
        fresh.sort_lines(connection)
        enrich_cheaply(connection, "store.prices")
        fresh.settle(connection)
    status = f"select * replace ({_status(layout)} as status)"
    for name, query in (_WITH_FRESH if segments else _STORED).items():
        shown = f"{status} from ({query})" if name in ("spans", "traces") else query
        connection.execute(f"create view {name} as {shown}")


_EXTENTS = "select trace_id, start_ns, coalesce(end_ns, 9223372036854775807) as end_ns from store.traces"
"""The times between which the spans of a trace begin, so that a look-up by id passes over all others."""

_STORED = {
    "spans": "from store.spans",
    "traces": "from store.traces",
    "processes": "from store.processes",
    "functions": "from store.functions",
    "scores": "from store.scores",
    "fresh.extents": _EXTENTS,
}

_WITH_FRESH = {
    "spans": f"from store.spans s where not exists ({fresh.BEATEN}) union all from fresh.spans",
    "traces": f"""
        from store.traces where trace_id not in (select trace_id from fresh.known_traces)
        union all by name ({SUMMARY})""",
    "processes": """
        from store.processes where process_id not in (select process_id from fresh.processes)
        union all from fresh.processes""",
    "functions": """
        from store.functions
        union all from fresh.functions where function_id not in (select function_id from store.functions)""",
    "scores": "from store.scores union all from fresh.scores",
    "fresh.extents": f"{_EXTENTS} union all select trace_id, start_ns, 9223372036854775807 from fresh.spans",
}


def _status(layout: Layout) -> str:
    """Return SQL for the status of a row: while it has no end, whether the process that began it still lives."""
    living = [process_id for process_id, path in layout.live_files().items() if is_locked(path)]
    known = ", ".join("'" + process_id.replace("'", "''") + "'" for process_id in living)
    return f"""
        case when end_ns is not null then status
            when list_contains([{known}]::varchar[], process_id) then '{RUNNING}' else '{LOST}' end"""
