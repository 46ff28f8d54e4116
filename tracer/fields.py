"""What a caller may set on a span: each column with the form its value must have.

A value of another form is refused and logged once, never raised: the traced program comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tracer.errors import attempt, logger
from tracer.rows import KINDS, SPAN_COLUMNS, STATUSES

_RECORDER_ALONE = ("trace_id", "span_id", "parent_id", "start_ns", "end_ns", "process_id", "events", "links", "rev")


def checked(column: str, value: Any) -> Any | None:
    """Return the value as the column holds it; None where it is refused. JSON columns take any value."""
    kept = _FORMS[column](value)
    if kept is None:
        _refuse(column, value)
    return kept


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> list[str] | None:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return None
    return [str(item) for item in value if item is not None]


def _integer(value: Any) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63
    return int(value) if fits else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _amount(value: Any) -> float | None:
    return attempt(lambda: float(value))[0]


def _mapping(value: Any) -> Mapping[Any, Any] | None:
    return value if isinstance(value, Mapping) else None


def _word(words: tuple[str, ...]) -> Callable[[Any], str | None]:
    return lambda value: value if value in words else None


def _nothing(_value: Any) -> None:
    return None


def _anything(value: Any) -> Any:
    return value


_BY_SQL_TYPE: dict[str, Callable[[Any], Any]] = {
    "VARCHAR": _text,
    "VARCHAR[]": _texts,
    "BIGINT": _integer,
    "INTEGER": _integer,
    "BOOLEAN": _boolean,
    "DECIMAL(18,9)": _amount,
    "JSON": _anything,
}
_FORMS: dict[str, Callable[[Any], Any]] = {
    **{column: _BY_SQL_TYPE[sql_type] for column, sql_type in SPAN_COLUMNS.items()},
    **dict.fromkeys(_RECORDER_ALONE, _nothing),
    "kind": _word(KINDS),
    "status": _word(STATUSES),
    "metadata": _mapping,
    "attributes": _mapping,
}
_EXPECTED = {
    _text: "a text",
    _texts: "a list of texts",
    _integer: "an integer",
    _boolean: "True or False",
    _amount: "a number",
} | {
    _mapping: "a mapping",
    _nothing: "nothing: the recorder alone sets it",
    _FORMS["kind"]: "one of " + ", ".join(KINDS),
    _FORMS["status"]: "one of " + ", ".join(STATUSES),
}
_refused: set[str] = set()


def _refuse(column: str, value: Any) -> None:
    if column not in _refused:
        _refused.add(column)
        logger.warning(
            "%s is left out: it takes %s, not a value of type %s (logged once for this column)",
            column,
            _EXPECTED[_FORMS[column]],
            type(value).__name__,
        )
