"""What came in since the last absorbing: the lines of the journal, sorted into tables like those of the store.

The schema `fresh` holds them. The absorber inserts them; a reader shows them in union with the stored ones. Both
first settle which row of a span counts: an ended one beats an open one, and among ended ones the higher `rev`, in
whatever order they are met.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from tracer.rows import PROCESS_COLUMNS, SPAN_COLUMNS
from tracer.store.summary import SUMMARY

SPANS = ", ".join(SPAN_COLUMNS)
"""The columns of `spans`, for a select or an insert."""


STORED_PROCESSES = f"""(
    from store.processes
    union all by name
    select {", ".join(f"null::{sql_type} as {name}" for name, sql_type in PROCESS_COLUMNS.items())} where false
)"""
"""The stored processes with all columns, though a reader may meet a store that nobody has brought up to date yet."""


def forget(connection: DuckDBPyConnection, trace_ids: list[str]) -> None:
    """Drop the lines of these traces, which were purged."""
    if trace_ids:
        connection.execute(_FORGET, {"ids": trace_ids})


_FORGET = """
    delete from fresh.lines
    where coalesce(trace_id, if(record in ('score', 'attachment'), data->>'trace_id', null))
        in (select unnest($ids::varchar[]))
"""


def _last_told(column: str) -> str:
    """Return SQL for what the last line of a process says of this column, of those that say anything of it."""
    sql_type = PROCESS_COLUMNS[column]
    told = {
        "VARCHAR": f"data->>'{column}'",
        "VARCHAR[]": f"""from_json(data->'{column}', '["VARCHAR"]')""",
        "JSON": f"data->'{column}'",
    }.get(sql_type, f"try_cast(data->>'{column}' as {sql_type})")
    return f"arg_max({told}, rowid) as {column}"


def sort_lines(connection: DuckDBPyConnection) -> None:
    """Make `spans` (one row a span), `functions`, `scores` and `new_processes` of `lines`."""
    if connection.execute(_HAS_DOUBLES).fetchone():
        connection.execute(_DELETE_DOUBLES)
    connection.execute(_SORT)


_HAS_DOUBLES = "select 1 from fresh.lines where record is null group by trace_id, span_id having count(*) > 1 limit 1"

_DELETE_DOUBLES = """
    delete from fresh.lines l using (
        select trace_id, span_id, arg_max(rowid, {is_ended: end_ns is not null, rev: rev}) as best
        from fresh.lines where record is null group by all
    ) d
    where l.record is null and l.trace_id = d.trace_id and l.span_id = d.span_id and l.rowid <> d.best
"""

_SORT = f"""
    create or replace view fresh.spans as select {SPANS} from fresh.lines where record is null;

    -- Later lines of a process complete the earlier ones: arg_max passes NULLs over.
    create or replace table fresh.new_processes as select {", ".join(map(_last_told, PROCESS_COLUMNS))}
    from fresh.lines where record = 'process' group by data->>'process_id';

    create or replace table fresh.functions as
    select data->>'function_id' as function_id, data->>'module' as module, data->>'qualname' as qualname,
        data->>'file' as file, try_cast(data->>'line' as bigint) as line, data->>'source' as source
    from fresh.lines where record = 'function'
    qualify row_number() over (partition by data->>'function_id' order by rowid) = 1;

    create or replace table fresh.scores as
    select distinct data->>'trace_id' as trace_id, data->>'span_id' as span_id, data->>'name' as name,
        try_cast(data->>'value' as double) as value, data->>'label' as label, data->>'comment' as comment,
        data->>'source' as source, try_cast(data->>'time_ns' as bigint) as time_ns
    from fresh.lines where record = 'score';
"""


def absorbed(connection: DuckDBPyConnection, segments: list[str]) -> set[str]:
    """Return which of these names of segments are in the attached store already."""
    query = "select name from store.segments where name in (select unnest(?::varchar[]))"
    return {name for (name,) in connection.execute(query, [segments]).fetchall()}


BEATEN = "from fresh.beaten b where b.start_ns = s.start_ns and b.span_id = s.span_id and b.trace_id = s.trace_id"
"""That a fresh row beats the stored row `s`, for a `where [not] exists`."""


def settle(connection: DuckDBPyConnection) -> None:
    """Compare with the attached store: drop the fresh spans that a stored row beats, and complete the processes.

    Makes `beaten`, the stored spans that a fresh row beats; `known_traces`, the stored traces that fresh spans belong
    to; and `touched_spans`, every row that counts of any trace with a fresh span. All rows of a span have one
    `start_ns`, so DuckDB passes over what is stored of other times.
    """
    low, high = connection.execute("select min(start_ns), max(start_ns) from fresh.spans").fetchall()[0]
    connection.execute(_COMPARE.format(low=low or 0, high=high or 0, processes=STORED_PROCESSES, columns=_COMPLETED))
    if connection.execute("select 1 from fresh.beaten limit 1").fetchone():
        connection.execute(_DROP_BEATEN)
    (since,) = connection.execute("select min(start_ns) from fresh.known_traces").fetchall()[0]
    connection.execute(_TOUCHED if since is None else _TOUCHED + _AND_STORED.format(since=since))


_COMPLETED = ", ".join(f"coalesce(f.{name}, s.{name}) as {name}" for name in PROCESS_COLUMNS if name != "process_id")

_COMPARE = """
    create or replace table fresh.beaten as
    select trace_id, span_id, start_ns, end_ns is not null as is_ended, rev
    from store.spans
    where start_ns between {low} and {high} and (trace_id, span_id) in (select (trace_id, span_id) from fresh.spans);

    create or replace table fresh.known_traces as
    select trace_id, start_ns from store.traces
    where trace_id >= (select min(trace_id) from fresh.spans) and trace_id in (select trace_id from fresh.spans);

    create or replace table fresh.processes as
    select process_id, {columns}
    from fresh.new_processes f left join {processes} s using (process_id);
"""

_DROP_BEATEN = """
    delete from fresh.lines f using fresh.beaten s
    where f.record is null and s.trace_id = f.trace_id and s.span_id = f.span_id
        and (s.is_ended, s.rev) >= (f.end_ns is not null, f.rev);

    delete from fresh.beaten where (trace_id, span_id) not in (select (trace_id, span_id) from fresh.spans);
"""

_TOUCHED = f"create or replace view fresh.touched_spans as select {SPANS} from fresh.spans"

_AND_STORED = f"""
    union all select {SPANS} from store.spans s
    where s.start_ns >= {{since}} and trace_id in (select trace_id from fresh.known_traces)
        and not exists ({BEATEN})
"""


def summarize(connection: DuckDBPyConnection) -> None:
    """Make `traces`, a row for each trace that a fresh span belongs to, from the `touched_spans`."""
    connection.execute(f"create or replace table fresh.traces as {SUMMARY}")
