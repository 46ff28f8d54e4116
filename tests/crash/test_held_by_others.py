"""Other programs hold the file: they are waited for, but not for ever, and what is recorded meanwhile waits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from journal_lines import span, written

import programs
from tracer.errors import StoreLocked
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
