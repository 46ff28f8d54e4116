"""Responses. `instructions` become the system instructions; the items of a turn become one assistant message.

Source: https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tracer.integrations import genai
from tracer.integrations.genai import Message, Part
from tracer.integrations.openai.body import (
    Body,
    Fields,
    error_fields,
    mapping,
    mappings,
    number,
    parameters,
    tool_definitions,
    usage_fields,
)
from tracer.integrations.openai.surface import Stream, Surface
from tracer.integrations.openai.surfaces.media import media
from tracer.integrations.openai.surfaces.parts import arguments, parts

_FINISH_REASONS = {"max_output_tokens": "length"}

_DELTAS: dict[str, tuple[str, str | None]] = {
    "response.output_text.delta": ("content", "output_text"),
    "response.refusal.delta": ("content", "refusal"),
    "response.reasoning_text.delta": ("content", "reasoning_text"),
    "response.reasoning_summary_text.delta": ("summary", "summary_text"),
    "response.function_call_arguments.delta": ("arguments", None),
    "response.mcp_call_arguments.delta": ("arguments", None),
    "response.custom_tool_call_input.delta": ("input", None),
    "response.code_interpreter_call_code.delta": ("code", None),
}
"""The events that bring a piece of an item: the field of the item, and which part in it where the field has parts."""


def request_fields(body: Body) -> Fields:
    return {
        "input": input_messages(body.get("input")),
        "system_instructions": parts(body.get("instructions")) or None,
        "tool_definitions": tool_definitions(body.get("tools")),
        "request_parameters": parameters(body, told=("input", "instructions", "tools")),
        "gen_ai.conversation.id": _conversation_id(body),
    }


def response_fields(body: Body) -> Fields:
    """`output` is one message. A response that waits in the background, or was cut short, has no finish reason."""
    items = mappings(body.get("output"))
    reason = _finish_reason(body, items)
    said = [part for message in _messages(items) for part in message["parts"]]
    return {
        "response_id": body.get("id"),
        "response_model": body.get("model"),
        "finish_reasons": [reason] if reason else None,
        "output": [genai.message("assistant", said, finish_reason=reason)] if items else None,
        "gen_ai.response.status": body.get("status"),
        "gen_ai.conversation.id": _conversation_id(body),
        "openai.response.service_tier": body.get("service_tier"),
        **usage_fields(body.get("usage")),
        **error_fields(body.get("error")),
    }


def fetched_fields(body: Body) -> Fields:
    """Return what a response says that is only fetched: its tokens are told by the call that made it, and so is why
    it failed."""
    return response_fields({**body, "usage": None, "error": None})


def join(events: Iterable[Body]) -> Body:
    """Fold the events of a stream into the response that they tell: the last one whole, or else what had come."""
    response: Body = {}
    error: Any = None
    items: dict[int, Body] = {}
    pieces: dict[tuple[int, str, int], list[str]] = {}
    for event in events:
        kind, index = str(event.get("type")), number(event, "output_index")
        if kind == "error" or "error" in event:
            error = event.get("error") or event
        elif told := mapping(event.get("response")):
            response = told
        elif kind in ("response.output_item.added", "response.output_item.done"):
            items[index] = mapping(event.get("item"))
            pieces = {place: texts for place, texts in pieces.items() if place[0] != index}
        elif kind in _DELTAS:
            part = number(event, "content_index", "summary_index")
            pieces.setdefault((index, kind, part), []).append(str(event.get("delta")))
    for (index, kind, _), texts in pieces.items():
        items[index] = _with(items.get(index, {}), kind, "".join(texts))
    output = response.get("output") or [item for _, item in sorted(items.items())]
    return {**response, "output": output, "error": response.get("error") or error}


def is_content(event: Body) -> bool:
    return bool(event.get("delta")) and str(event.get("type")).endswith(".delta")


def _conversation_id(body: Body) -> str | None:
    conversation = body.get("conversation")
    return conversation if isinstance(conversation, str) else mapping(conversation).get("id")


def input_messages(given: Any) -> list[Message]:
    """Return a text, or a list of items, as messages."""
    return [genai.message("user", parts(given))] if isinstance(given, str) else _messages(mappings(given))


def _messages(items: Iterable[Body]) -> list[Message]:
    """Return the messages that the items tell. What the model said, thought and called in a row is one message."""
    messages: list[Message] = []
    for item in items:
        role, said = _item(item)
        if role == "assistant" and messages and messages[-1]["role"] == role:
            messages[-1]["parts"] += said
        else:
            messages.append(genai.message(role, said))
    return messages


def _item(item: Body) -> tuple[str, list[Part]]:
    """Return who says this item, and its parts."""
    kind = str(item.get("type") or "message")
    if kind == "message":
        role = str(item.get("role") or "assistant")
        return "system" if role == "developer" else role, parts(item.get("content"))
    if kind == "reasoning":
        thought = [*mappings(item.get("summary")), *mappings(item.get("content"))]
        return "assistant", [genai.reasoning(str(part.get("text"))) for part in thought if part.get("text")]
    if kind.endswith("_output"):
        response = item.get("output", item.get("tools"))
        return "tool", [genai.tool_call_response(response, id=item.get("call_id"))]
    if kind.endswith("_call"):
        return "assistant", _call_parts(kind.removesuffix("_call"), item)
    return "user" if kind == "mcp_approval_response" else "assistant", [dict(item)]


def _call_parts(tool: str, item: Body) -> list[Part]:
    """Return a tool call. One with a `call_id` waits for the program's answer; the others ran at the provider, and are
    told with what they brought: a picture as a part of its own, with the id of its call."""
    if "call_id" not in item:
        picture = item.get("result") if tool == "image_generation" else None
        ran = {name: value for name, value in item.items() if name != "result" or not isinstance(picture, str)}
        call = {"type": "server_tool_call", "id": item.get("id"), "name": tool, "server_tool_call": ran}
        return [call, {**_picture(picture, item), "id": item.get("id")}] if isinstance(picture, str) else [call]
    given = next((item[name] for name in ("arguments", "input", "action", "operation") if name in item), None)
    written = arguments(given) if "arguments" in item else given
    return [genai.tool_call(item.get("name") or tool, written, id=item["call_id"])]


def _picture(data: str, item: Body) -> Part:
    form = item.get("output_format")
    return media(data, modality="image", mime_type=f"image/{form}" if isinstance(form, str) else None)


def _finish_reason(body: Body, items: Iterable[Body]) -> str | None:
    """Return the finish reason in the words of chat completions; None while the response is not finished."""
    status = body.get("status")
    if status == "completed":
        return "tool_calls" if any("call_id" in item for item in items) else "stop"
    if status == "incomplete":
        reason = mapping(body.get("incomplete_details")).get("reason")
        return _FINISH_REASONS.get(str(reason), reason)
    return "error" if status == "failed" else None


def _with(item: Body, kind: str, text: str) -> Body:
    """Return an item that broke off with the text that had come for it."""
    field, part = _DELTAS[kind]
    if part is None:
        return {**item, field: text}
    return {
        **item,
        field: [*mappings(item.get(field)), {"type": part, "refusal" if part == "refusal" else "text": text}],
    }


RESPONSES = Surface(
    operation="chat",
    kind="llm",
    api_type="responses",
    request_fields=request_fields,
    response_fields=response_fields,
    stream=Stream(join=join, is_content=is_content),
)

FETCH = Surface(
    operation="fetch_response",
    kind="http",
    name="responses.retrieve",
    subject="",
    request_fields=lambda body: {"input": dict(body), "response_id": body.get("response_id")},
    response_fields=fetched_fields,
    stream=RESPONSES.stream,
)
COMPACT = Surface(
    operation="chat",
    kind="llm",
    name="responses.compact",
    request_fields=request_fields,
    response_fields=response_fields,
)
