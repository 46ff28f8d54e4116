"""Wait for DuckDB in such a way that a time limit or Ctrl-C can end its work."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from duckdb import DuckDBPyConnection

T = TypeVar("T")


def interruptible(connection: DuckDBPyConnection, work: Callable[[], T], seconds: float | None = None) -> T:
    """Return what `work` returns, which is done in a thread of its own with this connection.

    DuckDB looks at no signal while it works, so that Ctrl-C would wait for its end. Raises what `work` raises, and
    `concurrent.futures.TimeoutError` after so many seconds; the work has ended by then, either way.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="llm-tracer") as pool:
        working = pool.submit(work)
        try:
            return working.result(seconds)
        finally:
            # An interrupt between two statements is lost, so it is sent until one has hit.
            while not working.done():
                connection.interrupt()
                concurrent.futures.wait([working], 0.02)
