"""What a question gives back: rows that are fetched when they are looked at, in the form in which they are wanted.

A question has limits, so that one that was badly put, or comes from a stranger, cannot eat the machine.
"""

from __future__ import annotations

import concurrent.futures
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

import duckdb
import orjson
from duckdb import DuckDBPyConnection, DuckDBPyRelation, Statement

from tracer.errors import AnswerTooLong, QueryError, UsageError
from tracer.store.patience import interruptible

T = TypeVar("T")

Params = Sequence[Any] | dict[str, Any] | None


SECONDS = 30.0
"""How long a question may take if nobody says otherwise. While it is asked, nothing can be absorbed."""

MEMORY = "2GB"
_MEMORY = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT])i?B")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one question may take: rows (None: all), seconds (None: for ever), and memory, as DuckDB writes it.

    On the disk it may take twice its memory.
    """

    rows: int | None = None
    seconds: float | None = SECONDS
    memory: str = MEMORY

    def __post_init__(self) -> None:
        if self.rows is not None and self.rows < 0:
            raise UsageError(f"limit is the most rows, or None for all; not {self.rows!r}")
        if self.seconds is not None and not self.seconds > 0:
            raise UsageError(f"timeout is the most seconds, or None for ever; not {self.seconds!r}")
        if not _MEMORY.fullmatch(self.memory):
            raise UsageError(f"memory is the most that may be taken, such as 4GB or 512MB; not {self.memory!r}")

    @property
    def memory_bytes(self) -> int:
        number, unit = _MEMORY.findall(self.memory)[0]
        return int(float(number) * 1000 ** ("KMGT".index(unit) + 1))

    @property
    def settings(self) -> str:
        return f"set memory_limit = '{self.memory}'; set max_temp_directory_size = '{2 * self.memory_bytes}B'"


class Question:
    """One statement on a connection of its own, to be answered once, as rows or as a relation."""

    def __init__(self, connection: DuckDBPyConnection, statement: Statement, params: Params, limits: Limits) -> None:
        self._connection = connection
        self._statement = statement
        self._params = params
        self._limits = limits

    def rows(self) -> tuple[list[str], list[tuple[Any, ...]], bool]:
        """Return the columns, the rows, and whether there were more rows than the limit."""
        limit = self._limits.rows
        rows: list[tuple[Any, ...]] = []
        room = self._limits.memory_bytes
        self._connection.execute(self._statement, self._params)
        columns = [(str(name), str(kind)) for name, kind, *_ in self._connection.description or ()]
        while (limit is None or len(rows) <= limit) and (some := self._connection.fetchmany(_FETCHED_AT_ONCE)):
            rows += some
            room -= _size(some)
            if room < 0:
                raise QueryError(_TOO_MUCH.format(memory=self._limits.memory))
        is_cut = limit is not None and len(rows) > limit
        return [name for name, _ in columns], _converted([kind for _, kind in columns], rows[:limit]), is_cut

    def relation(self) -> DuckDBPyRelation:
        """Return the result for DuckDB to turn into a table of another library."""
        relation = self._connection.sql(self._statement, params=self._params)
        return relation if self._limits.rows is None else relation.limit(self._limits.rows)


_FETCHED_AT_ONCE = 2048

_TOO_MUCH = (
    "the answer takes more than {memory} of memory. Ask for fewer rows or columns, or allow more: "
    "memory='8GB' in Python, --memory 8GB on the command line"
)

_TOO_LONG = (
    "the answer took longer than {seconds:g} s. Ask for less, or allow more: "
    "timeout=300 in Python, --timeout 300 on the command line (0: for ever)"
)


def _size(rows: list[tuple[Any, ...]]) -> int:
    """Return about how many bytes the rows take, judged by some of them."""
    some = rows[:: max(1, len(rows) // 64)]
    return sum(sys.getsizeof(value) for row in some for value in row) * len(rows) // len(some)


def ask(
    connection: DuckDBPyConnection,
    statement: Statement,
    params: Params,
    limits: Limits,
    form: Callable[[Question], T],
    *,
    prepare: Callable[[DuckDBPyConnection], None] = lambda _: None,
) -> T:
    """Return what `form` makes of the answer to a statement, before which `prepare` is called.

    Raises QueryError beyond the limits, which are those of both.
    """
    with closing(connection.cursor()) as cursor:
        question = Question(cursor, statement, params, limits)

        def work() -> T:
            prepare(cursor)
            return form(question)

        try:
            return interruptible(cursor, work, limits.seconds)
        except duckdb.OutOfMemoryException as error:
            raise QueryError(_TOO_MUCH.format(memory=limits.memory)) from error
        except concurrent.futures.TimeoutError as error:
            raise AnswerTooLong(_TOO_LONG.format(seconds=limits.seconds)) from error


Ask = Callable[[Callable[[Question], Any]], Any]
"""Asks the question, gives it to a function, and returns what that makes of it."""


class Rows:
    """The rows of one question, as dicts by column or as a table of another library.

    Nothing is asked before it is needed. The dicts are fetched once; every table is a new question, so it may
    hold more. In dicts JSON is parsed and a DECIMAL is a float; a table has what DuckDB gives it.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def __iter__(self) -> Iterator[dict[str, Any]]:
        columns = self.columns
        return (dict(zip(columns, row, strict=True)) for row in self._fetched[1])

    def __len__(self) -> int:
        return len(self._fetched[1])

    def __repr__(self) -> str:
        return f"<{len(self)} rows of {', '.join(self.columns)}>"

    @property
    def columns(self) -> list[str]:
        return self._fetched[0]

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than the `limit` that was asked for."""
        return self._fetched[2]

    def df(self) -> Any:
        """Return a pandas DataFrame."""
        return self._ask(lambda question: question.relation().df())

    def pl(self) -> Any:
        """Return a polars DataFrame."""
        return self._ask(lambda question: question.relation().pl())

    def arrow(self) -> Any:
        """Return a pyarrow Table."""
        return self._ask(lambda question: question.relation().to_arrow_table())

    @cached_property
    def _fetched(self) -> tuple[list[str], list[tuple[Any, ...]], bool]:
        fetched: tuple[list[str], list[tuple[Any, ...]], bool] = self._ask(lambda question: question.rows())
        return fetched


def fetch(result: DuckDBPyRelation) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and the rows of a result, with JSON parsed and every DECIMAL a float."""
    return list(result.columns), _converted([str(kind) for kind in result.types], result.fetchall())


def _converted(types: list[str], rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    readers = [_READERS.get(kind.split("(")[0]) for kind in types]
    if rows and any(readers):
        return list(zip(*map(_read, readers, zip(*rows, strict=True)), strict=True))
    return rows


def _read(reader: Callable[[Any], Any] | None, column: tuple[Any, ...]) -> Sequence[Any]:
    if reader is None:
        return column
    return [None if value is None else reader(value) for value in column]


def _parsed(text: str) -> Any:
    """Return the value of a JSON text. DuckDB lets pass what orjson does not: NaN, long numbers, any depth."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            return json.loads(text)
        except RecursionError:
            return text


def _number(value: Decimal) -> float:
    return float(value)


_READERS: dict[str, Callable[[Any], Any]] = {"JSON": _parsed, "DECIMAL": _number}
