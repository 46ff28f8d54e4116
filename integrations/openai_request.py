"""From what is stored of an OpenAI call back to the request that it was: to look at, to copy, or to send again.

Pure, and the way back of the integration's `chat`, `responses` and `embeddings`; it needs no SDK. The conventions'
shape keeps what a model is told, and not how that was written. So these may differ from what was sent: `developer` has
become `system`, a text alone in a list is the text itself, arguments of tools have lost their spaces, images their
`detail`, items of reasoning and of messages their ids. What is known to be missing from a call is told with it.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tracer.integrations.genai import Message, Part
from tracer.span_row import SpanRow


@dataclass(frozen=True, slots=True)
class Request:
    """A POST to `path` below the base URL, with `body` as JSON.

    `lost` tells in short sentences what was in the call and is not in the body; the same call can be sent only if it is
    empty.
    """

    path: str
    body: dict[str, Any]
    lost: tuple[str, ...]


def request_of(row: SpanRow, content_of: Callable[[str], bytes | None] = lambda _: None) -> Request | None:
    """Return the request of a stored model call; None for what is none of ours, or does not say which kind.

    `content_of` returns the content of an attachment by its hash, None where that is not known.
    """
    row = replace(row, input=_whole(row.input, content_of))
    attributes = row.attributes if isinstance(row.attributes, Mapping) else {}
    surface = _SURFACES.get(str(attributes.get("openai.api.type") or row.operation))
    if surface is None or row.request_model is None:
        return None
    path, told = surface
    parameters = row.request_parameters if isinstance(row.request_parameters, Mapping) else {}
    body = {"model": row.request_model, **told(row), **parameters, **({"stream": True} if row.stream else {})}
    return Request(path, body, tuple(_lost(row, attributes)))


def _lost(row: SpanRow, attributes: Mapping[str, Any]) -> Iterator[str]:
    columns = ("input", "system_instructions", "tool_definitions", "request_parameters")
    cut = attributes.get("tracer.cut")
    if named := [column for column in columns if isinstance(cut, Mapping) and column in cut]:
        yield f"what was too long is cut: {', '.join(named)}"
    told = [getattr(row, column) for column in columns]
    texts = [text for value in told for text in _texts(value)]
    if attributes.get("tracer.redacted") and any("[redacted:" in text for text in texts):
        yield "what was redacted"
    if any(_IS_A_LENGTH.fullmatch(text) for text in texts):
        yield "texts, of which only the lengths were recorded"
    if told[0] is None:
        yield "the input was not recorded"
    if any(part.get("type") == "blob" and "content" not in part for part in _parts(row.input)):
        yield "the contents of attachments"


def _whole(value: Any, content_of: Callable[[str], bytes | None]) -> Any:
    """Return a value in which what refers to an attachment holds its content again."""
    if isinstance(value, list):
        return [_whole(item, content_of) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "blob" and isinstance(value.get("attachment"), str):
        content = content_of(value["attachment"])
        return value if content is None else {**value, "content": b64encode(content).decode()}
    return {name: _whole(item, content_of) for name, item in value.items()}


_IS_A_LENGTH = re.compile(r"\[\d+ characters\]")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _parts(messages: Any) -> Iterator[Part]:
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, Mapping):
            yield from (part for part in message.get("parts") or () if isinstance(part, dict))


def _messages(row: SpanRow) -> list[Message]:
    return [message for message in row.input or () if isinstance(message, dict)] if isinstance(row.input, list) else []


# Embeddings.


def _embeddings(row: SpanRow) -> dict[str, Any]:
    return {"input": row.input}


# Chat completions.


def _chat(row: SpanRow) -> dict[str, Any]:
    body: dict[str, Any] = {"messages": [_chat_message(message, row) for message in _messages(row)]}
    tools = row.tool_definitions or []
    if functions := [tool for tool in tools if "type" not in tool]:
        body["functions"] = functions  # as before there were tools
    elif tools:
        body["tools"] = [_nested(tool) for tool in tools]
    return body


def _nested(tool: Mapping[str, Any]) -> dict[str, Any]:
    kind = tool["type"]
    return {"type": kind, kind: {name: value for name, value in tool.items() if name != "type"}}


def _chat_message(message: Message, row: SpanRow) -> dict[str, Any]:
    role, parts = message["role"], message["parts"]
    body: dict[str, Any] = {"role": role}
    if role == "tool" and parts:
        response = parts[0].get("response")
        content = response if isinstance(response, str) else [_chat_part(part) for part in response or ()]
        return {**body, "content": content, **_known(tool_call_id=parts[0].get("id"), name=message.get("name"))}
    said = [part for part in parts if part["type"] not in _BESIDE_CONTENT]
    if said or role != "assistant":
        body["content"] = _alone(said) or [_chat_part(part) for part in said]
    body |= _known(name=message.get("name"))
    for part in parts:
        if part["type"] == "tool_call":
            body.setdefault("tool_calls", []).append(_chat_call(part, row))
        elif part["type"] == "reasoning":
            body["reasoning_content"] = part["content"]
        elif part["type"] == "refusal":
            body["refusal"] = part["content"]
        elif part["type"] == "file" and part.get("modality") == "audio":
            body["audio"] = {"id": part["file_id"]}
    return body


_BESIDE_CONTENT = ("tool_call", "reasoning", "refusal")


def _chat_call(part: Part, row: SpanRow) -> dict[str, Any]:
    is_custom = any(
        tool.get("type") == "custom" and tool.get("name") == part.get("name") for tool in row.tool_definitions or ()
    )
    if is_custom:
        return {"id": part.get("id"), "type": "custom", "custom": {"name": part["name"], "input": part["arguments"]}}
    function = {"name": part.get("name"), "arguments": _written(part.get("arguments"))}
    return {"id": part.get("id"), "type": "function", "function": function}


def _chat_part(part: Part) -> dict[str, Any]:
    kind, modality = part.get("type"), part.get("modality")
    if kind == "text":
        return {"type": "text", "text": part["content"]}
    if modality in ("image", "video"):
        return {"type": f"{modality}_url", f"{modality}_url": {"url": _url(part)}}
    if modality == "audio" and "content" in part:
        return {"type": "input_audio", "input_audio": {"data": part["content"], "format": _format(part)}}
    if modality == "document":
        return {"type": "file", "file": _file(part)}
    return dict(part)


# Responses.


def _responses(row: SpanRow) -> dict[str, Any]:
    items = [item for message in _messages(row) for item in _items(message)]
    body: dict[str, Any] = {"input": _alone_said(items) or items}
    if row.system_instructions:
        body["instructions"] = _alone(row.system_instructions) or row.system_instructions
    return {**body, **_known(tools=row.tool_definitions)}


def _alone_said(items: list[dict[str, Any]]) -> str | None:
    """Return the text of an input that is nothing but one text of the user."""
    content = items[0].get("content") if len(items) == 1 and items[0].get("role") == "user" else None
    return content if isinstance(content, str) else None


def _items(message: Message) -> Iterator[dict[str, Any]]:
    """Yield the items that were told as one message: what was said in a row is one, and all else stands for itself."""
    said: list[Part] = []
    for part in message["parts"]:
        if (item := _item(part)) is None:
            said.append(part)
            continue
        if said:
            yield _said(message["role"], said)
            said = []
        yield item
    if said:
        yield _said(message["role"], said)


def _said(role: str, parts: list[Part]) -> dict[str, Any]:
    return {"role": role, "content": _alone(parts) or [_response_part(part, role) for part in parts]}


def _item(part: Part) -> dict[str, Any] | None:
    """Return the item of a part that is one; None for what is said in a message."""
    kind = part["type"]
    if kind == "tool_call":
        arguments = _written(part.get("arguments"))
        return {"type": "function_call", "call_id": part.get("id"), "name": part.get("name"), "arguments": arguments}
    if kind == "tool_call_response":
        return {"type": "function_call_output", "call_id": part.get("id"), "output": part.get("response")}
    if kind == "server_tool_call":
        return dict(part["server_tool_call"])
    if kind == "reasoning":
        return {"type": "reasoning", "summary": [{"type": "summary_text", "text": part["content"]}]}
    return None if kind in _SAID else dict(part)


_SAID = ("text", "refusal", "uri", "blob", "file")


def _response_part(part: Part, role: str) -> dict[str, Any]:
    kind, modality = part["type"], part.get("modality")
    if kind == "text":
        return {"type": "output_text" if role == "assistant" else "input_text", "text": part["content"]}
    if kind == "refusal":
        return {"type": "refusal", "refusal": part["content"]}
    if modality == "image":
        source = {"file_id": part["file_id"]} if kind == "file" else {"image_url": _url(part)}
        return {"type": "input_image", **source}
    return {"type": "input_file", **_file(part)}


# Both.


def _alone(parts: Iterable[Part]) -> str | None:
    """Return the text that is all there is."""
    given = list(parts)
    is_text = len(given) == 1 and given[0].get("type") == "text"
    return given[0]["content"] if is_text and isinstance(given[0].get("content"), str) else None


def _written(arguments: Any) -> str:
    """Return arguments as a model writes them; what was no JSON is still the text that it was."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))


def _url(part: Part) -> str | None:
    if "uri" in part:
        return str(part["uri"])
    return f"data:{part.get('mime_type') or ''};base64,{part['content']}" if "content" in part else None


def _file(part: Part) -> dict[str, Any]:
    name = _known(filename=part.get("filename"))
    if part["type"] == "file":
        return {"file_id": part["file_id"], **name}
    if part["type"] == "uri":
        return {"file_url": part["uri"], **name}
    return {**_known(file_data=_url(part)), **name}


def _format(part: Part) -> str:
    return str(part.get("mime_type") or "").rpartition("/")[2]


def _known(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


_SURFACES = {
    "chat_completions": ("/chat/completions", _chat),
    "responses": ("/responses", _responses),
    "embeddings": ("/embeddings", _embeddings),
}
"""The API type, or the operation of what has none → the path, and what fills the body beside the parameters."""
