"""Absorbing is killed, raced, refused and starved: every ended span is stored once, and nobody waits for ever."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from journal_lines import Process, call, span, written

import programs
from tracer.errors import StoreDamaged, StoreLocked, StoreTooNew, StoreUnavailable
from tracer.journal.layout import MAX_LINE_BYTES, Layout
from tracer.store import Store, database
from tracer.store.absorb import Absorbed, absorb, waiting

STEPS = ["read", "settled", "inserted", "committed", "closed", "deleted"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "traces.duckdb"


def backlog(path: Path, segments: int = 6, spans: int = 50) -> int:
    """Segments of several processes, with open rows that a later segment ends; return how many spans they hold."""
    processes = [Process(path) for _ in range(2)]
    for number in range(segments):
        traces = range(number * spans, (number + 1) * spans)
        rows = [
            row for trace in traces for row in (span("root", trace=trace, lasts=None), call(trace=trace, parent="root"))
        ]
        processes[number % 2].segment(*rows)
        processes[number % 2].segment(*(span("root", trace=trace) for trace in traces))
    for process in processes:
        process.die()
    return 2 * segments * spans


def told(path: Path) -> dict[str, int]:
    """What a reader is told: rows, distinct spans, spans with no end, and traces."""
    (row,) = Store(path).sql("""
        select count(*) as rows, count(distinct (trace_id, span_id)) as spans, count(*) filter (end_ns is null) as open,
            (select count(*) from traces where span_count = 2 and input_tokens = 1000) as traces
        from spans""")
    return row


def whole(spans: int) -> dict[str, int]:
    return {"rows": spans, "spans": spans, "open": 0, "traces": spans // 2}


def killed_at(path: Path, step: str, times: int = 1) -> None:
    """Absorb in a process that is killed when it comes to a step for the given time."""
    program = """
        import os, signal, sys
        from pathlib import Path
        from tracer.store import absorb
        absorb.SLICE_BYTES = 20_000
        left = int(sys.argv[3])
        def killed(step):
            global left
            left -= step == sys.argv[2]
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        absorb._step = killed
        absorb.absorb(Path(sys.argv[1]))
    """
    with programs.start(program, path, path, step, times) as process:
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == -9, stderr


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_and_again_nothing_is_lost_or_doubled(path: Path, step: str) -> None:
    spans = backlog(path)
    for times in (1, 2):
        killed_at(path, step, times)
        assert told(path) == whole(spans), f"after {times}"
    absorb(path)
    assert told(path) == whole(spans)
    assert Layout(path).segments() == []


def test_killed_at_any_moment_nothing_is_lost_or_doubled(path: Path) -> None:
    spans = backlog(path, segments=8)
    program = """
        import sys
        from pathlib import Path
        from tracer.store.absorb import absorb
        print("ready")
        absorb(Path(sys.argv[1]))
    """
    moments = random.Random(7)
    for _ in range(5):
        with programs.start(program, path, path) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(moments.uniform(0, 0.4))
            process.kill()
        assert told(path) == whole(spans)
    absorb(path)
    assert told(path) == whole(spans)


def test_two_absorbers_race_and_each_segment_is_taken_once(path: Path) -> None:
    spans = backlog(path, segments=6)
    program = """
        import json, sys
        from pathlib import Path
        from tracer.store import absorb
        absorb.SLICE_BYTES = 20_000
        print(json.dumps(absorb.main(Path(sys.argv[1]), background=sys.argv[2] == "background").segments))
    """
    racers = [programs.start(program, path, path, place) for place in ("", "", "background", "background")]
    taken = [json.loads(racer.communicate(timeout=60)[0]) for racer in racers]
    assert sum(taken) == 12
    assert told(path) == whole(spans)


def test_readers_are_told_everything_while_it_is_absorbed(path: Path) -> None:
    spans = backlog(path, segments=8)
    program = """
        import sys
        from pathlib import Path
        from tracer.store import absorb
        absorb.SLICE_BYTES = 20_000
        absorb.main(Path(sys.argv[1]))
    """
    answers: Counter[str] = Counter()
    with programs.start(program, path, path) as absorber:
        while absorber.poll() is None:
            answers[json.dumps(told(path))] += 1
        assert absorber.returncode == 0
    assert set(answers) == {json.dumps(whole(spans))}
    assert answers.total() > 3


def test_threads_of_one_process_ask_while_it_absorbs(path: Path) -> None:
    spans = backlog(path, segments=8)
    found: list[dict[str, int]] = []
    readers = [threading.Thread(target=lambda: found.append(told(path))) for _ in range(4)]
    absorber = threading.Thread(target=absorb, args=(path,))
    for thread in (absorber, *readers):
        thread.start()
    for thread in (absorber, *readers):
        thread.join()
    assert found == [whole(spans)] * 4


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs are waited for no longer than a test has time."""
    monkeypatch.setattr(database, "FOREIGN_SECONDS", 0.2)


def test_another_programs_hold_on_the_file_is_told_by_its_number_and_name(path: Path, impatient: None) -> None:
    written(path, span("one"))
    absorb(path)
    segment = written(path, span("two", at=0.5))
    program = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('holding', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        for attempt in (lambda: len(Store(path).traces()), lambda: absorb(path)):
            with pytest.raises(StoreLocked, match=rf"process {holder.pid} \({Path(sys.executable).name.split('.')[0]}"):
                attempt()
        assert segment.exists()
        holder.kill()
    assert absorb(path).spans == 1
    assert len(Store(path).sql("from spans")) == 2


def test_a_short_hold_of_another_program_is_waited_out(path: Path) -> None:
    written(path, span("one"))
    absorb(path)
    program = "import sys, time, duckdb; c = duckdb.connect(sys.argv[1]); print('holding', flush=True); time.sleep(0.5)"
    with programs.start(program, path, path) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert len(Store(path).traces()) == 1


def test_a_connection_of_ones_own_to_the_file_is_told_as_such(path: Path, impatient: None) -> None:
    if duckdb.__version__ < "2":
        pytest.skip("before 2.0 DuckDB lets one process open a file twice")
    written(path, span("one"))
    absorb(path)
    with duckdb.connect(str(path)), pytest.raises(StoreLocked, match="open in this very process"):
        len(Store(path).traces())
    assert len(Store(path).traces()) == 1


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


def test_a_store_of_a_newer_schema_is_left_alone(path: Path) -> None:
    written(path, span("one"))
    absorb(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("insert into migrations values (1000, '1000_of_the_future', 0)")
    segment = written(path, span("two"))
    for attempt in (lambda: len(Store(path).traces()), lambda: absorb(path)):
        with pytest.raises(StoreTooNew, match=r"newer llm-tracer.*pip install -U llm-tracer"):
            attempt()
    assert segment.exists()


def test_an_empty_file_is_no_store_yet(path: Path) -> None:
    path.touch()
    assert list(Store(path).traces()) == []
    written(path, span("one"))
    assert [row["name"] for row in Store(path).traces()] == ["one"]
    assert absorb(path) == Absorbed(segments=1, spans=1)
    assert [row["name"] for row in Store(path).traces()] == ["one"]


def test_the_log_of_a_deleted_store_is_not_replayed_into_the_next(path: Path) -> None:
    written(path, span("old"))
    killed_at(path, "committed")
    log = path.with_name(path.name + ".wal")
    assert log.stat().st_size > 0
    assert log.stat().st_mode & 0o777 == 0o600
    path.unlink()
    written(path, span("new", trace=1))
    absorb(path)
    assert [row["name"] for row in Store(path).sql("select name from store.spans order by name")] in (
        ["new"],
        ["new", "old"],
    )
    assert len(Store(path).traces()) == len(Store(path).sql("from spans"))


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


def test_on_a_full_disk_segments_wait_and_are_absorbed_once_there_is_room(path: Path) -> None:
    rows = [span(f"s{number}", at=number, input=os.urandom(2000).hex()) for number in range(500)]
    written(path, *rows)
    absorb(path)
    segment = written(path, *(row | {"span_id": row["span_id"][::-1]} for row in rows))
    program = """
        import resource, signal, sys
        from pathlib import Path
        from tracer.errors import StoreUnavailable
        from tracer.store.absorb import absorb
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))
        try:
            absorb(Path(sys.argv[1]))
        except StoreUnavailable as error:
            print(error)
    """
    for room in (0, 4096, 300_000, 1_000_000):
        message = programs.run(program, path, path, room).stdout
        assert "no space left" in message, room
        assert "Nothing is lost" in message
        assert len(Store(path).sql("from spans")) == 1000
    absorb(path)
    assert not segment.exists()
    assert len(Store(path).sql("from store.spans")) == 1000


def test_in_a_folder_that_cannot_be_written_reading_works_and_absorbing_says_why(tmp_path: Path) -> None:
    """Root may write everywhere, so this is seen as the user nobody where the tests run as root."""
    path = tmp_path / "shared" / "traces.duckdb"
    path.parent.mkdir()
    written(path, span("stored"))
    absorb(path)
    written(path, span("waiting", at=0.5))
    program = """
        import os, sys
        from pathlib import Path
        from tracer.errors import StoreUnavailable
        from tracer.store import Store
        from tracer.store.absorb import absorb
        folder = os.open(sys.argv[1], os.O_RDONLY)
        os.fchdir(folder)
        if os.getuid() == 0:
            os.setuid(65534)
        store = Store(sys.argv[2])
        print([row["name"] for row in store.sql("select name from spans order by start_ns")])
        try:
            absorb(store.path)
        except StoreUnavailable as error:
            print(error)
    """
    for file in (path, *Layout(path).folder.iterdir()):
        file.chmod(0o444)
    for folder in (Layout(path).folder, path.parent):
        folder.chmod(0o555)
    for parent in path.parent.parents:
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    names, message = programs.run(program, path, path.parent, path).stdout.splitlines()
    path.parent.chmod(0o755)
    Layout(path).folder.chmod(0o755)
    assert names == "['stored', 'waiting']"
    assert "TRACER_STORE" in message


def test_without_flock_the_advice_is_to_use_a_local_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(path, span("one"))

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    for attempt in (lambda: len(Store(path).traces()), lambda: absorb(path)):
        with pytest.raises(StoreUnavailable, match=r"does not support flock.*TRACER_STORE"):
            attempt()


def test_a_backlog_of_50_mb_is_absorbed_in_bounded_memory(path: Path) -> None:
    """Among 4 MB segments of chats, some without usage, is one that holds the longest line there may be."""
    process = Process(path)
    texts = random.Random(1)
    for number in range(13):
        usage = {"input_tokens": None, "output_tokens": None}
        process.segment(
            *(
                call(
                    f"call {trace}",
                    trace=number * 1000 + trace,
                    input=texts.randbytes(1900).hex(),
                    **(usage if trace % 100 == 0 else {}),
                )
                for trace in range(1000)
            )
        )
    process.segment(span("longest", input="x" * (MAX_LINE_BYTES - 1000)))
    process.die()
    size = sum(segment.path.stat().st_size for segment in Layout(path).segments())
    program = """
        import re, resource, sys
        from pathlib import Path
        from tracer.store.absorb import main
        spans = main(Path(sys.argv[1])).spans
        if sys.platform == "linux":  # where getrusage counts the process that was forked before, too
            peak = int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
        else:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024**2
        print(spans, peak)
    """
    absorbed, peak_mb = map(int, programs.run(program, path, path).stdout.split())
    print(f"{size / 1e6:.0f} MB in {absorbed} spans absorbed with a peak of {peak_mb} MB")
    assert size > 50_000_000
    assert absorbed == 13_001
    assert peak_mb <= (256 if duckdb.__version__ >= "2" else 400)
    assert not waiting(path)
