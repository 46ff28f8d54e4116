"""A program may end in any way: what had ended is there, what was open is LOST, and nobody is blocked."""

from __future__ import annotations

import signal
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


def test_a_program_that_ends_leaves_nothing_behind_but_its_spans(store_path: Path) -> None:
    programs.run("import tracer\nwith tracer.span('s'): pass", store_path, TRACER_ABSORB="1")
    layout = Layout(store_path)
    wait_until(lambda: store_path.exists() and not layout.segments())
    assert [row["name"] for row in Store(store_path).traces()] == ["s"]
    assert layout.live_files() == {}


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


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
