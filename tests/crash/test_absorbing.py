"""Absorbing is killed, raced and starved: each ended span is stored once, and readers miss nothing meanwhile."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from journal_lines import Process, call, span
from ledger import backlog, killed_at, told, whole

import programs
from tracer.journal.layout import MAX_LINE_BYTES, Layout
from tracer.store.absorb import absorb, waiting

STEPS = ["read", "settled", "inserted", "committed", "closed", "deleted"]


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


def test_readers_that_relieve_each_other_do_not_keep_an_absorber_out(path: Path) -> None:
    spans = backlog(path)
    program = """
        import sys, time
        from pathlib import Path
        from tracer.journal.layout import Layout
        from tracer.store.database import attached, connect
        layout = Layout(Path(sys.argv[1]))
        connection = connect(layout)
        print("reads", flush=True)
        time.sleep(float(sys.argv[2]))
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with attached(layout, connection):
                time.sleep(0.4)
    """
    readers = [programs.start(program, path, path, delay) for delay in (0, 0.2)]
    try:
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "reads\n"
        time.sleep(0.6)
        assert absorb(path).spans > 0
        assert [reader.poll() for reader in readers] == [None, None], "they read on"
    finally:
        for reader in readers:
            reader.kill()
    assert told(path) == whole(spans)


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


def test_a_backlog_of_50_mb_is_absorbed_in_bounded_memory(path: Path) -> None:
    """Among full segments of chats, some without usage, is one that holds the longest line there may be."""
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
