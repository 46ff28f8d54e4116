"""Stores and journals of other versions: older ones are brought up to date, newer ones are left alone."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from journal_lines import span, written

from tracer.errors import StoreTooNew
from tracer.store import Store
from tracer.store.absorb import absorb


def test_a_store_of_a_newer_schema_is_left_alone(path: Path) -> None:
    written(path, span("one"))
    absorb(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("insert into migrations values (1000, '1000_of_the_future', 0)")
    segment = written(path, span("two"))
    for attempt in (lambda: len(Store(path).traces()), lambda: absorb(path)):
        with pytest.raises(StoreTooNew, match=r"newer llm-tracer.*pip install -U llm-tracer"):
            attempt()
    assert segment.exists()
