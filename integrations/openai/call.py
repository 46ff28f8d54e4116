"""One logical call of the API, its retries included, and the span that tells it.

The span is current only while the request is under way: a streamed answer outlives that, and what the program does
between two of its events is no part of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from contextvars import ContextVar
from functools import partial
from time import perf_counter_ns
from types import TracebackType
from typing import Any

from tracer.clock import now_ns
from tracer.errors import contain
from tracer.integrations.model_calls import claim
from tracer.integrations.openai.body import Body, Fields, mapping, parse
from tracer.integrations.openai.provider import where
from tracer.integrations.openai.request import request_body
from tracer.integrations.openai.stream import fold, readable
from tracer.integrations.openai.surface import Raw, Surface
from tracer.integrations.openai.surfaces import classify
from tracer.integrations.openai.tee import Chunk, Passed, tee
from tracer.outcome import status_of
from tracer.recorder import RECORDER, recording, start_span, use
from tracer.rows import CANCELLED, ERROR, INCOMPLETE

_FRAMEWORKS_OWN = frozenset({"input", "output", "system_instructions", "status", "status_message", "error_type"})
"""What a framework that opened the span tells itself."""

_FRAMEWORKS_OPERATIONS = ("chat", "text_completion")
"""What a framework may have opened a span for."""

_PAGE = "text/html"
_EVENTS = "text/event-stream"

_current: ContextVar[Call | None] = ContextVar("tracer_openai_call", default=None)


def current_call() -> Call | None:
    """Return the recorded call whose request is under way here."""
    return _current.get()


class requesting:
    """Record the request that the block makes: `with requesting(client, options): …`."""

    __slots__ = ("_call", "_outer", "_use")

    def __init__(self, client: Any, options: Any) -> None:
        self._call: Call | None = None
        with contain("the start of an OpenAI call"):
            if recording():
                self._call = Call(client, options)

    def __enter__(self) -> None:
        self._outer = _current.get()
        _current.set(self._call)  # None too: a request for a token inside a call is not that call
        self._use = use(self._call.span) if self._call else nullcontext()
        self._use.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._use.__exit__(None, None, None)
        # No token: a coroutine that was given up is closed in whatever context garbage is collected.
        if _current.get() is self._call:
            _current.set(self._outer)
        if self._call is not None:
            with contain("the end of an OpenAI call"):
                self._call.left(error)


class Call:
    """A call under way. Its span ends when the request is left, or with the body that is read after that.

    Where a framework has opened a span for this very call, that one is enriched, and the framework ends it.
    """

    def __init__(self, client: Any, options: Any) -> None:
        surface, ids = classify(options.method, options.url)
        body = request_body(options, ids)
        fields: Fields = {}
        with contain("the request of an OpenAI call"):
            fields = surface.request_fields(body)
        claimed = claim(fields.get("input", ())) if surface.operation in _FRAMEWORKS_OPERATIONS else None
        self._surface = surface
        self._owns_span = claimed is None
        self._is_streamed = surface.stream is not None and bool(body.get("stream"))
        self._content_type = ""
        self._body_is_open = False
        self._missed: list[str] = []
        self.span = claimed or start_span(_name(surface, body), kind=surface.kind)
        self._started = perf_counter_ns() - (now_ns() - self.span.start_ns)
        self._set(
            {
                "operation": surface.operation,
                "request_model": body.get("model"),
                "stream": self._is_streamed if surface.stream else None,
                "openai.api.type": surface.api_type,
                "openai.request.service_tier": body.get("service_tier"),
                **where(client, options.url),
                **fields,
            }
        )

    def trying(self, retries: int) -> None:
        """The request is about to be sent: for the first time, or after so many tries that failed."""
        self._set({"retries": retries})

    def answered(self, response: Any) -> None:
        """Take up a response that the client accepted: now if its body has been read, else when that is over."""
        headers = response.headers
        self._set(
            {
                "request_id": headers.get("x-request-id") or headers.get("apim-request-id"),
                "http.response.status_code": response.status_code,
            }
        )
        self._content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        self._is_streamed &= not self._content_type.endswith("json")
        self._is_streamed |= self._surface.stream is not None and self._content_type == _EVENTS
        if response.is_closed:
            self._tell([(None, response.content)], Passed([(None, response.content)], was_exhausted=True))
        else:
            # The response is not held: its stream would lead back to it, and it would not be freed when it is dropped.
            read = partial(readable, response_class=type(response), encoding=headers.get("content-encoding"))
            response.stream = tee(response.stream, partial(self._body_ended, read), keeps=self._kept_bytes())
            self._body_is_open = True

    def left(self, error: BaseException | None) -> None:
        """The request has returned, or has raised."""
        if error is not None:
            self._set(_failure(error))
            self._fail(error)
        if error is not None or not self._body_is_open:
            self._end()

    def _kept_bytes(self) -> int | None:
        """Return how many bytes may be kept of the body that passes; None is as many as of any model's answer."""
        if self._surface.keeps == "nothing":
            return 0
        if self._surface.keeps == "value" and not self._is_streamed:
            return RECORDER.config.max_value_bytes * 3 // 4  # of base64, three bytes take four
        return None

    def _body_ended(self, read: Callable[[Passed], Iterable[Chunk]], passed: Passed) -> None:
        with contain("the body of an OpenAI call"):
            self._tell(read(passed), passed)
        self._end()

    def _tell(self, chunks: Iterable[Chunk], passed: Passed) -> None:
        """Tell what came, and how it ended. An error that the body itself reports outranks the rest."""
        unreadable, has_ended = None, passed.was_exhausted
        if self._surface.keeps == "nothing":
            # A stream is closed at its last event: unread, that is not to be told from leaving early.
            fields, has_ended = {}, has_ended or (self._content_type == _EVENTS and passed.error is None)
        elif self._content_type == _PAGE and self._surface.kind != "http":
            fields, has_ended = _page(chunks), True
        elif self._is_streamed and self._surface.stream:
            streamed = fold(self._surface.stream, chunks)
            fields, has_ended = self._surface.response_fields(streamed.body), streamed.has_ended
            unreadable = streamed.unreadable
            if streamed.first_content_ns is not None:
                self._set({"ttft_ns": streamed.first_content_ns - self._started})
        elif self._surface.raw_fields is not None and not self._content_type.endswith("json"):
            content = None if passed.cut_bytes else _joined(chunks)
            fields = self._surface.raw_fields(Raw(content, self._content_type, passed.size))
        else:
            fields = self._surface.response_fields(mapping(parse(_joined(chunks))))
        if passed.cut_bytes and self._surface.keeps == "all":
            self._set(
                {"tracer.missed": [f"{passed.cut_bytes:,} bytes in the middle of the answer were too many to keep"]}
            )
        if not has_ended:
            self._tell_end(passed, unreadable, has_finished=bool(fields.get("finish_reasons")))
        self._set(fields)

    def _tell_end(self, passed: Passed, unreadable: ValueError | None, *, has_finished: bool) -> None:
        """Tell why the end did not come. Who stops at the finish reason has all there is."""
        if passed.error is not None:
            self._fail(passed.error)
        elif passed.was_exhausted:
            if not passed.cut_bytes:
                self._set({"status": INCOMPLETE, "status_message": "the stream ended without its last event"})
        elif unreadable is not None:
            self._fail(unreadable)
        elif not has_finished:
            self._set({"status": CANCELLED})

    def _set(self, fields: Fields) -> None:
        if missed := fields.get("tracer.missed"):  # what the answer adds comes after what the request said
            self._missed += missed
            fields = {**fields, "tracer.missed": self._missed}
        if self.span.is_recording():
            self.span.set(**{name: fields[name] for name in fields if self._owns_span or name not in _FRAMEWORKS_OWN})

    def _fail(self, error: BaseException) -> None:
        if self._owns_span and self.span.is_recording():
            self.span.fail(error, status_of(error))

    def _end(self) -> None:
        if self._owns_span:
            self.span.end()


def _joined(chunks: Iterable[Chunk]) -> bytes:
    return b"".join(data for _, data in chunks)


def _page(chunks: Iterable[Chunk]) -> Fields:
    """Return what a page for people tells that came in place of an answer, as from a proxy or a wrong address."""
    return {
        "output": _joined(chunks).decode(errors="replace") or None,
        "status": ERROR,
        "error_type": "unexpected_content_type",
        "status_message": f"the server answered with {_PAGE}, not with JSON",
    }


def _name(surface: Surface, body: Body) -> str:
    name, subject = surface.name or surface.operation, body.get(surface.subject)
    return f"{name} {subject}" if subject else str(name)


def _failure(error: BaseException) -> Fields:
    """Return what an exception of the client knows of the answer to the last try."""
    return {
        "request_id": getattr(error, "request_id", None),
        "http.response.status_code": getattr(error, "status_code", None),
    }
