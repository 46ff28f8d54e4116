"""A response's body on its way: noted as it passes, and handed over when it is over.

The client keeps its own response and stream objects; between them and the network stands a byte stream of the
very type that was there. Nothing is read ahead, nothing is held back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, nullcontext
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any, TypeAlias

Chunk: TypeAlias = "tuple[int | None, bytes]"
"""Bytes, and when they came (`perf_counter_ns`); None where that is not known."""

HEAD_BYTES = 16 << 20
TAIL_BYTES = 4 << 20
"""What is kept of a body that does not end: its beginning, and its last bytes, which tell how it ended."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What had passed when a body was over: read to its end, broken by an error, or else closed early.

    `head` is all of it, unless it was too long to be kept: then `cut_bytes` are missing before `tail`.
    """

    head: list[Chunk]
    was_exhausted: bool
    error: BaseException | None = None
    tail: tuple[Chunk, ...] = ()
    cut_bytes: int = 0

    @property
    def size(self) -> int:
        """How many bytes passed, kept or not."""
        return sum(len(data) for _, data in (*self.head, *self.tail)) + self.cut_bytes


def tee(stream: Any, on_end: Callable[[Passed], None], *, keeps: int | None = None) -> Any:
    """Return a byte stream like this one that calls `on_end` once: when it is closed, or else collected as garbage.

    Of its bytes the first are kept, no more than `keeps`; None keeps the last ones of a long body too.
    """
    for base in type(stream).__mro__:
        # By name, since the client may be built on httpx2 or on httpx, and each accepts its own classes only.
        if base.__name__ in _TEES:
            return _class_of(_TEES[base.__name__], base)(stream, on_end, keeps)
    raise TypeError(f"{type(stream).__name__} is no byte stream")


class _Tee:
    """A body is over when it is exhausted or breaks, when it is closed, or when it is dropped as it is."""

    def __init__(self, stream: Any, on_end: Callable[[Passed], None], keeps: int | None) -> None:
        self._stream = stream
        self._on_end: Callable[[Passed], None] | None = on_end
        self._head: list[Chunk] = []
        self._tail: deque[Chunk] = deque()
        self._head_room = HEAD_BYTES if keeps is None else keeps
        self._tail_room = TAIL_BYTES if keeps is None else 0
        self._cut_bytes = 0

    def __getattr__(self, name: str) -> Any:
        # httpx2 keeps the elapsed time of a response on its stream.
        return getattr(self._stream, name)

    def __del__(self) -> None:
        self._end()

    def note(self, chunk: bytes) -> None:
        """Keep a chunk while there is room for it; beyond that the latest ones push out those before them."""
        at = perf_counter_ns()
        self._head_room -= len(chunk)
        if self._head_room >= 0:
            self._head.append((at, chunk))
            return
        self._head_room = 0  # a later, smaller chunk belongs to the tail too
        self._tail.append((at, chunk))
        self._tail_room -= len(chunk)
        while self._tail_room < 0:
            pushed_out = len(self._tail.popleft()[1])
            self._tail_room += pushed_out
            self._cut_bytes += pushed_out

    def reading_ended(self, error: BaseException | None) -> None:
        """The bytes have come to their end, or an error has broken them off; a reader that left closes the stream."""
        if not isinstance(error, GeneratorExit):
            self._end(was_exhausted=error is None, error=error)

    def _end(self, *, was_exhausted: bool = False, error: BaseException | None = None) -> None:
        on_end, self._on_end = self._on_end, None
        if on_end is None:
            return
        head, tail, self._head, self._tail = self._head, self._tail, [], deque()
        if self._cut_bytes:
            on_end(Passed(head, was_exhausted, error, tuple(tail), self._cut_bytes))
        else:
            on_end(Passed([*head, *tail], was_exhausted, error))


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
