"""Bursts of spans and crowds of processes: each span is told once to whoever reads meanwhile, and stored once."""

from __future__ import annotations

from pathlib import Path

import pytest
from ledger import assert_balance

import programs
from tracer.journal.layout import Layout
from tracer.store import Store
from tracer.store.absorb import main


@pytest.mark.parametrize("spans", [50_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_burst_is_stored_whole_while_absorbers_take_it_up(path: Path, spans: int) -> None:
    program = """
        import sys, tracer
        for number in range(int(sys.argv[1])):
            tracer.span(f"s{number}", input="x" * 200).end()
    """
    done = programs.run(program, path, spans, TRACER_ABSORB="1", seconds=600)
    assert done.stderr == ""
    main(path)
    (found,) = Store(path).sql("select count(*) as rows, count(distinct name) as names, max(name) as last from spans")
    print(f"emitted {spans}, stored {found['rows']}, of different names {found['names']}")
    assert found == {"rows": spans, "names": spans, "last": max(f"s{number}" for number in range(spans))}
    assert Layout(path).segments() == []


RECORDER = """
    import sys, threading, time, tracer
    from tracer.journal import writer
    writer.SEGMENT_BYTES = 10_000
    own = sys.argv[1]

    def record(thread):
        for number in range(int(sys.argv[2])):
            with tracer.span(f"{own} {thread} {number}"):
                tracer.span(f"{own} {thread} {number} leaf").end()
            time.sleep(0.03)

    with tracer.span(f"{own} around"):
        time.sleep(0.7)  # so that it is seen while it is open
        threads = [threading.Thread(target=record, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
"""

READER = """
    import select, sys
    from tracer.store import Store
    store, seen, readings = Store(sys.argv[1]), set(), 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        names = [row["name"] for row in store.sql("select name from spans")]
        assert len(names) == len(set(names)), "a span was told twice"
        assert seen <= set(names), f"{len(seen - set(names))} spans vanished"
        seen, readings = set(names), readings + 1
        if readings == 1:
            print("reads", flush=True)
    print(readings, len(seen))
"""

ABSORBER = """
    import select, sys, time
    from pathlib import Path
    from tracer.errors import StoreLocked
    from tracer.store.absorb import main
    segments = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        try:
            segments += main(Path(sys.argv[1])).segments
        except StoreLocked:  # a question took long; another absorber will come
            pass
        time.sleep(0.01)
    print(segments)
"""


@pytest.mark.parametrize("spans", [50, pytest.param(300, marks=pytest.mark.slow)])
def test_no_reader_sees_a_span_vanish_or_twice_while_8_processes_of_8_threads_record(path: Path, spans: int) -> None:
    watchers = [programs.start(watcher, path, path) for watcher in (READER, READER, ABSORBER)]
    for reader in watchers[:2]:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reads\n"
    recorders = [programs.start(RECORDER, path, number, spans) for number in range(8)]
    for recorder in recorders:
        _, stderr = recorder.communicate(timeout=600)
        assert (recorder.returncode, stderr) == (0, "")
    told = []
    for watcher in watchers:
        stdout, stderr = watcher.communicate("\n", timeout=60)
        assert (watcher.returncode, stderr) == (0, "")
        told.append(stdout.split())
    (first, _), (second, _), (segments,) = told
    print(f"{first} and {second} readings while {segments} segments were absorbed")
    assert min(int(first), int(second), int(segments)) > 3
    around = [f"{process} around" for process in range(8)]
    inside = [f"{process} {thread} {number}" for process in range(8) for thread in range(8) for number in range(spans)]
    assert_balance(path, [*around, *inside, *(f"{name} leaf" for name in inside)])
