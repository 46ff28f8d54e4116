"""Attributes and events of foreign spans, in the names of every dialect, holding anything."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from properties.claim import Property
from tracer.fields import checked
from tracer.otel.dialects import DIALECTS, Event, fields_of, genai, logfire, openinference, traceloop
from tracer.rows import KINDS, SPAN_COLUMNS

_COLUMN_NAMES = {
    name
    for dialect in (genai, logfire, openinference, traceloop)
    for _, names in dialect.COLUMNS.values()
    for name in names
}
_NAMES = sorted(
    {f"{prefix}{rest}" for dialect in DIALECTS for prefix in dialect.prefixes for rest in ("", ".0", "0.a", "x.0.y")}
    | _COLUMN_NAMES
    | {f"gen_ai.{name}" for name in ("input.messages", "prompt", "prompt.0.role", "prompt.0.role.0", "request.x")}
    | {"llm.input_messages.0.message", "llm.input_messages", "llm.tools.0.tool", "llm.input_messages.7.message.0"}
    | {"llm.input_messages.0.message.tool_calls.x.tool_call", "embedding.embeddings.0.embedding.text", "events"}
)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=5)
    | st.sampled_from(['[{"role":1}]', "{", "[" * 2000, '{"a":1}', "٣", "9" * 40, "\ud800", 12, "12", 1e300])
)
_KEYS = ("role", "parts", "content", "type", "tool_calls", "function", "message", "id", "text", "image_url", "tool")
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS) | st.integers(), inner, max_size=4)
    ),
    max_leaves=8,
)
_told = _values | _values.map(lambda value: json.dumps(value, default=str))
attributes = st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=30), _told, max_size=12)
_EVENTS = ("gen_ai.user.message", "gen_ai.choice", "gen_ai.content.prompt", "gen_ai.client.inference.operation.details")
_events = st.lists(
    st.builds(Event, st.sampled_from(_EVENTS), attributes | st.fixed_dictionaries({"body": _values})), max_size=3
)


def _fields_fit_their_columns(told: tuple[dict[str, Any], list[Event]]) -> None:
    fields = fields_of(*told)
    assert fields["kind"] in KINDS
    for column, value in fields.items():
        assert SPAN_COLUMNS[column] == "JSON" or checked(column, value) == value, (column, value)
    cached = sum(fields.get(name, 0) for name in ("cached_tokens", "cache_write_tokens"))
    assert cached <= fields.get("input_tokens", cached)


PROPERTIES = {
    "the fields of a foreign span fit their columns, whatever its attributes hold": Property(
        st.tuples(attributes, _events), _fields_fit_their_columns
    ),
}
