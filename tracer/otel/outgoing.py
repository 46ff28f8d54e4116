"""Our spans going out: rows as the SDK's `ReadableSpan`s, for the processors and exporters that the user configured.

A row goes out as it was written: after redaction and limits, so nothing leaves that the disk may not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from tracer import semconv
from tracer.rows import ERROR, MODEL_CALL_KINDS

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Outgoing:
    """The way out: exporters get a `BatchSpanProcessor` each, processors are called as they are."""

    def __init__(self, processors: Iterable[SpanProcessor | SpanExporter]) -> None:
        self._own = [BatchSpanProcessor(item) for item in processors if isinstance(item, SpanExporter)]
        self._processors = [*self._own, *(item for item in processors if isinstance(item, SpanProcessor))]
        self._resource = Resource.create()

    def send(self, row: Mapping[str, Any]) -> None:
        span = readable(row, self._resource)
        for processor in self._processors:
            processor.on_end(span)

    def shutdown(self) -> None:
        """Let the exporters that we batch for send what they hold. The user's processors are the user's to shut."""
        for processor in self._own:
            processor.shutdown()  # type: ignore[no-untyped-call]


def readable(row: Mapping[str, Any], resource: Resource) -> ReadableSpan:
    """Return an ended row as the SDK's span, its columns under their GenAI names."""
    status = Status(StatusCode.ERROR, row.get("status_message")) if row["status"] == ERROR else Status(StatusCode.OK)
    return ReadableSpan(
        name=row["name"],
        context=_context(row["trace_id"], row["span_id"]),
        parent=_context(row["trace_id"], row["parent_id"]) if row.get("parent_id") else None,
        resource=resource,
        attributes=dict(_attributes(row)),
        events=[
            Event(event["name"], _plain(event.get("attributes")), event["time_ns"]) for event in row.get("events", ())
        ],
        links=[
            Link(_context(link["trace_id"], link["span_id"]), _plain(link.get("attributes")))
            for link in row.get("links", ())
        ],
        kind=SpanKind.CLIENT if row["kind"] in MODEL_CALL_KINDS else SpanKind.INTERNAL,
        status=status,
        start_time=row["start_ns"],
        end_time=row["end_ns"],
        instrumentation_scope=InstrumentationScope("llm-tracer"),
    )


def _attributes(row: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    yield "tracer.kind", row["kind"]
    yield from (_plain(row.get("attributes")) or {}).items()
    for column, attribute in semconv.ATTRIBUTES.items():
        if row.get(column) is not None:
            yield attribute, _plain_value(row[column])
    for name, value in (row.get("request_parameters") or {}).items():
        yield f"gen_ai.request.{name}", _plain_value(value)
    messages = row["kind"] in MODEL_CALL_KINDS
    for column in ("input", "output"):
        if row.get(column) is not None:
            yield f"gen_ai.{column}.messages" if messages else f"{column}.value", _plain_value(row[column])


def _context(trace_id: str, span_id: str) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=_SAMPLED)


def _plain(attributes: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {key: _plain_value(value) for key, value in attributes.items()} if attributes else None


def _plain_value(value: Any) -> Any:
    """Structured values travel as JSON text: exporters of older SDKs refuse them otherwise."""
    if isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Sequence) and all(isinstance(item, str) for item in value):
        return list(value)
    return orjson.dumps(value).decode()
