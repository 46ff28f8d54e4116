"""Find the newest traces of a filter among very many: by slices of time, the newest first, until there are enough.

A filter that looks into spans would else look into all of them, though a page shows a hundred traces.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from tracer.store.answer import Limits, Question, ask
from tracer.store.filters import Condition, all_of
from tracer.store.statement import one_that_reads

Place = tuple[int, str]
"""The start_ns and trace_id of a trace: where it stands in the list."""

NEWEST_FIRST = "order by start_ns desc, trace_id desc limit ?"


@dataclass(frozen=True)
class Newest:
    """Rows of `traces`, newest first. `searched_to_ns` is None where there are as many as were asked for, or no more;
    else the time was up, and no trace that began before that was looked at."""

    rows: list[dict[str, Any]]
    searched_to_ns: int | None = None


def newest(
    connection: DuckDBPyConnection, condition: Condition, *, limit: int, before: Place | None, seconds: float
) -> Newest:
    """Return the newest traces of which the condition is true, after the one at `before`.

    No slice is begun after so many seconds, but there is always one.
    """
    if before:
        condition = all_of([condition, after(before)])
    # What a user wrote in SQL may look at other traces too, of whatever time.
    lows_ns = [] if condition.written else _lows(connection, before)
    if not lows_ns:
        query = f"from traces where {condition.sql} {NEWEST_FIRST}"
        return Newest(_rows(connection, query, [*condition.parameters, limit]))
    rows: list[dict[str, Any]] = []
    high_ns, joined, began = _last(before), 1, time.monotonic()
    while lows_ns:
        low_ns, lows_ns = lows_ns[:joined][-1], lows_ns[joined:]
        asked = time.monotonic()
        rows += _within(connection, condition, low_ns, high_ns, limit - len(rows))
        if len(rows) == limit:
            break
        now = time.monotonic()
        left = seconds - (now - began)
        if lows_ns and left <= 0:
            return Newest(rows, low_ns)
        joined = max(1, min(_GROWTH * joined, int(joined * left / (now - asked))))
        high_ns = low_ns - 1
    return Newest(rows)


def after(place: Place) -> Condition:
    """Return what is true of the traces that follow one in the list. DuckDB can skip by the time, not by the pair."""
    return Condition("start_ns <= ? and (start_ns, trace_id) < (?, ?)", [place[0], *place])


_SLICE = 10_000
"""Traces in a slice, about."""

_GROWTH = 4
"""How many times as much the next look may be, where there is time."""

_PARTS = 1000

_EXTENT = "select min(start_ns), max(start_ns) from traces where start_ns <= ?"
_DENSITY = """
    select ? + (start_ns - ?) // ? * ? as low_ns, count(*) as traces
    from traces where start_ns <= ? group by low_ns order by low_ns desc
"""
_END = "select max(coalesce(end_ns, 9223372036854775807)) from traces where start_ns between ? and ?"


def _last(before: Place | None) -> int:
    return before[0] if before else 2**63 - 1


def _lows(connection: DuckDBPyConnection, before: Place | None) -> list[int]:
    """Return the time at which each slice begins, the newest first; the last is that of the oldest trace."""
    last_ns = _last(before)
    ((first_ns, high_ns),) = connection.execute(_EXTENT, [last_ns]).fetchall()
    if first_ns is None:
        return []
    width_ns = (high_ns - first_ns) // _PARTS + 1
    lows_ns: list[int] = []
    traces = _SLICE
    for low_ns, count in connection.execute(_DENSITY, [first_ns, first_ns, width_ns, width_ns, last_ns]).fetchall():
        if traces + count > _SLICE:
            lows_ns.append(low_ns)
            traces = 0
        lows_ns[-1] = low_ns
        traces += count
    return lows_ns


def _within(
    connection: DuckDBPyConnection, condition: Condition, low_ns: int, high_ns: int, limit: int
) -> list[dict[str, Any]]:
    """Ask for the traces that began between these times, with `spans` holding only what may be theirs."""
    ((end_ns,),) = connection.execute(_END, [low_ns, high_ns]).fetchall()
    query = f"""
        with traces as not materialized (from main.traces where start_ns between {low_ns} and {high_ns}),
        spans as not materialized (from main.spans where start_ns between {low_ns} and {end_ns or high_ns})
        from traces where {condition.sql} {NEWEST_FIRST}"""
    return _rows(connection, query, [*condition.parameters, limit])


def _rows(connection: DuckDBPyConnection, query: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
    statement = one_that_reads(connection, query)
    columns, rows, _ = ask(connection, statement, list(parameters), Limits(), Question.rows)
    return [dict(zip(columns, row, strict=True)) for row in rows]
