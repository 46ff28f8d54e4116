"""How rows lie in the file: what a transaction adds to a table is a batch, a row group of its own, and small batches
are written again together with those that follow.

DuckDB would join small row groups by itself, but knows only how many rows they have: of rows of a megabyte it would
hold two thousand at once. So it is told not to, and the last batches of each table are remembered with their bytes.
Should another program move rows, then others are written again than are meant: the same rows lie elsewhere, no more.
"""

from __future__ import annotations

from typing import NamedTuple

from duckdb import DuckDBPyConnection

from tracer.store.database import LEAST_ROW_GROUP

FULL_BYTES = 12 * 1024 * 1024
"""What a batch has at most that is written again: so much of the journal, uncompressed."""

_FULL_ROWS = 7 * LEAST_ROW_GROUP

_SMALL_BYTES = 1024 * 1024
"""Up to here a batch is written again by whatever follows."""

_TIMES_LARGER = 4
"""How much larger than what follows a batch may be to be written again with it."""

_REMEMBERED = 8


class Batch(NamedTuple):
    rows: int
    bytes: int


def joined(before: list[Batch], added: Batch) -> tuple[list[Batch], Batch]:
    """Return which batches stay as they are, and the one that `added` becomes with those that are taken back."""
    stay = list(before)
    while stay and _joins(stay[-1], added):
        last = stay.pop()
        added = Batch(last.rows + added.rows, last.bytes + added.bytes)
    return stay, added


def _joins(last: Batch, added: Batch) -> bool:
    return (
        last.bytes <= max(_SMALL_BYTES, _TIMES_LARGER * added.bytes)
        and last.bytes + added.bytes <= FULL_BYTES
        and last.rows + added.rows <= _FULL_ROWS
    )


def remembered(connection: DuckDBPyConnection, table: str) -> list[Batch]:
    """Return the last batches of a table of the attached store, in their order."""
    rows = connection.execute(
        "select rows, bytes from store.batches where table_name = ? order by number", [table]
    ).fetchall()
    return [Batch(*row) for row in rows]


def append(connection: DuckDBPyConnection, table: str, query: str, added: Batch) -> None:
    """Insert the rows of `query` into a table of the store, and write again in front of them what they join."""
    stay, whole = joined(remembered(connection, table), added)
    if taken_back := whole.rows - added.rows:
        last_rows = f"from store.{table} where rowid > (select max(rowid) from store.{table}) - {taken_back}"
        # A transaction writes to one database only; the one for temporary tables is none.
        connection.execute(f"create or replace temp table taken_back as {last_rows}; delete {last_rows}")
        query = f"from temp.taken_back union all by name {query}"
    connection.execute(f"insert into store.{table} by name ({query})")
    connection.execute("drop table if exists temp.taken_back")
    _remember(connection, table, [*stay, whole][-_REMEMBERED:])


def _remember(connection: DuckDBPyConnection, table: str, batches: list[Batch]) -> None:
    connection.execute("delete from store.batches where table_name = ?", [table])
    numbers = list(range(len(batches)))
    connection.execute(
        "insert into store.batches select ?, unnest(?::integer[]), unnest(?::bigint[]), unnest(?::bigint[])",
        [table, numbers, [batch.rows for batch in batches], [batch.bytes for batch in batches]],
    )


def row_group_size(rows: int) -> int:
    """Return the limit of a row group that holds so many rows."""
    return max(1, -(-rows // LEAST_ROW_GROUP)) * LEAST_ROW_GROUP
