"""The attributes of foreign spans, read into our columns. Pure; the originals are kept verbatim beside them.

One dialect a file, all of one shape (`dialect.py`): attributes and events go in, columns come out. A dialect is told by
the attributes themselves, never by the scope's name, and a span may speak several: each column comes from the first
that has it. Attributes are untrusted: what has another form than its dialect says is passed over.

Source: https://github.com/open-telemetry/semantic-conventions-genai
"""

from __future__ import annotations

from collections.abc import Sequence

from tracer.otel.dialects import genai, logfire, openinference, traceloop
from tracer.otel.dialects.dialect import Attributes, Dialect, Event, Fields
from tracer.otel.dialects.usage import settled

__all__ = ["OTHER", "Event", "fields_of"]

DIALECTS: Sequence[Dialect] = (genai.DIALECT, openinference.DIALECT, traceloop.DIALECT, logfire.DIALECT)
"""In the order in which they are asked. The conventions come first, for what others add to them is less exact."""

OTHER = "other"


def fields_of(attributes: Attributes, events: Sequence[Event] = ()) -> Fields:
    """Return the columns that these attributes and events speak of: always `kind` and `dialect`, and what is known.

    `dialect` is the last that the span speaks, so the one that adds to the conventions, or `other`.
    """
    spoken = [dialect for dialect in DIALECTS if dialect.is_spoken(attributes, events)]
    found: Fields = {}
    for dialect in reversed(spoken):
        found.update(dialect.read(attributes, events))
    found.setdefault("kind", _kind_of(attributes, found))
    return {**settled(found), "dialect": spoken[-1].name if spoken else OTHER}


def _kind_of(attributes: Attributes, found: Fields) -> str:
    """Return the kind of a span whose dialects name none. Whatever counts tokens of a model is a call of it."""
    if any(key.startswith("mcp.") for key in attributes):
        return "mcp"
    if "request_model" in found and not found.keys().isdisjoint(("input_tokens", "output_tokens")):
        return "llm"
    return "http" if any(key.startswith(("http.", "url.")) for key in attributes) else "other"
