"""Values that are too long: their texts are shortened, evenly and visibly, until they fit."""

from __future__ import annotations

import string
from functools import partial
from typing import Any

import orjson

from tracer.capture.rewriting import dumps
from tracer.errors import attempt
from tracer.rows import JSON_COLUMNS

_SHORTEST_TEXT = 64
_SHORTEST_VALUE = 4096


def cut(encoded: bytes, limit: int) -> bytes:
    """Return a JSON value of at most `limit` bytes that keeps the shape of `encoded` where that can be.

    The longest texts lose their ends first, so that in a list of messages each message stays readable; each ends in
    `…[cut: N characters]`. A value that is long for another reason (a million numbers) becomes a marker
    with the beginning of its JSON.
    """
    if len(encoded) <= limit:
        return encoded
    shorter, _ = attempt(partial(_with_short_texts, encoded, limit))
    if shorter is not None:
        return shorter
    preview = encoded[: limit // 4].decode("utf-8", "ignore")
    return orjson.dumps({"$type": "cut", "bytes": len(encoded), "preview": preview})


def cut_row(line: bytes, limit: int) -> bytes:
    """Return the line of a span with its largest values cut until it has at most `limit` bytes, where that can be.

    `tracer.cut` in its attributes then holds the full bytes of each, by column.
    """
    row = orjson.loads(line)
    sizes = {column: len(dumps(row[column])) for column in JSON_COLUMNS & row.keys()}
    full: dict[str, int] = {}
    while len(line) > limit and sizes:
        column = max(sizes, key=lambda name: sizes[name])
        if sizes[column] < _SHORTEST_VALUE:
            break
        full.setdefault(column, sizes[column])
        row[column] = orjson.loads(cut(dumps(row[column]), sizes[column] // 2))
        sizes[column] //= 2
        attributes = row.get("attributes") or {}
        row["attributes"] = {**attributes, "tracer.cut": {**full, **attributes.get("tracer.cut", {})}}
        line = dumps(row)
    return line


def beginning(text: str, limit: int) -> str:
    """Return at most the first `limit` characters of a text, to the end of a word.

    A secret that is cut in its midst might not be recognized any more. A word that is longer than the beginning of any
    secret may be cut.
    """
    if len(text) <= limit:
        return text
    begun = text[:limit]
    whole_words = begun.rstrip(_OF_SECRETS)
    return whole_words if limit - len(whole_words) <= _LONGEST_BEGINNING else begun


_OF_SECRETS = string.ascii_letters + string.digits + "+/=_-.~%:@"

_LONGEST_BEGINNING = 128


def _with_short_texts(encoded: bytes, limit: int) -> bytes | None:
    """Return the value with its texts short enough; None where that does not do."""
    value = orjson.loads(encoded)
    longest = limit
    while longest >= _SHORTEST_TEXT:
        shorter = dumps(_shorten(value, longest))
        if len(shorter) <= limit:
            return shorter
        longest //= 2
    return None


def _shorten(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]}…[cut: {len(value) - longest} characters]"
    if isinstance(value, list):
        return [_shorten(item, longest) for item in value]
    if isinstance(value, dict):
        return {key: _shorten(item, longest) for key, item in value.items()}
    return value
