"""What a row refers to: the images, sounds and files whose content is kept apart from it, by its hash."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tracer.span_row import SpanRow

_COLUMNS = ("input", "output", "system_instructions", "attributes", "events")


class Reference(NamedTuple):
    """`hash` is None where nothing but the shape was recorded; `not_kept` is why there is no content, or None."""

    hash: str | None
    mime_type: str
    bytes: int
    not_kept: str | None


def references(row: SpanRow) -> Iterator[Reference]:
    """Yield each content that a row refers to once, in the order of the columns."""
    seen: set[Reference] = set()
    for column in _COLUMNS:
        for found in _within(getattr(row, column)):
            if found not in seen:
                seen.add(found)
                yield found


def _within(value: Any) -> Iterator[Reference]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if (found := _reference(item)) is not None:
                yield found
            waiting.extend(reversed(item.values()))
        elif isinstance(item, list):
            waiting.extend(reversed(item))


def _reference(item: dict[str, Any]) -> Reference | None:
    mime_type, count, hash = item.get("mime_type"), item.get("bytes"), item.get("attachment")
    if item.get("type") != "blob" and item.get("$type") != "bytes":
        return None
    if not (isinstance(mime_type, str) and isinstance(count, int) and (hash is None or isinstance(hash, str))):
        return None
    why = item.get("not_kept")
    return Reference(hash, mime_type, count, why if isinstance(why, str) else None)
