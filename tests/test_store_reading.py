"""Asking the store: every answer holds what is stored and what still lies in the journal, and touches nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from journal_lines import START_NS, Process, call, span, trace_id, written

from tracer.errors import QueryError, TraceNotFound
from tracer.journal.layout import Layout
from tracer.rows import SPAN_COLUMNS
from tracer.span_row import SpanRow
from tracer.store import Rows, Store, migrations
from tracer.store.absorb import absorb


@pytest.fixture
def mixed(path: Path) -> Store:
    """Five traces: two stored, two sealed, one live."""
    written(path, *(row for trace in (0, 1) for row in (span(trace=trace), call(trace=trace, parent="answer", at=0.1))))
    absorb(path)
    process = Process(path)
    process.segment(
        *(row for trace in (2, 3) for row in (span(trace=trace), call(trace=trace, parent="answer", at=0.1)))
    )
    process.segment(span(trace=4), live=True)
    return Store(path)


def test_where_there_is_no_store_the_answers_are_empty_and_nothing_is_made(tmp_path: Path) -> None:
    store = Store(tmp_path / "none" / "traces.duckdb")
    assert list(store.traces()) == []
    assert [row["n"] for row in store.sql("select count(*) as n from spans")] == [0]
    assert store.process("p") is None
    assert list(store.scores(trace_id(0))) == []
    with pytest.raises(TraceNotFound, match="no trace begins with"):
        store.trace(trace_id(0))
    assert not store.waiting()
    assert store.fingerprint() == store.fingerprint()
    assert store.absorb().spans == 0
    assert list(tmp_path.iterdir()) == []


def test_sql_within_a_filter_sees_only_the_traces_that_it_finds(mixed: Store) -> None:
    some = mixed.condition("kind:llm")
    counts = "select (select count(*) from traces) as traces, (select count(*) from spans) as spans"
    assert list(mixed.sql(counts)) == [{"traces": 5, "spans": 9}]
    assert list(mixed.sql(counts, within=some)) == [{"traces": 4, "spans": 8}]
    assert list(mixed.sql("select ? + count(*) as n from traces", [1], within=some)) == [{"n": 5}]
    with pytest.raises(QueryError, match="did you mean 'kind'"):
        mixed.condition("knd:llm")


def test_a_file_without_its_journal_is_read_and_left_as_it_is(path: Path) -> None:
    written(path, span())
    absorb(path)
    copy = path.with_name("copy.duckdb")
    copy.write_bytes(path.read_bytes())
    assert [row["name"] for row in Store(copy).traces()] == ["answer"]
    assert not Layout(copy).folder.exists()


def test_stored_and_live_traces_are_one_list_newest_first(mixed: Store) -> None:
    assert [row["trace_id"] for row in mixed.traces()] == [trace_id(number) for number in (4, 3, 2, 1, 0)]
    assert [row["trace_id"] for row in mixed.traces(limit=2)] == [trace_id(4), trace_id(3)]


def test_pages_follow_each_other_with_no_gap_and_no_overlap(path: Path) -> None:
    # Many of one moment: the time alone would not tell where a page ended.
    rows = [span(f"s{number}", trace=number % 3) | {"trace_id": f"{number:032x}"} for number in range(25)]
    written(path, *rows[:12])
    absorb(path)
    written(path, *rows[12:])
    store = Store(path)
    pages, before = [], None
    while page := list(store.traces(limit=4, before=before)):
        pages.append([row["trace_id"] for row in page])
        before = (page[-1]["start_ns"], page[-1]["trace_id"])
    assert [len(page) for page in pages] == [4] * 6 + [1]
    assert [trace for page in pages for trace in page] == [row["trace_id"] for row in store.traces(limit=100)]


def ids(rows: Iterable[dict[str, Any]]) -> list[str]:
    return [row["trace_id"] for row in rows]


def test_the_newest_are_searched_for_back_in_time_and_it_is_said_how_far(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.store.newest._SLICE", 4)
    written(path, *(span(f"of {number % 10}", trace=number) for number in range(40)))
    absorb(path)
    store = Store(path)
    assert ids(store.newest(limit=5).rows) == ids(store.traces(limit=5))
    assert ids(store.newest('name:"of 3"', limit=50, seconds=60).rows) == ids(store.traces('name:"of 3"'))

    found, before, searches = [], None, 0
    while True:
        part = store.newest('"of 3"', limit=50, before=before, seconds=0)
        found += part.rows
        searches += 1
        if part.searched_to_ns is None:
            break
        before = (part.searched_to_ns, "")
    assert ids(found) == ids(store.traces('"of 3"')) == [trace_id(number) for number in (33, 23, 13, 3)]
    assert searches == 10

    page = store.newest('"of 3"', limit=2, seconds=60)
    assert (ids(page.rows), page.searched_to_ns) == ([trace_id(33), trace_id(23)], None)
    # SQL of one's own may compare with traces of any time.
    assert ids(store.newest("where start_ns = (select min(start_ns) from traces)", seconds=0).rows) == [trace_id(0)]


def test_a_span_that_began_long_after_its_trace_is_searched_with_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.store.newest._SLICE", 1)
    root, late = span("root", lasts=500), span("late", parent="root", at=400)
    written(path, root, late, *(span(f"s{number}", trace=number) for number in range(1, 9)))
    assert ids(Store(path).newest("name:late", seconds=60).rows) == [trace_id(0)]


def test_traces_of_tests_are_hidden_unless_asked_for(path: Path) -> None:
    written(
        path, span("mine"), span("tested", trace=1, tags=["pytest", "slow"]), span("tagged", trace=2, tags=["slow"])
    )
    store = Store(path)
    assert [row["name"] for row in store.traces()] == ["tagged", "mine"]
    assert len(store.traces(include_tests=True)) == 3


def test_a_condition_in_sql_chooses_traces(mixed: Store) -> None:
    assert [row["trace_id"] for row in mixed.traces(where="input_tokens is null -- the live one")] == [trace_id(4)]
    assert len(mixed.traces("chat", where="span_count = 2 or true")) == 4
    with pytest.raises(QueryError, match="no_such_column"):
        list(mixed.traces(where="no_such_column > 1"))


def test_a_trace_is_its_rows_in_order_and_its_tree(mixed: Store) -> None:
    for number in (0, 3):
        trace = mixed.trace(trace_id(number))
        assert trace.trace_id == trace_id(number)
        assert [row.name for row in trace.rows] == ["answer", "chat gpt-4o"]
        assert [(depth, node.row.name) for depth, node in trace.walk()] == [(0, "answer"), (1, "chat gpt-4o")]
        assert trace.rows[1].cost_usd == pytest.approx(0.0035)
        assert isinstance(trace.rows[1].cost_usd, float)


def test_every_column_comes_back_as_it_was_written(path: Path) -> None:
    values: dict[str, Any] = {
        "VARCHAR": "text",
        "VARCHAR[]": ["a", "b"],
        "BOOLEAN": False,
        "INTEGER": 1,
        "BIGINT": START_NS,
        "DECIMAL(18,9)": 0.5,
        "JSON": [{"deep": {"list": [1, 2.5, None, True, "é\n"]}}],
    }
    written_row = {name: values[sql_type] for name, sql_type in SPAN_COLUMNS.items()}
    written_row |= {"trace_id": trace_id(0), "span_id": "0" * 16, "status": "OK"}
    written(path, written_row)
    for _ in "live and stored":
        row = Store(path).span(trace_id(0), "0" * 16)
        assert {name: getattr(row, name) for name in SPAN_COLUMNS} == written_row
        assert isinstance(row, SpanRow)
        absorb(path)


def test_without_content_the_texts_are_left_out(path: Path) -> None:
    written(path, call(input=[{"role": "user"}], attributes={"a": 1}, metadata={"kept": True}))
    (row,) = Store(path).trace(trace_id(0), content=False).rows
    assert (row.input, row.attributes, row.metadata) == (None, None, {"kept": True})
    assert row.input_tokens == 1000


def test_the_beginning_of_an_id_will_do_if_it_is_long_enough_and_one_traces(mixed: Store) -> None:
    first, second = (row["trace_id"] for row in mixed.traces(limit=2))
    assert mixed.trace(first[:12].upper() + " ").trace_id == first
    assert first[:8] == second[:8]
    with pytest.raises(TraceNotFound, match="several traces begin"):
        mixed.trace(first[:8])
    with pytest.raises(TraceNotFound, match="8 characters"):
        mixed.trace(first[:7])
    for wrong in ("ffffffff", "'; drop table spans; --", "%" * 8, "日本語日本語日本"):
        with pytest.raises(TraceNotFound, match="no trace"):
            mixed.trace(wrong)
    with pytest.raises(TraceNotFound, match="has no span"):
        mixed.span(first, "0" * 16)


def test_a_late_span_of_an_old_trace_is_found_with_it(path: Path) -> None:
    written(path, span("root"), span("open", at=5, lasts=None, parent="root"))
    absorb(path)
    written(path, span("late", at=1000, parent="root"))
    for _ in "live and stored":
        assert [row.name for row in Store(path).trace(trace_id(0)).rows] == ["root", "open", "late"]
        absorb(path)


def test_open_spans_run_while_their_process_lives_and_are_lost_after_it(path: Path) -> None:
    dead, living = Process(path), Process(path)
    dead.segment(span("lost", lasts=None))
    living.segment(span("running", lasts=None, trace=1), span("done", trace=2), live=True)
    dead.die()
    store = Store(path)

    def statuses() -> dict[str, str]:
        return {row["name"]: row["status"] for row in store.sql("from spans")}

    assert statuses() == {"lost": "LOST", "running": "RUNNING", "done": "OK"}
    assert len(store.traces("status:running")) == 1
    absorb(path)
    living.die()
    absorb(path)
    assert statuses() == {"lost": "LOST", "running": "LOST", "done": "OK"}
    assert [row["status"] for row in store.sql("from store.spans where end_ns is null")] == [None, None]


def test_the_unfinished_last_line_of_a_live_segment_is_waited_for(path: Path) -> None:
    process = Process(path)
    whole = json.dumps({**span("two", at=0.5), "process_id": process.process_id}).encode() + b"\n"
    segment = process.segment(span("one"), live=True)
    before = segment.read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 2):
        segment.write_bytes(before + whole[:length])
        assert [row["name"] for row in Store(path).sql("from spans")] == ["one"]
    segment.write_bytes(before + whole)
    assert [row.name for row in Store(path).trace(trace_id(0)).rows] == ["one", "two"]
    assert not Layout(path).quarantine.exists()


def test_a_path_may_hold_any_characters(tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir()
    written(tmp_path / "ab" / "t.duckdb", span("of another folder"))
    folder = tmp_path / "a[b]"
    folder.mkdir()
    path = folder / "it's *a* {store}? é.duckdb"
    written(path, span("one"))
    for _ in "live and stored":
        assert [row["name"] for row in Store(path).traces()] == ["one"]
        absorb(path)


def test_sql_sees_the_views_with_their_live_rows(mixed: Store) -> None:
    (row,) = mixed.sql("select count(*) as spans, (select count(*) from traces) as traces from spans")
    assert row == {"spans": 9, "traces": 5}
    tables = [row["name"] for row in mixed.sql("show tables")]
    assert tables == ["functions", "processes", "scores", "spans", "traces"]
    described = [row["column_name"] for row in mixed.sql("describe spans")]
    assert described == list(SPAN_COLUMNS)


def test_sql_takes_parameters_by_place_and_by_name(mixed: Store) -> None:
    assert [row["n"] for row in mixed.sql("select ?::int as n", [5])] == [5]
    assert len(mixed.sql("from traces where trace_id = $wanted", {"wanted": trace_id(3)})) == 1


def test_rows_are_dicts_or_tables_and_asked_for_only_when_needed(mixed: Store, path: Path) -> None:
    rows = mixed.sql("select name, metadata, cost_usd, tags from spans where kind = 'llm' order by start_ns")
    written(path, call("newer", trace=9, metadata={"a": [1]}, tags=["x"]))
    assert isinstance(rows, Rows)
    assert len(rows) == 5
    assert rows.columns == ["name", "metadata", "cost_usd", "tags"]
    assert list(rows)[-1] == {"name": "newer", "metadata": {"a": [1]}, "cost_usd": pytest.approx(0.0035), "tags": ["x"]}
    assert list(rows) == list(rows)
    assert "5 rows" in repr(rows)
    assert list(rows.df()["name"]) == rows.arrow().column("name").to_pylist() == [row["name"] for row in rows]


def test_rows_become_a_polars_table(mixed: Store) -> None:
    pytest.importorskip("polars")
    assert mixed.traces().pl()["span_count"].to_list() == [1, 2, 2, 2, 2]


def test_numbers_that_json_does_not_know_do_not_stop_a_reader(path: Path) -> None:
    written(
        path, (json.dumps(span())[:-1] + ', "metadata": {"a": NaN, "b": 123456789012345678901234567890}}\n').encode()
    )
    absorb(path)
    (row,) = Store(path).trace(trace_id(0)).rows
    assert row.metadata["a"] != row.metadata["a"]
    assert row.metadata["b"] == pytest.approx(1.2345678901234568e29)


FORBIDDEN = {
    "a second statement": "select 1; select 2",
    "no statement": "  -- nothing\n",
    "a change": "delete from store.spans",
    "a view": "create view mine as select 1",
    "a file read": "select * from read_text('/etc/passwd')",
    "a file by its name": "from '/etc/passwd'",
    "a file written": "copy (select 1) to '/tmp/out.csv'",
    "another database": "attach '/tmp/other.duckdb'",
    "a setting": "set enable_external_access = true",
    "an extension": "load httpfs",
    "the program's variables": "from secret_of_the_program",
    "bad grammar": "selec 1",
    "a column that is not there": "select no_such_column from spans",
    "a value that is no number": "select 'could not read a corrupt file'::integer",
}


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_sql_only_reads_and_only_the_store(mixed: Store, kind: str) -> None:
    import pandas

    secret_of_the_program = pandas.DataFrame({"secret": [1]})
    before = len(mixed.sql("from spans"))
    with pytest.raises(QueryError) as raised:
        list(mixed.sql(FORBIDDEN[kind]))
    assert len(str(raised.value)) > 10
    assert len(mixed.sql("from spans")) == before
    assert secret_of_the_program is not None


def test_the_fingerprint_changes_with_whatever_a_reader_would_see(path: Path) -> None:
    store = Store(path)
    seen = [store.fingerprint()]

    def changed() -> bool:
        seen.append(store.fingerprint())
        return seen[-1] != seen[-2]

    process = Process(path)
    segment = process.segment(span("one", lasts=None, process_id=process.process_id), live=True)
    assert changed()
    with segment.open("ab") as file:
        file.write(json.dumps(span("two")).encode() + b"\n")
    assert changed()
    assert not changed()
    process.die()
    assert changed()
    absorb(path)
    assert changed()
    list(store.traces())
    assert not changed()


def test_many_threads_ask_at_once(mixed: Store) -> None:
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(len(mixed.traces()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [5] * 8


def test_scores_are_seen_as_soon_as_they_are_given(path: Path) -> None:
    def score(name: str, time_ns: int, **values: Any) -> dict[str, Any]:
        return {"record": "score", "data": {"trace_id": trace_id(0), "name": name, "time_ns": time_ns, **values}}

    written(
        path, span(), score("second", 2, label="fine", span_id="a" * 16), score("first", 1, value=0.5, comment="so so")
    )
    for _ in "live and stored":
        first, second = Store(path).scores(trace_id(0))
        assert (first["name"], first["value"], first["comment"], first["span_id"]) == ("first", 0.5, "so so", None)
        assert (second["name"], second["value"], second["label"], second["span_id"]) == (
            "second",
            None,
            "fine",
            "a" * 16,
        )
        absorb(path)


def test_the_schema_holds_the_columns_that_both_sides_know(path: Path) -> None:
    written(path, span())
    absorb(path)
    with duckdb.connect(str(path), read_only=True) as connection:
        columns = connection.execute("select column_name, column_type from (describe spans)").fetchall()
        assert dict(columns) == SPAN_COLUMNS
        assert [name for name, _ in columns] == list(SPAN_COLUMNS)
        (applied,) = connection.execute("select list(version order by version) from migrations").fetchall()[0]
        assert applied == sorted(migrations._FILES)
        used = connection.execute("select distinct compression from pragma_storage_info('spans')").fetchall()
    assert used


def test_any_duckdb_from_1_2_on_can_read_the_file(path: Path) -> None:
    """The version of the storage format stands in the file's header: 64 is that of DuckDB 0.9 to 1.2.

    Source: https://duckdb.org/docs/internals/storage
    """
    written(path, span())
    absorb(path)
    header = path.read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") <= 65


def test_a_store_is_found_as_recording_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.delenv("TRACER_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert Store().path == tmp_path / ".tracer" / "traces.duckdb"
    monkeypatch.setenv("TRACER_STORE", "elsewhere.duckdb")
    assert Store().path == tmp_path / "elsewhere.duckdb"
    assert repr(Store("x.duckdb")) == f"Store('{tmp_path / 'x.duckdb'}')"


def test_a_store_of_an_older_schema_is_read_as_it_is_and_brought_up_to_date_by_the_next_absorbing(path: Path) -> None:
    initial = Path(migrations.__file__).with_name("0001_initial.sql").read_text()
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table migrations (version integer, name varchar, applied_ns bigint)")
        connection.execute(initial)
        connection.execute("insert into migrations values (1, '0001_initial', 0)")
        connection.execute("insert into processes (process_id, pid) values ('old', 1)")
    dropped = {"process_id": "new", "dropped_spans": 2, "drop_reason": "no space left"}
    assert [row["process_id"] for row in Store(path).sql("from processes")] == ["old"]
    written(path, span(), {"record": "process", "data": dropped})
    for _ in "live and stored":
        old, new = Store(path).sql("from processes order by pid nulls last")
        assert (old["dropped_spans"], new["dropped_spans"], new["drop_reason"]) == (None, 2, "no space left")
        assert len(Store(path).traces()) == 1
        absorb(path)
