"""What is left of a value when content is not to be recorded: its shape and its numbers."""

from __future__ import annotations

from typing import Any

import orjson

_WORDS_KEPT = ("type", "role", "modality", "mime_type", "finish_reason", "$type", "dtype")
"""Keys whose value is a word of a vocabulary, not content."""


def shape_only(encoded: bytes) -> bytes:
    """Return the JSON value with each text replaced by its length; keys, numbers and roles stay."""
    return orjson.dumps(_shape(orjson.loads(encoded)))


def _shape(value: Any) -> Any:
    if isinstance(value, str):
        return f"[{len(value)} characters]"
    if isinstance(value, list):
        return [_shape(item) for item in value]
    if isinstance(value, dict):
        return {
            key: item if key in _WORDS_KEPT and isinstance(item, str) else _shape(item) for key, item in value.items()
        }
    return value
