"""Values that are too long: their texts are shortened, evenly and visibly, until they fit."""

from __future__ import annotations

from typing import Any

import orjson

_SHORTEST_TEXT = 64


def cut(encoded: bytes, limit: int) -> bytes:
    """Return a JSON value of at most `limit` bytes that keeps the shape of `encoded` where that can be.

    The longest texts lose their ends first, so that in a list of messages each message stays readable; each ends in
    `…[cut: N characters]`. A value that is long for another reason (a million numbers) becomes a marker
    with the beginning of its JSON.
    """
    if len(encoded) <= limit:
        return encoded
    value = orjson.loads(encoded)
    longest = limit
    while longest >= _SHORTEST_TEXT:
        shorter = orjson.dumps(_shorten(value, longest))
        if len(shorter) <= limit:
            return shorter
        longest //= 2
    preview = encoded[: limit // 4].decode("utf-8", "ignore")
    return orjson.dumps({"$type": "cut", "bytes": len(encoded), "preview": preview})


def _shorten(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]}…[cut: {len(value) - longest} characters]"
    if isinstance(value, list):
        return [_shorten(item, longest) for item in value]
    if isinstance(value, dict):
        return {key: _shorten(item, longest) for key, item in value.items()}
    return value
