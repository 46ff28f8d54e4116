"""Show a reader the live rows: the views `spans`, `traces`, `processes`, `functions` and `scores` hold what is stored
together with what still lies in the journal, so that a call is seen as soon as it is written.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from tracer.journal.layout import JOURNAL_VERSION, Layout, Segment
from tracer.journal.locks import is_locked
from tracer.rows import LOST, RUNNING
from tracer.store import fresh, notes
from tracer.store.enrich import enrich_cheaply
from tracer.store.filters import Condition
from tracer.store.kept import Kept, state_of
from tracer.store.lines import read_lines


def show(connection: DuckDBPyConnection, layout: Layout, kept: Kept | None = None, *, traces: bool = True) -> object:
    """Make the views over the attached store and the segments that are not in it yet.

    The view `traces` costs as much as all others together; it may be left out. Returns what is to be held as long as
    the views are asked.
    """
    # Asked before the journal is read, so that what a process wrote before its end is never missed; and after it too,
    # so that what a new one began meanwhile does not seem lost.
    before = living(layout)
    segments = layout.segments()
    state = state_of(layout, segments)
    kept = Kept() if kept is None else kept
    held = kept.show(connection, state)
    has_fresh = held is not None
    if held is None and segments:
        due = kept.is_due(state)
        has_fresh = _read(connection, layout, segments, traces=traces or due)
        if has_fresh and due:
            kept.keep(connection, state)
    views = _WITH_FRESH if has_fresh else _STORED
    shown = f"select * replace ({_status(before | living(layout))} as status)"
    for name, query in views.items():
        if traces or name != "traces":
            body = f"{shown} from ({query})" if name in ("spans", "traces") else query
            connection.execute(f"create view {name} as {body}")
    return held


def _read(connection: DuckDBPyConnection, layout: Layout, segments: list[Segment], *, traces: bool) -> bool:
    """Read these segments into `fresh`, but for those that are in the store; return whether there were others.

    A newer journal is left to a newer reader.
    """
    known = [segment for segment in segments if segment.version <= JOURNAL_VERSION]
    stored = fresh.absorbed(connection, [segment.name for segment in known])
    waiting = [segment.path for segment in known if segment.name not in stored]
    if waiting:
        read_lines(connection, waiting)
        fresh.forget(connection, notes.purged_traces(layout))
        fresh.sort_lines(connection)
        enrich_cheaply(connection, "store.prices")
        fresh.settle(connection)
        if traces:
            fresh.summarize(connection)
    return bool(waiting)


def narrow(connection: DuckDBPyConnection, condition: Condition) -> None:
    """Let the views `traces` and `spans` hold only the traces of which this is true."""
    if condition == Condition():
        return
    connection.execute(
        f"create table within as select trace_id from traces where {condition.sql}", condition.parameters
    )
    for name in ("traces", "spans"):
        connection.execute(f"alter view {name} rename to all_{name}")
        connection.execute(f"create view {name} as from all_{name} where trace_id in (from within)")


_EXTENTS = "select trace_id, start_ns, coalesce(end_ns, 9223372036854775807) as end_ns from store.traces"
"""The times between which the spans of a trace begin, so that a look-up by id passes over all others."""

_STORED = {
    "spans": "from store.spans",
    "traces": "from store.traces",
    "processes": f"from {fresh.STORED_PROCESSES}",
    "functions": "from store.functions",
    "scores": "from store.scores",
    "fresh.extents": _EXTENTS,
}

_WITH_FRESH = {
    "spans": f"from store.spans s where not exists ({fresh.BEATEN}) union all from fresh.spans",
    "traces": """
        from store.traces where trace_id not in (select trace_id from fresh.known_traces)
        union all by name from fresh.traces""",
    "processes": f"""
        from {fresh.STORED_PROCESSES} where process_id not in (select process_id from fresh.processes)
        union all by name from fresh.processes""",
    "functions": """
        from store.functions
        union all from fresh.functions where function_id not in (select function_id from store.functions)""",
    "scores": "from store.scores union all from fresh.scores",
    "fresh.extents": f"{_EXTENTS} union all select trace_id, start_ns, 9223372036854775807 from fresh.spans",
}


def living(layout: Layout) -> set[str]:
    """Return the ids of the processes that record to this store now."""
    return {process_id for process_id, path in layout.live_files().items() if is_locked(path)}


def _status(living: set[str]) -> str:
    """Return SQL for the status of a row: while it has no end, whether the process that began it still lives."""
    known = ", ".join("'" + process_id.replace("'", "''") + "'" for process_id in sorted(living))
    return f"""
        case when end_ns is not null then status
            when list_contains([{known}]::varchar[], process_id) then '{RUNNING}' else '{LOST}' end"""
