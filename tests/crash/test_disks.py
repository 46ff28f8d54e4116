"""Disks that are full, read-only, gone or of the wrong kind: the program goes on, and what was lost is told."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest
from journal_lines import span, written

import programs
from tracer.errors import StoreUnavailable
from tracer.journal.layout import Layout
from tracer.store import Store
from tracer.store.absorb import absorb


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


def test_a_folder_that_cannot_be_written_costs_one_line_in_the_log(tmp_path: Path) -> None:
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
