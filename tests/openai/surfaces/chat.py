"""Chat completions: choices, tools, what is seen and heard, refusals, and the helpers that parse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scripted import Answer

from surfaces.case import (
    ANSWER,
    DEEP,
    PIECES,
    PNG,
    QUESTION,
    WAV,
    Case,
    Depth,
    assistant,
    base64_of,
    blob,
    text,
    user,
    wire,
)


def completion(*choices: Any, usage: Any = None) -> dict[str, Any]:
    facts = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini-2024-07-18"}
    return {**facts, "choices": [{"index": n, **choice} for n, choice in enumerate(choices)], "usage": usage}


def chunks(*deltas: Any, usage: Any = None, reason: str = "stop") -> list[Any]:
    """A chunk for each `(index, delta, logprobs)`, then the end of each choice, then the usage."""
    facts = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini-2024-07-18"}
    begun = [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]
    said = [
        [{"index": index, "delta": delta, "finish_reason": None, "logprobs": logprobs}]
        for index, delta, logprobs in deltas
    ]
    ends = [[{"index": n, "delta": {}, "finish_reason": reason}] for n in sorted({index for index, _, _ in deltas})]
    return [
        *({**facts, "choices": choices} for choices in [begun, *said, *ends]),
        {**facts, "choices": [], "usage": usage},
    ]


def pieces(*said: str) -> list[Any]:
    return [(0, {"content": piece}, None) for piece in said]


CHAT_USAGE = {
    "prompt_tokens": 120,
    "completion_tokens": 30,
    "total_tokens": 150,
    "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 10, "audio_tokens": 3},
}
CHAT_COUNTS = {
    "input_tokens": 120,
    "output_tokens": 30,
    "cached_tokens": 64,
    "reasoning_tokens": 10,
    "audio_input_tokens": 5,
    "audio_output_tokens": 3,
}
SAID = {"message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
ASKED = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": QUESTION}]}
CHAT = {
    "name": "chat gpt-4o-mini",
    "kind": "llm",
    "operation": "chat",
    "openai.api.type": "chat_completions",
    "request_model": "gpt-4o-mini",
    "input": user(text(QUESTION)),
}
ANSWERED = {"response_id": "chatcmpl-1", "response_model": "gpt-4o-mini-2024-07-18", "counts": CHAT_COUNTS}
CHAT_STREAM: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


def chat(use: str, request: Mapping[str, Any], answer: Any, told: Mapping[str, Any], **beside: Any) -> Case:
    return Case(
        beside.pop("method", "chat.completions.create"),
        {**ASKED, **request},
        wire(answer),
        {**CHAT, **beside.pop("asked", {})},
        {**ANSWERED, **told},
        use=use,
        done=True,
        **beside,
    )


LOGPROBS = {"content": [{"token": "From", "logprob": -0.1, "bytes": [70], "top_logprobs": []}], "refusal": None}
STREAMED_LOGPROBS = {"content": LOGPROBS["content"]}
TOOL = {"type": "function", "function": {"name": "measure", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "measure", "arguments": '{"unit": "m"}'}}
CALL_PART = {"type": "tool_call", "id": "call_1", "name": "measure", "arguments": {"unit": "m"}}
SPOKEN = {"id": "audio_1", "data": base64_of(WAV), "transcript": ANSWER, "expires_at": 9}
SEEN_AND_HEARD = [
    {"type": "text", "text": QUESTION},
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64_of(PNG)}"}},
    {"type": "input_audio", "input_audio": {"data": base64_of(WAV), "format": "wav"}},
]

CASES = [
    chat(
        "",
        {"temperature": 0.5},
        completion(SAID, usage=CHAT_USAGE),
        {"output": assistant(text(ANSWER), finish_reason="stop"), "finish_reasons": ["stop"]},
        asked={"request_parameters": {"temperature": 0.5}},
        streaming=CHAT_STREAM,
        events=chunks(*pieces(*PIECES), usage=CHAT_USAGE),
        broken={"output": assistant(text("From")), "response_id": "chatcmpl-1"},
    ),
    chat(
        "n > 1, logprobs",
        {"n": 2, "logprobs": True},
        completion({**SAID, "logprobs": LOGPROBS}, SAID, usage=CHAT_USAGE),
        {
            "output": [
                *assistant(text(ANSWER), finish_reason="stop", logprobs=LOGPROBS),
                *assistant(text(ANSWER), finish_reason="stop"),
            ],
            "finish_reasons": ["stop", "stop"],
        },
        asked={"request_parameters": {"n": 2, "logprobs": True}},
    ),
    chat(
        "n > 1, logprobs",
        {"n": 2, "logprobs": True},
        Answer(),
        {
            "output": [
                *assistant(text("From rain."), finish_reason="stop", logprobs=STREAMED_LOGPROBS),
                *assistant(text("From below."), finish_reason="stop"),
            ],
            "finish_reasons": ["stop", "stop"],
        },
        streaming=CHAT_STREAM,
        events=chunks(
            (0, {"content": "From"}, LOGPROBS),
            (1, {"content": "From"}, None),
            (0, {"content": " rain."}, None),
            (1, {"content": " below."}, None),
            usage=CHAT_USAGE,
        ),
        broken={"output": assistant(text("From"), logprobs=STREAMED_LOGPROBS)},
        only_ways=("stream", "raw stream", "streaming response of events"),
    ),
    chat(
        "tools",
        {"tools": [TOOL], "tool_choice": "required"},
        completion(
            {"message": {"role": "assistant", "content": None, "tool_calls": [CALL]}, "finish_reason": "tool_calls"},
            usage=CHAT_USAGE,
        ),
        {"output": assistant(CALL_PART, finish_reason="tool_calls"), "finish_reasons": ["tool_calls"]},
        asked={
            "request_parameters": {"tool_choice": "required"},
            "tool_definitions": [
                {"type": "function", "name": "measure", "parameters": {"type": "object", "properties": {}}}
            ],
        },
        streaming=CHAT_STREAM,
        events=chunks(
            (0, {"tool_calls": [{**CALL, "index": 0, "function": {"name": "measure", "arguments": ""}}]}, None),
            (0, {"tool_calls": [{"index": 0, "function": {"arguments": '{"unit":'}}]}, None),
            (0, {"tool_calls": [{"index": 0, "function": {"arguments": ' "m"}'}}]}, None),
            usage=CHAT_USAGE,
            reason="tool_calls",
        ),
        first="unit",
        broken={"output": assistant({**CALL_PART, "arguments": '{"unit":'})},
    ),
    chat(
        "images and audio",
        {
            "messages": [{"role": "user", "content": SEEN_AND_HEARD}],
            "modalities": ["text", "audio"],
            "audio": {"voice": "alloy", "format": "wav"},
        },
        completion(
            {"message": {"role": "assistant", "content": None, "audio": SPOKEN}, "finish_reason": "stop"},
            usage=CHAT_USAGE,
        ),
        {"output": assistant(blob(WAV, "audio", "audio/wav", transcript=ANSWER), finish_reason="stop")},
        asked={
            "input": user(text(QUESTION), blob(PNG, "image", "image/png"), blob(WAV, "audio", "audio/wav")),
            "request_parameters": {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
        },
        streaming=CHAT_STREAM,
        events=chunks(
            (0, {"audio": {"id": "audio_1", "transcript": "From"}}, None),
            (0, {"audio": {"data": base64_of(WAV[:12])}}, None),
            (0, {"audio": {"data": base64_of(WAV[12:]), "transcript": ANSWER.removeprefix("From")}}, None),
            usage=CHAT_USAGE,
        ),
        first=base64_of(WAV[:12]),
        broken={"output": assistant(blob(WAV[:12], "audio", "audio/wav", transcript="From"))},
    ),
    chat(
        "refusal",
        {},
        completion({"message": {"role": "assistant", "refusal": ANSWER}, "finish_reason": "stop"}, usage=CHAT_USAGE),
        {"output": assistant({"type": "refusal", "content": ANSWER}, finish_reason="stop")},
        streaming=CHAT_STREAM,
        events=chunks(*((0, {"refusal": piece}, None) for piece in PIECES), usage=CHAT_USAGE),
        broken={"output": assistant({"type": "refusal", "content": "From"})},
    ),
    chat(
        "",
        {"response_format": Depth},
        completion({"message": {"role": "assistant", "content": DEEP}, "finish_reason": "stop"}, usage=CHAT_USAGE),
        {"output": assistant(text(DEEP), finish_reason="stop")},
        method="chat.completions.parse",
        only_ways=("plain", "raw"),
    ),
    chat(
        "",
        {"stream_options": {"include_usage": True}},
        Answer(),
        {"output": assistant(text(ANSWER), finish_reason="stop")},
        method="chat.completions.stream",
        asked={"stream": True},
        streaming={},
        events=chunks(*pieces(*PIECES), usage=CHAT_USAGE),
        broken={"output": assistant(text("From"))},
        manager=True,
    ),
]
