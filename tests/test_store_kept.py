"""A reader that lives on keeps what it read of the journal, and nobody can tell from its answers."""

from __future__ import annotations

import gc
import json
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from journal_lines import Process, call, span, trace_id, written

from tracer.store import Store
from tracer.store.absorb import absorb

TABLES = ("spans", "traces", "processes", "functions", "scores")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with a span that had not ended when it was absorbed."""
    path = tmp_path / "traces.duckdb"
    written(path, span("asked", trace=1), span("open", trace=2, lasts=None), span("alone", trace=3))
    absorb(path)
    return path


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files lie for the length of the test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def everything(store: Store) -> dict[str, list[dict[str, Any]]]:
    return {name: sorted(store.sql(f"from {name}"), key=str) for name in TABLES}


def begin(path: Path) -> Process:
    """Begin a process whose lines end what was open, add to a trace that is stored, and begin another."""
    process = Process(path)
    process.segment(
        {"record": "process", "data": {"process_id": process.process_id, "pid": 7}},
        {"record": "function", "data": {"function_id": "f", "qualname": "answer"}},
        {"record": "score", "data": {"trace_id": trace_id(1), "name": "helpful", "value": 1}},
        span("open", trace=2, lasts=5),
        call(trace=1, parent="asked"),
        span("running", trace=4, lasts=None),
        live=True,
    )
    return process


def test_the_same_is_answered_however_often_it_is_asked(path: Path, temporary: Path) -> None:
    begin(path)
    store = Store(path)
    first = everything(store)
    assert len(first["spans"]) == 5
    assert [everything(store) for _ in range(2)] == [first, first]
    assert list(temporary.iterdir())
    assert [row.name for row in store.trace(trace_id(1)).rows] == ["asked", "chat gpt-4o"]


def test_what_comes_in_later_is_seen(path: Path) -> None:
    process = begin(path)
    store = Store(path)
    for _ in range(3):
        everything(store)
    (segment,) = process.layout.segments()
    with segment.path.open("a") as file:
        file.write(json.dumps(span("later", trace=5)) + "\n")
    assert everything(store) == everything(Store(path))
    process.segment(span("latest", trace=6))
    for _ in range(3):
        assert everything(store) == everything(Store(path))
    assert {row["name"] for row in store.sql("from traces")} >= {"later", "latest"}


def test_a_line_of_a_thread_that_was_overtaken_is_seen_in_the_segment_before_the_last(path: Path) -> None:
    process = begin(path)
    process.segment(span("overtook", trace=6), live=True)
    store = Store(path)
    for _ in range(3):
        everything(store)
    with process.layout.segments()[0].path.open("a") as file:
        file.write(json.dumps(span("overtaken", trace=5)) + "\n")
    assert everything(store) == everything(Store(path))
    assert "overtaken" in {row["name"] for row in store.sql("from spans")}


def test_what_was_absorbed_meanwhile_is_seen_once(path: Path) -> None:
    process = begin(path)
    store = Store(path)
    for _ in range(3):
        before = everything(store)
    process.die()
    absorb(path)
    after = everything(store)
    assert [row["span_id"] for row in after["spans"]] == [row["span_id"] for row in before["spans"]]
    assert after == everything(Store(path))


def test_a_process_that_dies_is_seen_to_be_dead(path: Path) -> None:
    process = begin(path)
    store = Store(path)
    statuses = "select status from spans where name = 'running'"
    assert [next(iter(store.sql(statuses)))["status"] for _ in range(3)] == ["RUNNING"] * 3
    process.die()
    assert next(iter(store.sql(statuses)))["status"] == "LOST"


def test_files_that_somebody_cleaned_up_are_not_missed(path: Path, temporary: Path) -> None:
    begin(path)
    store = Store(path)
    first = everything(store)
    everything(store)
    for folder in temporary.iterdir():
        shutil.rmtree(folder)
    assert everything(store) == first


def test_whoever_watches_for_changes_keeps_nothing_that_was_purged(path: Path, temporary: Path) -> None:
    begin(path)
    store = Store(path)
    for _ in range(3):
        everything(store)
    store.fingerprint()
    assert list(temporary.iterdir())
    store.purge(trace_id(1))
    store.fingerprint()
    gc.collect()
    assert list(temporary.iterdir()) == []


def test_nothing_is_left_of_a_reader_that_has_ended(path: Path, temporary: Path) -> None:
    begin(path)
    store = Store(path)
    for _ in range(3):
        everything(store)
    del store
    gc.collect()
    assert list(temporary.iterdir()) == []


def test_threads_share_what_is_kept(path: Path) -> None:
    begin(path)
    store = Store(path)
    first = everything(store)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: everything(store), range(8))) == [first] * 8
