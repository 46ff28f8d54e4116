"""What the server can be told to reply, what it remembers of a request, and how it counts tokens."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as a response tells them; `cached_tokens` and `reasoning_tokens` are parts of the totals."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """One scripted reply; what it leaves out, the built-in model and the request decide.

    The answer: `text`, `tool_calls` as `[(name, arguments)]` (arguments a mapping, or a str sent as it
    is), `refusal`, `reasoning` (shown as a summary by the Responses API) and `alternatives`, the texts of
    the second and later choices when the request says `n`. Where none is given the model answers.
    `body` replaces the whole JSON of a reply that is not streamed.

    Its envelope: `finish_reason`, `usage` (counted when None), `with_usage=False` for a server that tells
    none, `response_id`, `model`, `status` with `error` (a message, or the whole `error` object) and
    `headers`. An error reply to be tried again gets `retry-after-ms: 10` unless `headers` says otherwise.
    `compressed` sends gzip.

    Its pace: `latency_s` before the first byte and `delay_s` between stream events (None: the server's);
    with `hold`, nothing beyond the first `hold_after` events is sent until that event is set.

    Its accidents, counted in stream events sent before: `cut_after` resets the connection, `end_after`
    ends the stream as if it were whole, `error_after` sends an error event and ends. `cut_after=0`
    resets before any answer, streamed or not.
    """

    text: str | None = None
    tool_calls: Sequence[tuple[str, Mapping[str, Any] | str]] = ()
    refusal: str | None = None
    reasoning: str | None = None
    alternatives: Sequence[str] = ()
    body: Mapping[str, Any] | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    with_usage: bool = True
    response_id: str | None = None
    model: str | None = None
    status: int = 200
    error: str | Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    compressed: bool = False
    latency_s: float | None = None
    delay_s: float | None = None
    hold: threading.Event | None = None
    hold_after: int = 0
    cut_after: int | None = None
    end_after: int | None = None
    error_after: int | None = None

    @property
    def answers(self) -> bool:
        """Whether it says what to answer, so that the model is not asked."""
        return bool(self.text is not None or self.tool_calls or self.refusal is not None)


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it arrived: header names in lower case, `body` parsed where it was JSON."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class ApiError(Exception):
    """A refusal in OpenAI's shape: an HTTP status and the object under `error`."""

    def __init__(self, status: int, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = error_object(status, message, code=code, param=param)


_ERROR_TYPES = {
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", None),
    408: ("timeout", None),
    429: ("requests", "rate_limit_exceeded"),
}
_ERROR_MESSAGES = {
    401: "Incorrect API key provided.",
    429: "Rate limit reached for requests per minute. Please try again later.",
    500: "The server had an error while processing your request.",
    503: "The engine is currently overloaded, please try again later.",
}


def error_object(status: int, message: str | None, *, code: str | None = None, param: str | None = None) -> JsonObject:
    """What OpenAI sends under `error` for this status.

    Source: https://platform.openai.com/docs/guides/error-codes
    """
    default = ("server_error", None) if status >= 500 else ("invalid_request_error", None)
    kind, usual_code = _ERROR_TYPES.get(status, default)
    text = message or _ERROR_MESSAGES.get(status, "The request could not be served.")
    return {"message": text, "type": kind, "param": param, "code": code or usual_code}


def reply_error(reply: Reply, status: int) -> JsonObject:
    """The `error` object of a scripted error: as given, or made of its message and the status."""
    if isinstance(reply.error, str) or reply.error is None:
        return error_object(status, reply.error)
    return dict(reply.error)


def stream_error(reply: Reply) -> JsonObject:
    """The same for an error in the middle of a stream, whose own status was 200."""
    return {"code": None, "param": None} | reply_error(reply, reply.status if reply.status >= 400 else 500)


def count_tokens(text: str) -> int:
    """The tokens that the server charges for a text: its UTF-8 bytes divided by four, rounded up."""
    return -(-len(text.encode("utf-8", "replace")) // 4)


def prompt_tokens(texts: Sequence[str], tools: Sequence[Any] = ()) -> int:
    """The tokens of a prompt: those of its texts, three for each message's frame, and the tools as JSON."""
    return sum(count_tokens(text) + 3 for text in texts) + sum(count_tokens(json.dumps(tool)) for tool in tools)


def arguments_text(arguments: Mapping[str, Any] | str) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def pieces(text: str) -> list[str]:
    """The text in parts of up to seven characters, as a stream carries it; joined they are the text."""
    return re.findall(r"\s*\S{1,7}|\s+", text)
