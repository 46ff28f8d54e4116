"""Every error that we raise, and the one place where any exception at all is caught.

    TracerError
    ├── UsageError (ValueError)                 a call or option that cannot be right
    │   └── UnknownIntegration
    ├── IntegrationNotInstalled (ImportError)   asked for by name, but its library is missing
    ├── TraceNotFound (LookupError)             no trace or span with this id
    ├── AttachmentNotFound (LookupError)        no content with this hash
    ├── QueryError                              SQL or a filter that the store refuses
    │   └── AnswerTooLong                       what took more seconds than were allowed
    └── StoreError
        ├── StoreLocked                         another program holds the DuckDB file
        ├── StoreTooNew                         written by a newer llm-tracer or DuckDB
        ├── StoreDamaged                        the file is no DuckDB database of ours
        └── StoreUnavailable                    the folder cannot be read, written or locked

Reading raises these. Recording raises only `UsageError` and `IntegrationNotInstalled`, and only
from the call that was misused; all else that fails while recording ends in `contain`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from types import TracebackType
from typing import ClassVar, TypeVar

logger = logging.getLogger("tracer")

T = TypeVar("T")


class TracerError(Exception):
    """The root of all errors that we raise."""


class UsageError(TracerError, ValueError):
    """A call, option or argument that cannot be right."""


class UnknownIntegration(UsageError):
    """`instrument` was given a name that is none of ours."""


class IntegrationNotInstalled(TracerError, ImportError):
    """`instrument` was asked by name for a library that is not installed."""


class TraceNotFound(TracerError, LookupError):
    """No trace or span has this id, or several begin with it."""


class AttachmentNotFound(TracerError, LookupError):
    """No attachment has this hash, or several begin with it."""


class QueryError(TracerError):
    """The store refuses this SQL or this filter."""


class AnswerTooLong(QueryError):
    """The answer took more seconds than were allowed."""


class StoreError(TracerError):
    """The store cannot be used as it is."""


class StoreLocked(StoreError):
    """Another program holds the DuckDB file."""


class StoreTooNew(StoreError):
    """The file was written by a newer llm-tracer or a newer DuckDB."""


class StoreDamaged(StoreError):
    """The file is no DuckDB database, or none of ours."""


class StoreUnavailable(StoreError):
    """The store's folder cannot be read, written or locked."""


class contain:
    """Keep a failure of ours away from the traced program: `with contain("the output of a span"): …`.

    An `Exception` from the block ends here. The first of each kind is logged with its traceback, all
    are counted in `contain.count`. With `TRACER_RAISE=1`, as in our own tests, it is raised instead.
    """

    count = 0
    reraise = os.environ.get("TRACER_RAISE") == "1"
    _logged: ClassVar[set[tuple[str, type[BaseException]]]] = set()

    __slots__ = ("what",)

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error_type is None or not issubclass(error_type, Exception):
            return False
        if contain.reraise:
            return False
        contain.count += 1
        if (self.what, error_type) not in contain._logged:
            contain._logged.add((self.what, error_type))
            logger.error(
                "llm-tracer could not record %s; the program goes on, and this is logged once",
                self.what,
                exc_info=(error_type, error, trace) if error is not None else None,
            )
        return True


def attempt(call: Callable[[], T]) -> tuple[T | None, Exception | None]:
    """Return what `call` returns, or the exception that it raised: for code of the user's that we have to run.

    A `repr`, a property or a redactor may raise anything; that is a fact about the value, not a failure of ours.
    """
    try:
        return call(), None
    except Exception as error:  # noqa: BLE001
        return None, error
