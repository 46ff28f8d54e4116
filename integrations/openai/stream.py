"""The bytes of a body that is over, read: undone of their encoding, taken apart into events, folded into one body."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tracer.integrations.openai.body import Body, mapping, parse
from tracer.integrations.openai.surface import Stream
from tracer.integrations.openai.tee import Chunk, Passed

LAST_EVENTS = frozenset(
    {
        *("response.completed", "response.failed", "response.incomplete"),
        *("image_generation.completed", "image_edit.completed", "speech.audio.done", "transcript.text.done"),
    }
)
"""The types of the events after which none comes."""

_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Streamed:
    """A stream folded into one body.

    `has_ended` says whether it came to the end that the API gives to a stream; `unreadable` is what the client raised
    at the first event that is no JSON, if it was the client that read the events.
    """

    body: Body
    has_ended: bool
    first_content_ns: int | None
    unreadable: ValueError | None


def fold(stream: Stream, chunks: Iterable[Chunk]) -> Streamed:
    """Read the bytes of a stream of server-sent events."""
    told: list[Body] = []
    has_ended = False
    first_content_ns: int | None = None
    unreadable: ValueError | None = None
    for at, data in server_sent_events(chunks):
        if data.startswith(b"[DONE]"):
            has_ended = True
            break
        event = mapping(parse(data))
        if not event:
            unreadable = unreadable or _why_unreadable(data)
            continue
        told.append(event)
        if first_content_ns is None and stream.is_content(event):
            first_content_ns = at
        has_ended = has_ended or str(event.get("type")) in LAST_EVENTS
    return Streamed(stream.join(told), has_ended, first_content_ns, unreadable)


def readable(passed: Passed, *, response_class: Callable[..., Any], encoding: str | None) -> Iterable[Chunk]:
    """Return the bytes of a body with its `Content-Encoding` undone, as the client's own responses do.

    Where its middle was not kept there is a blank line, which ends an event. Beyond it nothing could be decoded.
    """
    if encoding is not None:
        return _decoded(passed.head, response_class, {"content-encoding": encoding})
    return [*passed.head, (None, b"\n\n"), *passed.tail] if passed.cut_bytes else passed.head


def server_sent_events(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Yield the data of each event, with the time of the chunk that completed it. An event that broke off is left out.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    """
    data: list[bytes] = []
    for at, line in _lines(chunks):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif not line and data:
            yield at, b"\n".join(data)
            data = []


def _lines(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Yield the lines that have ended, however they are torn, without looking at any byte twice."""
    begun: list[bytes] = []
    after_return = False
    for at, chunk in chunks:
        if not chunk:
            continue
        if after_return and chunk.startswith(b"\n"):
            chunk = chunk[1:]  # noqa: PLW2901
        after_return = chunk.endswith(b"\r")
        first, *others = _LINE_END.split(chunk) if b"\r" in chunk else chunk.split(b"\n")
        begun.append(first)
        for other in others:
            yield at, b"".join(begun)
            begun = [other]


def _why_unreadable(data: bytes) -> ValueError | None:
    try:
        json.loads(data)
    except ValueError as error:
        return error.with_traceback(None)  # the traceback would be ours
    return None


def _decoded(chunks: Iterable[Chunk], response_class: Callable[..., Any], headers: dict[str, str]) -> Iterator[Chunk]:
    at: int | None = None

    def encoded() -> Iterator[bytes]:
        nonlocal at
        for at, chunk in chunks:  # noqa: B007
            yield chunk
        raise EOFError  # else the decoder would miss the end that a broken-off body does not have

    with suppress(EOFError):
        for data in response_class(200, headers=headers, content=encoded()).iter_bytes():
            yield at, data
