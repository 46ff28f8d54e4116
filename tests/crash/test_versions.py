"""Stores and journals of other versions: older ones are brought up to date, newer ones are left alone."""

from __future__ import annotations

import time
from pathlib import Path

import duckdb
import pytest
from journal_lines import span, written
from ledger import assert_balance

import programs
from tracer.errors import StoreTooNew
from tracer.store import Store, database, migrations
from tracer.store.absorb import absorb


def test_a_store_of_a_newer_schema_is_left_alone(path: Path) -> None:
    written(path, span("one"))
    absorb(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("insert into migrations values (1000, '1000_of_the_future', 0)")
    before = path.read_bytes()
    segment = written(path, span("two"))
    for attempt in (lambda: len(Store(path).traces()), lambda: absorb(path)):
        with pytest.raises(StoreTooNew, match=r"newer llm-tracer.*pip install -U llm-tracer"):
            attempt()
    assert segment.exists()
    assert path.read_bytes() == before


NEXT = migrations.LATEST + 1
MIGRATION = "alter table spans add column mood varchar; create table moods as select distinct name from spans;"


def test_a_store_of_an_older_version_is_read_and_then_brought_up_to_date(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(path, span("old"))
    absorb(path)
    file = tmp_path / f"{NEXT:04}_of_a_test.sql"
    file.write_text(MIGRATION)
    monkeypatch.setitem(migrations._FILES, NEXT, file)
    monkeypatch.setattr(migrations, "LATEST", NEXT)
    monkeypatch.setattr(database, "LATEST", NEXT)
    written(path, span("new", at=1))
    assert_balance(path, ["old", "new"])
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("select version, name from migrations order by 1").fetchall() == [
            (number, kept.stem) for number, kept in migrations._FILES.items()
        ]
        assert connection.execute("from moods").fetchall() == [("old",)]
        assert connection.execute("select name, mood from spans order by start_ns").fetchall() == [
            ("old", None),
            ("new", None),
        ]


@pytest.mark.parametrize("ending", ["fails", "is killed"])
def test_a_migration_that_does_not_come_to_its_end_leaves_the_store_as_it_was(
    path: Path, tmp_path: Path, ending: str
) -> None:
    written(path, span("old"))
    absorb(path)
    segment = written(path, span("new", at=1))
    rest = (
        "select error('no');" if ending == "fails" else "select count(*) from range(1_000_000) a, range(1_000_000) b;"
    )
    program = """
        import sys
        from pathlib import Path
        from tracer.store import database, migrations
        from tracer.store.absorb import absorb
        migrations.LATEST = database.LATEST = migrations.LATEST + 1
        migrations._FILES[migrations.LATEST] = Path(sys.argv[2])
        print("begins", flush=True)
        absorb(Path(sys.argv[1]))
    """
    file = tmp_path / f"{NEXT:04}_of_a_test.sql"
    file.write_text(MIGRATION + rest)
    with programs.start(program, path, path, file) as process:
        assert process.stdout is not None
        process.stdout.readline()
        if ending == "is killed":
            time.sleep(1)
            process.kill()
        assert process.wait(timeout=30) != 0
    assert segment.exists()
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("select max(version) from migrations").fetchall() == [(migrations.LATEST,)]
        assert connection.execute("select name from spans").fetchall() == [("old",)]
        assert connection.execute("select 1 from duckdb_tables() where table_name = 'moods'").fetchall() == []
    assert_balance(path, ["old", "new"])
