"""A program may end in any way: what had ended is there, what was open is LOST, and nobody is blocked."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import programs
from tracer.journal.layout import Layout
from tracer.store import Store

CHAIN = """
    import os, signal, sys, time
    import tracer

    @tracer.trace(kind="llm")
    def model_call(prompt):
        if prompt == "last":
            time.sleep(1)                # long enough to be written while it is open
            print("open", flush=True)
            {end}
        return "answer to " + prompt

    @tracer.trace
    def chain():
        for number in range(100):
            model_call(f"prompt {{number}}")
        model_call("last")

    chain()
"""

WAYS_TO_END = {
    "kill -9": "time.sleep(60)",
    "SIGTERM": "time.sleep(60)",
    "os._exit": "os._exit(3)",
    "segfault": "os.kill(os.getpid(), signal.SIGSEGV)",
}


@pytest.mark.parametrize("way", WAYS_TO_END)
def test_whatever_had_ended_is_there_and_what_was_open_is_lost(store_path: Path, way: str) -> None:
    with programs.start(CHAIN.format(end=WAYS_TO_END[way]), store_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        if way == "kill -9":
            assert running_spans(store_path) == ["chain", "model_call"]
            process.kill()
        elif way == "SIGTERM":
            process.terminate()
        process.wait(timeout=30)

    for absorbed in (False, True):
        store = Store(store_path)
        if absorbed:
            store.absorb()
        (found,) = store.traces()
        rows = store.trace(found["trace_id"]).rows
        ended = [row for row in rows if row.status == "OK"]
        assert len(ended) == 100
        assert [row.output for row in ended] == [f"answer to prompt {number}" for number in range(100)]
        assert [(row.name, row.status) for row in rows if row.end_ns is None] == [
            ("chain", "LOST"),
            ("model_call", "LOST"),
        ]
        assert rows[-1].input == {"prompt": "last"}
        assert found["status"] == "LOST"


def running_spans(store_path: Path) -> list[str]:
    store = Store(store_path)
    (found,) = store.traces()
    return [row.name for row in store.trace(found["trace_id"]).rows if row.status == "RUNNING"]


def test_two_programs_record_while_a_reader_reads_and_an_absorber_absorbs(store_path: Path) -> None:
    program = """
        import sys, tracer
        for number in range(1_000):
            with tracer.span("root", metadata={"program": sys.argv[1], "number": number}):
                tracer.span("leaf").end()
    """
    store = Store(store_path)
    seen: list[int] = []
    failures: list[BaseException] = []
    done = threading.Event()

    def repeat(question: Callable[[], object]) -> None:
        while not done.is_set():
            try:
                question()
            except BaseException as error:  # noqa: BLE001 - told by the test
                failures.append(error)
                return

    def read() -> None:
        seen.append(next(iter(store.sql("select count(*) as spans from spans")))["spans"])
        store.traces(limit=10)

    watchers = [threading.Thread(target=repeat, args=(question,)) for question in (read, store.absorb)]
    for watcher in watchers:
        watcher.start()
    writers = [programs.start(program, store_path, name) for name in "ab"]
    for writer in writers:
        assert writer.wait(timeout=60) == 0, writer.communicate()[1]
    done.set()
    for watcher in watchers:
        watcher.join()
    store.absorb()

    assert failures == []
    assert seen == sorted(seen), "spans that were seen once vanished"
    (count,) = store.sql("select count(*) as spans, count(distinct span_id) as ids from spans")
    assert count == {"spans": 4_000, "ids": 4_000}
    assert Layout(store_path).segments() == []


def test_a_program_that_ends_leaves_nothing_behind_but_its_spans(store_path: Path) -> None:
    programs.run("import tracer\nwith tracer.span('s'): pass", store_path, TRACER_ABSORB="1")
    layout = Layout(store_path)
    wait_until(lambda: store_path.exists() and not layout.segments())
    assert [row["name"] for row in Store(store_path).traces()] == ["s"]
    assert layout.live_files() == {}


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


def test_spans_of_exit_handlers_are_recorded_without_a_word(store_path: Path) -> None:
    program = """
        import atexit
        late = lambda: tracer.span("late").end()
        atexit.register(late)
        import tracer
        tracer.span("early").end()
        atexit.register(lambda: tracer.span("at exit").end())
    """
    assert programs.run(program, store_path).stderr == ""
    assert [row["name"] for row in Store(store_path).traces()] == ["late", "at exit", "early"]


def test_the_traced_program_keeps_its_exit_code_and_its_signals(store_path: Path) -> None:
    program = """
        import signal, time, tracer
        with tracer.span("s"):
            print("ready", flush=True)
            time.sleep(60)
    """
    with programs.start(program, store_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in stderr
    (row,) = Store(store_path).traces()
    assert row["status"] == "CANCELLED"


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


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
