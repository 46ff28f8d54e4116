"""The span: an OpenTelemetry API span of our own, open from its start until `end` writes its row.

It knows how to hold fields and how to become a row; where it is current, and where rows go, is `context`'s and
`recorder`'s affair. No method raises into the traced program, whatever it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, cast

import orjson
from opentelemetry import trace as otel

from tracer import rows
from tracer.clock import now_ns
from tracer.errors import contain, logger
from tracer.fields import checked
from tracer.outcome import error_type, exception_attributes, message_of, status_of

_CAPTURED_COLUMNS = rows.JSON_COLUMNS - {"metadata", "attributes", "events", "links"}
"""JSON columns that take any value as a whole."""

_GROWING_COLUMNS = ("attributes", "events", "links")
"""Columns that are added to in place. All others are replaced, so that a row may share them."""

_FIELDS = contain("the fields of a span")
_CURRENT = contain("the current span")
_ENDING = contain("the end of a span")
_LONG_CHARACTERS = 1_000
"""A text attribute of this length is captured as other values are: bounded, and redacted before it is cut."""

SAMPLED = otel.TraceFlags(otel.TraceFlags.SAMPLED)


class Sink(Protocol):
    """What a span needs of the recorder."""

    def capture(self, span: Span, column: str, value: Any) -> orjson.Fragment:
        """Return the value as JSON, within the limits; a span whose value was cut says so in its attributes."""

    def enter(self, span: Span) -> Any:
        """Make the span current; return what `leave` takes."""

    def leave(self, entered: Any) -> None:
        """Put back what was current before."""

    def shows_itself(self) -> bool:
        """Return whether OpenTelemetry may see our spans: there is no SDK, or they go out through it."""

    def began(self, span: Span) -> None: ...

    def ended(self, span: Span) -> None: ...


Inherited = Mapping[str, Any]
"""Columns that `using` gives to all spans inside, ready to be written."""

NOTHING_INHERITED: Inherited = {}


class Span(otel.Span):
    """One step of a program. `with span: …` makes it current and ends it; an exception that leaves it is recorded.

    Ids are lower-case hex (32 and 16 characters), times Unix nanoseconds. `parent` is the parent span where it
    is one of this process. An ended span does not change any more.
    """

    start_ns = 0
    end_ns: int | None = None
    is_open_written = False
    _entered: Any = None

    def __init__(
        self,
        sink: Sink,
        name: str,
        kind: str,
        *,
        trace_id: str,
        span_id: str,
        parent: Span | None = None,
        parent_id: str | None = None,
        inherited: Inherited = NOTHING_INHERITED,
        function_id: str | None = None,
    ) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.parent = parent
        self.parent_id = parent_id
        self.name = name
        self.kind = kind
        self._sink = sink
        self._columns: dict[str, Any] = {**inherited}
        if function_id is not None:
            self._columns["function_id"] = function_id

    def begin(self, start_ns: int | None = None) -> Span:
        """Start the clock of this span (now, or at the given time)."""
        self.start_ns = start_ns or now_ns()
        self._sink.began(self)
        return self

    def capture(self, column: str, value: Any) -> None:
        """Set a JSON column that takes any value, such as `input`, to what the value is now."""
        with _FIELDS:
            if self.end_ns is None or self._may_change():
                self._columns[column] = self._sink.capture(self, column, value)

    def set(self, **fields: Any) -> Span:
        """Set columns by their names, and attributes by all other names. None is unknown, and left out.

        JSON columns (`input`, `output`, `metadata` …) take any value, and keep it as it is now. `tags` and `metadata`
        add to what there is. A value of the wrong type is logged once and left out.
        """
        with _FIELDS:
            if self._may_change():
                for name, value in fields.items():
                    if value is None:
                        continue
                    if name in _CAPTURED_COLUMNS:
                        self._columns[name] = self._sink.capture(self, name, value)
                    elif name in rows.SPAN_COLUMNS:
                        self._set(name, value)
                    else:
                        self._set_attribute(name, value)
        return self

    def attribute(self, key: str, value: Any) -> None:
        """Set one attribute, whatever its name: `span.attribute("gen_ai.agent.name", "support")`."""
        with _FIELDS:
            if value is not None and self._may_change():
                self._set_attribute(key, value)

    def event(self, name: str, /, **attributes: Any) -> None:
        """Note that something happened now."""
        self.add_event(name, attributes)

    def fail(self, error: BaseException, status: str = rows.ERROR) -> None:
        """Record the exception that ended this step: status, type, message, and an event with the traceback."""
        with contain("an exception"):
            if not self._may_change():
                return
            self._columns["status"] = status
            self._columns["error_type"] = error_type(error)
            if message := message_of(error):
                self._columns["status_message"] = message
            self.record_exception(error)

    def left_by(self, error: BaseException | None) -> None:
        """Take the status of a step that this exception left, or none: what stops on purpose is not an error."""
        status = rows.OK if error is None else status_of(error)
        if status == rows.ERROR:
            self.fail(cast(BaseException, error))
        elif status != rows.OK:
            self.set(status=status, error_type=error_type(cast(BaseException, error)))

    def note_cut(self, column: str, size: int) -> None:
        """Say in the attributes that a value was too long: `tracer.cut` holds its full bytes, by column."""
        sizes = self._columns.setdefault("attributes", {}).setdefault("tracer.cut", {})
        sizes[column] = max(size, sizes.get(column, 0))

    def note_redacted(self, counts: Mapping[str, int]) -> None:
        """Say in the attributes how many secrets were taken out of a value, by kind, before it was cut."""
        if counts:
            total = self._columns.setdefault("attributes", {}).setdefault("tracer.redacted", {})
            for kind, count in counts.items():
                total[kind] = total.get(kind, 0) + count

    def note_missed(self, what: str) -> None:
        """Say in the attributes, in a short plain sentence, what could not be recorded: `tracer.missed` lists it."""
        missed = self._columns.setdefault("attributes", {}).setdefault("tracer.missed", [])
        if what not in missed:
            missed.append(what)

    def is_within(self, other: Span) -> bool:
        """Return whether this span is `other` or lies somewhere below it."""
        span: Span | None = self
        while span is not None and span is not other:
            span = span.parent
        return span is not None

    def row(self, *, ended: bool) -> dict[str, Any]:
        """Return what is known now, by column, ready for orjson: the row of an ended span, or of one that is open.

        It is for the caller to say which: the span may end while another thread asks for its open row.
        """
        row: dict[str, Any] = {
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "parent_id": self.parent_id,
            "name": self.name,
            "kind": self.kind,
            "start_ns": self.start_ns,
            "end_ns": self.end_ns if ended else None,
            "status": rows.OK,
            "scope_name": "tracer",
            "dialect": "native",
            "rev": int(ended),
            **self._columns,
        }
        if not ended:
            row["status"] = None
            row.update((name, row[name].copy()) for name in _GROWING_COLUMNS if name in row)
        return row

    # The OpenTelemetry API span. Source: https://opentelemetry.io/docs/specs/otel/trace/api/#span

    def end(self, end_time: int | None = None) -> None:
        """End the span now, or at `end_time` in Unix nanoseconds, and write its row. A second end does nothing."""
        with _ENDING:
            if self.end_ns is None and self.start_ns:
                end_ns = end_time or now_ns()
                self.end_ns = end_ns if end_ns > self.start_ns else self.start_ns
                self._sink.ended(self)
                # Whoever keeps the span (a handler, its children) need not keep what it held, which is written.
                self._columns = {}

    def get_span_context(self) -> otel.SpanContext:
        """Return our ids; but none to an SDK that came while we were current, for its spans are no children of ours."""
        if not self._sink.shows_itself():
            return otel.INVALID_SPAN_CONTEXT
        return otel.SpanContext(
            int(self.trace_id, 16),
            int(self.span_id, 16),
            is_remote=False,
            trace_flags=SAMPLED,
        )

    def is_recording(self) -> bool:
        return self.end_ns is None

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        for key, value in attributes.items():
            self.attribute(key, value)

    def set_attribute(self, key: str, value: Any) -> None:
        self.attribute(key, value)

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        with contain("an event"):
            if self._may_change():
                event: dict[str, Any] = {"name": str(name), "time_ns": timestamp or now_ns()}
                if attributes:
                    event["attributes"] = self._sink.capture(self, "events", dict(attributes))
                self._columns.setdefault("events", []).append(event)

    def add_link(self, context: otel.SpanContext, attributes: Mapping[str, Any] | None = None) -> None:
        with contain("a link"):
            if self._may_change():
                link: dict[str, Any] = {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
                if attributes:
                    link["attributes"] = self._sink.capture(self, "links", dict(attributes))
                self._columns.setdefault("links", []).append(link)

    def update_name(self, name: str) -> None:
        self.set(name=name)

    def set_status(self, status: otel.Status | otel.StatusCode, description: str | None = None) -> None:
        code = status.status_code if isinstance(status, otel.Status) else status
        if code is not otel.StatusCode.UNSET:
            self.set(
                status=rows.ERROR if code is otel.StatusCode.ERROR else rows.OK,
                status_message=status.description if isinstance(status, otel.Status) else description,
            )

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        with contain("an exception"):
            self.add_event("exception", {**exception_attributes(exception), **(attributes or {})}, timestamp)

    def __enter__(self) -> Span:
        if self._entered is None:
            with _CURRENT:
                self._entered = self._sink.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._entered is not None:
            with _CURRENT:
                # What was entered leads back to the span: kept, only a garbage collection would free the two.
                entered, self._entered = self._entered, None
                self._sink.leave(entered)
        if error is not None:
            self.left_by(error)
        self.end()

    def _may_change(self) -> bool:
        if self.end_ns is not None:
            logger.warning("span %r has ended and does not change any more", self.name)
            return False
        return True

    def _set(self, column: str, value: Any) -> None:
        kept = checked(column, value)
        if kept is None:
            return
        if column == "name":
            self.name = kept
        elif column == "kind":
            self.kind = kept
        elif column == "tags":
            tags = self._columns.get("tags", ())
            self._columns["tags"] = [*tags, *(tag for tag in kept if tag not in tags)]
        elif column == "attributes":
            for key, item in kept.items():
                self._set_attribute(str(key), item)
        elif column == "metadata":
            added = {str(key): self._sink.capture(self, column, item) for key, item in kept.items()}
            self._columns["metadata"] = {**self._columns.get("metadata", {}), **added}
        else:
            self._columns[column] = kept

    def _set_attribute(self, key: str, value: Any) -> None:
        plain = type(value) in (int, float, bool) or (type(value) is str and len(value) < _LONG_CHARACTERS)
        if not plain and key == "tracer.missed" and isinstance(value, (list, tuple)):
            for what in value:
                self.note_missed(str(what))
            return
        kept = value if plain else self._sink.capture(self, "attributes", value)
        self._columns.setdefault("attributes", {})[key] = kept


class UnrecordedSpan(Span):
    """What is handed out while recording is off: a span on which everything does nothing."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink, "", "other", trace_id="0" * 32, span_id="0" * 16)
        self.end_ns = 0

    def begin(self, start_ns: int | None = None) -> Span:
        return self

    def __enter__(self) -> Span:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def _may_change(self) -> bool:
        return False


class RemoteSpan(UnrecordedSpan):
    """A span that is not this process's, as far as it is known here: what spans of ours belong under.

    Everything on it does nothing; it can be judged with `score`.
    """

    def __init__(self, trace_id: str, span_id: str) -> None:
        super().__init__(cast(Sink, None))  # what has ended asks nothing of it
        self.trace_id = trace_id
        self.span_id = span_id

    def get_span_context(self) -> otel.SpanContext:
        return otel.SpanContext(int(self.trace_id, 16), int(self.span_id, 16), is_remote=True, trace_flags=SAMPLED)
