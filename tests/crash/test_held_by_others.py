"""Other programs hold the file: they are waited for, but not for ever, and what is recorded meanwhile waits."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from journal_lines import span, written
from ledger import assert_balance

import programs
from tracer.errors import StoreLocked
from tracer.journal.layout import Layout
from tracer.store import Store, database
from tracer.store.absorb import absorb


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs are waited for no longer than a test has time."""
    monkeypatch.setattr(database, "FOREIGN_SECONDS", 0.2)


def test_another_programs_hold_on_the_file_is_told_by_its_number_and_name(path: Path, impatient: None) -> None:
    written(path, span("one"))
    absorb(path)
    segment = written(path, span("two", at=0.5))
    program = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('holding', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        for attempt in (lambda: len(Store(path).traces()), lambda: absorb(path)):
            with pytest.raises(StoreLocked, match=rf"process {holder.pid} \({Path(sys.executable).name.split('.')[0]}"):
                attempt()
        assert segment.exists()
        holder.kill()
    assert absorb(path).spans == 1
    assert len(Store(path).sql("from spans")) == 2


def test_a_short_hold_of_another_program_is_waited_out(path: Path) -> None:
    written(path, span("one"))
    absorb(path)
    program = "import sys, time, duckdb; c = duckdb.connect(sys.argv[1]); print('holding', flush=True); time.sleep(0.5)"
    with programs.start(program, path, path) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert len(Store(path).traces()) == 1


def test_a_connection_of_ones_own_to_the_file_is_told_as_such(path: Path, impatient: None) -> None:
    if duckdb.__version__ < "2":
        pytest.skip("before 2.0 DuckDB lets one process open a file twice")
    written(path, span("one"))
    absorb(path)
    with duckdb.connect(str(path)), pytest.raises(StoreLocked, match="open in this very process"):
        len(Store(path).traces())
    assert len(Store(path).traces()) == 1


@pytest.mark.parametrize("seconds", [6, pytest.param(60, marks=pytest.mark.slow)])
def test_while_another_client_holds_the_file_recording_goes_on_and_all_is_absorbed_after(
    path: Path, seconds: int
) -> None:
    written(path, span("before"))
    absorb(path)
    program = """
        import sys, time, tracer
        from tracer.journal import writer
        writer.SEGMENT_BYTES, writer.ABSORB_BYTES = 10_000, 30_000
        until, number = time.monotonic() + float(sys.argv[1]), 0
        while time.monotonic() < until:
            tracer.span(f"s{number}", input="x" * 200).end()
            print(f"s{number}")
            number += 1
            time.sleep(0.005)
    """
    holding = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('holding', flush=True); sys.stdin.read()"
    holder = programs.start(holding, path, path)
    assert holder.stdout is not None
    holder.stdout.readline()
    began = time.monotonic()
    recorder = programs.run(program, path, seconds, TRACER_ABSORB="1", seconds=seconds + 30)
    exited = time.monotonic() - began
    assert recorder.stderr == ""
    assert exited < seconds + 15, "nobody waits for the file at the exit"
    refused = programs.tracer(path, "absorb")
    assert (refused.returncode, f"process {holder.pid}" in refused.stderr) == (1, True)
    assert len(Layout(path).segments()) > 3
    holder.communicate(timeout=30)
    assert_balance(path, ["before", *recorder.stdout.split()])
    assert Layout(path).segments() == []
