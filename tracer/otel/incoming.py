"""Spans of an SDK `TracerProvider` coming in: `provider.add_span_processor(TracerSpanProcessor())`.

Each becomes a row of ours, nested with our own spans where they call each other. Nothing of the provider's
spans is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import StatusCode

from tracer.context import foreign_spans
from tracer.errors import contain
from tracer.otel.dialects import Event
from tracer.otel.foreign import describe
from tracer.recorder import recording, start_span
from tracer.rows import ERROR
from tracer.span import Span


class TracerSpanProcessor(SpanProcessor):
    """Records every span of the provider that it is added to. Running spans are seen while they run."""

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        with contain("a span of an OpenTelemetry provider"):
            context = span.get_span_context()
            if recording() and context is not None:
                foreign_spans[context.span_id] = start_span(
                    span.name, kind="other", start_ns=span.start_time, context=parent_context
                )

    def on_end(self, span: ReadableSpan) -> None:
        with contain("a span of an OpenTelemetry provider"):
            context = span.get_span_context()
            ours = foreign_spans.pop(context.span_id, None) if context is not None else None
            if ours is not None:
                _complete(ours, span)
                ours.end(span.end_time)

    def shutdown(self) -> None:
        """Nothing waits: every ended span is in the journal."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def _complete(ours: Span, span: ReadableSpan) -> None:
    attributes: Mapping[str, Any] = span.attributes or {}
    context = span.get_span_context()
    scope = span.instrumentation_scope
    ours.update_name(span.name)
    ours.set(attributes=attributes)
    events = [Event(event.name, event.attributes or {}) for event in span.events]
    describe(ours, attributes, events, scope.name if scope else None)
    if context is not None:
        ours.attribute("otel.trace_id", f"{context.trace_id:032x}")
        ours.attribute("otel.span_id", f"{context.span_id:016x}")
    for event in span.events:
        ours.add_event(event.name, event.attributes, event.timestamp)
    for link in span.links:
        ours.add_link(link.context, link.attributes)
    if span.status.status_code is StatusCode.ERROR:
        ours.set(status=ERROR, status_message=span.status.description)
