"""The one-line language that traces are searched by: `error model:gpt-4o dur>2s "refund policy"`.

A word or a quoted text is searched for in names, inputs, outputs and errors; `error` alone finds traces in which
something failed; the other words are a field, a comparison and a value. All of them must hold. After the word `where`
comes SQL: `error where cost_usd > 0.1 and len(models) > 1`.
"""

from __future__ import annotations

import difflib
import math
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from tracer.errors import QueryError
from tracer.rows import KINDS, OPEN_STATUSES, STATUSES
from tracer.units import NANOSECONDS, amount

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|(?P<field>[A-Za-z_]+)(?P<sign>>=|<=|[:=<>])(?P<value>"[^"]*"|\S*)|(?P<word>\S+)'
)

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Condition:
    """SQL over the view `traces`, with a `?` for each of `parameters`.

    `written` are those parts of it that a user wrote, which must be checked before it is asked.
    """

    sql: str = "true"
    parameters: list[Any] = field(default_factory=list)
    written: tuple[str, ...] = ()


def by_hand(sql: str) -> Condition:
    """Return a condition that a user wrote in SQL. What follows cannot fall into a comment at its end."""
    return Condition(f"{sql}\n", written=(sql,))


def parse(text: str, *, now_ns: int | None = None) -> Condition:
    """Return what a filter asks for. Raises QueryError for a field or value that it does not know, with a guess."""
    now = time.time_ns() if now_ns is None else now_ns
    found = []
    text = _SURROGATE.sub("\ufffd", text)  # as in what is stored
    for token in _TOKEN.finditer(text):
        if token["word"] and token["word"].lower() == "where" and text[token.end() :].strip():
            found.append(by_hand(text[token.end() :].strip()))
            break
        if token["field"]:
            found.append(_compared(token["field"].lower(), token["sign"], token["value"].strip('"'), now))
        elif token["word"] and token["word"].lower() == "error":
            found.append(Condition("error_count > 0"))
        elif sought := token["quoted"] or token["word"]:
            found.append(_text(sought))
    return all_of(found)


def all_of(conditions: Iterable[Condition]) -> Condition:
    parts = list(conditions)
    return Condition(
        " and ".join(f"({part.sql})" for part in parts) or "true",
        [parameter for part in parts for parameter in part.parameters],
        tuple(text for part in parts for text in part.written),
    )


def said(sought: str) -> Condition:
    """Return, of a row of `spans`, whether a text stands in its name, its error, its input or its output.

    In a JSON column it stands with its quotes and line ends escaped. A pattern finds upper and lower case in half the
    time of `contains(lower(…))`, which makes a second text of each.
    """
    plain = re.escape(sought)
    escaped = re.escape(orjson.dumps(sought).decode()[1:-1])
    columns = {"name": plain, "status_message": plain, "error_type": plain, "input": escaped, "output": escaped}
    found = " or ".join(f"regexp_matches({column}::varchar, ?, 'i')" for column in columns)
    return Condition(found, list(columns.values()))


def _text(sought: str) -> Condition:
    """Find it in any span of the trace."""
    found = said(sought)
    return Condition(f"trace_id in (select trace_id from spans where {found.sql})", found.parameters)


def _compared(name: str, sign: str, value: str, now: int) -> Condition:
    if name in _TEXTS:
        if sign not in (":", "="):
            raise QueryError(f"{name} is a text: write {name}:{value}")
        return _TEXTS[name](value)
    if name in _NUMBERS:
        if sign == ":":
            raise QueryError(f"{name} is a number: write {name}>{value} or {name}<{value}")
        sql, read = _NUMBERS[name]
        return Condition(f"{sql} {sign} ?", [*([now] if "?" in sql else []), read(value)])
    if name == "score":
        return _score(sign, value)
    if name in _TIMES:
        if sign not in (":", "="):
            raise QueryError(f"write {name}:{value}")
        return Condition(f"start_ns {_TIMES[name]} ?", [_moment(value, now)])
    known = [*_TEXTS, *_NUMBERS, "score", *_TIMES, "error"]
    raise QueryError(
        f"there is no field {name!r}{_guess(name, known)}. Fields are {', '.join(known)}. "
        f'To search for the text itself, quote it: "{name}{sign}{value}"'
    )


def _guess(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _one_of(name: str, value: str, known: Iterable[str]) -> str:
    by_lower = {word.lower(): word for word in known}
    if value.lower() not in by_lower:
        guess = _guess(value.lower(), by_lower)
        raise QueryError(f"there is no {name} {value!r}{guess}. A {name} is one of {', '.join(by_lower)}")
    return by_lower[value.lower()]


def _status(value: str) -> Condition:
    return Condition("status = ?", [_one_of("status", value, (*STATUSES, *OPEN_STATUSES))])


def _kind(value: str) -> Condition:
    return Condition("trace_id in (select trace_id from spans where kind = ?)", [_one_of("kind", value, KINDS)])


def _score(sign: str, value: str) -> Condition:
    """A score by its name or label, or one whose value compares so."""
    if sign in (":", "="):
        return Condition("trace_id in (select trace_id from scores where ? in (name, label))", [value])
    sought = f"trace_id in (select trace_id from scores where value {sign} ?)"
    return Condition(sought, [_amount(value, {}, "0.5")])


_TEXTS: dict[str, Callable[[str], Condition]] = {
    "status": _status,
    "model": lambda value: Condition("contains(lower(array_to_string(models, chr(10))), ?)", [value.lower()]),
    "name": lambda value: Condition(
        "trace_id in (select trace_id from spans where contains(lower(name), ?))", [value.lower()]
    ),
    "kind": _kind,
    "tag": lambda value: Condition("list_contains(tags, ?)", [value]),
    "session": lambda value: Condition("session_id = ?", [value]),
    "user": lambda value: Condition("user_id = ?", [value]),
}


def _amount(value: str, units: dict[str, int], example: str) -> float:
    found = amount(value, units)
    if found is None:
        raise QueryError(f"{value!r} cannot be read: write it like {example}")
    if math.isinf(found):
        raise QueryError(f"{value[:20]}… is more than there can be")
    return found


def _duration(value: str) -> float:
    return _amount(value, {"": NANOSECONDS["s"], **NANOSECONDS}, "2s, 300ms or 1.5m")


_NUMBERS: dict[str, tuple[str, Callable[[str], float]]] = {
    "dur": ("coalesce(end_ns, case status when 'RUNNING' then ? end) - start_ns", _duration),
    "cost": ("cost_usd", lambda value: _amount(value.removeprefix("$"), {}, "0.1")),
    "tokens": (
        "coalesce(input_tokens, 0) + coalesce(output_tokens, 0)",
        lambda value: _amount(value, {"k": 10**3, "m": 10**6}, "500, 10k or 1m"),
    ),
}


_TIMES = {"since": ">=", "until": "<"}


def _moment(value: str, now: int) -> int:
    """Read a time of day or date, or how long ago it was, as Unix nanoseconds."""
    if re.fullmatch(r"[\d.]+[a-z]+", value.lower()):
        return now - int(_amount(value, NANOSECONDS, "1h, 30m or 7d"))
    try:
        return int(datetime.fromisoformat(value).astimezone().timestamp() * 1e9)
    except ValueError as error:
        raise QueryError(f"{value!r} is no time: write since:1h, since:7d or since:2026-01-31") from error
