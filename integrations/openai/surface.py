"""What a surface of the API is to us: how its bodies become the fields of a span."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from tracer.integrations.openai.body import Body, Fields


@dataclass(frozen=True, slots=True)
class Stream:
    """How the events of a streamed answer are read.

    `join` folds them, however few have come, into the body that would have come unstreamed. `is_content` tells
    whether an event brings something that the model said: text, reasoning, a picture, arguments of a tool call.
    """

    join: Callable[[Iterable[Body]], Body]
    is_content: Callable[[Body], bool]


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is no JSON: a sound, a file, plain text.

    `content` is None where it was not kept; `size` is in bytes, as they came.
    """

    content: bytes | None
    mime_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Surface:
    """One kind of call. `operation` and `api_type` are the conventions' words where they have one, `kind` is ours.

    Its spans are called by `name`, or else by the operation, and by the model: by that field of the request which
    `subject` names. `raw_fields` is for answers that are no JSON. `keeps` says how much is kept of a body that passes
    unread: all of it, no more than a value of a span may hold, or nothing.
    """

    operation: str | None
    kind: str
    request_fields: Callable[[Body], Fields]
    response_fields: Callable[[Body], Fields]
    raw_fields: Callable[[Raw], Fields] | None = None
    stream: Stream | None = None
    api_type: str | None = None
    name: str | None = None
    subject: str = "model"
    keeps: Literal["all", "value", "nothing"] = "all"
