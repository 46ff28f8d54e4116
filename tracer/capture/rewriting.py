"""JSON read, changed and written again, whatever it holds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import orjson


def dumps(value: Any) -> bytes:
    """Return a value of JSON types, such as orjson has read, as JSON again.

    It may be deeper than orjson writes: that stops at 254 levels, among which it does not count fragments.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def distinct(keys: Iterable[str]) -> list[str]:
    """Return the keys of an object, numbered where a change has made them alike."""
    found: dict[str, None] = {}
    for key in keys:
        number, name = 1, key
        while name in found:
            number += 1
            name = f"{key} {number}"
        found[name] = None
    return list(found)
