"""Something else lies where the store should be: it is left alone, or begun anew, and the journal waits."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from journal_lines import span, written
from ledger import backlog, told

import programs
from tracer.errors import StoreDamaged
from tracer.journal.layout import Layout
from tracer.store import Store
from tracer.store.absorb import Absorbed, absorb


def test_a_file_that_is_no_database_is_left_alone_and_nothing_is_lost(path: Path) -> None:
    segment = written(path, span("one"))
    for content in (b"Dear diary, " * 1000, b"short", b"SQLite format 3\0" + b"\0" * 8192):
        path.write_bytes(content)
        for attempt in (lambda: len(Store(path).traces()), lambda: absorb(path)):
            with pytest.raises(StoreDamaged, match=f"Move it away.*{Layout(path).folder}"):
                attempt()
        assert path.read_bytes() == content
    path.unlink()
    assert [row["name"] for row in Store(path).traces()] == ["one"]
    assert segment.exists()
    assert absorb(path).spans == 1


def test_a_database_whose_blocks_were_damaged_says_so(path: Path) -> None:
    written(path, *(span(f"s{number}", at=number) for number in range(2000)))
    absorb(path)
    content = bytearray(path.read_bytes())
    content[20_000:] = b"\xaa" * (len(content) - 20_000)
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match="Move it away"):
        len(Store(path).sql("select sum(end_ns), max(name) from spans"))


def test_somebody_elses_database_is_left_alone(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table spans (mine integer)")
    segment = written(path, span("one"))
    for attempt in (lambda: len(Store(path).traces()), lambda: absorb(path)):
        with pytest.raises(StoreDamaged, match="someone else's"):
            attempt()
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("select table_name from duckdb_tables()").fetchall() == [("spans",)]
    assert segment.exists()


def test_an_empty_database_of_the_users_becomes_the_store(path: Path) -> None:
    duckdb.connect(str(path)).close()
    written(path, span("one"))
    assert [row["name"] for row in Store(path).traces()] == ["one"]
    assert absorb(path).spans == 1


def test_an_empty_file_is_no_store_yet(path: Path) -> None:
    path.touch()
    assert list(Store(path).traces()) == []
    written(path, span("one"))
    assert [row["name"] for row in Store(path).traces()] == ["one"]
    assert absorb(path) == Absorbed(segments=1, spans=1)
    assert [row["name"] for row in Store(path).traces()] == ["one"]


def test_the_log_of_a_deleted_store_is_not_replayed_into_the_next(path: Path) -> None:
    written(path, span("old"))
    absorb(path)
    log = path.with_name(path.name + ".wal")
    client = f"""
        import duckdb, os
        connection = duckdb.connect({str(path)!r})
        connection.execute("set checkpoint_threshold = '1TB'; insert into scores (name) values ('of the old store')")
        os._exit(0)
    """
    programs.run(client, path)
    assert log.stat().st_size > 0
    path.unlink()
    written(path, span("new", trace=1))
    absorb(path)
    assert [row["name"] for row in Store(path).sql("select name from store.spans")] == ["new"]
    assert list(Store(path).sql("from store.scores")) == []


def test_a_store_deleted_while_it_is_absorbed_is_begun_anew(path: Path) -> None:
    backlog(path)
    program = """
        import sys
        from pathlib import Path
        from tracer.store import absorb
        absorb.SLICE_BYTES = 20_000
        deleted = []
        def delete(step):
            if step == "settled" and not deleted:
                deleted.append(Path(sys.argv[1]).unlink())
        absorb._step = delete
        absorb.main(Path(sys.argv[1]))
    """
    programs.run(program, path, path)
    assert told(path)["rows"] > 0
    assert Layout(path).segments() == []
