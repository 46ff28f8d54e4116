"""The span of a session over a WebSocket, and those of the responses inside.

Messages are noted where they pass, on the thread that sends or receives. A connection may be used by two threads,
so they are queued, and whoever finds nobody at it works the queue off: nobody waits.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from tracer.capture import is_one
from tracer.clock import now_ns
from tracer.errors import contain
from tracer.integrations.openai.body import Body, Fields, mapping, parse
from tracer.integrations.openai.sockets.protocol import Protocol
from tracer.integrations.openai.sockets.turn import Turn, id_of
from tracer.integrations.openai.stream import LAST_EVENTS
from tracer.outcome import error_type, status_of
from tracer.recorder import start_span
from tracer.rows import CANCELLED

_LAST_EVENTS = LAST_EVENTS | {"response.done"}

_NOTED = frozenset(
    {
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.input_audio_transcription.failed",
        "conversation.item.truncated",
        "error",
    }
)
"""What belongs to no response, and is an event of the session."""

_MAX_NOTED = 1_000


class Session:
    """A session under way. It ends when the connection is closed, by whomever, or else is dropped."""

    def __init__(self, protocol: Protocol, common: Fields) -> None:
        model = common.get("request_model")
        self._protocol = protocol
        self._common = common
        self._conversation = protocol.conversation()
        self._turns: list[Turn] = []
        self._committed_ns: int | None = None
        self._noted = 0
        self._connections = 0
        self._queue: deque[tuple[int, bool, str | bytes]] = deque()
        self._at_work = threading.Lock()
        self.is_kept_up = False  # the client connects anew by itself
        self.is_being_closed = False  # by the program
        self.span = start_span(f"{protocol.name} {model}" if model else protocol.name, kind="chain", **common)
        if protocol.surface is None:
            self.span.set(**{"tracer.missed": [f"what passed in the {protocol.name} session"]})

    def __del__(self) -> None:
        self._end(by_program=True, fields={"status": CANCELLED})

    def connected(self, response: Any) -> None:
        """The server has taken up the connection, for the first time or anew."""
        self._connections += 1
        with contain("the connection of an OpenAI session"):
            if self._connections > 1 and self.span.is_recording():
                self.span.event("connected anew")
            headers = getattr(response, "headers", {})
            self._set({"request_id": headers.get("x-request-id") or headers.get("apim-request-id")})

    def sent(self, message: Any) -> None:
        """The program is about to send this."""
        self._note(False, message)

    def received(self, message: Any) -> None:
        self._note(True, message)

    def broke(self, error: BaseException) -> None:
        """Sending or receiving has raised; only what ends the connection ends the session."""
        if not is_one(error, "websockets.exceptions", "ConnectionClosed"):
            return
        with contain("the end of an OpenAI session"):
            was_orderly = is_one(error, "websockets.exceptions", "ConnectionClosedOK")
            for turn in self._take_turns():
                if was_orderly or self.is_being_closed:
                    turn.close(self._conversation, by_program=self.is_being_closed)
                else:
                    turn.fail(error, self._conversation)
            if self._connections and self.span.is_recording():
                self._set(_close_fields(error))
                if not was_orderly and not self.is_kept_up and not self.is_being_closed:
                    self.span.fail(error)
        if not self.is_kept_up:
            self._end(by_program=self.is_being_closed)

    def failed(self, error: BaseException) -> None:
        """There is no connection."""
        with contain("the start of an OpenAI session"):
            self._set({"http.response.status_code": getattr(getattr(error, "response", None), "status_code", None)})
            if self.span.is_recording():
                self.span.fail(error, status_of(error))
        self._end(by_program=True)

    def left(self, error: BaseException | None) -> None:
        """The program leaves the block of the connection: of its own will, or by an exception of whatever origin."""
        if error is not None and self.span.is_recording():
            with contain("the end of an OpenAI session"):
                if self.is_kept_up and is_one(error, "websockets.exceptions", "ConnectionClosed"):
                    self.span.fail(error)
                else:
                    self._set({"status": CANCELLED, "error_type": error_type(error)})

    def closed(self) -> None:
        """The program has closed the connection."""
        self._end(by_program=True)

    def _note(self, is_received: bool, message: Any) -> None:
        if self._protocol.surface is None or not self.span.is_recording():
            return
        self._queue.append((now_ns(), is_received, message))
        while self._queue and self._at_work.acquire(blocking=False):
            try:
                self._work_off()
            finally:
                self._at_work.release()

    def _work_off(self) -> None:
        while self._queue:
            at_ns, is_received, message = self._queue.popleft()
            with contain("an event of an OpenAI session"):
                event = mapping(parse(message))
                if is_received:
                    self._take_received(event, at_ns, len(message))
                else:
                    self._take_sent(event, at_ns)

    def _take_sent(self, event: Body, at_ns: int) -> None:
        self._conversation.sent(event)
        if event.get("type") == "response.create":
            self._open(event, at_ns)

    def _take_received(self, event: Body, at_ns: int, size: int) -> None:
        kind = str(event.get("type"))
        self._conversation.received(event)
        if kind in ("session.created", "session.updated"):
            self._set(self._conversation.session_fields())
        elif kind == "input_audio_buffer.committed":
            self._committed_ns = at_ns
        elif kind == "response.created":
            lane = event.get("stream_id")
            asked = (turn for turn in self._turns if turn.response_id is None and turn.lane == lane)
            turn = next(asked, None) or self._open({}, self._committed_ns or at_ns)
            turn.begin(id_of(event) or "", self._conversation)
            turn.add(event, at_ns, size)
            self._committed_ns = None
        elif kind in _NOTED:
            self._tell_noted(kind, event)
        else:
            self._take_part(kind, event, at_ns, size)

    def _take_part(self, kind: str, event: Body, at_ns: int, size: int) -> None:
        """Take what belongs to a response, if it does."""
        turn = self._turn_of(event)
        if turn is not None and kind in _LAST_EVENTS:
            self._turns.remove(turn)
            turn.done(event, self._conversation)
        elif turn is not None:
            turn.add(event, at_ns, size)

    def _open(self, create: Body, at_ns: int) -> Turn:
        surface = self._protocol.surface
        assert surface is not None
        turn = Turn(surface, self.span, create, at_ns, self._common)
        self._turns.append(turn)
        return turn

    def _turn_of(self, event: Body) -> Turn | None:
        """Return the response that an event belongs to: the first that was begun in its lane where it names none."""
        if not str(event.get("type")).startswith("response."):
            return None
        begun = [turn for turn in self._turns if turn.response_id is not None]
        response_id = id_of(event)
        if response_id is None:
            return next((turn for turn in begun if turn.lane == event.get("stream_id")), None)
        return next((turn for turn in begun if turn.response_id == response_id), None)

    def _tell_noted(self, kind: str, event: Body) -> None:
        """Note what belongs to no response. An error that names no event, or one that asked, refuses what was asked."""
        self._noted += 1
        if self._noted <= _MAX_NOTED:
            self.span.event(kind, **{name: value for name, value in event.items() if name != "type"})
        if kind == "error":
            error = mapping(event.get("error")) or event
            lane, event_id = event.get("stream_id"), error.get("event_id")
            turns = [turn for turn in self._turns if event_id in (None, turn.event_id) and turn.lane == lane]
            for turn in turns[:1]:
                self._turns.remove(turn)
                turn.refuse(error, self._conversation)

    def _take_turns(self) -> Iterator[Turn]:
        while self._turns:
            yield self._turns.pop(0)

    def _end(self, *, by_program: bool, fields: Fields | None = None) -> None:
        if not self.span.is_recording():
            return
        with contain("the end of an OpenAI session"):
            for turn in self._take_turns():
                turn.close(self._conversation, by_program=by_program)
            if self._noted > _MAX_NOTED:
                self._set({"tracer.missed": [f"{self._noted - _MAX_NOTED:,} events of the session"]})
            self._set(fields or {})
        self.span.end()

    def _set(self, fields: Fields) -> None:
        if self.span.is_recording():
            self.span.set(**fields)


class breaking:
    """Tell a session of what sending or receiving in the block raises, and let it pass: `with breaking(session): …`."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._session.broke(error)


def _close_fields(error: Any) -> Fields:
    """Return how the connection was closed: by the server's word if there is one, else as it broke."""
    close = error.rcvd or error.sent
    code = 1006 if close is None else close.code  # as RFC 6455 names an end without a word
    return {"websocket.close.code": code, "websocket.close.reason": (close and close.reason) or None}
