"""The clock of all spans: Unix time that does not run backwards."""

from __future__ import annotations

import time


class Clock:
    """Unix nanoseconds that never run backwards between two readings, as the machine's wall clock may."""

    def __init__(self) -> None:
        self.anchor = time.time_ns() - time.perf_counter_ns()

    def now_ns(self) -> int:
        return self.anchor + time.perf_counter_ns()

    def follow_wall_clock(self, *, back: bool) -> None:
        """Take up the wall clock again where it has left us by more than a second, as after a suspend. Only between
        spans may it lead `back`, or one of them would begin before its parent."""
        anchor = time.time_ns() - time.perf_counter_ns()
        ahead_ns = anchor - self.anchor
        if ahead_ns > 1_000_000_000 or (back and ahead_ns < -1_000_000_000):
            self.anchor = anchor


CLOCK = Clock()
now_ns = CLOCK.now_ns
