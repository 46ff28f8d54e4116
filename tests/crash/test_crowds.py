"""Bursts of spans and crowds of processes: each span is told once to whoever reads meanwhile, and stored once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import programs
from tracer.journal.layout import Layout
from tracer.store import Store


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
