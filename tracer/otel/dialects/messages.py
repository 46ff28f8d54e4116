"""Messages in the forms that dialects have for them, as the conventions write them: `{"role": …, "parts": [ … ]}`.

Most dialects follow OpenAI's chat messages: `content` as text or parts, `tool_calls`, `tool_call_id`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tracer.otel.dialects.values import known, mapping, mappings, parsed, text

_TOOL_CALL_PARTS = ("tool_use", "tool_call", "function_call")
_TEXT_PARTS = ("text", "input_text", "output_text")


def messages(value: Any, *, role: str = "user") -> list[dict[str, Any]] | None:
    """Return these messages in the conventions' shape; None where the value holds none.

    `role` is that of messages which name none. Messages that have `parts` are left as they are.
    """
    return [message(told, role=role) for told in mappings(value)] or None


def message(told: Mapping[str, Any], *, role: str = "user") -> dict[str, Any]:
    """Return one message. A tool's answer becomes a `tool_call_response`, whatever its role is called."""
    if isinstance(told.get("parts"), Sequence):
        return {"role": role, **told}
    said = list(_parts(told.get("content")))
    tool_calls = [_tool_call(call) for call in mappings(told.get("tool_calls"))]
    if tool_calls:
        said = [part for part in said if part["type"] not in _TOOL_CALL_PARTS]
    if refusal := text(told.get("refusal")):
        said.append({"type": "refusal", "content": refusal})
    called = text(told.get("tool_call_id"))
    if called or told.get("role") == "tool":
        response = said[0]["content"] if len(said) == 1 and said[0]["type"] == "text" else said
        said = [known({"type": "tool_call_response", "id": called or text(told.get("id")), "response": response})]
    return known(
        {
            "role": _role(told) or role,
            "parts": said + tool_calls,
            "name": text(told.get("name")),
            "finish_reason": text(told.get("finish_reason")),
        }
    )


def _role(told: Mapping[str, Any]) -> str | None:
    """Return who speaks, as the conventions call it; Google calls the assistant a model."""
    role = text(told.get("role"))
    return "assistant" if role == "model" else role


def text_message(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def tool_definition(told: Any) -> Any:
    """Return a tool's definition flat, as the conventions have it: OpenAI nests it under `function`."""
    definition = mapping(told)
    nested = definition.get("function")
    flat = {"type": "function", **nested} if isinstance(nested, Mapping) else dict(definition)
    if "input_schema" in flat and "parameters" not in flat:
        flat["parameters"] = flat.pop("input_schema")
    return flat or parsed(told)


def tool_definitions(value: Any) -> list[Any] | None:
    found = parsed(value)
    return [tool_definition(tool) for tool in found] if isinstance(found, list | tuple) and found else None


def _parts(content: Any) -> Iterable[dict[str, Any]]:
    if isinstance(content, str):
        structured = mappings(content) if content.startswith("[{") else []
        if structured:
            yield from map(_part, structured)
        elif content:
            yield {"type": "text", "content": content}
    elif isinstance(content, Mapping):
        yield _part(content)
    elif isinstance(content, Sequence):
        for item in content:
            if isinstance(item, Mapping):
                yield _part(item)
            elif isinstance(item, str):
                yield {"type": "text", "content": item}


def _part(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part of a message's content; one that is none of the known is passed on, with a `type`."""
    kind = item.get("type")
    if kind in _TEXT_PARTS and isinstance(item.get("text"), str):
        return {"type": "text", "content": item["text"]}
    if kind in _TOOL_CALL_PARTS:
        return _tool_call(item)
    if kind == "image_url" and (url := text(item.get("image_url")) or text(mapping(item.get("image_url")).get("url"))):
        return media(url, "image")
    if kind in ("thinking", "reasoning") and isinstance(item.get("thinking", item.get("text")), str):
        return {"type": "reasoning", "content": item.get("thinking", item.get("text"))}
    return {**item, "type": text(kind) or "unknown"}


def media(url: str, modality: str) -> dict[str, Any]:
    """Return what a URL leads to, or what a `data:` URL holds."""
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return known(
            {
                "type": "blob",
                "modality": modality,
                "mime_type": head[5:].partition(";")[0] or None,
                "content": data,
            }
        )
    return {"type": "uri", "modality": modality, "uri": url}


def _tool_call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = mapping(call.get("function")) or call
    arguments = function.get("arguments", function.get("input"))
    return known(
        {
            "type": "tool_call",
            "id": text(call.get("id")),
            "name": text(function.get("name")),
            "arguments": parsed(arguments) if arguments not in (None, "{}") else arguments and {},
        }
    )
