"""What a program asks of the tracer as a whole: set-up, recording of libraries, flushing, judging."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from tracer.clock import now_ns
from tracer.config import Redact
from tracer.errors import UsageError, contain
from tracer.recorder import RECORDER, Span, recording
from tracer.scoring import score_data

_AS_IT_IS: Any = object()


def configure(
    *,
    store: str | os.PathLike[str] | None = _AS_IT_IS,
    capture_content: bool = _AS_IT_IS,
    capture_code: bool = _AS_IT_IS,
    redact: Redact = _AS_IT_IS,
    max_value_bytes: int = _AS_IT_IS,
    max_attachment_bytes: int = _AS_IT_IS,
    processors: Iterable[Any] = _AS_IT_IS,
    enabled: bool = _AS_IT_IS,
    retention: str | None = _AS_IT_IS,
) -> None:
    """Set how spans are recorded; what is not given stays as it is.

    store: path of the DuckDB file (default: `.tracer/traces.duckdb` in the project's root).
    capture_content: False keeps shapes and numbers, no texts. enabled: False records nothing.
    capture_code: False keeps neither the sources of traced functions nor the uncommitted changes of the repository.
    redact: what is taken out beside secrets: a list of patterns, callables (text -> text) and the words "email" and
      "card" for e-mail addresses and card numbers. {"keys": [...], "patterns": [...]} names fields too, whose values
      are taken out whatever they hold. A text for which a callable raises is not kept. False removes all redaction.
    max_value_bytes: the most that one value takes as JSON (1,000,000); what is longer is cut, and says so.
    max_attachment_bytes: the most bytes of one image, audio or file that is kept (64,000,000); of a larger one the row
    says how large it was.
    processors: OpenTelemetry SDK SpanProcessors or SpanExporters that get every span too.
    retention: the age, such as "30d", beyond which traces are deleted from the store, whoever recorded them. Nothing
    is deleted without it.
    Raises UsageError for a value that cannot be right.
    """
    given = {name: value for name, value in locals().items() if value is not _AS_IT_IS}
    RECORDER.configure(**given)


def instrument(*names: str) -> list[str]:
    """Record libraries by themselves: `instrument("openai", "langchain")`, or all that are installed.

    Each is recorded from its import on, and none is imported for this. Returns the names of all that are, or will be.
    Calling it again changes nothing. Raises UnknownIntegration for a name that is none of ours, and
    IntegrationNotInstalled for one that was asked for by name and is missing, or has nothing installed that records it.
    """
    on: list[str] = import_module("tracer.integrations").instrument(*names)
    return on


def uninstrument(*names: str) -> None:
    """Undo `instrument`, for these or for all."""
    import_module("tracer.integrations").uninstrument(*names)


def flush(timeout: float | None = None) -> bool:
    """Move everything that has ended into DuckDB; return whether that was done within `timeout` seconds.

    Nothing is lost without it: an ended span is on the disk, and readers see it. It is for those who open the
    DuckDB file with a client of their own.
    """
    if not recording():
        return True
    from tracer.journal import absorber

    RECORDER.writer.seal()
    return absorber.run(RECORDER.store, timeout)


def trace_headers() -> dict[str, str]:
    """Return the headers that let work elsewhere belong to the span that is current here: for a request, a message,
    a job. The other side says `with using(parent=headers)`. Empty outside of any span.

    They are W3C's `traceparent`, `tracestate` and `baggage`, which holds the session, the user and the tags.
    """
    if recording():
        with contain("the headers of a trace"):
            from tracer.propagation import headers

            return headers.write() if RECORDER.get_ready() else {}
    return {}


def trace_environ() -> dict[str, str]:
    """Return a copy of `os.environ` with which a program that is started belongs to the span that is current here.

    A program that records finds it by itself, and records to the same store, without content where this one records
    none: `subprocess.run(…, env=trace_environ())`.
    """
    environ = {**os.environ}
    if recording():
        with contain("the environment of a trace"):
            environ |= {name.upper(): value for name, value in trace_headers().items()}
            environ["TRACER_STORE"] = str(RECORDER.store)
            for setting in ("capture_content", "capture_code"):
                if not getattr(RECORDER.config, setting):
                    environ[f"TRACER_{setting.upper()}"] = "0"
    return environ


def score(
    target: Span | str | tuple[str, str],
    name: str,
    value: float | bool | None = None,
    *,
    label: str | None = None,
    comment: str | None = None,
    source: str = "api",
) -> None:
    """Judge a span or a trace: `score(current_span(), "helpful", 1)`.

    `target` is a span, a trace id, or (trace id, span id). `value` is a number or a bool, `label` a word in its
    place or beside it.
    Raises UsageError for a target that is none of these, and for a score that says nothing.
    """
    trace_id, span_id = _target(target)
    judged = score_data(trace_id, span_id, name, value, label=label, comment=comment, source=source, time_ns=now_ns())
    if recording():
        with contain("a score"):
            RECORDER.write_record("score", judged)


def _target(target: Any) -> tuple[str, str | None]:
    if isinstance(target, Span):
        return target.trace_id, target.span_id
    if isinstance(target, str):
        return target, None
    if isinstance(target, tuple) and len(target) == 2:
        return target
    raise UsageError(f"score takes a span, a trace id or (trace id, span id), not {target!r}")
