"""Find the one trace that somebody means by the beginning of its id."""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from tracer.errors import TraceNotFound

_SHORTEST_PREFIX = 8


def found(connection: DuckDBPyConnection, prefix: str) -> tuple[str, int, int]:
    """Return the id of the one trace whose id begins so, with the times between which its spans begin.

    Raises TraceNotFound where there is none, or more than one, or the text can be no id.
    """
    prefix = prefix.strip().lower()
    if set(prefix) - set("0123456789abcdef"):
        raise TraceNotFound(f"{prefix!r} is no trace's id: those are written in hex, 0-9 and a-f")
    if len(prefix) < _SHORTEST_PREFIX:
        raise TraceNotFound(f"{prefix!r} is too short for a trace's id: give {_SHORTEST_PREFIX} characters or more")
    rows = connection.execute(
        "select trace_id, min(start_ns), max(end_ns) from fresh.extents where trace_id >= ? and trace_id < ? "
        "group by trace_id limit 2",
        [prefix, prefix + "g"],
    ).fetchall()
    if not rows:
        raise TraceNotFound(f"no trace begins with {prefix!r}")
    if len(rows) > 1:
        raise TraceNotFound(f"several traces begin with {prefix!r}: give more of the id")
    ((trace_id, start_ns, end_ns),) = rows
    return trace_id, start_ns, end_ns
