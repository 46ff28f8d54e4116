"""Whatever a purge is killed, raced or refused by, every trace is whole or gone, and what others wrote stays."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from purging import files_with_the_marker, filled, kept

import programs
from tracer.errors import StoreLocked
from tracer.store import Store, database, purge
from tracer.store.absorb import absorb
from tracer.store.purge import Selection


@pytest.mark.slow
def test_ctrl_c_ends_it_at_once_and_all_is_as_it_was(path: Path) -> None:
    filled(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table mine as select md5(range::varchar) as hash from range(10_000_000)")
    size = path.stat().st_size
    command = [str(Path(sys.executable).with_name("tracer")), "purge", "--session", "s0", "--yes", "--store", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not (path.with_name(f".{path.name}.purge") / path.name).exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (130, "", "")
    assert kept(path) == list(range(10))
    assert path.stat().st_size == size
    assert not list(path.parent.glob(".*"))


STEPS = ["written", "replaced"]


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_store_is_whole_and_the_next_purge_ends_it(path: Path, step: str) -> None:
    filled(path)
    program = """
        import os, signal, sys
        from pathlib import Path
        from tracer.store import purge
        purge._step = lambda name: name == sys.argv[2] and os.kill(os.getpid(), signal.SIGKILL)
        purge.purge(Path(sys.argv[1]), purge.Selection(session_id="s0"))
    """
    with programs.start(program, path, path, step) as process:
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == -9, stderr
    assert kept(path) == (list(range(10)) if step == "written" else [1, 3, 5, 7, 9])
    purge.purge(path, Selection(session_id="s0"))
    assert kept(path) == [1, 3, 5, 7, 9]
    assert files_with_the_marker(path) == []
    assert not list(path.parent.glob(".*"))


def test_killed_at_any_moment_every_trace_is_whole_or_gone(path: Path) -> None:
    filled(path)
    program = """
        import sys
        from pathlib import Path
        from tracer.store import purge
        print("ready")
        purge.purge(Path(sys.argv[1]), purge.Selection(session_id="s0"))
    """
    for delay in (0.02, 0.06, 0.1, 0.15, 0.2):
        with programs.start(program, path, path) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay)
            process.kill()
        assert kept(path) in (list(range(10)), [1, 3, 5, 7, 9])
    purge.purge(path, Selection(session_id="s0"))
    assert kept(path) == [1, 3, 5, 7, 9]


def test_readers_and_recording_go_on_while_it_purges(path: Path) -> None:
    filled(path)
    program = """
        import sys
        from pathlib import Path
        from tracer.store import purge
        purge.purge(Path(sys.argv[1]), purge.Selection(session_id="s0"))
    """
    answers = []
    with programs.start(program, path, path) as process:
        while process.poll() is None:
            answers.append(tuple(kept(path)))
        assert process.returncode == 0
    assert set(answers) <= {tuple(range(10)), (1, 3, 5, 7, 9)}


def test_while_programs_record_and_absorb_only_what_was_chosen_goes(path: Path) -> None:
    program = """
        import sys, time
        import tracer
        for number in range(400):
            for session in ("stays", "goes"):
                with tracer.using(session_id=session), tracer.span(f"{sys.argv[1]} {number}"), tracer.span("inside"):
                    pass
            if number % 50 == 0:
                tracer.recorder.RECORDER.writer.seal()
            time.sleep(0.002)
    """
    recorders = [programs.start(program, path, name, TRACER_ABSORB="1") for name in ("a", "b")]
    purges = 0
    while any(recorder.poll() is None for recorder in recorders):
        purges += purge.purge(path, Selection(session_id="goes")).traces > 0
    for recorder in recorders:
        assert recorder.wait(timeout=60) == 0
        recorder.communicate()
    purge.purge(path, Selection(session_id="goes"))
    absorb(path)
    rows = Store(path).sql(
        "select session_id, count(*) as spans, count(distinct span_id) as ids from spans group by all"
    )
    assert list(rows) == [{"session_id": "stays", "spans": 1600, "ids": 1600}]
    (sums,) = Store(path).sql("select count(*) as traces, sum(span_count)::int as spans from traces")
    assert sums == {"traces": 800, "spans": 1600}
    assert purges > 0


def test_a_program_that_holds_the_file_is_named_and_nothing_changes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(path)
    monkeypatch.setattr(database, "FOREIGN_SECONDS", 0.2)
    hold = "import sys, duckdb; c = duckdb.connect(sys.argv[1], read_only=True); print('holding'); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(StoreLocked, match=rf"process {holder.pid} "):
            purge.purge(path, Selection(session_id="s0"))
        assert kept(path) == list(range(10))
        holder.kill()
    assert purge.purge(path, Selection(session_id="s0")).traces == 5


def test_what_another_program_wrote_meanwhile_is_not_lost(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)

    def write(step: str) -> None:
        if step == "written":
            program = "import sys, duckdb; duckdb.connect(sys.argv[1]).execute('create table mine as select 1')"
            subprocess.run([sys.executable, "-c", program, str(path)], check=True)

    monkeypatch.setattr(purge, "_step", write)
    with pytest.raises(StoreLocked, match="changed by another program"):
        purge.purge(path, Selection(session_id="s0"))
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("from mine").fetchall() == [(1,)]
    assert kept(path) == list(range(10))
