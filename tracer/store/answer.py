"""What a question gives back: rows that are fetched when they are looked at, in the form in which they are wanted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

import orjson
from duckdb import DuckDBPyRelation

Ask = Callable[[Callable[[DuckDBPyRelation], Any]], Any]
"""Asks the question, gives its result to a function, and returns what that makes of it."""


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

    def df(self) -> Any:
        """Return a pandas DataFrame."""
        return self._ask(lambda result: result.df())

    def pl(self) -> Any:
        """Return a polars DataFrame."""
        return self._ask(lambda result: result.pl())

    def arrow(self) -> Any:
        """Return a pyarrow Table."""
        return self._ask(lambda result: result.to_arrow_table())

    @cached_property
    def _fetched(self) -> tuple[list[str], list[tuple[Any, ...]]]:
        fetched: tuple[list[str], list[tuple[Any, ...]]] = self._ask(fetch)
        return fetched


def fetch(result: DuckDBPyRelation) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and the rows of a result, with JSON parsed and every DECIMAL a float."""
    rows = result.fetchall()
    readers = [_READERS.get(str(kind).split("(")[0]) for kind in result.types]
    if rows and any(readers):
        columns = map(_read, readers, zip(*rows, strict=True))
        rows = list(zip(*columns, strict=True))
    return list(result.columns), rows


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
