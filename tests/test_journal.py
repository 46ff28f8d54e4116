"""The journal: a line a write, a segment a process, and nothing that was written is lost."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

import programs
from tracer.journal import writer as writer_module
from tracer.journal.layout import MAX_LINE_BYTES, Layout
from tracer.journal.locks import is_locked, locked
from tracer.journal.writer import Writer


def lines(store: Path) -> list[bytes]:
    return [line for segment in Layout(store).segments() for line in segment.path.read_bytes().splitlines()]


def test_a_segment_is_locked_while_it_is_live_and_free_when_sealed(tmp_path: Path) -> None:
    journal = Writer(tmp_path / "t.duckdb")
    assert journal.write(b'{"a":1}')
    (segment,) = journal.layout.segments()
    assert (segment.process_id, segment.number) == (journal.process_id, 1)
    assert is_locked(segment.path)
    journal.seal()
    assert not is_locked(segment.path)
    journal.write(b'{"a":2}')
    assert [segment.number for segment in journal.layout.segments()] == [1, 2]
    assert lines(tmp_path / "t.duckdb") == [b'{"a":1}', b'{"a":2}']


def test_a_process_lives_as_long_as_its_lock(tmp_path: Path) -> None:
    journal = Writer(tmp_path / "t.duckdb")
    journal.write(b"{}")
    live = journal.layout.live(journal.process_id)
    assert is_locked(live)
    # Reading the file must not drop the lock, as closing it would with POSIX record locks.
    live.read_bytes()
    assert is_locked(live)
    journal.close()
    assert not live.exists()


def test_prompts_are_neither_readable_by_others_nor_committed(tmp_path: Path) -> None:
    store = tmp_path / ".tracer" / "traces.duckdb"
    journal = Writer(store)
    journal.write(b"{}")
    assert journal.layout.folder.stat().st_mode & 0o777 == 0o700
    assert store.parent.stat().st_mode & 0o777 == 0o700
    assert all(segment.path.stat().st_mode & 0o777 == 0o600 for segment in journal.layout.segments())
    assert (store.parent / ".gitignore").read_text() == "*\n"


def test_segments_are_sealed_by_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "SEGMENT_BYTES", 1_000)
    journal = Writer(tmp_path / "t.duckdb")
    for number in range(100):
        journal.write(json.dumps({"number": number, "text": "x" * 100}).encode())
    assert len(journal.layout.segments()) > 5
    assert [json.loads(line)["number"] for line in lines(tmp_path / "t.duckdb")] == list(range(100))


def test_threads_share_a_journal_while_it_is_sealed_under_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "SEGMENT_BYTES", 10_000)
    journal = Writer(tmp_path / "t.duckdb")

    def write(thread: int) -> None:
        for number in range(500):
            assert journal.write(json.dumps([thread, number, "x" * 50]).encode())

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = [tuple(json.loads(line)[:2]) for line in lines(tmp_path / "t.duckdb")]
    assert sorted(written) == [(thread, number) for thread in range(8) for number in range(500)]


def test_a_line_too_long_is_dropped_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal = Writer(tmp_path / "t.duckdb")
    assert not journal.write(b"x" * MAX_LINE_BYTES)
    assert journal.drop_reason.startswith(f"a span of {MAX_LINE_BYTES} bytes")
    assert "dropped a span" in caplog.text


def test_where_nothing_can_be_written_one_line_says_what_to_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    journal = Writer(tmp_path / "file" / "t.duckdb")
    assert not journal.write(b"{}")
    assert not journal.write(b"{}")
    assert len(caplog.records) == 1
    assert "set TRACER_STORE" in caplog.text


def test_a_deleted_journal_is_begun_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal = Writer(tmp_path / "t.duckdb")
    journal.write(b'{"a":1}')
    shutil.rmtree(journal.layout.folder)
    journal.seal_if_old()
    journal.write(b'{"a":2}')
    assert lines(tmp_path / "t.duckdb") == [b'{"a":2}']
    assert is_locked(journal.layout.live(journal.process_id))
    assert "was deleted, moved or closed while recording" in caplog.text


def test_on_a_full_disk_the_next_line_after_a_torn_one_is_whole(tmp_path: Path) -> None:
    program = """
        import resource, signal, sys
        from pathlib import Path
        from tracer.journal.writer import Writer
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit is then short, or fails
        journal = Writer(Path(sys.argv[1]))
        journal.write(b'{"n":0}')
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
        print(journal.write(b'{"n":1,"text":"too long for the space"}'), journal.write(b'{"n":2}'))
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        print(journal.write(b'{"n":3}'))
    """
    done = programs.run(program, tmp_path / "t.duckdb", tmp_path / "t.duckdb")
    assert done.stdout.split() == ["False", "False", "True"]
    assert "spans are dropped" in done.stderr
    whole = [json.loads(line) for line in lines(tmp_path / "t.duckdb") if line.endswith(b"}")]
    assert whole == [{"n": 0}, {"n": 3}]


def test_a_forked_child_has_a_journal_of_its_own_and_the_parent_keeps_its_lock(tmp_path: Path) -> None:
    program = """
        import os, sys
        import tracer
        tracer.configure(store=sys.argv[1])
        from tracer.recorder import RECORDER
        from tracer.journal.locks import is_locked
        with tracer.span("parent"):
            tracer.span("before").end()
            mine = RECORDER.writer
            child = os.fork()
            if child == 0:
                with tracer.span("child"):
                    pass
                os._exit(0)
            os.waitpid(child, 0)
            assert is_locked(mine.layout.live(mine.process_id))
            assert RECORDER.writer is mine
        RECORDER.close()
    """
    programs.run(program, tmp_path / "t.duckdb", tmp_path / "t.duckdb", PYTHONWARNINGS="error")
    rows = [row for row in map(json.loads, lines(tmp_path / "t.duckdb")) if "record" not in row]
    by_name = {row["name"]: row for row in rows}
    assert sorted(row["name"] for row in rows) == ["before", "child", "parent"]
    assert by_name["child"]["parent_id"] == by_name["parent"]["span_id"]
    assert by_name["child"]["process_id"] != by_name["parent"]["process_id"]


def test_a_lock_is_waited_for_no_longer_than_asked(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with locked(gate, shared=False, timeout=0) as first, locked(gate, shared=True, timeout=0.05) as second:
        assert (first, second) == (True, False)
    with locked(gate, shared=True, timeout=0) as one, locked(gate, shared=True, timeout=0) as two:
        assert (one, two) == (True, True)


def test_a_process_that_records_nothing_leaves_nothing(tmp_path: Path) -> None:
    program = """
        import sys, time, tracer
        tracer.configure(store=sys.argv[1])
        tracer.span("elsewhere").end()
        tracer.configure(store=sys.argv[2])
        time.sleep(0.6)
    """
    programs.run(program, tmp_path / "unused", tmp_path / "one.duckdb", tmp_path / "other.duckdb")
    assert [path.name for path in tmp_path.iterdir()] == ["one.duckdb.journal"]
