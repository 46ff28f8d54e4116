"""Processes that `multiprocessing` starts, and pools of them; and joblib, whose pools are of several kinds.

A forked child is within the scope by itself: it has the context. To the others it goes as plain data, with the process
or with the work, so that nothing has to be imported where nothing is traced.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from tracer.context import Scope, scope_to_carry
from tracer.errors import contain
from tracer.propagation.carried import Carried, handing_on, packed, scope_to_hand
from tracer.propagation.outermost import SCOPE_ATTRIBUTE, SETTINGS_ATTRIBUTE, take_over
from tracer.propagation.settings import Configured, settings_to_hand


def prepare_process(module: Any, recorder: Configured) -> None:
    """Let each process know the scope in which it was started, and what was set by `configure` until then."""
    start = module.BaseProcess.start
    bootstrap = module.BaseProcess._bootstrap

    @wraps(start)
    def start_in_scope(self: Any) -> None:
        with contain("the settings of a process"):
            if settings := settings_to_hand(recorder):
                setattr(self, SETTINGS_ATTRIBUTE, settings)
        with contain("the scope of a process"):
            if recorder.config.enabled and (scope := scope_to_carry()) is not None:
                setattr(self, SCOPE_ATTRIBUTE, packed(scope))
        try:
            start(self)
        finally:
            for name in (SETTINGS_ATTRIBUTE, SCOPE_ATTRIBUTE):
                vars(self).pop(name, None)

    @wraps(bootstrap)
    def bootstrap_in_scope(self: Any, *args: Any, **kwargs: Any) -> Any:
        # Its main module has been imported before, and may have recorded already.
        with contain("what this process was handed"):
            take_over(recorder, self)
        return bootstrap(self, *args, **kwargs)

    module.BaseProcess.start = start_in_scope
    module.BaseProcess._bootstrap = bootstrap_in_scope


def prepare_executor(module: Any) -> None:
    module.ProcessPoolExecutor.submit = handing_on(module.ProcessPoolExecutor.submit)


def prepare_pool(module: Any) -> None:
    """Let what pools of processes or threads are to call know where it was asked for."""
    pool = module.Pool
    for name in ("apply_async", "map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered"):
        setattr(pool, name, handing_on(getattr(pool, name), "func"))
    make = pool.__init__

    @wraps(make)
    def make_in_scope(self: Any, *args: Any, **kwargs: Any) -> None:
        with contain("the scope of a pool"):
            scope_to_hand(self)  # its workers begin in this one
        make(self, *args, **kwargs)

    pool.__init__ = make_in_scope


def prepare_joblib(module: Any) -> None:
    """Let each call of a `Parallel` know where that was asked for: joblib hands most on from threads of its pools."""
    run = module.Parallel.__call__

    @wraps(run)
    def call_in_scope(self: Any, iterable: Any) -> Any:
        with contain("the scope of work that is handed on"):
            if (scope := scope_to_hand(module.Parallel)) is not None:
                calls = (_carried(call, scope) for call in iterable)
                iterable = list(calls) if hasattr(iterable, "__len__") else calls
        return run(self, iterable)

    module.Parallel.__call__ = call_in_scope


def _carried(call: Any, scope: Scope) -> Any:
    """Return a call as `joblib.delayed` makes it: a function, its arguments by position, and those by name."""
    return (Carried(call[0], scope), *call[1:]) if isinstance(call, tuple) and call else call
