"""Purging deletes what was chosen and nothing else, everywhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from journal_lines import SECOND, Process, span, trace_id, written
from purging import DAY, MARKER, files_with_the_marker, filled, kept, marked, names

import programs
from tracer.errors import TraceNotFound, UsageError
from tracer.journal.layout import Layout
from tracer.store import Store, purge
from tracer.store.absorb import absorb
from tracer.store.purge import Purged, Selection, find, selection


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        (Selection(session_id="s0"), [1, 3, 5, 7, 9]),
        (Selection(user_id="u1"), [0, 2, 3, 5, 6, 8, 9]),
        (Selection(session_id="s0", user_id="u1"), [0, 1, 2, 3, 5, 6, 7, 8, 9]),
        (Selection(trace_ids=(trace_id(3), trace_id(4))), [0, 1, 2, 5, 6, 7, 8, 9]),
        (Selection(trace_ids=(trace_id(3),), user_id="u1"), list(range(10))),
        (Selection(before_ns=span(trace=4)["start_ns"] + 4 * DAY), [4, 5, 6, 7, 8, 9]),
        (Selection(before_ns=span(trace=4)["start_ns"] + 4 * DAY, session_id="s1"), [0, 2, 4, 5, 6, 7, 8, 9]),
        (Selection(before_ns=1), list(range(10))),
        (Selection(user_id="u' or 1=1 --"), list(range(10))),
    ],
)
def test_all_that_is_chosen_goes_and_all_else_stays(path: Path, chosen: Selection, left: list[int]) -> None:
    filled(path)
    before = list(Store(path).sql("from spans order by start_ns, span_id"))
    summaries = list(Store(path).traces())
    found = find(path, chosen)
    assert kept(path) == list(range(10))
    done = purge.purge(path, chosen)
    assert (done.traces, done.spans) == (found.traces, found.spans)
    assert done.traces == 10 - len(left)
    ids = {trace_id(number) for number in left}
    assert list(Store(path).sql("from spans order by start_ns, span_id")) == [r for r in before if r["trace_id"] in ids]
    assert list(Store(path).traces()) == [row for row in summaries if row["trace_id"] in ids]


def test_not_a_byte_of_what_was_purged_is_left_on_the_disk(path: Path) -> None:
    filled(path)
    score = {"trace_id": trace_id(0), "name": "good", "value": 1.0, "comment": MARKER, "time_ns": 1}
    process = Process(path)
    process.segment(
        *marked(20, session_id="s0", function_id="f" * 32),
        {"record": "score", "data": score},
        {"record": "process", "data": {"process_id": process.process_id, "argv": [MARKER]}},
        {"record": "function", "data": {"function_id": "f" * 32, "source": MARKER}},
        f'{{"trace_id": "{trace_id(0)}", "input": "{MARKER}'.encode() + b"\n",
        f'{{"session_id": "s0", "input": "{MARKER}'.encode() + b"\n",
    )
    process.die()
    absorb(path)
    written(path, *marked(21, session_id="s0"))  # waits to be absorbed
    spill = Layout(path).spill
    spill.mkdir(exist_ok=True)
    (spill / "duckdb_temp_block-1.block").write_text(MARKER)  # of a reader that was killed
    leftover = path.with_name(f".{path.name}.purge")
    leftover.mkdir()
    (leftover / path.name).write_text(MARKER)  # of a purge that was killed
    assert len(files_with_the_marker(path)) == 5

    done = purge.purge(path, Selection(session_id="s0"))
    assert done == Purged(7, 14, 0, 2, done.freed_bytes)
    assert files_with_the_marker(path) == []
    with duckdb.connect(str(path), read_only=True) as connection:
        for table in ("scores", "functions", "processes"):
            assert connection.execute(f"select count(*) from {table}").fetchone() == (0,), table
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, f"{path.name}.journal"]
    assert kept(path) == [1, 3, 5, 7, 9]


def test_the_file_becomes_smaller_and_stays_as_it_was_laid_out(path: Path) -> None:
    noise = [os.urandom(3000).hex() for _ in range(3000)]
    written(path, *(span(f"s{n}", trace=n, input=text, session_id=str(n % 2)) for n, text in enumerate(noise)))
    absorb(path)
    before = path.stat().st_size
    done = purge.purge(path, Selection(session_id="0"))
    assert done.freed_bytes > before // 3
    assert path.stat().st_mode & 0o777 == 0o600
    with duckdb.connect(str(path), read_only=True) as connection:
        stored = connection.execute("select column_name, compression from pragma_storage_info('spans')").fetchall()
        (free,) = connection.execute("select free_blocks from pragma_database_size()").fetchone() or (None,)
    assert ("input", "ZSTD") in stored
    assert free <= 2  # DuckDB 1.4 keeps two for itself
    assert int.from_bytes(path.read_bytes()[12:20], "little") <= 65  # any DuckDB from 1.2 on opens it
    written(path, span("after", trace=4000))
    assert absorb(path).spans == 1
    assert len(Store(path).sql("from spans")) == 1501


def test_tables_and_views_of_the_users_own_stay(path: Path) -> None:
    filled(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table notes as select 'mine' as note; create view dear as from spans")
    purge.purge(path, Selection(session_id="s0"))
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("from notes").fetchall() == [("mine",)]
        assert connection.execute("select count(*) from dear").fetchone() == (5,)


def test_a_link_to_the_store_stays_a_link(path: Path, tmp_path: Path) -> None:
    filled(path)
    (tmp_path / "disk").mkdir()
    real = tmp_path / "disk" / "real.duckdb"
    path.rename(real)
    path.symlink_to(real)
    purge.purge(path, Selection(session_id="s0"))
    assert path.is_symlink()
    assert kept(path) == [1, 3, 5, 7, 9]
    assert MARKER.encode() not in real.read_bytes()


def test_rows_in_segments_of_running_programs_are_counted_shown_no_more_and_never_come_back(path: Path) -> None:
    filled(path)
    process = Process(path)
    segment = process.segment(
        span("running", trace=0, at=2, lasts=None, session_id="s0"),
        *marked(20, session_id="s0"),
        span("stays", trace=21, session_id="s1"),
        live=True,
    )
    done = purge.purge(path, Selection(session_id="s0"))
    assert (done.traces, done.spans, done.waiting_spans) == (6, 13, 3)
    assert MARKER.encode() in segment.read_bytes()
    left = kept(path)
    assert left == [1, 3, 5, 7, 9, 21]
    process.segment(
        span("running", trace=0, at=2, lasts=3, session_id="s0"),
        {"record": "score", "data": {"trace_id": trace_id(0), "name": "late", "value": 1}},
        span("new", trace=22, session_id="s0"),  # recorded after the purge
    )
    assert kept(path) == [*left, 22]
    assert len(Store(path).scores(trace_id(0))) == 0
    process.die()
    absorb(path)
    assert kept(path) == [*left, 22]
    assert len(Store(path).scores(trace_id(0))) == 0
    assert files_with_the_marker(path) == []


def test_what_is_running_is_never_too_old(path: Path) -> None:
    process = Process(path)
    process.segment(span("done", trace=0), span("open", trace=0, lasts=None), span("old", trace=1))
    absorb(path)
    assert purge.purge(path, selection(older_than="1d")).traces == 1
    assert names(path) == ["done", "open"]
    process.die()
    assert purge.purge(path, selection(older_than="1d")).traces == 1
    assert names(path) == []


def test_lines_in_quarantine_go_with_their_age_or_session_and_others_stay(path: Path) -> None:
    lines = [b'{"session_id": "s0", broken\n', b'{"user_id":"u1", "session_id":"s1", broken\n', b"\xff\xfe noise\n"]
    written(path, span("one"), *lines)
    absorb(path)
    (file,) = Layout(path).quarantine.iterdir()
    assert purge.purge(path, Selection(session_id="s0", user_id="u1")) == Purged()
    assert purge.purge(path, Selection(session_id="s0")).quarantined_lines == 1
    assert file.read_bytes() == b"".join(lines[1:])
    assert purge.purge(path, Selection(before_ns=time.time_ns() - 3600 * SECOND, session_id="s1")) == Purged()
    two_hours_ago = time.time() - 7200
    os.utime(file, (two_hours_ago, two_hours_ago))
    assert purge.purge(path, selection(older_than="1h", user_id="u1")).quarantined_lines == 1
    assert purge.purge(path, selection(older_than="1h")).quarantined_lines == 1
    assert list(Layout(path).quarantine.iterdir()) == []


@pytest.mark.slow
def test_rows_of_a_megabyte_each_are_purged_though_duckdb_takes_many_at_once(path: Path) -> None:
    filled(path)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as store (row_group_size 8192)")
        connection.execute("""
            insert into store.spans by name
            select md5(range::varchar) as trace_id, 'wide' as name, range as start_ns, range as end_ns,
                to_json(repeat(md5(range::varchar), 30_000)) as input
            from range(700)""")
    assert purge.purge(path, Selection(session_id="s0")).traces == 5
    assert len(Store(path).sql("select 1 from spans where name = 'wide'")) == 700


def test_where_there_is_nothing_nothing_is_made(path: Path) -> None:
    assert purge.purge(path, Selection(session_id="s0")) == Purged()
    assert not find(path, Selection(session_id="s0"))
    assert list(path.parent.iterdir()) == []


def test_a_selection_says_what_it_cannot_be() -> None:
    for misuse in (selection, lambda: selection(older_than="30"), lambda: selection(older_than="soon")):
        with pytest.raises(UsageError):
            misuse()


def test_the_beginning_of_an_id_must_tell_one_trace(path: Path) -> None:
    filled(path)
    for prefix in (trace_id(0)[:9], "abcdefabcdef", "zz", "x' or '1"):
        with pytest.raises(TraceNotFound):
            purge.purge(path, Selection(trace_ids=(prefix,)))
    assert purge.purge(path, Selection(trace_ids=(trace_id(5)[:14],))).traces == 1


def test_the_store_has_it_as_a_method(path: Path) -> None:
    filled(path)
    assert Store(path).purge(trace_id(0), trace_id(1)).traces == 2
    assert Store(path).purge(session_id="s0", user_id="u2").traces == 2
    assert Store(path).purge(older_than="1d").traces == 6
    assert kept(path) == []


def test_the_command_says_what_it_would_delete_and_asks(path: Path) -> None:
    filled(path)
    dry = programs.tracer(path, "purge", "--session", "s0", "--dry-run")
    assert (dry.returncode, dry.stderr) == (0, "")
    assert "5 traces with 10 spans, about" in dry.stdout
    unasked = programs.tracer(path, "purge", "--session", "s0")
    assert (unasked.returncode, unasked.stdout) == (2, "")
    assert "--yes" in unasked.stderr
    assert programs.tracer(path, "purge").returncode == 2
    assert programs.tracer(path, "purge", "--older-than", "soon").returncode == 2
    assert kept(path) == list(range(10))
    assert "Deleted 5 traces with 10 spans" in programs.tracer(path, "purge", "--session", "s0", "--yes").stdout
    assert "Nothing to delete" in programs.tracer(path, "purge", "--session", "s0").stdout
    assert kept(path) == [1, 3, 5, 7, 9]


@pytest.mark.skipif(sys.platform == "win32", reason="has no pty")
@pytest.mark.parametrize(("answer", "left"), [("n", 10), ("", 10), ("y", 5)])
def test_on_a_terminal_it_takes_no_for_an_answer(path: Path, answer: str, left: int) -> None:
    filled(path)
    ours, theirs = pty.openpty()
    command = [str(Path(sys.executable).with_name("tracer")), "purge", "--session", "s0", "--store", str(path)]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.write(ours, answer.encode() + b"\n")
        stdout, _ = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert b"Delete 5 traces with 10 spans" in stdout
    assert process.returncode == (0 if left == 5 else 1)
    assert len(kept(path)) == left
