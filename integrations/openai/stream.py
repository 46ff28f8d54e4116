"""A response's body on its way: noted as it passes, and read only when it is over.

The client keeps its own response and stream objects; between them and the network stands a byte stream of the
very type that was there. Nothing is read ahead, nothing is held back.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing, nullcontext, suppress
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any, TypeAlias

from tracer.integrations.openai.body import Body, mapping, parse
from tracer.integrations.openai.surface import Stream

Chunk: TypeAlias = "tuple[int | None, bytes]"
"""Bytes, and when they came (`perf_counter_ns`); None where that is not known."""

_LAST_EVENTS = frozenset(
    {
        *("response.completed", "response.failed", "response.incomplete"),
        *("image_generation.completed", "image_edit.completed", "speech.audio.done", "transcript.text.done"),
    }
)


@dataclass(frozen=True, slots=True)
class Passed:
    """What had passed when a body was over: read to its end, broken by an error, or else closed early.

    `size` counts the bytes; the chunks are gone where there were more bytes than were to be kept.
    """

    chunks: list[Chunk]
    was_exhausted: bool
    error: BaseException | None
    size: int


@dataclass(frozen=True, slots=True)
class Streamed:
    """A stream folded into one body. `has_ended` says whether it came to the end that the API gives to a stream."""

    body: Body
    has_ended: bool
    first_content_ns: int | None


def tee(stream: Any, on_end: Callable[[Passed], None], *, keeps: int | None = None) -> Any:
    """Return a byte stream like this one that calls `on_end` once: when it is closed, or else collected as garbage.

    Of more than `keeps` bytes none are kept; None keeps all.
    """
    for base in type(stream).__mro__:
        # By name, since the client may be built on httpx2 or on httpx, and each accepts its own classes only.
        if base.__name__ in _TEES:
            return _class_of(_TEES[base.__name__], base)(stream, on_end, keeps)
    raise TypeError(f"{type(stream).__name__} is no byte stream")


def fold(stream: Stream, chunks: Iterable[Chunk]) -> Streamed:
    """Read the bytes of a stream of server-sent events."""
    told: list[Body] = []
    has_ended = False
    first_content_ns: int | None = None
    for at, data in server_sent_events(chunks):
        if data.startswith(b"[DONE]"):
            has_ended = True
            break
        event = mapping(parse(data))
        told.append(event)
        if first_content_ns is None and stream.is_content(event):
            first_content_ns = at
        has_ended = has_ended or str(event.get("type")) in _LAST_EVENTS
    return Streamed(stream.join(told), has_ended, first_content_ns)


def decoded(chunks: Iterable[Chunk], *, response_class: Callable[..., Any], encoding: str | None) -> Iterable[Chunk]:
    """Undo the `Content-Encoding` of a body, as the client's own responses do."""
    return chunks if encoding is None else _decoded(chunks, response_class, {"content-encoding": encoding})


def server_sent_events(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Yield the data of each event, with the time of the chunk that completed it. An event that broke off is left out.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    """
    rest = b""
    data: list[bytes] = []
    for at, chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            field, _, value = line.rstrip(b"\r").partition(b":")
            if field == b"data":
                data.append(value.removeprefix(b" "))
            elif not field and data:
                yield at, b"\n".join(data)
                data = []


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


class _Tee:
    """A body is over when it is exhausted or breaks, when it is closed, or when it is dropped as it is."""

    def __init__(self, stream: Any, on_end: Callable[[Passed], None], keeps: int | None) -> None:
        self._stream = stream
        self._on_end: Callable[[Passed], None] | None = on_end
        self._chunks: list[Chunk] = []
        self._keeps = sys.maxsize if keeps is None else keeps
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        # httpx2 keeps the elapsed time of a response on its stream.
        return getattr(self._stream, name)

    def __del__(self) -> None:
        self._end()

    def note(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size <= self._keeps:
            self._chunks.append((perf_counter_ns(), chunk))
        elif self._chunks:
            self._chunks = []

    def reading_ended(self, error: BaseException | None) -> None:
        """The bytes have come to their end, or an error has broken them off; a reader that left closes the stream."""
        if not isinstance(error, GeneratorExit):
            self._end(was_exhausted=error is None, error=error)

    def _end(self, *, was_exhausted: bool = False, error: BaseException | None = None) -> None:
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            chunks, self._chunks = self._chunks, []
            on_end(Passed(chunks, was_exhausted, error, self._size))


class _SyncTee(_Tee):
    def __iter__(self) -> Iterator[bytes]:
        with _Reading(self):
            for chunk in self._stream:
                self.note(chunk)
                yield chunk

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._end()


class _AsyncTee(_Tee):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = self._stream.__aiter__()
        with _Reading(self):
            async with aclosing(chunks) if isinstance(chunks, AsyncGenerator) else nullcontext():
                async for chunk in chunks:
                    self.note(chunk)
                    yield chunk

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._end()


class _Reading:
    """Tells the tee how the reading of its bytes ended: `with _Reading(tee): …`."""

    def __init__(self, tee: _Tee) -> None:
        self._tee = tee

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._tee.reading_ended(error)


_TEES: dict[str, type[_Tee]] = {"SyncByteStream": _SyncTee, "AsyncByteStream": _AsyncTee}


_classes: dict[type, Callable[..., Any]] = {}


def _class_of(tee_class: type[_Tee], base: type) -> Callable[..., Any]:
    if base not in _classes:
        _classes[base] = type(tee_class.__name__, (tee_class, base), {})
    return _classes[base]
