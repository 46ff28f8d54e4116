"""Stores of 1M and 10M spans, and of 1M traces, to ask: made once in a folder of the user's choice and kept there.

1M spans are written by the real writer and moved in by the real absorber: 100,000 traces of ten spans, and in their
midst one of 1,000. 10M are ten times those, moved on in time, by SQL into tables of the same layout: absorbing them
would take ten times as long, and give the same. 1M traces are made so of 10,000, of which each keeps four spans.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import journals

from tracer.store import Store

MILLION = 1_000_000

LONG_TRACE_SPANS = 1_000

_PART = 10_000
"""Traces that are written before they are absorbed: so that no journal of gigabytes lies there."""


def stored(folder: Path, spans: int) -> Path:
    """Return a store of so many spans, 1M or some million; make it if it is not there yet."""
    store = folder / f"{spans // 1000}k" / "traces.duckdb"
    if not store.exists():
        draft = store.parent.with_name(store.parent.name + ".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        if spans <= MILLION:
            _absorb(draft / store.name, spans)
        else:
            _multiply(stored(folder, MILLION), draft / store.name, spans // MILLION)
        draft.rename(store.parent)
    return store


def long_trace_id(spans: int) -> str:
    """Return the id of the trace of 1,000 spans in a store of so many."""
    return journals.trace_id(min(spans, MILLION) // journals.SPANS_A_TRACE // 2)


def many_traces(folder: Path) -> Path:
    """Return a store of 1M traces; make it if it is not there yet."""
    store = folder / "1M-traces" / "traces.duckdb"
    if not store.exists():
        draft = store.parent.with_name(store.parent.name + ".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        few = stored(folder, 100_000)
        shutil.copy(few, draft / store.name)
        with duckdb.connect() as connection:
            connection.execute(f"attach '{draft / store.name}' as store")
            connection.execute(_SHORTEN)
        shutil.copy(draft / store.name, few.with_name("short.duckdb"))
        _copy(few.with_name("short.duckdb"), draft / store.name, MILLION // _FEW_TRACES, _FEW_TRACES)
        draft.rename(store.parent)
    return store


_FEW_TRACES = 10_000

_SHORT_SPANS = 4

_SHORTEN = f"""
    create temp table kept as select trace_id, span_id from store.spans
        qualify row_number() over (partition by trace_id order by start_ns) <= {_SHORT_SPANS};
    delete from store.spans where (trace_id, span_id) not in (from kept);
    update store.traces set span_count = {_SHORT_SPANS}, model_call_count = 1;
"""


def _absorb(store: Path, spans: int) -> None:
    traces = spans // journals.SPANS_A_TRACE
    middle = traces // 2
    for begin in range(0, traces, _PART):
        end = min(begin + _PART, traces)
        journals.write(store, [number for number in range(begin, end) if number != middle])
        if begin <= middle < end:
            journals.write_long_trace(store, middle, LONG_TRACE_SPANS)
        Store(store).absorb()


def _multiply(one: Path, store: Path, times: int) -> None:
    shutil.copy(one, store)
    _copy(one, store, times, MILLION // journals.SPANS_A_TRACE)


def _copy(one: Path, store: Path, times: int, traces: int) -> None:
    """Let `store`, a copy of `one` with so many traces, hold all of it so many times, moved on in time."""
    with duckdb.connect() as connection:
        connection.execute("set checkpoint_threshold = '1KB'; set threads = 1")
        connection.execute(f"attach '{one}' as one (read_only)")
        connection.execute(f"attach '{store}' as store (row_group_size 14336)")
        for number in range(1, times):
            later_ns = number * traces * journals.SECOND
            moved = f"""
                printf('%012x', ('0x' || left(trace_id, 12))::bigint + {later_ns // 1_000_000}) || trace_id[13:]
                    as trace_id,
                start_ns + {later_ns} as start_ns, end_ns + {later_ns} as end_ns"""
            connection.execute(f"insert into store.spans select * replace ({moved}) from one.spans")
            connection.execute(f"insert into store.traces select * replace ({moved}) from one.traces")
