"""Chat completions: requests read, replies written as one object or as the chunks of a stream.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

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


def conversation(request: JsonObject) -> Conversation:
    """What a request says, or a 400 as OpenAI gives it."""
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ApiError(
            400, "Missing required parameter: 'messages'.", code="missing_required_parameter", param="messages"
        )
    names = _call_names(messages)
    return Conversation(
        turns=[_turn(message, names) for message in messages],
        tools=[_tool(tool["function"]) for tool in request.get("tools") or [] if tool.get("type") == "function"],
        tool_choice=_tool_choice(request.get("tool_choice")),
        json_schema=_json_schema(request.get("response_format") or {}),
    )


def _call_names(messages: Sequence[JsonObject]) -> dict[str, str]:
    """Tool name by call id; every call must have its result and every result its call."""
    names: dict[str, str] = {}
    waiting: set[str] = set()
    for index, message in enumerate(messages):
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in waiting:
                problem = "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
                raise ApiError(400, problem, param=f"messages.[{index}].role")
            waiting.discard(message["tool_call_id"])
        elif waiting:
            break
        calls = message.get("tool_calls") or []
        names.update((call["id"], call.get("function", {}).get("name", "")) for call in calls)
        waiting.update(call["id"] for call in calls)
    if waiting:
        ids = ", ".join(sorted(waiting))
        raise ApiError(400, f"These tool_call_ids have no response message: {ids}", param="messages")
    return names


_ROLES: dict[str, str] = {"developer": "system", "function": "tool"}


def _turn(message: JsonObject, names: dict[str, str]) -> Turn:
    said_by: str = message["role"]
    role = _ROLES.get(said_by, said_by)
    name = names.get(message["tool_call_id"]) if role == "tool" and "tool_call_id" in message else message.get("name")
    return Turn(role, content_text(message.get("content")), name)


def content_text(content: Any) -> str:
    """The text of a message's content, which is a text, parts, or nothing; other parts are left out."""
    if isinstance(content, list):
        return "\n".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _tool(function: JsonObject) -> Tool:
    return Tool(function["name"], function.get("description") or "", function.get("parameters") or {})


def _tool_choice(choice: Any) -> str:
    return choice["function"]["name"] if isinstance(choice, dict) and "function" in choice else choice or "auto"


def _json_schema(response_format: JsonObject) -> JsonObject | None:
    if response_format.get("type") == "json_schema":
        schema: JsonObject = response_format["json_schema"].get("schema") or {}
        return schema
    return {"properties": {"answer": {"type": "string"}}} if response_format.get("type") == "json_object" else None


def cut_to_limit(reply: Reply, max_tokens: int | None) -> tuple[str, str]:
    """The text that fits the limit, and the finish reason."""
    text = reply.text or ""
    if max_tokens is not None and count_tokens(text) > max_tokens:
        return text.encode()[: 4 * max_tokens].decode("utf-8", "ignore"), reply.finish_reason or "length"
    return text, reply.finish_reason or ("tool_calls" if reply.tool_calls else "stop")


def completion(request: JsonObject, reply: Reply, number: int) -> JsonObject:
    """The answer as one `chat.completion` object."""
    choices = []
    for index, (text, finish_reason) in enumerate(_texts(request, reply)):
        message: JsonObject = {
            "role": "assistant",
            "content": text or None,
            "refusal": reply.refusal,
            "annotations": [],
        }
        if reply.tool_calls:
            message["tool_calls"] = [_call(reply, number, i) for i in range(len(reply.tool_calls))]
        if reply.text is not None:
            message["content"] = text
        choices.append({"index": index, "message": message, "logprobs": None, "finish_reason": finish_reason})
    body = _head(request, reply, number, "chat.completion") | {"choices": choices}
    return body | ({"usage": _usage_object(usage(request, reply))} if reply.with_usage else {})


def _texts(request: JsonObject, reply: Reply) -> list[tuple[str, str]]:
    """Text and finish reason of each choice; choices with no text of their own repeat the first."""
    limit = request.get("max_completion_tokens") or request.get("max_tokens")
    first = cut_to_limit(reply, limit)
    others = [cut_to_limit(Reply(text=text, finish_reason=reply.finish_reason), limit) for text in reply.alternatives]
    count = request.get("n") or 1
    return [first, *others, *[first] * count][:count]


def _call(reply: Reply, number: int, index: int) -> JsonObject:
    name, arguments = reply.tool_calls[index]
    function = {"name": name, "arguments": arguments_text(arguments)}
    return {"id": f"call_{number:06d}_{index}", "type": "function", "function": function}


def _head(request: JsonObject, reply: Reply, number: int, kind: str) -> JsonObject:
    return {
        "id": reply.response_id or f"chatcmpl-{number:06d}",
        "object": kind,
        "created": int(time.time()),
        "model": reply.model or snapshot(request["model"]),
        "service_tier": "default",
        "system_fingerprint": "fp_loopback",
    }


def usage(request: JsonObject, reply: Reply) -> Usage:
    """The scripted usage, or the count over the request's messages and tools and the answer."""
    if reply.usage is not None:
        return reply.usage
    texts = [
        content_text(message.get("content")) + json.dumps(message["tool_calls"] if message.get("tool_calls") else "")
        for message in request["messages"]
    ]
    said = [text for text, _ in _texts(request, reply)] + [reply.refusal or ""]
    called = [f"{name}{arguments_text(arguments)}" for name, arguments in reply.tool_calls]
    output = sum(count_tokens(text) for text in [*said, *called, reply.reasoning or ""])
    return Usage(prompt_tokens(texts, request.get("tools") or ()), output, 0, count_tokens(reply.reasoning or ""))


def _usage_object(used: Usage) -> JsonObject:
    return {
        "prompt_tokens": used.input_tokens,
        "completion_tokens": used.output_tokens,
        "total_tokens": used.input_tokens + used.output_tokens,
        "prompt_tokens_details": {"cached_tokens": used.cached_tokens, "audio_tokens": used.audio_input_tokens},
        "completion_tokens_details": {
            "reasoning_tokens": used.reasoning_tokens,
            "audio_tokens": used.audio_output_tokens,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def chunks(request: JsonObject, reply: Reply, number: int) -> Iterator[str]:
    """The answer as server-sent events: `chat.completion.chunk` objects and `[DONE]`."""
    head = _head(request, reply, number, "chat.completion.chunk")
    with_usage = bool((request.get("stream_options") or {}).get("include_usage")) and reply.with_usage
    if with_usage:
        head["usage"] = None
    for index, (text, finish_reason) in enumerate(_texts(request, reply)):
        for delta in _deltas(reply, text, number):
            yield _event(head, [{"index": index, "delta": delta, "logprobs": None, "finish_reason": None}])
        yield _event(head, [{"index": index, "delta": {}, "logprobs": None, "finish_reason": finish_reason}])
    if with_usage:
        yield _event(head | {"usage": _usage_object(usage(request, reply))}, [])
    yield "data: [DONE]\n\n"


def _deltas(reply: Reply, text: str, number: int) -> Iterator[JsonObject]:
    content = None if reply.tool_calls and not text else ""
    yield {"role": "assistant", "content": content, "refusal": None}
    yield from ({"content": piece} for piece in pieces(text))
    yield from ({"refusal": piece} for piece in pieces(reply.refusal or ""))
    for index in range(len(reply.tool_calls)):
        call = _call(reply, number, index)
        arguments = call["function"]["arguments"]
        yield {"tool_calls": [call | {"index": index, "function": call["function"] | {"arguments": ""}}]}
        for piece in pieces(arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _event(head: JsonObject, choices: list[JsonObject]) -> str:
    return f"data: {json.dumps(head | {'choices': choices}, ensure_ascii=False)}\n\n"


def failed_events(reply: Reply) -> str:
    """What a chat stream carries when the server fails in the middle of it."""
    return f"data: {json.dumps({'error': stream_error(reply)})}\n\n"
