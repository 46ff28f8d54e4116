"""OpenTelemetry's GenAI conventions: today's attributes, those of older versions, and messages told in events.

Older: `gen_ai.system` for the provider, `prompt_tokens` and `completion_tokens`, `cache_creation`; messages as the
events `gen_ai.user.message` and `gen_ai.choice`, or as `gen_ai.prompt` and `gen_ai.completion` of the events
`gen_ai.content.*`. Today's event `gen_ai.client.inference.operation.details` has the attributes that a span may have.

Source: https://github.com/open-telemetry/semantic-conventions-genai
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tracer import semconv
from tracer.otel.dialects.dialect import Attributes, Dialect, Event, Fields
from tracer.otel.dialects.messages import message, messages, tool_definitions
from tracer.otel.dialects.values import count, flag, known, mapping, nanoseconds, parsed, read, text, texts

_DETAILS_EVENT = "gen_ai.client.inference.operation.details"
_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_CHOICE = "gen_ai.choice"

_OLDER_NAMES = {
    "provider": ("gen_ai.system",),
    "input_tokens": ("gen_ai.usage.prompt_tokens",),
    "output_tokens": ("gen_ai.usage.completion_tokens",),
    "cached_tokens": ("gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.details.cache_read_tokens"),
    "cache_write_tokens": (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.details.cache_write_tokens",
    ),
    "reasoning_tokens": ("gen_ai.usage.reasoning_tokens", "gen_ai.usage.details.reasoning_tokens"),
    "audio_input_tokens": ("gen_ai.usage.details.input_audio_tokens",),
    "audio_output_tokens": ("gen_ai.usage.details.output_audio_tokens",),
    "user_id": ("enduser.id",),
    "stream": ("gen_ai.request.is_stream",),
}
"""Our column → what else its attribute was called."""

_FORMS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys((column for column in semconv.ATTRIBUTES if column.endswith("_tokens")), count),
    "finish_reasons": texts,
    "stream": flag,
    "system_instructions": parsed,
    "tool_definitions": tool_definitions,
}
COLUMNS = {
    column: (_FORMS.get(column, text), (name, *_OLDER_NAMES.get(column, ())))
    for column, name in semconv.ATTRIBUTES.items()
} | {
    "ttft_ns": (
        nanoseconds,
        (semconv.TIME_TO_FIRST_CHUNK, "gen_ai.client.operation.time_to_first_chunk"),
    ),
    "input": (
        parsed,
        ("gen_ai.input.messages", "gen_ai.tool.call.arguments", "gen_ai.retrieval.query.text", "gen_ai.prompt"),
    ),
    "output": (
        parsed,
        ("gen_ai.output.messages", "gen_ai.tool.call.result", "gen_ai.retrieval.documents", "gen_ai.completion"),
    ),
}
_NO_PARAMETERS = frozenset(name for _, names in COLUMNS.values() for name in names)
_VARIABLE_PREFIX = "gen_ai.prompt.variable."


def fields(attributes: Attributes) -> Fields:
    found = read(attributes, COLUMNS)
    for column in ("input", "output"):
        if (name := f"gen_ai.{column}.messages") in attributes:
            found.update(known({column: messages(attributes[name], role=_role(column))}))
    found.update(
        known(
            {
                "kind": _kind(found.get("operation", "")),
                "request_parameters": _below(attributes, semconv.REQUEST_PREFIX, without=_NO_PARAMETERS),
                "prompt_variables": _below(attributes, _VARIABLE_PREFIX),
            }
        )
    )
    return found


def _role(column: str) -> str:
    return "user" if column == "input" else "assistant"


def _below(attributes: Attributes, prefix: str, without: frozenset[str] = frozenset()) -> Fields | None:
    found = {
        key.removeprefix(prefix): value
        for key, value in attributes.items()
        if key.startswith(prefix) and key not in without
    }
    return found or None


def _kind(operation: str) -> str | None:
    return semconv.KIND_OF_OPERATION.get(operation) or ("memory" if operation.endswith("_memory") else None)


def event_fields(events: Sequence[Event]) -> Fields:
    """Return the messages that these events tell, and what else today's event for the details does."""
    said: list[dict[str, Any]] = []
    heard: list[dict[str, Any]] = []
    found: Fields = {}
    for event in events:
        told = {str(key): value for key, value in mapping(event.attributes.get("body")).items()} | {**event.attributes}
        if event.name == _DETAILS_EVENT:
            found.update(fields(told))
        elif event.name == _CHOICE:
            heard.append(_choice(told))
        elif role := _ROLES.get(event.name):
            said.append(message(_message_of(told), role=role))
        elif event.name == "gen_ai.content.prompt":
            said += messages(told.get("gen_ai.prompt")) or ()
        elif event.name == "gen_ai.content.completion":
            heard += messages(told.get("gen_ai.completion"), role="assistant") or ()
    return known({"input": said or None, "output": heard or None}) | found


def _choice(told: Mapping[str, Any]) -> dict[str, Any]:
    inner = mapping(told.get("message"))
    reason = known({"finish_reason": text(told.get("finish_reason"))})
    return message({**_message_of(told), **inner, **reason}, role="assistant")


def _message_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message without what else an event or its record says; a plain `content` may be the event's own."""
    names = ("role", "content", "parts", "tool_calls", "tool_call_id", "id", "finish_reason")
    found = {name: parsed(told[name]) if name == "tool_calls" else told[name] for name in names if name in told}
    return found or known({"content": text(told.get("gen_ai.event.content"))})


DIALECT = Dialect(name="genai", prefixes=("gen_ai.",), fields=fields, event_fields=event_fields)
