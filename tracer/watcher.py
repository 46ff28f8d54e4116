"""One quiet thread that looks after what lasts: it wakes four times a second while the program records.

It is stopped before a fork, since a thread that vanishes in the child is a trap there, and begins again by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from tracer.errors import contain

PERIOD_S = 0.25
SLOW_NS = 500_000_000
PATIENCE_S = 0.5


class Watcher:
    """Calls `tick(slow_ns)` at each period, on a daemon thread, from the first `ensure_running` until `stop`."""

    def __init__(self, tick: Callable[[int], None]) -> None:
        self._tick = tick
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._is_over = False

    def ensure_running(self) -> None:
        if self._thread is None and not self._is_over:
            self._stopping = threading.Event()
            self._thread = threading.Thread(target=self._run, args=(self._stopping,), name="llm-tracer", daemon=True)
            with contain("long-running spans"):
                self._thread.start()

    def stop(self, *, for_good: bool = False) -> None:
        """End the thread and wait for it: for one tick, but not for ever should that hang. `for_good` at the exit of
        the process, which starts no threads any more."""
        self._is_over = for_good
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            self._stopping.set()
            if thread.ident is not None:
                thread.join(PATIENCE_S)

    def _run(self, stopping: threading.Event) -> None:
        while True:
            with contain("long-running spans"):
                self._tick(SLOW_NS)
            if stopping.wait(PERIOD_S):
                return
