"""What a whole process belongs to: the span in which another process started it."""

from __future__ import annotations

import os
import sys

from tracer.context import NO_SCOPE, Scope, begin_within
from tracer.propagation.carried import unpacked

PROCESS_ATTRIBUTE = "_tracer_scope"
"""Where a process of `multiprocessing` holds the scope that it was started in, as plain data."""


def continue_trace() -> None:
    """Let all that this process does belong to the span it was started in, if that was told."""
    begin_within(_handed_over() or _of_environment() or NO_SCOPE)


def _handed_over() -> Scope | None:
    module = sys.modules.get("multiprocessing.process")
    scope = vars(module.current_process()).get(PROCESS_ATTRIBUTE) if module is not None else None
    return unpacked(scope) if scope is not None else None


def _of_environment() -> Scope | None:
    """Source: https://opentelemetry.io/docs/specs/otel/context/env-carriers/"""
    if not (os.environ.get("TRACEPARENT") or os.environ.get("TRACESTATE")):
        return None
    from tracer.propagation.headers import read

    parent, inherited = read(os.environ)
    return (parent, inherited, None, None) if parent is not None else None
