"""The schema of a store, as numbered SQL files: each brings a store from the number before to its own.

A file that was released is never changed; a new one is added.
"""

from __future__ import annotations

import time
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

_FILES = {int(path.name[:4]): path for path in sorted(Path(__file__).parent.glob("[0-9][0-9][0-9][0-9]_*.sql"))}

LATEST = max(_FILES)


def version(connection: DuckDBPyConnection) -> int | None:
    """Return the number of the last migration of the attached `store`: 0 while it is empty, None if it is not ours."""
    try:
        (number,) = connection.execute("select max(version) from store.migrations").fetchall()[0]
    except duckdb.CatalogException:
        tables = connection.execute("select 1 from duckdb_tables() where database_name = 'store' limit 1").fetchall()
        return None if tables else 0
    return int(number)


def migrate(connection: DuckDBPyConnection) -> None:
    """Bring the attached `store` up to date, all or nothing."""
    before = version(connection) or 0
    if before >= LATEST:
        return
    connection.execute("use store; begin")
    connection.execute("create table if not exists migrations (version integer, name varchar, applied_ns bigint)")
    for number, path in _FILES.items():
        if number > before:
            connection.execute(path.read_text(encoding="utf-8"))
            connection.execute("insert into migrations values (?, ?, ?)", [number, path.stem, time.time_ns()])
    connection.execute("commit; use memory")
