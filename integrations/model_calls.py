"""One span per model call, though a framework and its provider's client both see it.

A framework announces a model call when it opens its span; the integration of the provider's client
claims that span for the request that follows, and adds what only it knows (request id, retries, …)
in place of a span of its own. Knows neither the framework nor the provider.

The calls that wait for their request travel in a ContextVar, so that parallel tasks and threads do
not see each other's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING

from tracer.integrations.genai import Message

if TYPE_CHECKING:
    from tracer.recorder import Span


class OpenCall:
    """A model call whose span a framework has opened, and whose request is still to come."""

    __slots__ = ("_unclaimed", "span", "texts")

    def __init__(self, span: Span, messages: Iterable[Message]) -> None:
        self.span = span
        self.texts = tuple(_texts(messages))
        self._unclaimed = [span]

    @property
    def waiting(self) -> bool:
        return bool(self._unclaimed)

    def take(self) -> Span | None:
        """Return the span to the first who asks; None to all others."""
        try:
            return self._unclaimed.pop()  # atomic, so that of two threads only one gets it
        except IndexError:
            return None

    def close(self) -> None:
        """The model has begun to answer, or has ended: no request that is made now belongs to this call."""
        self.take()


_open_calls: ContextVar[tuple[OpenCall, ...]] = ContextVar("tracer_open_model_calls", default=())


def announce(span: Span, messages: Iterable[Message]) -> OpenCall:
    """Let a request with these messages, made from here on in this context, be told on `span`.

    Close what is returned when the answer begins or the call ends: that holds in every context that
    inherited the call, which resetting the variable would not.
    """
    call = OpenCall(span, messages)
    _open_calls.set((*(earlier for earlier in _open_calls.get() if earlier.waiting), call))
    return call


def claim(messages: Iterable[Message]) -> Span | None:
    """Return the framework's span for a request with these messages; None when the request needs its own.

    Several calls may wait at once (`generate([a, b, c])`): the one with equal messages is taken, or
    else the earliest. Whoever gets the span adds to it before the framework ends it, and opens none.
    """
    waiting = [call for call in _open_calls.get() if call.waiting]
    if not waiting:
        return None
    texts = tuple(_texts(messages))
    same = [call for call in waiting if call.texts == texts]
    for call in _innermost(same or waiting):
        if (span := call.take()) is not None:
            return span
    return None


def _innermost(calls: list[OpenCall]) -> list[OpenCall]:
    """Leave out the calls of models that wrap others, and wait only for theirs."""
    around = {span for call in calls for span in _above(call.span)}
    return [call for call in calls if call.span not in around]


def _above(span: Span) -> Iterator[Span]:
    parent = span.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _texts(messages: Iterable[Message]) -> Iterator[str]:
    """Yield what both sides tell alike: the texts and the ids of tool calls, without roles and instructions."""
    for message in messages:
        if message["role"] in ("system", "developer"):
            continue
        for part in message["parts"]:
            if said := part.get("content") if part["type"] == "text" else part.get("id"):
                yield said
