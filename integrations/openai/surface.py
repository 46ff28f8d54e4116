"""What a surface of the API is to us: how its bodies become the fields of a span."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tracer.integrations.openai.body import Body, Fields


@dataclass(frozen=True, slots=True)
class Stream:
    """How the events of a streamed answer are read.

    `join` folds them, however few have come, into the body that would have come unstreamed. `is_content` tells
    whether an event brings something that the model said: text, reasoning, a refusal, arguments of a tool call.
    """

    join: Callable[[Iterable[Body]], Body]
    is_content: Callable[[Body], bool]


@dataclass(frozen=True, slots=True)
class Surface:
    """One kind of call. `operation` and `api_type` are the conventions' words, `kind` is ours."""

    operation: str
    kind: str
    api_type: str | None
    request_fields: Callable[[Body], Fields]
    response_fields: Callable[[Body], Fields]
    stream: Stream | None = None
