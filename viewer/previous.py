"""A model call beside the one before it in its conversation: what was added to the prompt, and what was changed in it.

Pure: rows in, plain data out. Calls are of one conversation if their prompts share messages, for that is how one goes
on: all that was said is sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import orjson

from tracer.compare import changes, readable
from tracer.span_row import SpanRow
from tracer.viewer.columns import Json

_MOST_ALIGNED = 400
"""Messages beyond which two prompts are not aligned after they part: it takes the square of their number."""

_LOW_SHARE = 0.5
"""Of the input. What a provider's cache did not give although it was sent before is then worth a word."""


@dataclass(frozen=True, slots=True)
class Call:
    """What has to be known of a call to hold another against it."""

    trace_id: str
    span_id: str
    name: str | None
    start_ns: int
    request_model: str | None
    input: Any
    system_instructions: Any
    tool_definitions: Any

    @classmethod
    def of(cls, row: SpanRow) -> Call:
        return cls(*(getattr(row, name) for name in cls.__slots__))


def previous_json(row: SpanRow, earlier: Sequence[Call]) -> Json | None:
    """Return what became of the prompt since the last of the `earlier` calls whose conversation this one goes on.

    `parts` are runs of its messages, each `[kind, from, to]`: `same`, `new`, or `changed` and then, for each, what
    became of it word by word; and `["gone", at, texts]` for messages of the call before that are not in this one.
    None where no call is of this conversation.
    """
    messages = _keys(row.input)
    found = [(kin, call) for call in earlier if (kin := _kinship(call, row, messages))]
    if not found:
        return None
    before = max(found, key=lambda one: (one[0], one[1].start_ns))[1]
    return {
        "trace_id": before.trace_id,
        "span_id": before.span_id,
        "name": before.name,
        "start_ms": before.start_ns / 1e6,
        "parts": _parts(_listed(before.input), _listed(row.input)),
        "instructions": _changed(before.system_instructions, row.system_instructions),
        "tools": _changed(before.tool_definitions, row.tool_definitions),
        "broke": _broke(before, row),
    }


def _kinship(before: Call, row: SpanRow, messages: list[bytes]) -> tuple[int, int, bool] | None:
    """Return how much two calls share, to choose the nearest by; None where they are of two conversations.

    They are of one if what was said first is the same, or half of the messages of the call before still stand where
    they stood.
    """
    known = _keys(before.input)
    if not known or not messages:
        return None
    begin, other = _first_said(before.input), _first_said(row.input)
    is_begun_alike = begin < len(known) and other < len(messages) and known[begin] == messages[other]
    standing = sum(a == b for a, b in zip(known, messages, strict=False))
    if not is_begun_alike and 2 * standing < max(2, len(known)):
        return None
    return _shared(known, messages), standing, before.system_instructions == row.system_instructions


def _first_said(value: Any) -> int:
    """Return the place of the first message that is no instruction."""
    messages = _listed(value)
    roles = [message.get("role") if isinstance(message, dict) else None for message in messages]
    return next((i for i, role in enumerate(roles) if role not in ("system", "developer")), len(messages))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _keys(value: Any) -> list[bytes]:
    return [orjson.dumps(message, option=orjson.OPT_SORT_KEYS) for message in _listed(value)]


def _shared(before: Sequence[bytes], after: Sequence[bytes]) -> int:
    """Return how many messages both begin with."""
    pairs = enumerate(zip(before, after, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(before), len(after)))


def _parts(before: list[Any], after: list[Any]) -> list[list[Any]]:
    old, new = _keys(before), _keys(after)
    start = _shared(old, new)
    found: list[list[Any]] = [["same", 0, start]] if start else []
    if max(len(old), len(new)) - start > _MOST_ALIGNED:
        return [*found, *_apart(before[start:], start, len(new))]
    for kind, i, j, k, m in SequenceMatcher(None, old[start:], new[start:], autojunk=False).get_opcodes():
        was, at, end = before[start + i : start + j], start + k, start + m
        if kind == "equal":
            found.append(["same", at, end])
        elif kind == "replace" and len(was) == end - at:
            pairs = zip(was, after[at:end], strict=True)
            found.append(["changed", at, end, [changes(readable([a]), readable([b])) for a, b in pairs]])
        else:
            found += _apart(was, at, end)
    return found


def _apart(gone: list[Any], at: int, end: int) -> list[list[Any]]:
    """Return the parts of a place where one prompt has messages, and the other has others or none."""
    parts: list[list[Any]] = [["gone", at, [readable([message]) for message in gone]]] if gone else []
    return [*parts, ["new", at, end]] if end > at else parts


def _changed(before: Any, after: Any) -> Any:
    return None if before == after else changes(readable(before), readable(after))


def _broke(before: Call, row: SpanRow) -> str | None:
    """Return what of the prompt is the first that differs, where little of it was read from the provider's cache.

    A prompt is read from its beginning: tools, then instructions, then messages. None also where nothing of the call
    before differs, so that something else is why: time, or a prompt that is too short.
    """
    if row.cached_tokens is None or not row.input_tokens or row.cached_tokens >= _LOW_SHARE * row.input_tokens:
        return None
    if before.request_model != row.request_model:
        return f"the model, which was {before.request_model}"
    tools, now = _keys(before.tool_definitions), _keys(row.tool_definitions)
    if tools != now:
        place = _shared(tools, now)
        name = _tool_name((_listed(row.tool_definitions) or [None])[place:][:1])
        return f"tool {place + 1} ({name})" if name else f"tool {place + 1}, which is gone"
    if before.system_instructions != row.system_instructions:
        return "the instructions"
    known, messages = _keys(before.input), _keys(row.input)
    place = _shared(known, messages)
    if place == len(known):
        return None
    return f"message {place + 1}" if place < len(messages) else f"message {place + 1}, which is gone"


def _tool_name(tools: list[Any]) -> str | None:
    tool = tools[0] if tools else None
    if not isinstance(tool, dict):
        return None
    inner = tool.get("function")
    return str(tool.get("name") or (inner.get("name") if isinstance(inner, dict) else None) or tool.get("type"))
