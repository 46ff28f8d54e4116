"""Traceloop's OpenLLMetry: up to 0.47 a dialect of its own, today the conventions and some names of its own.

Source: https://github.com/traceloop/openllmetry/tree/main/packages/opentelemetry-semantic-conventions-ai
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tracer.otel.dialects.dialect import Attributes, Dialect, Fields
from tracer.otel.dialects.messages import message, tool_definition
from tracer.otel.dialects.values import count, flag, items, known, mapping, mappings, parsed, read, text, texts, tree

_KINDS = {"workflow": "workflow", "task": "chain", "agent": "agent", "tool": "tool"}
_CALLS = {
    "chat": ("llm", "chat"),
    "completion": ("llm", "text_completion"),
    "embedding": ("embedding", "embeddings"),
    "rerank": ("reranker", None),
}
"""`llm.request.type` → kind and operation."""


def _of_call(which: int) -> Callable[[Any], str | None]:
    return lambda value: _CALLS.get(value, (None, None))[which] if isinstance(value, str) else None


COLUMNS = {
    "kind": (_of_call(0), ("llm.request.type",)),
    "operation": (_of_call(1), ("llm.request.type",)),
    "provider": (text, ("gen_ai.system", "llm.vendor")),
    "request_model": (text, ("gen_ai.request.model", "llm.request.model")),
    "response_model": (text, ("gen_ai.response.model", "llm.response.model")),
    "response_id": (text, ("gen_ai.response.id",)),
    "input_tokens": (count, ("gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens")),
    "output_tokens": (count, ("gen_ai.usage.completion_tokens", "llm.usage.completion_tokens")),
    "cached_tokens": (count, ("gen_ai.usage.cache_read_input_tokens",)),
    "cache_write_tokens": (count, ("gen_ai.usage.cache_creation_input_tokens",)),
    "reasoning_tokens": (count, ("gen_ai.usage.reasoning_tokens", "llm.usage.reasoning_tokens")),
    "stream": (flag, ("gen_ai.is_streaming", "llm.is_streaming")),
    "finish_reasons": (texts, ("gen_ai.response.finish_reason", "llm.response.finish_reason")),
    "user_id": (text, ("gen_ai.user", "llm.user", "traceloop.association.properties.user_id")),
    "session_id": (
        text,
        ("traceloop.association.properties.session_id", "traceloop.association.properties.conversation_id"),
    ),
    "prompt_name": (text, ("traceloop.prompt.key",)),
    "prompt_version": (
        lambda value: text(value) or (str(value) if type(value) is int else None),
        ("traceloop.prompt.version",),
    ),
    "input": (lambda value: _entity(value, "inputs"), ("traceloop.entity.input",)),
    "output": (lambda value: _entity(value, "outputs"), ("traceloop.entity.output",)),
}
_PARAMETERS = {
    "llm.frequency_penalty": "frequency_penalty",
    "llm.presence_penalty": "presence_penalty",
    "llm.top_k": "top_k",
    "llm.chat.stop_sequences": "stop_sequences",
    "llm.request.reasoning_effort": "reasoning_effort",
}
_ASSOCIATED = "traceloop.association.properties."


def fields(attributes: Attributes) -> Fields:
    found = read(attributes, COLUMNS)
    answers = items(tree(attributes, "gen_ai.completion."))
    reasons = [reason for answer in answers if (reason := text(answer.get("finish_reason")))]
    functions = items(tree(attributes, "llm.request.functions."))
    found.update(
        known(
            {
                "kind": found.get("kind") or _KINDS.get(str(attributes.get("traceloop.span.kind"))),
                "input": _messages(items(tree(attributes, "gen_ai.prompt.")), "user"),
                "output": _messages(answers, "assistant"),
                "finish_reasons": reasons or None,
                "tool_definitions": [
                    tool_definition({"type": "function", **function, "parameters": parsed(function.get("parameters"))})
                    for function in functions
                ]
                or None,
                "request_parameters": {name: attributes[key] for key, name in _PARAMETERS.items() if key in attributes}
                or None,
                "metadata": {
                    key.removeprefix(_ASSOCIATED): value
                    for key, value in attributes.items()
                    if key.startswith(_ASSOCIATED)
                }
                or None,
                "prompt_variables": mapping(attributes.get("traceloop.prompt.template_variables")) or None,
            }
        )
    )
    return found


def _messages(told: list[dict[str, Any]], role: str) -> list[dict[str, Any]] | None:
    return [message({**one, "tool_calls": items(one.get("tool_calls"))}, role=role) for one in told] or None


def _entity(value: Any, within: str) -> Any:
    """Return what went into a task or came out: `{"inputs": …, "tags": …}` around it is the framework's."""
    told = parsed(value)
    inner = mappings([told])
    return inner[0][within] if inner and within in inner[0] else told


DIALECT = Dialect(
    name="traceloop",
    prefixes=(
        "traceloop.",
        "llm.request.type",
        "llm.request.functions.",
        "llm.is_streaming",
        "llm.usage.",
        "gen_ai.is_streaming",
        "gen_ai.prompt.0.",
        "gen_ai.completion.0.",
        "gen_ai.usage.cache_read_input_tokens",
    ),
    fields=fields,
)
