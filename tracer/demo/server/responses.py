"""The Responses API: requests read, replies written as one object or as typed events.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from tracer.demo.server.chat import content_text, cut_to_limit
from tracer.demo.server.conversation import Conversation, Tool, Turn
from tracer.demo.server.replies import (
    ApiError,
    JsonObject,
    Reply,
    Usage,
    arguments_text,
    count_tokens,
    pieces,
    prompt_tokens,
    stream_error,
)
from tracer.demo.server.snapshots import snapshot


def conversation(request: JsonObject, history: list[JsonObject]) -> Conversation:
    """What a request says; `history` holds the items of the responses that it continues."""
    items = history + input_items(request)
    names = {item["call_id"]: item["name"] for item in items if item.get("type") == "function_call"}
    turns = [turn for item in items if (turn := _turn(item, names)) is not None]
    if request.get("instructions"):
        turns.insert(0, Turn("system", request["instructions"]))
    return Conversation(
        turns=turns,
        tools=[
            Tool(tool["name"], tool.get("description") or "", tool.get("parameters") or {})
            for tool in request.get("tools") or []
            if tool.get("type") == "function"
        ],
        tool_choice=_tool_choice(request.get("tool_choice")),
        json_schema=_json_schema((request.get("text") or {}).get("format") or {}),
        reasons=bool(request.get("reasoning")),
    )


def input_items(request: JsonObject) -> list[JsonObject]:
    """The input as items; a plain text is one message of the user."""
    given = request.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    if not isinstance(given, list) or not given:
        raise ApiError(400, "Missing required parameter: 'input'.", code="missing_required_parameter", param="input")
    return given


def _turn(item: JsonObject, names: dict[str, str]) -> Turn | None:
    kind = item.get("type", "message")
    if kind == "function_call_output":
        output = item.get("output")
        text = output if isinstance(output, str) else content_text(output)
        return Turn("tool", text, names.get(item["call_id"]))
    if kind == "message":
        return Turn("system" if item["role"] == "developer" else item["role"], content_text(item.get("content")))
    return None


def _tool_choice(choice: Any) -> str:
    return choice.get("name", "auto") if isinstance(choice, dict) else choice or "auto"


def _json_schema(text_format: JsonObject) -> JsonObject | None:
    if text_format.get("type") == "json_schema":
        schema: JsonObject = text_format.get("schema") or {}
        return schema
    return {"properties": {"answer": {"type": "string"}}} if text_format.get("type") == "json_object" else None


def response(request: JsonObject, reply: Reply, number: int) -> JsonObject:
    """The answer as one `response` object."""
    text, finish_reason = cut_to_limit(reply, request.get("max_output_tokens"))
    cut = finish_reason in ("length", "content_filter")
    body = _head(request, reply, number) | {
        "status": "incomplete" if cut else "completed",
        "output": _output(reply, text, number, "incomplete" if cut else "completed"),
    }
    if cut:
        reason = "content_filter" if finish_reason == "content_filter" else "max_output_tokens"
        body["incomplete_details"] = {"reason": reason}
    return body | ({"usage": _usage_object(usage(request, reply, text))} if reply.with_usage else {})


def _head(request: JsonObject, reply: Reply, number: int) -> JsonObject:
    return {
        "id": reply.response_id or f"resp_{number:06d}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": request.get("instructions"),
        "max_output_tokens": request.get("max_output_tokens"),
        "model": reply.model or snapshot(request["model"]),
        "output": [],
        "parallel_tool_calls": request.get("parallel_tool_calls", True),
        "previous_response_id": request.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None} | (request.get("reasoning") or {}),
        "service_tier": "default",
        "store": request.get("store", True),
        "temperature": request.get("temperature", 1.0),
        "text": request.get("text") or {"format": {"type": "text"}},
        "tool_choice": request.get("tool_choice", "auto"),
        "tools": request.get("tools") or [],
        "top_p": request.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": None,
        "metadata": request.get("metadata") or {},
    }


def _output(reply: Reply, text: str, number: int, status: str) -> list[JsonObject]:
    """The items of the answer: reasoning, a message with text or refusal, and the tool calls."""
    items: list[JsonObject] = []
    if reply.reasoning is not None:
        summary = [{"type": "summary_text", "text": reply.reasoning}]
        items.append({"id": f"rs_{number:06d}", "type": "reasoning", "summary": summary})
    if text or reply.refusal is not None or not reply.tool_calls:
        part: JsonObject = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        if reply.refusal is not None:
            part = {"type": "refusal", "refusal": reply.refusal}
        message = {"id": f"msg_{number:06d}", "type": "message", "role": "assistant", "status": status}
        items.append(message | {"content": [part]})
    for index, (name, arguments) in enumerate(reply.tool_calls):
        call = {"id": f"fc_{number:06d}_{index}", "type": "function_call", "status": "completed", "name": name}
        items.append(call | {"call_id": f"call_{number:06d}_{index}", "arguments": arguments_text(arguments)})
    return items


def usage(request: JsonObject, reply: Reply, text: str) -> Usage:
    """The scripted usage, or the count over the request's input, instructions and tools and the answer."""
    if reply.usage is not None:
        return reply.usage
    texts = [json.dumps(item.get("content") or item, ensure_ascii=False) for item in input_items(request)]
    if request.get("instructions"):
        texts.append(request["instructions"])
    called = [f"{name}{arguments_text(arguments)}" for name, arguments in reply.tool_calls]
    reasoned = count_tokens(reply.reasoning or "")
    output = sum(count_tokens(said) for said in [text, reply.refusal or "", *called]) + reasoned
    return Usage(prompt_tokens(texts, request.get("tools") or ()), output, 0, reasoned)


def _usage_object(used: Usage) -> JsonObject:
    return {
        "input_tokens": used.input_tokens,
        "input_tokens_details": {"cached_tokens": used.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": used.output_tokens,
        "output_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
        "total_tokens": used.input_tokens + used.output_tokens,
    }


def events(request: JsonObject, reply: Reply, number: int) -> Iterator[str]:
    """The answer as server-sent events, numbered, from `response.created` to `response.completed` or `.incomplete`."""
    whole = response(request, reply, number)
    begun = _head(request, reply, number)
    stream: list[JsonObject] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(whole["output"]):
        at = {"output_index": index, "item_id": item["id"]}
        stream.append({"type": "response.output_item.added", "output_index": index, "item": _begun(item)})
        stream.extend(_ITEM_EVENTS[item["type"]](item, at))
        stream.append({"type": "response.output_item.done", "output_index": index, "item": item})
    stream.append({"type": f"response.{whole['status']}", "response": whole})
    for sequence_number, event in enumerate(stream):
        yield _event(event | {"sequence_number": sequence_number})


def _begun(item: JsonObject) -> JsonObject:
    """The item as it is announced: nothing in it yet."""
    nothing: dict[str, JsonObject] = {
        "reasoning": {"summary": []},
        "message": {"content": []},
        "function_call": {"arguments": ""},
    }
    return item | nothing[item["type"]] | ({"status": "in_progress"} if "status" in item else {})


def _reasoning_events(item: JsonObject, at: JsonObject) -> Iterator[JsonObject]:
    for index, part in enumerate(item["summary"]):
        at = at | {"summary_index": index}
        yield {"type": "response.reasoning_summary_part.added", "part": part | {"text": ""}} | at
        for piece in pieces(part["text"]):
            yield {"type": "response.reasoning_summary_text.delta", "delta": piece} | at
        yield {"type": "response.reasoning_summary_text.done", "text": part["text"]} | at
        yield {"type": "response.reasoning_summary_part.done", "part": part} | at


def _message_events(item: JsonObject, at: JsonObject) -> Iterator[JsonObject]:
    for index, part in enumerate(item["content"]):
        at = at | {"content_index": index}
        key = "refusal" if part["type"] == "refusal" else "text"
        more: JsonObject = {} if key == "refusal" else {"logprobs": []}
        name = "response.refusal" if key == "refusal" else "response.output_text"
        yield {"type": "response.content_part.added", "part": part | {key: ""}} | at
        for piece in pieces(part[key]):
            yield {"type": f"{name}.delta", "delta": piece} | at | more
        yield {"type": f"{name}.done", key: part[key]} | at | more
        yield {"type": "response.content_part.done", "part": part} | at


def _call_events(item: JsonObject, at: JsonObject) -> Iterator[JsonObject]:
    for piece in pieces(item["arguments"]):
        yield {"type": "response.function_call_arguments.delta", "delta": piece} | at
    done = {"type": "response.function_call_arguments.done", "name": item["name"], "arguments": item["arguments"]}
    yield done | at


_ITEM_EVENTS = {"reasoning": _reasoning_events, "message": _message_events, "function_call": _call_events}


def _event(event: JsonObject) -> str:
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n"


def failed_events(request: JsonObject, reply: Reply, number: int, sent: int) -> str:
    """The API's `error` event, flat where chat nests it, and `response.failed`; `sent` events came before."""
    error = stream_error(reply)
    told = {key: error[key] for key in ("code", "message", "param")}
    failed = _head(request, reply, number) | {
        "status": "failed",
        "error": {"code": "server_error", "message": error["message"]},
    }
    return _event({"type": "error", **told, "sequence_number": sent}) + _event(
        {"type": "response.failed", "response": failed, "sequence_number": sent + 1}
    )
