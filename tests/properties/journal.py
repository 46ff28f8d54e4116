"""Rows that we write to a journal, and lines that nobody of ours wrote."""

from __future__ import annotations

import pathlib
import tempfile
from typing import Any

import orjson
from hypothesis import strategies as st
from journal_lines import Process, span

from properties.claim import Property
from properties.values import json_values, texts
from tracer.rows import KINDS, MODEL_CALL_KINDS, SPAN_COLUMNS, STATUSES
from tracer.store import Store
from tracer.store.absorb import absorb

_BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "VARCHAR": texts,
    "VARCHAR[]": st.lists(texts, max_size=3),
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "INTEGER": st.integers(-(2**31), 2**31 - 1),
    "BOOLEAN": st.booleans(),
    "DECIMAL(18,9)": st.integers(-(10**8), 10**8).map(lambda number: number / 2**6),
    "JSON": json_values,
}
_OURS = ("trace_id", "span_id", "name", "kind", "start_ns", "end_ns", "status", "rev", "process_id")
_columns = st.fixed_dictionaries(
    {}, optional={name: _BY_TYPE[sql_type] for name, sql_type in SPAN_COLUMNS.items() if name not in _OURS}
)
# What is no model call is not completed by anything that we know.
_kinds = st.sampled_from([kind for kind in KINDS if kind not in MODEL_CALL_KINDS])
rows = st.lists(st.tuples(_columns, _kinds), min_size=1, max_size=6)


def comes_back(written: list[tuple[dict[str, Any], str]]) -> None:
    """A row is read as it was written: while it is live, and once it is absorbed."""
    given = [
        {**span(f"s{number}", trace=number, status=STATUSES[number % 5], rev=1), "kind": kind, **columns}
        for number, (columns, kind) in enumerate(written)
    ]
    query = "from spans order by start_ns"
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "traces.duckdb"
        process = Process(path)
        process.segment(*(orjson.dumps(row) + b"\n" for row in given))
        process.die()
        live = list(Store(path).sql(query))
        absorbed = absorb(path)
        assert (absorbed.spans, absorbed.quarantined_lines) == (len(given), 0)
        assert list(Store(path).sql(query)) == live
    for row, read in zip(given, live, strict=True):
        expected = {column: row.get(column) for column in read}
        assert {**read, **_decimals(read)} == {**expected, **_decimals(expected)}


def _decimals(row: dict[str, Any]) -> dict[str, float]:
    return {
        column: round(float(row[column]), 9)
        for column, sql_type in SPAN_COLUMNS.items()
        if sql_type == "DECIMAL(18,9)" and row[column] is not None
    }


_HOSTILE_VALUES = (
    *(b"1e999", b"-1e999", b"NaN", b"Infinity", b"1e400", b"-0", b"1.0", b"0.1e-400", b"1", b"18446744073709551616"),
    *(
        b'"\\u0000"',
        b'"\\ud800"',
        b'"\xff"',
        b'""',
        b'"1"',
        b"'a'",
        b'"',
        b"",
        b'"' + b"x" * 100_000 + b'"',
        b"9" * 400,
    ),
    *(b"true", b"tru", b"null", b"[]", b"{}", b"[null]", b"[[1]]", b'{"a":1,"a":2}', b"[" * 2_000 + b"]" * 2_000),
)
_odd_columns = st.sampled_from([name for name in (*SPAN_COLUMNS, "record", "data", "unknown") if name[-3:] != "_id"])
_hostile_rows = st.tuples(_odd_columns, st.sampled_from(_HOSTILE_VALUES) | json_values.map(orjson.dumps))
_bytes = st.binary(min_size=1, max_size=60).map(lambda data: data.replace(b"\n", b" ")).filter(bytes.strip)
lines = st.lists(st.none() | _hostile_rows | _bytes, min_size=1, max_size=12)


def accounts_for_every_line(lines: list[tuple[str, bytes] | bytes | None]) -> None:
    """Every line is stored or kept aside, all good ones are stored, and readers bear what they see before."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "traces.duckdb"
        process = Process(path)
        segment = process.segment(*(_line(number, line) for number, line in enumerate(lines)))
        process.die()
        store = Store(path)
        list(store.traces())
        absorbed = absorb(path)
        assert not segment.exists()
        (records,) = store.sql(_RECORDS)
        assert absorbed.spans + records["n"] + absorbed.quarantined_lines == len(lines)
        names = {row["name"] for row in store.sql("from store.spans")}
        assert names >= {f"good {number}" for number, line in enumerate(lines) if line is None}
        list(store.traces())


_TABLES = ("scores", "functions", "processes")
_RECORDS = f"select {' + '.join(f'(select count(*) from store.{table})' for table in _TABLES)} as n"


def _line(number: int, line: tuple[str, bytes] | bytes | None) -> bytes:
    if isinstance(line, bytes):
        return line + b"\n"
    row = {name: orjson.dumps(value) for name, value in span(f"good {number}", trace=number).items()}
    if line is not None:
        row[line[0]] = line[1]
    return b"{" + b",".join(b'"%s":%s' % (name.encode(), value) for name, value in row.items()) + b"}\n"


PROPERTIES = {
    "rows come back": Property(rows, comes_back, few=15),
    "every line of a journal is accounted for": Property(lines, accounts_for_every_line, few=20),
}
