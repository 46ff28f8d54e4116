"""Programs fork and spawn whenever they like: parent and child each keep a journal of their own."""

from __future__ import annotations

import os
import signal
from itertools import takewhile
from pathlib import Path

import pytest
from ledger import assert_balance

import programs
from tracer.journal.layout import Layout
from tracer.journal.locks import is_locked
from tracer.store import Store
from tracer.store.absorb import main


def test_forks_and_spawns_in_the_middle_of_a_span_record_under_it(store_path: Path) -> None:
    program = """
        import multiprocessing, os, sys, tracer

        @tracer.trace
        def work(number):
            return number

        if __name__ == "__main__":
            with tracer.span("parent"):
                with multiprocessing.get_context("fork").Pool(3) as pool:
                    assert pool.map(work, range(20)) == list(range(20))
                    pool.close()
                    pool.join()
    """
    programs.run(program, store_path)
    (found,) = Store(store_path).traces()
    rows = Store(store_path).trace(found["trace_id"]).rows
    assert sorted(row.output for row in rows if row.name == "work") == list(range(20))
    assert len({row.parent_id for row in rows if row.name == "work"}) == 1
    assert [row.status for row in rows if row.name == "parent"] == ["OK"]


BUSY = """
    import os, sys, threading, time
    import tracer
    from tracer.journal import writer
    from tracer.recorder import RECORDER

    os.setpgrp()
    writer.SEGMENT_BYTES = 10_000

    def emit(name):
        tracer.span(name).end()
        os.write(1, name.encode() + b"\\n")

    def record(thread):
        number = 0
        while True:
            emit(f"thread {thread}, span {number}")
            number += 1
            time.sleep(float(sys.argv[1]))

    def fork_into(child):
        pid = os.fork()
        if pid == 0:
            child()
            os._exit(0)
        return pid

    print(RECORDER.writer.process_id, flush=True)
    tracer.span("lasts as long as the program")
    for thread in range(4):
        threading.Thread(target=record, args=(thread,), daemon=True).start()
"""


def test_children_that_outlive_their_parent_hold_none_of_its_locks(path: Path) -> None:
    """Or its open spans would be RUNNING and its segments wait, for as long as a child lives."""
    program = (
        BUSY
        + """
    def outlive(number):
        emit(f"child {number}")
        time.sleep(60)

    for number in range(40):
        fork_into(lambda: outlive(number))
    RECORDER.tick(0)  # writes the open span
    os.write(1, b"-\\n")
    time.sleep(60)
    """
    )
    with programs.start(program, path, 0, PYTHONWARNINGS="ignore") as process:
        try:
            assert process.stdout is not None
            parent, *emitted = takewhile(lambda line: line != "-", map(str.rstrip, process.stdout))
            os.kill(process.pid, signal.SIGKILL)
            process.wait(timeout=30)
            main(path)
            assert not is_locked(Layout(path).live(parent))
            assert [segment for segment in Layout(path).segments() if segment.process_id == parent] == []
            children = [id_ for id_, live in Layout(path).live_files().items() if is_locked(live)]
            assert len(children) == 40
        finally:
            os.killpg(process.pid, signal.SIGKILL)
        emitted += [line.rstrip() for line in process.stdout]
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert_balance(path, emitted, untold=4)
    (row,) = Store(path).sql("from spans where name = 'lasts as long as the program'")
    assert row["status"] == "LOST"


def test_forks_while_everything_goes_on_lose_nothing(path: Path) -> None:
    """Threads record, segments are sealed, the watcher runs and starts absorbers, spans are open: again and again."""
    program = (
        BUSY
        + """
    writer.ABSORB_BYTES = 20_000

    def be_born(number):
        with tracer.span(f"child {number}"):
            for leaf in range(3):
                emit(f"child {number}, leaf {leaf}")
        os.write(1, f"child {number}\\n".encode())
        if number % 3 == 0:
            os.kill(os.getpid(), 9)

    for number in range(40):
        with tracer.span(f"around {number}"):
            os.waitpid(fork_into(lambda: be_born(number)), 0)
        os.write(1, f"around {number}\\n".encode())
    os.kill(os.getpid(), 9)
    """
    )
    with programs.start(program, path, 0.0005, PYTHONWARNINGS="ignore", TRACER_ABSORB="1") as process:
        stdout, stderr = process.communicate(timeout=60)
    assert stderr == ""
    _, *emitted = stdout.splitlines()
    assert len([name for name in emitted if name.startswith("child")]) == 40 * 4
    assert_balance(path, emitted, untold=4)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools_of_processes_record_what_each_of_them_did(path: Path, tmp_path: Path, method: str) -> None:
    (tmp_path / "workers.py").write_text(
        "import tracer\n\n\n"
        "def work(number):\n"
        "    with tracer.span(f'work {number}'):\n"
        "        tracer.span(f'inside {number}').end()\n"
    )
    program = """
        import multiprocessing, sys, tracer, workers
        with tracer.span("around"):
            with multiprocessing.get_context(sys.argv[1]).Pool(3) as pool:
                pool.map(workers.work, range(60))
    """
    programs.run(program, path, method, PYTHONPATH=str(tmp_path))
    assert_balance(path, ["around", *(f"{name} {number}" for number in range(60) for name in ("work", "inside"))])


def test_a_span_that_was_open_at_a_fork_is_ended_by_the_parent_alone(path: Path) -> None:
    program = """
        import os, tracer
        with tracer.span("around", input="a prompt"):
            if os.fork() == 0:
                tracer.span("child").end()
            else:
                os.wait()
    """
    programs.run(program, path)
    assert_balance(path, ["around", "child"])
