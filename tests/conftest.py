"""What every test starts from: a store of its own, our failures raised, no absorber in the background."""

from __future__ import annotations

import os

os.environ["TRACER_RAISE"] = "1"
os.environ["TRACER_ABSORB"] = "0"
os.environ.pop("TRACER_STORE", None)

import gc
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tracer
from tracer.demo.server import LoopbackServer
from tracer.recorder import RECORDER
from tracer.span_row import SpanRow, span_row
from tracer.store import Store
from tracer.tree import build_tree

pytest_plugins = ["coverage_page"]


def pytest_configure() -> None:
    """Let Ctrl-C reach the tests and the programs that they run: a shell's background jobs, and their children, ignore
    it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What was imported and collected stays: tests that collect garbage need not look through it each time."""
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def own_garbage() -> Iterator[None]:
    """What a file leaves is collected at its end, so that a socket left open is told of there, and not in another's."""
    yield
    gc.collect()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a store will be that only other processes record to: the test looks at it from outside."""
    return tmp_path / "traces.duckdb"


@pytest.fixture
def store_path(tmp_path: Path) -> Iterator[Path]:
    """The path of an empty store that this process records to for the length of the test."""
    path = tmp_path / "traces.duckdb"
    defaults = RECORDER.config._asdict()
    tracer.configure(store=path)
    yield path
    tracer.uninstrument()
    tracer.configure(**defaults)
    RECORDER.open_spans.clear()


@pytest.fixture
def store(store_path: Path) -> Store:
    return Store(store_path)


@pytest.fixture
def spans(store: Store) -> Callable[[], list[SpanRow]]:
    """Everything recorded so far, oldest first, read from the live journal."""

    def read() -> list[SpanRow]:
        return [span_row(row) for row in store.sql("from spans order by start_ns")]

    return read


@pytest.fixture
def written(store_path: Path) -> Callable[[], list[SpanRow]]:
    """The spans that have ended, oldest first, as they stand in the journal: a cell of a matrix needs no database."""

    def read() -> list[SpanRow]:
        segments = store_path.parent.glob("*.journal/*.ndjson")
        rows = [json.loads(line) for path in segments for line in path.read_bytes().splitlines()]
        ended = [row for row in rows if "record" not in row and row["rev"]]
        return [span_row(row) for row in sorted(ended, key=lambda row: row["start_ns"])]

    return read


@pytest.fixture
def outline(spans: Callable[[], list[SpanRow]]) -> Callable[[], list[str]]:
    """The names of all spans so far, indented as they are nested."""

    def draw() -> list[str]:
        return ["  " * depth + node.row.name for root in build_tree(spans()) for depth, node in root.walk()]

    return draw


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        yield running
