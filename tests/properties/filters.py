"""Texts in the language of filters, and others."""

from __future__ import annotations

import pathlib
import tempfile

from hypothesis import strategies as st
from journal_lines import START_NS

from properties.claim import Property
from properties.values import any_texts
from tracer.errors import QueryError
from tracer.store import Store
from tracer.store.filters import parse

_PIECES = (
    *(
        "status",
        "model",
        "name",
        "kind",
        "tag",
        "session",
        "user",
        "dur",
        "cost",
        "tokens",
        "since",
        "error",
        "9" * 400,
    ),
    *(":", "<", ">", "=", ">=", "<=", '"', " ", "$", ".", "-", "1", "2s", "300ms", "1.5m", "7d", "-1", "1e999", "ok"),
    *("2026-01-31", "0001-01-01", "9999-12-31T23:59:59", "gpt-4o", "tool"),
)
filters = any_texts | st.lists(st.sampled_from(_PIECES), max_size=10).map("".join)

_NO_STORE = pathlib.Path(tempfile.gettempdir()) / "llm-tracer-no-such-folder" / "traces.duckdb"


def is_understood_or_refused(text: str) -> None:
    """A filter is a condition that DuckDB takes, or a QueryError."""
    try:
        condition = parse(text, now_ns=START_NS)
    except QueryError:
        return
    assert condition.sql.count("?") == len(condition.parameters)
    list(Store(_NO_STORE).traces(text))


PROPERTIES = {"filters are understood or refused": Property(filters, is_understood_or_refused, few=60)}
