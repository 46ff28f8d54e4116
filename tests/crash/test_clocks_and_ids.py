"""Clocks that jump, and numbers of processes that are used again: neither is believed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from ledger import assert_balance
from preload import preloaded

import programs
from tracer.store import Store

CLOCK = """
    int clock_gettime(clockid_t clock, struct timespec *time) {
        int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
        int result = real(clock, time);
        if (clock == CLOCK_REALTIME && getenv("CLOCK_OFFSET")) {
            FILE *file = fopen(getenv("CLOCK_OFFSET"), "r");
            long offset = 0;
            if (file) { if (fscanf(file, "%ld", &offset) != 1) offset = 0; fclose(file); }
            time->tv_sec += offset;
        }
        return result;
    }
"""
"""A wall clock that is set, in seconds, by writing to a file; the steady clocks stay as they are."""

PROGRAM = """
    import sys, time
    from pathlib import Path
    import tracer

    def set_clock(seconds):
        before = time.time()
        Path(sys.argv[1]).write_text(str(seconds))
        assert abs(time.time() - before - seconds) < 5, "the clock was not set"
        time.sleep(0.6)  # time for whatever follows the clock to do so

    with tracer.span("first"):
        with tracer.span("before"):
            pass
        with tracer.span("across"):
            set_clock(int(sys.argv[2]))
        with tracer.span("after"):
            pass
    time.sleep(0.6)
    with tracer.span("second"):
        pass
    print(time.time_ns())
"""


@pytest.mark.parametrize("jump_s", [-3600, 3600])
def test_a_clock_that_jumps_keeps_the_order_of_spans_and_no_span_ends_before_it_starts(
    path: Path, tmp_path: Path, jump_s: int
) -> None:
    offset = tmp_path / "offset"
    environ = {**preloaded(tmp_path, CLOCK), "CLOCK_OFFSET": str(offset)}
    done = programs.run(PROGRAM, path, offset, jump_s, **environ)
    assert done.stderr == ""
    rows = {row["name"]: row for row in Store(path).sql("from spans order by start_ns")}
    print(*(f"{name}: {row['start_ns']} to {row['end_ns']}" for name, row in rows.items()), sep="\n")
    assert all(row["end_ns"] >= row["start_ns"] for row in rows.values())
    in_trace = [row for row in rows.values() if row["trace_id"] == rows["first"]["trace_id"]]
    assert [row["name"] for row in in_trace] == ["first", "before", "across", "after"]
    assert rows["before"]["end_ns"] <= rows["across"]["start_ns"]
    assert rows["across"]["end_ns"] <= rows["after"]["start_ns"]
    assert rows["after"]["end_ns"] <= rows["first"]["end_ns"]
    assert abs(rows["second"]["end_ns"] - int(done.stdout)) < 2_000_000_000, "the next trace has the new time"
    assert_balance(path, list(rows))


ALONE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]


def in_a_world_of_its_own(program: str, store: Path) -> subprocess.Popen[str]:
    """Start a program whose process number is 1, in a namespace of numbers of its own."""
    if shutil.which("unshare") is None or subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs namespaces of process numbers")
    started = programs.start(program, store, before=ALONE)
    assert started.stdout is not None
    assert started.stdout.readline() == "1\n", "its process number"
    return started


def test_a_new_process_with_the_number_of_a_dead_one_does_not_make_its_spans_run(path: Path) -> None:
    program = """
        import os, time, tracer
        from tracer.recorder import RECORDER
        with tracer.span(NAME):
            RECORDER.tick(0)  # writes the open span
            RECORDER.tick(0)  # describes the process that wrote
            print(os.getpid(), flush=True)
            time.sleep(60)
    """
    first = in_a_world_of_its_own(program.replace("NAME", "'of the first'"), path)
    assert statuses(path) == {"of the first": "RUNNING"}
    first.kill()
    first.wait()
    second = in_a_world_of_its_own(program.replace("NAME", "'of the second'"), path)
    try:
        assert statuses(path) == {"of the first": "LOST", "of the second": "RUNNING"}
        pids = [row["pid"] for row in Store(path).sql("from processes")]
        assert pids == [1, 1]
    finally:
        second.kill()
        second.wait()
    assert statuses(path) == {"of the first": "LOST", "of the second": "LOST"}


def statuses(path: Path) -> dict[str, str]:
    return {row["name"]: row["status"] for row in Store(path).sql("select name, status from spans")}
