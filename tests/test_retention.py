"""What the program keeps for so long is purged by the absorber, once a day."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from journal_lines import span, written
from purging import names

import programs
from tracer.journal.layout import Layout
from tracer.store import Store
from tracer.store.absorb import absorb
from tracer.store.purge import keep


def test_retention_is_carried_out_once_a_day(path: Path) -> None:
    written(path, span("old"))
    absorb(path)
    done = keep(path, "30d")
    assert done is not None
    assert (done.traces, done.spans, names(path)) == (1, 1, [])
    written(path, span("old too"))
    assert keep(path, "30d") is None
    yesterday = time.time() - 86500
    os.utime(Layout(path).retention, (yesterday, yesterday))
    done = keep(path, "30d")
    assert done is not None
    assert done.traces == 1


RECORDS = """
    import sys, time
    import tracer
    if sys.argv[1]:
        tracer.configure(retention=sys.argv[1] if sys.argv[1] != "None" else None)
    with tracer.span("new"):
        pass
"""


@pytest.mark.parametrize(
    ("configured", "environ", "left"),
    [
        ("", "", ["new", "old"]),
        ("30d", "", ["new"]),
        ("", "30d", ["new"]),
        ("None", "30d", ["new", "old"]),
        ("", "a while", ["new", "old"]),
    ],
)
def test_the_absorber_carries_out_the_retention_that_the_program_has(
    path: Path, configured: str, environ: str, left: list[str]
) -> None:
    written(path, span("old"))
    done = programs.run(RECORDS, path, configured, TRACER_ABSORB="1", TRACER_RETENTION=environ)
    assert ("TRACER_RETENTION is ignored" in done.stderr) == (environ == "a while")
    deadline = time.monotonic() + 30
    while (Store(path).waiting() or sorted(names(path)) != left) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert sorted(names(path)) == left
    shutil.rmtree(Layout(path).folder, ignore_errors=True)
