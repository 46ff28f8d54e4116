"""A place in the tree as W3C headers, for what goes over a wire, into a queue or into an environment.

`traceparent` is what the program's own telemetry would send, where it has any; `tracestate`, which is there for that,
names our span beside it. `baggage` brings the session, the user and the tags.
Source: https://www.w3.org/TR/trace-context-2/ and https://www.w3.org/TR/baggage/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import quote, unquote

from opentelemetry import baggage

from tracer.context import STATE_KEY, get_current, otel_span_of, scope_to_carry, sdk_is_installed, span_from_state
from tracer.span import SAMPLED, Inherited, RemoteSpan, Span

_MAX_CHARACTERS = 8_192
"""The most of a header that is read, or of baggage that is written."""

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})(?P<trace_id>[0-9a-f]{32})-(?!0{16})(?P<span_id>[0-9a-f]{16})-.*"
)


class Headers(Protocol):
    """What a library hands out as the headers of a request or a message: a dict, or what has the items of one."""

    def items(self) -> Iterable[tuple[Any, Any]]: ...


def write() -> dict[str, str]:
    """Return the headers that let work elsewhere belong to the span that is current here; none where there is none."""
    scope = scope_to_carry()
    if scope is None:
        return {}
    parent, inherited, *_ = scope
    return {**_trace_context(parent), **_baggage(inherited)}


def read(carrier: Headers | str | None) -> tuple[RemoteSpan | None, Inherited]:
    """Return the span that headers, an environment or one `traceparent` name, and what is inherited with it.

    Names are compared without regard to case. What is not well-formed, as what strangers send may be, is left out.
    """
    if carrier is None:
        return None, {}
    if isinstance(carrier, str):
        carrier = {"traceparent": carrier}
    found = {_text(name).lower(): _text(value) for name, value in carrier.items()}
    return _span(found), _inherited(found.get("baggage", ""))


def _trace_context(parent: Span | None) -> dict[str, str]:
    if parent is None:
        return {}
    state = {STATE_KEY: f"{parent.trace_id}-{parent.span_id}"}
    context = otel_span_of(get_current()).get_span_context()
    if context.is_valid:
        state = {**state, **{key: value for key, value in context.trace_state.items() if key != STATE_KEY}}
        trace_id, span_id, flags = f"{context.trace_id:032x}", f"{context.span_id:016x}", context.trace_flags
    elif sdk_is_installed():
        return {"tracestate": _members(state)}  # with a `traceparent`, the program at the far end would export more
    else:
        trace_id, span_id, flags = parent.trace_id, parent.span_id, SAMPLED
    return {"traceparent": f"00-{trace_id}-{span_id}-{flags:02x}", "tracestate": _members(state)}


def _baggage(inherited: Inherited) -> dict[str, str]:
    """Return what the program itself has put in its baggage, and ours."""
    members = {key: _quoted(str(value)) for key, value in baggage.get_all().items()}
    for column, (key, write_value, _) in _MEMBERS.items():
        if value := inherited.get(column):
            members[key] = write_value(value)
    text = _members(members)
    return {"baggage": text} if text and len(text) <= _MAX_CHARACTERS else {}


def _members(values: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in values.items())


def _span(headers: Mapping[str, str]) -> RemoteSpan | None:
    if ours := span_from_state(_parsed(headers.get("tracestate", "")).get(STATE_KEY)):
        return ours
    theirs = _TRACEPARENT.fullmatch(headers.get("traceparent", "").strip())
    return RemoteSpan(theirs["trace_id"], theirs["span_id"]) if theirs else None


def _inherited(text: str) -> Inherited:
    members = _parsed(text)
    return {column: read_value(members[key]) for column, (key, _, read_value) in _MEMBERS.items() if members.get(key)}


def _parsed(text: str) -> dict[str, str]:
    """Return the members of `tracestate` or `baggage` by their keys, without the properties that they may have."""
    pairs = (member.partition(";")[0].partition("=") for member in text[:_MAX_CHARACTERS].split(","))
    return {key.strip(): value.strip() for key, _, value in pairs}


def _quoted_list(values: Iterable[str]) -> str:
    return _quoted(",".join(map(_quoted, values)))


def _unquoted_list(text: str) -> list[str]:
    return [unquote(item) for item in unquote(text).split(",")]


def _quoted(value: str) -> str:
    return quote(value, safe="", errors="replace")


_MEMBERS: dict[str, tuple[str, Callable[[Any], str], Callable[[str], Any]]] = {
    "session_id": ("session.id", _quoted, unquote),
    "user_id": ("user.id", _quoted, unquote),
    "tags": ("tracer.tags", _quoted_list, _unquoted_list),
}
"""Of what is inherited, what goes over a wire: column → key in the baggage, to text, from text."""


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""
