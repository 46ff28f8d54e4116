"""Threads, which Python starts with an empty context, and pools of them."""

from __future__ import annotations

import threading
from functools import wraps
from typing import Any

from tracer.capture import is_one
from tracer.context import scope_to_carry
from tracer.errors import contain
from tracer.propagation.carried import Carried, handing_on


def prepare(module: Any) -> None:
    """Let threads of all classes begin in the scope in which they were started."""
    start: Any = module.Thread.start

    @wraps(start)
    def start_in_scope(self: threading.Thread) -> None:
        if self.ident is None:
            with contain("the scope of a thread"):
                _take_along(self)
        start(self)

    module.Thread.start = start_in_scope


def prepare_executor(module: Any) -> None:
    submit = module.ThreadPoolExecutor.submit
    hand_on = handing_on(submit)

    @wraps(submit)
    def submit_in_scope(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        # To another interpreter of this process only what it can import may go, and we cannot be imported there.
        is_elsewhere = is_one(self, "concurrent.futures.interpreter", "InterpreterPoolExecutor")
        return (submit if is_elsewhere else hand_on)(self, *args, **kwargs)

    module.ThreadPoolExecutor.submit = submit_in_scope


def _take_along(thread: threading.Thread) -> None:
    """Let the thread's `run` enter the scope first, and be its own `run` again by then."""
    scope = scope_to_carry()
    is_given_one = getattr(thread, "_context", None) is not None  # Thread(context=…), from Python 3.14 on
    if scope is None or is_given_one or "run" in vars(thread):
        return
    run = thread.run

    def run_in_scope() -> None:
        # First, since an attribute that refers to its own thread would keep that, and its arguments, from being freed.
        del thread.run
        Carried(run, scope)()

    thread.run = run_in_scope  # type: ignore[method-assign]
