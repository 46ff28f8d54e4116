"""Conversations: what of a trace was said, as one readable turn. Pure: no store, no web."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer.viewer.columns import LIST_COLUMNS, Json, micros

_ROLES = {"input": "user", "output": "assistant"}


def turn(trace: Mapping[str, Any]) -> Json:
    """Return a row of `traces` that also has its root's `input` and `output` as a turn of its conversation."""
    return {
        **{column: trace[column] for column in LIST_COLUMNS},
        "start_ms": trace["start_ns"] / 1e6,
        "duration_us": micros(trace["start_ns"], trace["end_ns"]),
        **{column: said(trace[column], role) for column, role in _ROLES.items()},
    }


def said(value: Any, role: str) -> Any:
    """Return what `role` said last, as a message, if the value has messages; else the value, without its one key.

    A turn holds the whole conversation until then, of which the reader has seen the rest above.
    """
    messages = value.get("messages", value) if isinstance(value, dict) else value
    if isinstance(messages, list) and messages and all(map(_is_message, messages)):
        return next((message for message in reversed(messages) if message["role"] == role), messages[-1])
    if isinstance(value, dict) and len(value) == 1:
        return next(iter(value.values()))
    return value


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str) and isinstance(value.get("parts"), list)
