"""Read segments: the lines of the journal become rows of `fresh.lines`, and what is no such line is given back.

DuckDB reads the files by itself, with no Python object per row, and small ones joined: to each it gives some 2 ms
before it reads a byte. Only a file that it refuses is split line by line in Python, so that a torn or foreign line
costs itself and not its neighbours.
"""

from __future__ import annotations

import glob
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import orjson
from duckdb import DuckDBPyConnection

from tracer.journal.layout import MAX_LINE_BYTES
from tracer.rows import SPAN_COLUMNS

_COLUMNS = {**SPAN_COLUMNS, "record": "VARCHAR", "data": "JSON"}

_COLUMN_TYPES = "{" + ", ".join(f"'{name}': '{sql_type}'" for name, sql_type in _COLUMNS.items()) + "}"

_SHAPE = orjson.dumps(
    {name: ["VARCHAR"] if sql_type == "VARCHAR[]" else sql_type for name, sql_type in _COLUMNS.items()}
).decode()

_SMALL_BYTES = 256 * 1024

_NEEDED: dict[str | None, tuple[str, ...]] = {
    None: ("trace_id", "span_id", "name", "kind", "start_ns"),
    "process": ("data.process_id",),
    "function": ("data.function_id",),
    "score": ("data.trace_id", "data.name"),
    "attachment": ("data.hash", "data.trace_id"),
}
"""What a line of each kind of record cannot do without. A line of no record is a span."""


def read_lines(connection: DuckDBPyConnection, segments: Sequence[Path]) -> dict[Path, list[bytes]]:
    """Fill `fresh.lines` with these segments, in order; return the unreadable lines, by segment.

    The unfinished last line of a segment that is being written counts as unreadable too.
    """
    connection.execute(f"create or replace table fresh.lines ({', '.join(map(' '.join, _COLUMNS.items()))})")
    return _read(connection, segments) if segments else {}


def _read(connection: DuckDBPyConnection, segments: Sequence[Path]) -> dict[Path, list[bytes]]:
    """Read them at once if that works; else by halves, down to the file that DuckDB refuses."""
    try:
        with _joined(segments) as files:
            connection.execute(_READ, [[glob.escape(str(path)) for path in files]])
    except (duckdb.InvalidInputException, UnicodeDecodeError):  # DuckDB quotes what it refuses, be it UTF-8 or not
        if len(segments) == 1:
            bad = _read_one_by_one(connection, segments[0])
            return {segments[0]: bad} if bad else {}
        middle = len(segments) // 2
        return {**_read(connection, segments[:middle]), **_read(connection, segments[middle:])}
    return {}


@contextmanager
def _joined(segments: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield files with the same lines in the same order, those of small segments in a copy that goes with the block.

    Where there is no room for a copy, they are yielded as they are.
    """
    with ExitStack() as copies:
        try:
            files = [
                file for is_small, group in groupby(segments, _is_small) for file in _copied(copies, is_small, group)
            ]
        except OSError:
            files = list(segments)
        yield files


def _copied(copies: ExitStack, is_small: bool, group: Iterable[Path]) -> list[Path]:
    neighbours = list(group)
    if not is_small or len(neighbours) == 1:
        return neighbours
    folder = copies.enter_context(tempfile.TemporaryDirectory(prefix="llm-tracer-"))
    return [_join(neighbours, Path(folder, "joined.ndjson"))]


def _is_small(segment: Path) -> bool:
    return segment.stat().st_size < _SMALL_BYTES


def _join(segments: Iterable[Path], joined: Path) -> Path:
    with joined.open("wb") as file:
        for segment in segments:
            with segment.open("rb") as lines:
                shutil.copyfileobj(lines, file)
            file.write(b"\n")  # the last line may lack its own
    return joined


def _needed_in_sql() -> str:
    cases = []
    for record, names in _NEEDED.items():
        values = [f"data->>'{name[5:]}'" if name.startswith("data.") else name for name in names]
        kind = "record is null" if record is None else f"record = '{record}'"
        cases.append(f"when {kind} then {' and '.join(f'({value}) is not null' for value in values)}")
    return f"case {' '.join(cases)} else false end"


# A line of `null` or `{}` is no error to read_ndjson, but a row of NULLs.
_READ = f"""
    insert into fresh.lines
    select * replace (coalesce(rev, 0) as rev)
    from read_ndjson(?, columns = {_COLUMN_TYPES}, maximum_object_size = {MAX_LINE_BYTES})
    where case when {_needed_in_sql()} then true else error('a line lacks what its record needs') end
"""


def _read_one_by_one(connection: DuckDBPyConnection, segment: Path) -> list[bytes]:
    good, bad = [], []
    for line, is_whole in _lines(segment):
        checked = _checked(line) if is_whole else None
        if checked is not None:
            good.append(checked)
        elif line.strip():
            bad.append(line)
    connection.execute(
        "insert into fresh.lines select unnest(from_json_strict(line, $1)) from (select unnest($2::varchar[]) as line)",
        [_SHAPE, good],
    )
    return bad


def _lines(segment: Path) -> Iterator[tuple[bytes, bool]]:
    """Yield each line with True; one that is longer than any of ours comes in pieces, each with False."""
    is_start = True
    with segment.open("rb") as file:
        while piece := file.readline(MAX_LINE_BYTES):
            is_end = piece.endswith(b"\n")
            yield piece, is_start and (is_end or len(piece) < MAX_LINE_BYTES)
            is_start = is_end


def _checked(line: bytes) -> str | None:
    """Return the line as JSON with every column and nothing else, as DuckDB then takes it; None if it is unreadable."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(row, dict) or not _has_needed(row):
        return None
    for name, sql_type in _COLUMNS.items():
        if row.get(name) is not None and not _FITS[sql_type](row[name]):
            return None
    return orjson.dumps({name: row.get(name) for name in _COLUMNS} | {"rev": row.get("rev") or 0}).decode()


def _has_needed(row: dict[str, Any]) -> bool:
    record = row.get("record")
    if not (record is None or isinstance(record, str)) or record not in _NEEDED:
        return False
    data = row.get("data")
    for name in _NEEDED[record]:
        holder = data if name.startswith("data.") else row
        if not isinstance(holder, dict) or holder.get(name.removeprefix("data.")) is None:
            return False
    return True


def _is_int(value: Any, bits: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(1 << bits - 1) <= value < 1 << bits - 1


_FITS: dict[str, Callable[[Any], bool]] = {
    "VARCHAR": lambda value: isinstance(value, str),
    "VARCHAR[]": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    "BOOLEAN": lambda value: isinstance(value, bool),
    "INTEGER": lambda value: _is_int(value, 32),
    "BIGINT": lambda value: _is_int(value, 64),
    "DECIMAL(18,9)": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9,
    "JSON": lambda value: True,  # noqa: ARG005
}
