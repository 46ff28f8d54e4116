"""Where work goes that a program hands on, its place in the tree goes along: to threads, pools and other processes.

What is carried is ours alone, never OpenTelemetry's context, so the user's telemetry goes where it goes without us.
Work that is handed on where nothing of ours holds is handed on as it is. Processes get our settings too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, partial
from types import ModuleType

from tracer.errors import contain
from tracer.on_import import when_imported
from tracer.propagation import processes, threads
from tracer.propagation.outermost import take_over
from tracer.propagation.settings import Configured

_PLACES: dict[str, Callable[[ModuleType], None]] = {
    "threading": threads.prepare,
    "concurrent.futures.thread": threads.prepare_executor,
    "concurrent.futures.process": processes.prepare_executor,
    "multiprocessing.pool": processes.prepare_pool,
    "joblib.parallel": processes.prepare_joblib,
}


_PROCESS = "multiprocessing.process"


def begin(recorder: Configured) -> None:
    """Carry from now on, and take up what this process was handed itself. Called before the first span, and anew in a
    forked child, where the first is done already."""
    with contain("what this process was handed"):
        take_over(recorder)
    hand_settings(recorder)
    while _PLACES:
        module, prepare = _PLACES.popitem()
        when_imported(module, partial(_prepare, module, prepare))


@cache
def hand_settings(recorder: Configured) -> None:
    """Hand its settings to the processes that are started from now on, and the scope in which they are."""
    when_imported(_PROCESS, partial(_prepare, _PROCESS, partial(processes.prepare_process, recorder=recorder)))


def _prepare(module: str, prepare: Callable[[ModuleType], None]) -> None:
    with contain(f"the scope in {module}"):
        prepare(sys.modules[module])
