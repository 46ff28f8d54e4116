"""Disks that are full, read-only, gone or of the wrong kind: the program goes on, and what was lost is told."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections import Counter
from itertools import takewhile
from pathlib import Path

import pytest
from journal_lines import span, written
from ledger import assert_balance
from preload import preloaded

import programs
from tracer.errors import StoreUnavailable
from tracer.journal.layout import Layout
from tracer.store import Store
from tracer.store import absorb as absorbing
from tracer.store.absorb import absorb


def change(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


RECORDING = """
    import sys, time
    import tracer
    from tracer.journal import writer
    from tracer.recorder import RECORDER

    def record(kind, count, size=400):
        for number in range(count):
            tracer.span(f"{kind} {number}", input="x" * size).end()
            print(f"{kind} {number}")

    def wait_for_the_test():
        print("-", flush=True)
        sys.stdin.readline()
"""


def lost(stderr: str, reason: str = "cannot write to .* set TRACER_STORE to a path that can be written") -> int:
    """How many rows the program said that it lost: one line when that began, one at its end, and nothing else."""
    first, last = stderr.splitlines()
    assert re.search(reason, first), first
    found = re.fullmatch(r"llm-tracer lost (\d+) spans that could not be written, or were deleted", last)
    assert found, last
    return int(found[1])


def emitted_until_it_waits(process: subprocess.Popen[str], answer: str = "") -> list[str]:
    assert process.stdout is not None
    assert process.stdin is not None
    if answer:
        print(answer, file=process.stdin, flush=True)
    return list(takewhile(lambda line: line != "-", map(str.rstrip, process.stdout)))


def recorded_while_the_disk_grows(program: str, store: Path, room: str) -> tuple[list[str], str]:
    """Give a program more room when it waits for it; return what it emitted and its complaints."""
    with programs.start(program, store) as process:
        emitted = emitted_until_it_waits(process)
        change(store.parent, room)
        stdout, stderr = process.communicate("go on\n", timeout=30)
    assert process.returncode == 0
    return [*emitted, *stdout.splitlines()], stderr


def test_what_a_full_disk_has_no_room_for_is_counted_and_recording_goes_on_when_it_has(disk: Path) -> None:
    store = disk / "traces.duckdb"
    program = (
        RECORDING
        + """
    record("while it fills up", 2000)
    wait_for_the_test()
    record("with room again", 100)
    """
    )
    emitted, stderr = recorded_while_the_disk_grows(program, store, "size=16m")
    assert len(emitted) == 2100
    names = {row["name"] for row in Store(store).sql("select name from spans")}
    assert {f"with room again {number}" for number in range(100)} <= names
    assert_balance(store, emitted, dropped=lost(stderr))


def test_where_a_disk_has_no_room_for_another_file_recording_goes_on_once_it_has(disk: Path) -> None:
    store = disk / "traces.duckdb"
    program = (
        RECORDING
        + """
    writer.SEGMENT_BYTES = 5_000
    record("at first", 1)
    RECORDER.tick(0)  # describes the process, which is else done at some moment
    record("while it fills up", 1000)
    wait_for_the_test()
    time.sleep(writer.OPEN_AGAIN_S)
    record("with room again", 20)
    """
    )
    emitted, stderr = recorded_while_the_disk_grows(program, store, "size=16m,nr_inodes=1000")
    assert_balance(store, emitted, dropped=lost(stderr))


@pytest.mark.parametrize("moment", ["at the first span", "later"])
def test_with_too_many_files_open_spans_are_counted_and_recording_goes_on_when_there_are_fewer(
    path: Path, moment: str
) -> None:
    program = (
        RECORDING
        + """
    import os, resource
    if sys.argv[1] == "later":
        record("before", 100)
    RECORDER.tick(0)
    RECORDER.writer.seal()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    record("with too many", 100)
    for descriptor in taken:
        os.close(descriptor)
    time.sleep(writer.OPEN_AGAIN_S)
    record("with fewer", 100)
    """
    )
    done = programs.run(program, path, moment)
    emitted = done.stdout.splitlines()
    assert lost(done.stderr, "Too many open files.*: spans are dropped while that lasts") == 100
    assert_balance(path, emitted, dropped=100)
    assert len(Store(path).sql("from processes")) == 1


def test_a_quota_that_is_reached_is_like_a_full_disk(path: Path, tmp_path: Path) -> None:
    environ = preloaded(
        tmp_path,
        """
        ssize_t write(int descriptor, const void *bytes, size_t size) {
            char link[64], target[4096] = "";
            snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
            if (readlink(link, target, sizeof target - 1) > 0 && strstr(target, ".ndjson") && getenv("QUOTA_REACHED")
                && access(getenv("QUOTA_REACHED"), F_OK) == 0) { errno = EDQUOT; return -1; }
            ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
            return real(descriptor, bytes, size);
        }
        """,
    )
    reached = tmp_path / "reached"
    program = (
        RECORDING
        + """
    from pathlib import Path
    record("before", 100)
    Path(sys.argv[1]).touch()
    record("beyond", 100)
    Path(sys.argv[1]).unlink()
    record("after", 100)
    """
    )
    done = programs.run(program, path, reached, **environ, QUOTA_REACHED=str(reached))
    assert "quota exceeded" in done.stderr
    assert_balance(path, done.stdout.splitlines(), dropped=lost(done.stderr))


def test_on_a_read_only_disk_the_program_goes_on_and_one_line_says_where_to_record(disk: Path) -> None:
    change(disk, "ro")
    done = programs.run(RECORDING + "\n    record('nowhere', 10)", disk / "traces.duckdb")
    assert "Read-only file system" in done.stderr
    assert lost(done.stderr) == len(done.stdout.splitlines()) == 10


@pytest.mark.parametrize("what", ["the journal", "the folder of the store"])
def test_what_is_deleted_while_recording_is_begun_anew_and_the_rows_that_went_are_counted(
    tmp_path: Path, what: str
) -> None:
    store = tmp_path / ".tracer" / "traces.duckdb"
    program = (
        RECORDING
        + """
    record("deleted", 100)
    with tracer.span("around"):
        wait_for_the_test()
        time.sleep(1)
        record("begun anew", 100)
        wait_for_the_test()
    """
    )
    with programs.start(program, store) as process:
        emitted = emitted_until_it_waits(process)
        time.sleep(1)  # the rows of the process and of the span that is open go too
        shutil.rmtree(Layout(store).folder if what == "the journal" else store.parent)
        emitted += emitted_until_it_waits(process, "go on")
        assert [row["name"] for row in Store(store).sql("from spans where status = 'RUNNING'")] == ["around"]
        assert len(Store(store).sql("from processes where pid = ?", [process.pid])) == 1
        _, stderr = process.communicate("go on\n", timeout=30)
    assert process.returncode == 0
    assert lost(stderr, "was deleted, moved or closed while recording, and 102 rows with it") == 102
    assert (store.parent / ".gitignore").exists() or what == "the journal"
    assert_balance(store, [*emitted, "around"], dropped=100)


def test_a_program_that_closes_all_files_that_it_does_not_know_loses_nothing_and_keeps_its_own(
    path: Path, tmp_path: Path
) -> None:
    program = (
        RECORDING
        + """
    import os
    record("before", 100)
    os.closerange(3, 1_000)
    own = [os.open(f"{sys.argv[1]}/{number}", os.O_WRONLY | os.O_CREAT) for number in range(8)]
    record("after", 100)
    for descriptor in own:
        os.write(descriptor, b"mine")
    """
    )
    folder = tmp_path / "own"
    folder.mkdir()
    done = programs.run(program, path, folder)
    assert "was deleted, moved or closed while recording, and 0 rows with it" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [file.read_bytes() for file in folder.iterdir()] == [b"mine"] * 8
    assert_balance(path, done.stdout.splitlines())


def test_a_program_with_no_standard_streams_keeps_their_numbers_to_itself(path: Path) -> None:
    program = """
        import os, tracer
        tracer.span("one").end()
        os.write(1, b"to " + b"nobody")  # in two, for the journal holds this program too
        os.write(2, b"to " + b"nobody")
    """
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    with programs.start(program, path, before=closed) as process:
        assert process.wait(timeout=30) != 0, "its own writes fail, as they would without us"
    assert all(b"to nobody" not in segment.path.read_bytes() for segment in Layout(path).segments())
    assert_balance(path, ["one"])


def test_absorbing_on_a_full_disk_loses_nothing_wherever_the_room_ends(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the store is made, and while the rows are written."""
    change(disk, "size=6m")
    store = disk / "traces.duckdb"
    emitted = [f"s{number}" for number in range(1000)]
    written(store, *(span(name, at=number, input=os.urandom(600).hex()) for number, name in enumerate(emitted)))
    filler = disk / "filler"
    steps = [""]
    monkeypatch.setattr(absorbing, "_step", steps.append)
    stopped_after = Counter[str]()
    for room in range(0, 4_000_000, 65_000):
        free = os.statvfs(disk)
        filler.write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - room))
        try:
            absorb(store)
        except StoreUnavailable as error:
            stopped_after[steps[-1]] += "Nothing is lost" in str(error)
        filler.unlink()
        assert {row["name"] for row in Store(store).sql("from spans")} == set(emitted)
    print(f"stopped after {dict(stopped_after)}")
    assert {"", "inserted"} <= stopped_after.keys()
    assert_balance(store, emitted)


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


def test_without_flock_nothing_is_recorded_or_read_and_the_advice_is_to_use_a_local_disk(
    path: Path, tmp_path: Path
) -> None:
    without = preloaded(tmp_path, "int flock(int descriptor, int operation) { errno = ENOTSUP; return -1; }")
    done = programs.run(RECORDING + "\n    record('nowhere', 10)", path, **without)
    assert done.stdout.splitlines() == [f"nowhere {number}" for number in range(10)]
    assert lost(done.stderr, "does not support flock .*Set TRACER_STORE to a file on a local disk") == 10
    assert [file.name for file in Layout(path).folder.iterdir()] == [".gitignore"]
    segment = written(path, span("one"))
    for command in ("ls", "absorb"):
        told = programs.tracer(path, command, **without)
        assert told.returncode == 1
        assert "does not support flock" in told.stderr
        assert "TRACER_STORE" in told.stderr
    assert segment.exists()
    assert_balance(path, ["one"])


def test_a_folder_that_cannot_be_written_costs_no_more_than_the_spans(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    program = """
        import tracer
        @tracer.trace
        def f(): return 42
        print(f(), f())
    """
    done = programs.run(program, blocked / "traces.duckdb")
    assert done.stdout == "42 42\n"
    assert done.stderr.count("TRACER_STORE") == 1
