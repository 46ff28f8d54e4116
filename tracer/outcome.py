"""How a step ended, told by the exception that left it: a status, a type, a message, a traceback."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any, cast

from tracer import rows
from tracer.capture import beginning, is_one
from tracer.errors import attempt

_MAX_MESSAGE_CHARACTERS = 10_000
_MAX_TRACEBACK_CHARACTERS = 100_000


def message_of(error: BaseException) -> str:
    """Return what an exception says, or its beginning; an empty text where it cannot say it."""
    message, _ = attempt(lambda: str(error))
    return beginning(message or "", _MAX_MESSAGE_CHARACTERS)


def exception_attributes(error: BaseException) -> dict[str, str]:
    """Return the attributes of OpenTelemetry's event for an exception.

    Source: https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/
    """
    stack, _ = attempt(lambda: "".join(traceback.format_exception(error)))
    return {
        "exception.type": error_type(error),
        "exception.message": message_of(error),
        "exception.stacktrace": _last_lines(stack or ""),
    }


def _last_lines(stack: str) -> str:
    """Return the end of a traceback: whole lines, for half of one may be half of a secret."""
    if len(stack) <= _MAX_TRACEBACK_CHARACTERS:
        return stack
    return stack[-_MAX_TRACEBACK_CHARACTERS:].partition("\n")[2]


def error_type(error: BaseException) -> str:
    """Return the class of an exception as OpenTelemetry names it: qualified, but for built-in ones."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


_CANCELLATIONS = (("asyncio", "CancelledError"), ("trio", "Cancelled"), ("greenlet", "GreenletExit"))


def status_of(error: BaseException) -> str:
    """Return the status of a step that this exception left: stopping on purpose is no error."""
    if isinstance(error, (GeneratorExit, KeyboardInterrupt)):
        return rows.CANCELLED
    if any(is_one(error, module, name) for module, name in _CANCELLATIONS):
        return rows.CANCELLED
    if isinstance(error, SystemExit):
        return rows.OK if error.code in (None, 0) else rows.ERROR
    if is_one(error, "builtins", "BaseExceptionGroup") or is_one(error, "exceptiongroup", "BaseExceptionGroup"):
        return _status_of_all(cast(Any, error).exceptions)
    return rows.ERROR


def _status_of_all(errors: Sequence[BaseException]) -> str:
    """Return the status of a group of steps that ended together: cancelled if all of them were."""
    return rows.CANCELLED if {*map(status_of, errors)} == {rows.CANCELLED} else rows.ERROR
