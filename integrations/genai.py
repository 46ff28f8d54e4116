"""The GenAI conventions' message shape, as plain data: what every integration translates into.

Source: https://github.com/open-telemetry/semantic-conventions-genai
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from typing import Any, TypeAlias

Part: TypeAlias = "dict[str, Any]"
"""`{"type": "text", "content": …}`, `{"type": "tool_call", …}` and so on."""

Message: TypeAlias = "dict[str, Any]"
"""`{"role": "system" | "user" | "assistant" | "tool", "parts": [Part, …]}`; `name`, `finish_reason` where known."""


def message(role: str, parts: Iterable[Part], *, name: str | None = None, finish_reason: str | None = None) -> Message:
    built: Message = {"role": role, "parts": list(parts)}
    if name is not None:
        built["name"] = name
    if finish_reason is not None:
        built["finish_reason"] = finish_reason
    return built


def text(content: str) -> Part:
    return {"type": "text", "content": content}


def reasoning(content: str) -> Part:
    return {"type": "reasoning", "content": content}


def refusal(content: str) -> Part:
    return {"type": "refusal", "content": content}


def tool_call(name: str | None, arguments: Any, *, id: str | None = None) -> Part:
    return _known(type="tool_call", id=id, name=name, arguments=arguments)


def tool_call_response(response: Any, *, id: str | None = None) -> Part:
    return _known(type="tool_call_response", id=id, response=response)


def uri(uri: str, *, modality: str, mime_type: str | None = None) -> Part:
    return _known(type="uri", modality=modality, mime_type=mime_type, uri=uri)


def blob(content: str | bytes | None, *, modality: str, mime_type: str | None = None) -> Part:
    """`content` is base64, or the bytes themselves; None where it is not known.

    When it is captured, what refers to it takes its place.
    """
    if isinstance(content, bytes):
        content = b64encode(content).decode()
    return _known(type="blob", modality=modality, mime_type=mime_type, content=content)


def file(file_id: str, *, modality: str, mime_type: str | None = None) -> Part:
    return _known(type="file", modality=modality, mime_type=mime_type, file_id=file_id)


def _known(**fields: Any) -> Part:
    return {name: value for name, value in fields.items() if value is not None}
