"""Arize's OpenInference: one attribute for each piece of a message, and kinds in capitals.

Source: https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tracer.otel.dialects.dialect import Attributes, Dialect, Fields
from tracer.otel.dialects.messages import media, message, tool_definition
from tracer.otel.dialects.values import amount, count, items, known, mapping, parsed, read, text, texts, tree

_KINDS = {
    "LLM": "llm",
    "EMBEDDING": "embedding",
    "TOOL": "tool",
    "RETRIEVER": "retriever",
    "RERANKER": "reranker",
    "AGENT": "agent",
    "CHAIN": "chain",
    "GUARDRAIL": "guardrail",
    "EVALUATOR": "evaluator",
    "DECISION": "llm",
}
_OPERATIONS = {
    "LLM": "chat",
    "EMBEDDING": "embeddings",
    "TOOL": "execute_tool",
    "RETRIEVER": "retrieval",
    "AGENT": "invoke_agent",
}
COLUMNS = {
    "kind": (lambda value: _KINDS.get(_word(value)), ("openinference.span.kind",)),
    "operation": (lambda value: _OPERATIONS.get(_word(value)), ("openinference.span.kind",)),
    "provider": (text, ("llm.provider", "llm.system", "decision.provider", "decision.system")),
    "request_model": (
        text,
        (
            "llm.request.model_name",
            "embedding.request.model_name",
            "reranker.model_name",
            "decision.request.model_name",
        ),
    ),
    # `llm.model_name` alone is the model that answered, which is all that older instrumentors tell.
    "response_model": (
        text,
        ("llm.response.model_name", "llm.model_name", "embedding.model_name", "decision.model_name"),
    ),
    # The name of the member of Google's enumeration, with or without that of the enumeration.
    "finish_reasons": (
        lambda value: [reason.removeprefix("FinishReason.") for reason in texts(value) or ()] or None,
        ("llm.finish_reason",),
    ),
    "input_tokens": (count, ("llm.token_count.prompt", "decision.token_count.input")),
    "output_tokens": (count, ("llm.token_count.completion", "decision.token_count.output")),
    "cached_tokens": (
        count,
        ("llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input"),
    ),
    "cache_write_tokens": (count, ("llm.token_count.prompt_details.cache_write",)),
    "audio_input_tokens": (count, ("llm.token_count.prompt_details.audio",)),
    "reasoning_tokens": (count, ("llm.token_count.completion_details.reasoning",)),
    "audio_output_tokens": (count, ("llm.token_count.completion_details.audio",)),
    "input_cost_usd": (amount, ("llm.cost.prompt",)),
    "output_cost_usd": (amount, ("llm.cost.completion",)),
    "cost_usd": (amount, ("llm.cost.total",)),
    "session_id": (text, ("session.id",)),
    "user_id": (text, ("user.id",)),
    "tags": (lambda value: texts(parsed(value)), ("tag.tags",)),
    "metadata": (lambda value: mapping(value) or None, ("metadata",)),
    "prompt_version": (text, ("llm.prompt_template.version",)),
    "prompt_variables": (parsed, ("llm.prompt_template.variables",)),
    "input": (parsed, ("input.value", "reranker.query")),
    "output": (lambda value: None if _is_address(value) else parsed(value), ("output.value",)),
}
_PARAMETERS = ("llm.invocation_parameters", "embedding.invocation_parameters")
_NO_PARAMETERS = ("model", "messages", "input", "tools")


def fields(attributes: Attributes) -> Fields:
    found = read(attributes, COLUMNS)
    if found.get("kind") in ("llm", "embedding"):
        found.update(_call_fields(attributes))
    if _is_address(attributes.get("output.value")):
        found["tracer.missed"] = [_UNTOLD]
    llm = tree(attributes, "llm.")
    found.update(
        known(
            {
                "input": _messages(llm.get("input_messages"), "user") or _embedded(attributes),
                "output": _messages(llm.get("output_messages"), "assistant") or _documents(attributes),
                "tool_definitions": _tools(llm.get("tools")),
            }
        )
    )
    return found


def _is_address(value: Any) -> bool:
    """Return whether this is the text of an object that has none of its own, such as a stream that nobody reads."""
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None


_ADDRESS = re.compile(r"<[\w.<>]{1,200} object at 0x[0-9a-f]{1,16}>")
_UNTOLD = "the result: the instrumentor tells only that there was one"


def _call_fields(attributes: Attributes) -> Fields:
    """Return what stands in the request's parameters and in the response, which is kept as it came back."""
    parameters = next((mapping(attributes[name]) for name in _PARAMETERS if name in attributes), {})
    response = mapping(attributes.get("output.value"))
    stream = parameters.get("stream")
    return known(
        {
            "request_model": text(attributes.get("llm.request.model_name")) or text(parameters.get("model")),
            "request_parameters": {
                k: v for k, v in parameters.items() if k not in (*_NO_PARAMETERS, "stream") and v != ""
            }
            or None,
            "stream": stream if isinstance(stream, bool) else None,
            "response_id": text(response.get("id")) or text(response.get("response_id")),
        }
    )


def _word(value: Any) -> str:
    return value.upper() if isinstance(value, str) else ""


def _messages(node: Any, role: str) -> list[dict[str, Any]] | None:
    told = [item["message"] for item in items(node) if isinstance(item.get("message"), Mapping)]
    return [message(_plain(one), role=role) for one in told] or None


def _plain(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message in the form of OpenAI's chat messages."""
    contents = [_content(item["message_content"]) for item in items(told.get("contents")) if "message_content" in item]
    calls = [item["tool_call"] for item in items(told.get("tool_calls")) if isinstance(item.get("tool_call"), Mapping)]
    return {
        **{name: told.get(name) for name in ("role", "name", "tool_call_id", "finish_reason")},
        "content": [part for part in contents if part] or told.get("content"),
        "tool_calls": calls,
    }


def _content(told: Any) -> dict[str, Any]:
    """Return a part of a message's content; an empty one where nothing is known of it."""
    if not isinstance(told, Mapping):
        return {}
    for modality in ("image", "audio", "video"):
        inner = told.get(modality)
        file = inner.get(modality) if isinstance(inner, Mapping) else None
        if isinstance(file, Mapping) and (url := text(file.get("url"))):
            return media(url, modality)
    return {name: value for name, value in told.items() if not isinstance(value, Mapping)}


def _tools(node: Any) -> list[Any] | None:
    schemas = [item["tool"].get("json_schema") for item in items(node) if isinstance(item.get("tool"), Mapping)]
    return [tool_definition(schema) for schema in schemas if schema is not None] or None


def _embedded(attributes: Attributes) -> list[str] | None:
    found = items(tree(attributes, "embedding.embeddings."))
    told = [text(item["embedding"].get("text")) for item in found if isinstance(item.get("embedding"), Mapping)]
    return [said for said in told if said] or None


def _documents(attributes: Attributes) -> list[dict[str, Any]] | None:
    found = items(tree(attributes, "retrieval.documents.")) or items(tree(attributes, "reranker.output_documents."))
    documents = [item["document"] for item in found if isinstance(item.get("document"), Mapping)]
    return [
        {name: mapping(value) or value if name == "metadata" else value for name, value in document.items()}
        for document in documents
    ] or None


DIALECT = Dialect(
    name="openinference",
    prefixes=(
        "openinference.",
        "llm.input_messages.",
        "llm.output_messages.",
        "llm.token_count.",
        "llm.invocation_parameters",
        "llm.model_name",
        "embedding.",
        "retrieval.documents.",
        "reranker.",
        "input.value",
        "output.value",
    ),
    fields=fields,
)
