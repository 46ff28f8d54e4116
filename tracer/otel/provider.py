"""A provider for instrumentors that we switch on ourselves: their spans are ours from the start, and go nowhere else.

It implements OpenTelemetry's API and needs no SDK: no sampler drops a span, and no limit an attribute. It is never
installed as the global one. Where the user has an SDK provider, the user's telemetry stays as it is: a span from here
may be current, as instrumentors make it, but says that it is the user's span around it; so the user's own spans inside
keep their parents and their sampling, and outgoing requests their headers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opentelemetry import trace as otel
from opentelemetry._logs import Logger, LoggerProvider, LogRecord, NoOpLogger
from opentelemetry.context import Context
from opentelemetry.util._decorator import _agnosticcontextmanager

from tracer.clock import now_ns
from tracer.context import foreign_spans, get_current, otel_span_of
from tracer.errors import contain
from tracer.otel.dialects import Event
from tracer.otel.foreign import describe
from tracer.outcome import error_type
from tracer.recorder import RECORDER, recording, start_span
from tracer.span import Span

_TELLING = contain("what an instrumentor tells of a span")


class TracerProvider(otel.TracerProvider):
    """Whose tracers record to our store."""

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Any = None,
    ) -> otel.Tracer:
        return Tracer(instrumenting_module_name)


class Tracer(otel.Tracer):
    """Opens spans of ours under the scope's name."""

    def __init__(self, scope_name: str) -> None:
        self.scope_name = scope_name

    def start_span(  # noqa: PLR0917  (the API's own signature)
        self,
        name: str,
        context: Context | None = None,
        kind: otel.SpanKind = otel.SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[otel.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> otel.Span:
        around = otel_span_of(get_current() if context is None else context)
        with contain("a span of an instrumentor"):
            if recording():
                ours = start_span(str(name), start_ns=start_time, context=context, scope_name=self.scope_name)
                span = InstrumentorSpan(ours, around, self.scope_name)
                span.set_attributes(attributes or {})
                for link in links or ():
                    span.add_link(link.context, link.attributes)
                return span
        # Of this one everything is lost, but for what is around it.
        return otel.NonRecordingSpan(around.get_span_context())

    @_agnosticcontextmanager
    def start_as_current_span(  # noqa: PLR0917
        self,
        name: str,
        context: Context | None = None,
        kind: otel.SpanKind = otel.SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[otel.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Iterator[otel.Span]:
        span = self.start_span(name, context, kind, attributes, links, start_time)
        with otel.use_span(span, end_on_exit, record_exception, set_status_on_exception):
            yield span


class InstrumentorSpan(otel.Span):
    """The face of one of our spans to an instrumentor: it keeps what it is told, to be read when it ends."""

    def __init__(self, ours: Span, around: otel.Span, scope_name: str) -> None:
        self.ours = ours
        self.attributes: dict[str, Any] = {}
        self._around = around
        self._scope_name = scope_name
        self._events: list[Event] = []
        foreign_spans[self._key] = ours

    @property
    def span_id(self) -> str:
        """Ours, by which `find_parent` knows it, whatever `get_span_context` says."""
        return self.ours.span_id

    @property
    def name(self) -> str:
        return self.ours.name

    @property
    def _key(self) -> int:
        return int(self.ours.span_id, 16)

    def get_span_context(self) -> otel.SpanContext:
        if RECORDER.shows_itself():
            return self.ours.get_span_context()
        return self._around.get_span_context()

    def is_recording(self) -> bool:
        return self.ours.is_recording()

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def set_attribute(self, key: str, value: Any) -> None:
        with _TELLING:
            if self.is_recording() and value is not None:
                self.attributes[str(key)] = value
                self.ours.attribute(str(key), value)

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        with _TELLING:
            if self.is_recording():
                self._events.append(Event(str(name), dict(attributes or {})))
                self.ours.add_event(name, attributes, timestamp)

    def add_link(self, context: otel.SpanContext, attributes: Mapping[str, Any] | None = None) -> None:
        self.ours.add_link(context, attributes)

    def update_name(self, name: str) -> None:
        self.ours.update_name(name)

    def set_status(self, status: otel.Status | otel.StatusCode, description: str | None = None) -> None:
        self.ours.set_status(status, description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        self.ours.record_exception(exception, attributes, timestamp, escaped)
        self.ours.set(error_type=error_type(exception))

    def end(self, end_time: int | None = None) -> None:
        if foreign_spans.pop(self._key, None) is not None:
            end_ns = end_time or now_ns()
            with _TELLING:
                describe(self.ours, self.attributes, self._events, self._scope_name)
            self.ours.end(end_ns)


class EventProvider(LoggerProvider):
    """Whose loggers put what an instrumentor logs inside a span of ours on that span, as an event."""

    def get_logger(
        self, name: str, version: str | None = None, schema_url: str | None = None, attributes: Any = None
    ) -> Logger:
        return EventLogger(name)


class EventLogger(NoOpLogger):
    """Messages that a convention writes as log records belong to the span that is current there."""

    def emit(self, record: LogRecord | None = None, **told: Any) -> None:
        with contain("an event of an instrumentor"):
            fields = told if record is None else vars(record)
            attributes = dict(fields.get("attributes") or {})
            name = fields.get("event_name") or attributes.get("event.name")
            span = otel_span_of(fields.get("context") or get_current())
            if name and isinstance(span, InstrumentorSpan):
                if (body := fields.get("body")) is not None:
                    attributes["body"] = body
                span.add_event(name, attributes, fields.get("timestamp"))
