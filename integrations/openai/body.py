"""What the JSON bodies of all surfaces have in common: parameters, tools, usage, errors.

Plain data in, plain data out. A body comes from the program or from any server that calls itself compatible, so
nothing here takes a shape for granted: what is not as expected is left out, never an exception.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import orjson

from tracer.rows import ERROR

Body: TypeAlias = "Mapping[str, Any]"
"""The JSON object of a request, a response or a stream's event."""

Fields: TypeAlias = "dict[str, Any]"
"""What a span is told, as for `Span.set`: columns by their names, attributes by theirs, None for unknown."""


def parse(data: bytes | str) -> Any:
    """Return the JSON value, or an empty object where it is none.

    Lone surrogates and NaN are no JSON, but the client takes them; so do we.
    """
    try:
        return orjson.loads(data)
    except ValueError:
        try:
            return json.loads(data)
        except ValueError:
            return {}


def mapping(value: Any) -> Body:
    """Return the value as a mapping: a model as what it sends, and anything that is no object as an empty one."""
    if isinstance(value, (dict, Mapping)):  # a dict first: to ask the abstract class takes five times as long
        return value
    if hasattr(value, "model_dump"):
        return mapping(value.model_dump(mode="json", exclude_unset=True))
    return {}


def mappings(value: Any) -> list[Body]:
    """Return the objects of a list. An iterator is left alone: reading it would take it from the program."""
    return [mapping(item) for item in value] if isinstance(value, list | tuple) else []


def number(body: Body, *names: str) -> int:
    """Return the first of these fields that is an index; 0 where none is."""
    return next((value for name in names if isinstance(value := body.get(name), int)), 0)


def parameters(body: Body, told: Iterable[str]) -> Fields:
    """Return what is needed to send the call again beside the model and what is `told` in columns of its own."""
    elsewhere = {"model", "stream", *told}
    return {name: value for name, value in body.items() if name not in elsewhere}


def tool_definitions(tools: Any) -> list[Body] | None:
    """Return the tools in the flat form of the conventions, where a chat completion nests them: `{"function": {…}}`."""
    return [_flat(tool) for tool in mappings(tools)] or None


def _flat(tool: Body) -> Body:
    kind = tool.get("type")
    inner = tool.get(kind) if isinstance(kind, str) else None
    return {"type": kind, **inner} if isinstance(inner, Mapping) else tool


def usage_fields(usage: Any) -> Fields:
    """Return the counts that the API gave, in the spelling of chat completions or that of all others.

    Cached, reasoning, audio, image and text tokens are parts of the totals, as the API counts them.
    """
    usage = mapping(usage)
    sent = mapping(
        usage.get("prompt_tokens_details")
        or usage.get("input_tokens_details")
        or usage.get("input_token_details")  # of transcriptions
    )
    received = mapping(usage.get("completion_tokens_details") or usage.get("output_tokens_details"))
    counts = {
        "input_tokens": usage.get("prompt_tokens", usage.get("input_tokens")),
        "output_tokens": usage.get("completion_tokens", usage.get("output_tokens")),
        "cached_tokens": sent.get("cached_tokens"),
        "cache_write_tokens": sent.get("cache_write_tokens"),
        "reasoning_tokens": received.get("reasoning_tokens"),
        "audio_input_tokens": sent.get("audio_tokens"),
        "audio_output_tokens": received.get("audio_tokens"),
        "gen_ai.usage.image.input_tokens": sent.get("image_tokens"),
        "gen_ai.usage.image.output_tokens": received.get("image_tokens"),
        "gen_ai.usage.text.input_tokens": sent.get("text_tokens"),
        "gen_ai.usage.text.output_tokens": received.get("text_tokens"),
    }
    known = {name: count for name, count in counts.items() if count is not None}
    return {**known, "usage_source": "api"} if known else {}


def error_fields(error: Any) -> Fields:
    """Return an error that a body reports. It may come without any exception, so its code stands for the type."""
    if not error:
        return {}
    told = mapping(error)
    return {
        "status": ERROR,
        "error_type": str(told.get("code") or told.get("type") or "error"),
        "status_message": str(told.get("message") or error),
    }
