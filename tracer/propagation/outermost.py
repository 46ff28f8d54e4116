"""What a whole process was handed by the one that started it: the span that it belongs to, and settings."""

from __future__ import annotations

import os
import sys
from typing import Any

from tracer.context import NO_SCOPE, Scope, begin_within
from tracer.propagation.carried import unpacked
from tracer.propagation.settings import Configured, take_settings

SCOPE_ATTRIBUTE = "_tracer_scope"
SETTINGS_ATTRIBUTE = "_tracer_settings"
"""Where a process of `multiprocessing` holds what it was handed, as plain data."""


def take_over(recorder: Configured, process: Any = None) -> None:
    """Let all that this process does belong to the span it was started in, if that was told, and take its settings.

    `process` is what `multiprocessing` knows this process as, where it does not say so yet.
    """
    handed = _handed(process)
    if settings := handed.pop(SETTINGS_ATTRIBUTE, None):
        take_settings(recorder, settings)
    scope = handed.get(SCOPE_ATTRIBUTE)
    begin_within(unpacked(scope) if scope is not None else _of_environment() or NO_SCOPE)


def _handed(process: Any) -> dict[str, Any]:
    module = sys.modules.get("multiprocessing.process")
    if process is None and module is not None:
        process = module.current_process()
    return vars(process) if process is not None else {}


def _of_environment() -> Scope | None:
    """Source: https://opentelemetry.io/docs/specs/otel/context/env-carriers/"""
    if not (os.environ.get("TRACEPARENT") or os.environ.get("TRACESTATE")):
        return None
    from tracer.propagation.headers import read

    parent, inherited = read(os.environ)
    return (parent, inherited, None, None) if parent is not None else None
