"""Questions of strangers: SQL reads the store and nothing else, a condition stays a condition, and limits hold."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from journal_lines import Process, span, trace_id, written

import programs
from tracer.errors import QueryError, TraceNotFound, UsageError
from tracer.store import Store
from tracer.store.absorb import absorb


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Three traces, one of them live, and one recorded under pytest; files beside them that nobody may read."""
    folder = tmp_path_factory.mktemp("store")
    path = folder / "traces.duckdb"
    written(path, *(span(trace=number) for number in range(2)), span(trace=3, tags=["pytest"]))
    absorb(path)
    Process(path).segment(span(trace=4), live=True)
    (folder / "private.csv").write_text("secret\n1\n")
    (folder / "private.json").write_text('{"secret": 1}\n')
    return Store(path)


HOSTILE = [
    "from read_csv('{file}.csv')",
    "from read_csv_auto('{file}.csv')",
    "from '{file}.csv'",
    'from "{file}.csv"',
    "from '{file}.json'",
    "from read_json('{file}.json')",
    "from read_json_auto('{file}.json')",
    "from read_ndjson('{file}.json')",
    "from read_json_objects('{file}.json')",
    "from read_text('{file}.csv')",
    "from read_blob('{file}.csv')",
    "from read_parquet('{file}.parquet')",
    "from parquet_metadata('{file}.parquet')",
    "from parquet_schema('{file}.parquet')",
    "from parquet_scan('{file}.parquet')",
    "from sniff_csv('{file}.csv')",
    "from glob('/*')",
    "select * from glob('{file}*')",
    "from 'https://example.com/x.csv'",
    "from read_csv('http://127.0.0.1:1/x.csv')",
    "copy (select 1) to '{file}.out'",
    "copy spans to '{file}.out'",
    "copy store.spans from '{file}.csv'",
    "export database '{file}.out'",
    "import database '{file}.out'",
    "attach '{file}.other'",
    "attach ':memory:' as other",
    "detach store",
    "use store",
    "install httpfs",
    "load httpfs",
    "force install httpfs",
    "pragma database_list",
    "pragma enable_profiling",
    "set enable_external_access = true",
    "set memory_limit = '100GB'",
    "reset lock_configuration",
    "call pragma_version()",
    "call enable_logging()",
    "checkpoint",
    "begin",
    "create table mine as select 1",
    "create macro m() as 1",
    "create secret s (type http)",
    "insert into store.spans from store.spans",
    "update store.spans set name = 'x'",
    "delete from store.spans",
    "drop table store.spans",
    "truncate store.spans",
    "alter table store.spans drop column name",
    "prepare p as select 1",
    "execute p",
    "explain analyze copy (select 1) to '{file}.out'",
    "explain analyze delete from store.spans",
    "explain analyze create table mine as select 1",
    "explain (analyze) insert into store.spans from store.spans",
    "explain /* */ analyze drop table store.spans",
    "/* explain */ explain from duckdb_settings()",
    "select getenv('HOME')",
    "select current_setting('temp_directory')",
    "from query('from duckdb_settings()')",
    "from query('select 1')",
    "from query_table('spans')",
    "from duckdb_settings()",
    "from duckdb_secrets()",
    "from duckdb_databases()",
    "from duckdb_databases",
    "from pragma_database_list",
    "from pragma_database_size()",
    "from duckdb_temporary_files()",
    "from duckdb_extensions()",
    "from duckdb_logs",
    "from which_secret('x', 'http')",
    "select * from (select * from (from duckdb_settings()))",
    "with s as (from duckdb_settings()) from s",
    "select (select value from duckdb_settings() limit 1)",
    "select 1 where exists (from DUCKDB_SETTINGS())",
    "from spans, lateral (from duckdb_settings())",
    "from json_execute_serialized_sql(json_serialize_sql('from duckdb_settings()'))",
    "from pandas_scan(0)",
    "from arrow_scan(0, 0, 0)",
    "from seq_scan('x')",
    "from sql_auto_complete('sel')",
    "select write_log('x')",
    "select json_serialize_plan('from duckdb_settings()')",
    "from private_frame",
    "select 1; select 2",
    "select 1; drop table store.spans",
    "from spans; --",
    "",
    "--",
    "selec 1",
]


@pytest.mark.parametrize("query", HOSTILE)
def test_sql_beyond_reading_the_store_is_refused(store: Store, query: str) -> None:
    import pandas

    private_frame = pandas.DataFrame({"secret": [1]})
    file = store.path.with_name("private")
    if query == "from spans; --":  # nothing comes after it, so it is one statement
        assert len(store.sql(query)) == 4
        return
    asked = store.sql(query.format(file=file))
    with pytest.raises(QueryError) as refused:
        asked.df() if query == "from private_frame" else list(asked)
    assert str(refused.value)
    assert {path.name for path in store.path.parent.iterdir()} == {
        "private.csv",
        "private.json",
        "traces.duckdb",
        "traces.duckdb.journal",
    }
    assert len(private_frame) == 1


def test_nothing_that_was_refused_has_changed_the_store(store: Store) -> None:
    assert [row["name"] for row in store.sql("from spans")] == ["answer"] * 4
    assert len(store.sql("from duckdb_tables() where table_name = 'mine'")) == 0


HARMLESS = [
    "from spans",
    "table spans",
    "values (1)",
    "describe spans",
    "show tables",
    "summarize spans",
    "explain from spans",
    "explain analyze from spans",
    "select unnest([1, 2])",
    "from range(3)",
    "from generate_series(1, 3)",
    "select name, s.value from spans, json_each(coalesce(attributes, '{}')) s",
    "from (from spans) using sample 10",
    "with recursive n as (select 1 as i union all select i + 1 from n where i < 5) from n",
    "from (pivot spans on kind in ('chain') using count(*) group by name)",
    "select list_transform(tags, lambda tag: upper(tag)) from spans",
    "from store.spans union all by name from spans",
    "select 'from duckdb_settings()', 'read_text(''/etc/passwd'')'",
    "from information_schema.tables",
    "from duckdb_columns()",
    "-- explain\nselect 1 /* ; drop */",
]


@pytest.mark.parametrize("query", HARMLESS)
def test_sql_that_reads_is_answered(store: Store, query: str) -> None:
    assert store.sql(query).columns


BREAKING_OUT = [
    "1=1) union all (from traces where 1=1",
    "1=1 union all from traces",
    "1=1) or (1=1",
    "true) --",
    "true) /*",
    "true /*",
    "true; select 1",
    "true; delete from store.spans",
    "true order by 1",
    "true limit 1",
    "true group by all",
    "true having true",
    "true qualify true",
    "true window w as ()",
    "true using sample 1",
    "true except from traces",
    "cost_usd > ?",
    "cost_usd > $1",
    "cost_usd > $x",
    "exists (from duckdb_settings())",
    "exists (from read_text('/etc/passwd'))",
    "getenv('HOME') is null",
    "trace_id in (select content from query('select 1'))",
    "'",
    "$$",
    "(",
    ")",
    ";",
    "--",
    "",
    " ",
]


@pytest.mark.parametrize("where", BREAKING_OUT)
def test_a_condition_cannot_leave_its_place(store: Store, where: str) -> None:
    if not where:  # no condition at all
        assert len(store.traces(where=where)) == 3
        return
    with pytest.raises(QueryError):
        list(store.traces(where=where))


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("true -- or not", 3),
        ("span_count = 1 /* ) */ and status = 'OK'", 3),
        ("span_count = 1 or true", 3),
        ("name = ') or (true'", 0),
        ("name = '-- ;'", 0),
        ("trace_id in (select trace_id from spans where kind = 'chain' limit 1)", 1),
    ],
)
def test_a_condition_filters_and_never_shows_more(store: Store, where: str, count: int) -> None:
    assert len(store.traces(where=where, include_tests=count == 1)) == count


MONSTERS = {
    "sums": "select " + "+".join("1" * 5000),
    "selects": "select " + "(select " * 300 + "1" + ")" * 300,
    "unions": " union all ".join(["select 1"] * 50_000),
}


@pytest.mark.parametrize("kind", MONSTERS)
def test_sql_too_long_or_too_deep_is_refused_at_once(store: Store, kind: str) -> None:
    with pytest.raises(QueryError):
        list(store.sql(MONSTERS[kind]))


ENDLESS = "select count(*) from range(1000000) a, range(1000000) b where a.range + b.range = -1"


def test_a_question_that_takes_too_long_is_ended_and_says_what_to_do(store: Store) -> None:
    for ask in (list, lambda rows: rows.df()):
        with pytest.raises(QueryError, match=r"longer than 0.3 s.*timeout=.*--timeout"):
            ask(store.sql(ENDLESS, timeout=0.3))
        with pytest.raises(QueryError, match=r"longer than 0.3 s"):
            ask(store.traces(where=f"({ENDLESS}) = 1", timeout=0.3))
    assert len(store.sql("from spans", timeout=None)) == 4


def test_an_answer_that_takes_too_much_memory_is_refused(store: Store) -> None:
    wide = "select repeat('x', 1000) || a.range as text from range(10000000) a"
    for query in (wide, f"{wide} order by text"):
        with pytest.raises(QueryError, match=r"more than 50MB of memory.*--memory"):
            list(store.sql(query, memory="50MB"))


@pytest.mark.parametrize("misuse", [{"memory": "lots'; select 1"}, {"memory": "1"}, {"timeout": -1}, {"limit": -1}])
def test_limits_that_are_none_are_refused(store: Store, misuse: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(misuse))):
        store.sql("from spans", **misuse)


def test_rows_beyond_the_limit_are_left_out_and_that_is_said(store: Store) -> None:
    cut = store.sql("from range(10)", limit=3)
    assert ([row["range"] for row in cut], cut.is_cut) == ([0, 1, 2], True)
    assert len(cut.df()) == 3
    whole = store.sql("from range(3)", limit=3)
    assert (len(whole), whole.is_cut) == (3, False)
    assert not store.sql("from range(30000)").is_cut


def test_the_command_cuts_long_answers_and_says_so(store: Store) -> None:
    done = programs.tracer(store.path, "sql", "from range(20000)", "--json")
    assert len(json.loads(done.stdout)) == 10_000
    assert "10000 rows" in done.stderr
    assert "--limit 0" in done.stderr
    assert len(
        json.loads(programs.tracer(store.path, "sql", "from range(20000)", "--json", "--limit", "0").stdout)
    ) == (20_000)
    slow = programs.tracer(store.path, "sql", ENDLESS, "--timeout", "0.2")
    assert (slow.returncode, slow.stdout) == (1, "")
    assert "--timeout" in slow.stderr


def test_ctrl_c_ends_a_question_at_once(store: Store) -> None:
    command = [str(Path(sys.executable).with_name("tracer")), "sql", "--timeout", "0", "--store", str(store.path)]
    with subprocess.Popen([*command, ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not _has_threads(process.pid):
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout, stderr) == (130, "", "")


def _has_threads(pid: int) -> bool:
    """Return whether the process works already; where that cannot be seen, wait a while."""
    try:
        return len(os.listdir(f"/proc/{pid}/task")) > 3
    except FileNotFoundError:
        time.sleep(3)
        return True


@pytest.mark.parametrize(
    "asked", ["x" * 32, "' or '1'='1", "../../etc", "0123456789%", "\x1b[31m01234567", trace_id(0)[:8] + "'"]
)
def test_what_is_no_trace_id_finds_no_trace(store: Store, asked: str) -> None:
    for ask in (lambda: store.trace(asked), lambda: store.span(asked, "0" * 16)):
        with pytest.raises(TraceNotFound) as refused:
            ask()
        assert "\x1b" not in str(refused.value)
