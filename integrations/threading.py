"""Carry the context into threads, which Python starts with an empty one.

`Thread.start`, `ThreadPoolExecutor.submit` (so `run_in_executor` and `map` too) take the caller's OpenTelemetry
context along. OpenTelemetry's own instrumentation of threads does the same, but is pinned to one exact
version of the SDK's packages, and so cannot be asked of every program.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import wraps
from typing import Any

from opentelemetry import context as otel_context

_originals: dict[str, Any] = {}


def instrument() -> None:
    if _originals:
        return
    start: Any = threading.Thread.start
    submit: Any = ThreadPoolExecutor.submit
    _originals.update(start=start, submit=submit)

    def start_in_context(thread: threading.Thread) -> None:
        context = otel_context.get_current()
        if context and "run" not in vars(thread):
            run = thread.run

            def run_and_forget() -> None:
                # The thread's own `run` is put back first: an instance attribute that refers to its own thread would
                # keep it, and all its arguments, from being freed.
                del thread.run
                _in(context, run)

            thread.run = run_and_forget  # type: ignore[method-assign]
        start(thread)

    def submit_in_context(
        pool: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        context = otel_context.get_current()
        if not context:
            future: Future[Any] = submit(pool, function, *args, **kwargs)
        else:
            future = submit(pool, _in, context, function, *args, **kwargs)
        return future

    threading.Thread.start = wraps(start)(start_in_context)  # type: ignore[method-assign, assignment]
    ThreadPoolExecutor.submit = wraps(submit)(submit_in_context)  # type: ignore[method-assign, assignment]


def uninstrument() -> None:
    if _originals:
        threading.Thread.start = _originals.pop("start")  # type: ignore[method-assign]
        ThreadPoolExecutor.submit = _originals.pop("submit")  # type: ignore[method-assign]


def _in(context: otel_context.Context, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    before = otel_context.get_current()
    otel_context.attach(context)
    try:
        return function(*args, **kwargs)
    finally:
        otel_context.attach(before)
