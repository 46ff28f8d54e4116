"""One response inside a session, from what asks for it to its last event: a span of its own below the session's."""

from __future__ import annotations

from typing import Any

from tracer.integrations.openai.body import Body, error_fields, mapping
from tracer.integrations.openai.sockets.protocol import Conversation
from tracer.integrations.openai.surface import Surface
from tracer.outcome import status_of
from tracer.recorder import Span, start_span
from tracer.rows import CANCELLED, INCOMPLETE

MAX_BYTES = 16 << 20
"""What is kept of the events of one response, besides its last."""


class Turn:
    """A response under way. `response_id` is None until the server has begun it.

    `lane` is the program's name for one of several sequences of responses in a session of Responses; None in others.
    """

    def __init__(self, surface: Surface, session: Span, create: Body, start_ns: int, common: dict[str, Any]) -> None:
        model = create.get("model") or common.get("request_model")
        self.response_id: str | None = None
        self.event_id = create.get("event_id")
        self.lane = create.get("stream_id")
        self._surface = surface
        self._create = create
        self._request: Body = {}
        self._events: list[Body] = []
        self._room = MAX_BYTES
        self._cut_bytes = 0
        self._ttft_ns: int | None = None
        self._transcripts = 0
        self._missed: list[str] = []
        self.span = start_span(
            f"{surface.operation} {model}" if model else str(surface.operation),
            kind=surface.kind,
            parent=session,
            start_ns=start_ns,
            operation=surface.operation,
            stream=True,
            **{**common, "request_model": model, "openai.api.type": surface.api_type},
        )

    def begin(self, response_id: str | None, conversation: Conversation) -> None:
        """The server has begun the response: what it answers is known."""
        self.response_id = response_id
        self._request = conversation.request(self._create)
        self._transcripts = conversation.transcripts
        fields = self._surface.request_fields(self._request)
        self._missed += fields.get("tracer.missed") or ()
        self.span.set(**fields)

    def add(self, event: Body, at_ns: int, size: int) -> None:
        stream = self._surface.stream
        if self._ttft_ns is None and stream is not None and stream.is_content(event):
            self._ttft_ns = at_ns - self.span.start_ns
            self.span.set(ttft_ns=self._ttft_ns)
        self._room -= size
        if self._room >= 0:
            self._events.append(event)
        else:
            self._cut_bytes += size

    def done(self, last: Body, conversation: Conversation) -> None:
        """The last event has come, which tells the whole response."""
        self._events.append(last)
        self._end({}, conversation)

    def fail(self, error: BaseException, conversation: Conversation) -> None:
        """The connection broke."""
        self.span.fail(error, status_of(error))
        self._end({}, conversation)

    def refuse(self, error: Any, conversation: Conversation) -> None:
        """The server has refused what was asked."""
        self._end(error_fields(error), conversation)

    def close(self, conversation: Conversation, *, by_program: bool) -> None:
        """The session is over before the response was."""
        status = CANCELLED if by_program else INCOMPLETE
        message = None if by_program else "the session was closed before the last event"
        self._end({"status": status, "status_message": message}, conversation)

    def _end(self, fields: dict[str, Any], conversation: Conversation) -> None:
        if self.response_id is None:
            self.begin(None, conversation)
        elif conversation.transcripts > self._transcripts:
            self.span.set(input=self._surface.request_fields(self._request).get("input"))
        stream = self._surface.stream
        told = self._surface.response_fields(stream.join(self._events) if stream is not None else {})
        told = {name: value for name, value in told.items() if value is not None}
        if self._cut_bytes:
            told["tracer.missed"] = [*self._missed, f"{self._cut_bytes:,} bytes of events were too many to keep"]
        self.span.set(**told)
        self.span.set(**fields)
        self.span.end()


def id_of(event: Body) -> str | None:
    """Return the response that an event belongs to, where it says so."""
    told = event.get("response_id") or mapping(event.get("response")).get("id")
    return told if isinstance(told, str) else None
