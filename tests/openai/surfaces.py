"""The surfaces of the OpenAI SDK: what is asked of each, what the API answers, and what a span has to say of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pydantic
from scripted import Answer, event_stream, json_answer

PNG = b"\x89PNG\r\n\x1a\n the picture of a well"
WAV = b"RIFF\x00\x00\x00\x00WAVE the sound of a well"
MP3 = b"ID3 how a well is spoken of"

QUESTION = "Where does the water of a well come from?"
ANSWER = "From the ground, where rain has gathered."
PIECES = ("From", " the ground,", " where rain has gathered.")


class Depth(pydantic.BaseModel):
    metres: int


@dataclass(frozen=True)
class Case:
    """One surface, or one use of it, which `use` names.

    `asked` is what a span says whatever the answer; `told` what it says of a whole answer, and `broken` of a stream
    that was left at the first event with `first` in it. Both name columns or attributes; `counts` is all its tokens.
    `streaming` is what to ask for a stream, None where there is none; `manager` is for helpers that are one by
    themselves. `done` is whether the API ends the stream with `[DONE]`.
    """

    method: str
    request: Mapping[str, Any]
    answer: Answer
    asked: Mapping[str, Any]
    told: Mapping[str, Any]
    use: str = ""
    args: Sequence[Any] = ()
    streaming: Mapping[str, Any] | None = None
    events: Sequence[Any] = ()
    done: bool = False
    first: str = "From"
    broken: Mapping[str, Any] = field(default_factory=dict)
    manager: bool = False
    only_ways: Sequence[str] = ()

    @property
    def surface(self) -> str:
        return f"{self.method}: {self.use}" if self.use else self.method

    @property
    def stream_answer(self) -> Answer:
        return event_stream(self.events, done=self.done)


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def wire(answer: Any) -> Answer:
    return answer if isinstance(answer, Answer) else json_answer(answer)


def text(content: str, **beside: Any) -> dict[str, Any]:
    return {"type": "text", "content": content, **beside}


def blob(content: bytes, modality: str, mime_type: str, **beside: Any) -> dict[str, Any]:
    data = base64_of(content)
    return {"type": "blob", "modality": modality, "mime_type": mime_type, "content": data, **beside}


def user(*parts: Any) -> list[Any]:
    return [{"role": "user", "parts": list(parts)}]


def assistant(*parts: Any, **beside: Any) -> list[Any]:
    return [{"role": "assistant", "parts": list(parts), **beside}]


# Chat completions


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


def pieces(*said: str, **beside: Any) -> list[Any]:
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
JSON_TEXT = '{"metres": 12}'

CHAT_CASES = [
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
        completion({"message": {"role": "assistant", "content": JSON_TEXT}, "finish_reason": "stop"}, usage=CHAT_USAGE),
        {"output": assistant(text(JSON_TEXT), finish_reason="stop")},
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


# Responses

RESPONSES_USAGE = {
    "input_tokens": 120,
    "output_tokens": 30,
    "total_tokens": 150,
    "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 7},
    "output_tokens_details": {"reasoning_tokens": 10},
}
RESPONSES_COUNTS = {
    "input_tokens": 120,
    "output_tokens": 30,
    "cached_tokens": 64,
    "cache_write_tokens": 7,
    "reasoning_tokens": 10,
}


def response(*output: Any, status: str = "completed", usage: Any = RESPONSES_USAGE) -> dict[str, Any]:
    facts = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5-2025-08-07", "error": None}
    settings = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    return {**facts, **settings, "status": status, "output": list(output), "usage": usage}


def spoken_item(said: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": said, "annotations": []}]
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}


def response_events(*output: Any, said: Sequence[str] = ()) -> list[Any]:
    """The events of a response whose last item is a message with these pieces."""
    begun = response(status="in_progress", usage=None)
    place = {"item_id": "msg_1", "output_index": len(output), "content_index": 0}
    message = {**spoken_item(""), "status": "in_progress", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    told = [
        {"type": "response.created", "response": begun},
        *({"type": "response.output_item.added", "output_index": n, "item": item} for n, item in enumerate(output)),
        *({"type": "response.output_item.done", "output_index": n, "item": item} for n, item in enumerate(output)),
        {"type": "response.output_item.added", "output_index": len(output), "item": message},
        {"type": "response.content_part.added", **place, "part": part},
        *({"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []} for piece in said),
        {"type": "response.output_text.done", **place, "text": "".join(said), "logprobs": []},
        {"type": "response.output_item.done", "output_index": len(output), "item": spoken_item("".join(said))},
        {"type": "response.completed", "response": response(*output, spoken_item("".join(said)))},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(told)]


RESPONSES = {
    "name": "chat gpt-5",
    "kind": "llm",
    "operation": "chat",
    "openai.api.type": "responses",
    "request_model": "gpt-5",
    "input": user(text(QUESTION)),
}
REPLIED = {"response_id": "resp_1", "response_model": "gpt-5-2025-08-07", "counts": RESPONSES_COUNTS}

TOOL_ITEMS = [
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Look it up."}]},
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "well"}},
    {
        "type": "file_search_call",
        "id": "fs_1",
        "status": "completed",
        "queries": ["well"],
        "results": [{"file_id": "file_1", "filename": "wells.md", "score": 0.9, "text": "Rain gathers."}],
    },
    {
        "type": "code_interpreter_call",
        "id": "ci_1",
        "status": "completed",
        "code": "print(12)",
        "container_id": "cntr_1",
        "outputs": [{"type": "logs", "logs": "12"}],
    },
    {
        "type": "mcp_call",
        "id": "mcp_1",
        "name": "measure",
        "server_label": "wells",
        "arguments": "{}",
        "output": "12",
        "error": None,
    },
    {
        "type": "image_generation_call",
        "id": "ig_1",
        "status": "completed",
        "result": base64_of(PNG),
        "output_format": "png",
    },
]


def ran(item: Mapping[str, Any], without: str = "") -> dict[str, Any]:
    name = item["type"].removesuffix("_call")
    told = {field: value for field, value in item.items() if field != without}
    return {"type": "server_tool_call", "id": item["id"], "name": name, "server_tool_call": told}


TOOL_PARTS = [
    {"type": "reasoning", "content": "Look it up."},
    *(ran(item) for item in TOOL_ITEMS[1:-1]),
    ran(TOOL_ITEMS[-1], without="result"),
    blob(PNG, "image", "image/png", id="ig_1"),
]
ASKED_AGAIN = {"model": "gpt-5", "input": QUESTION}

RESPONSES_CASES = [
    Case(
        "responses.create",
        {**ASKED_AGAIN, "instructions": "Be brief.", "reasoning": {"effort": "low"}},
        json_answer(response(spoken_item(ANSWER))),
        {
            **RESPONSES,
            "request_parameters": {"reasoning": {"effort": "low"}},
            "system_instructions": [text("Be brief.")],
        },
        {**REPLIED, "output": assistant(text(ANSWER), finish_reason="stop"), "finish_reasons": ["stop"]},
        streaming={"stream": True},
        events=response_events(said=PIECES),
        broken={"output": assistant(text("From")), "response_id": "resp_1"},
    ),
    Case(
        "responses.create",
        {**ASKED_AGAIN, "tools": [{"type": "web_search"}]},
        json_answer(response(*TOOL_ITEMS, spoken_item(ANSWER))),
        {**RESPONSES, "tool_definitions": [{"type": "web_search"}]},
        {**REPLIED, "output": assistant(*TOOL_PARTS, text(ANSWER), finish_reason="stop")},
        use="the provider's tools, reasoning",
        streaming={"stream": True},
        events=response_events(*TOOL_ITEMS, said=PIECES),
        broken={"output": assistant(*TOOL_PARTS, text("From"))},
    ),
    Case(
        "responses.create",
        {**ASKED_AGAIN, "background": True},
        json_answer(response(status="queued", usage=None)),
        {**RESPONSES, "request_parameters": {"background": True}},
        {"response_id": "resp_1", "gen_ai.response.status": "queued", "output": None, "counts": {}},
        use="in the background",
    ),
    Case(
        "responses.parse",
        {**ASKED_AGAIN, "text_format": Depth},
        json_answer(response(spoken_item(JSON_TEXT))),
        RESPONSES,
        {**REPLIED, "output": assistant(text(JSON_TEXT), finish_reason="stop")},
        only_ways=("plain", "raw"),
    ),
    Case(
        "responses.stream",
        ASKED_AGAIN,
        Answer(),
        {**RESPONSES, "stream": True},
        {**REPLIED, "output": assistant(text(ANSWER), finish_reason="stop")},
        streaming={},
        events=response_events(said=PIECES),
        broken={"output": assistant(text("From"))},
        manager=True,
    ),
    Case(
        "responses.compact",
        ASKED_AGAIN,
        json_answer(
            {
                "id": "resp_2",
                "object": "response.compaction",
                "created_at": 1,
                "output": [{"type": "compaction", "id": "cmp_1", "encrypted_content": "…"}],
                "usage": RESPONSES_USAGE,
            }
        ),
        {**RESPONSES, "name": "responses.compact gpt-5", "openai.api.type": None},
        {
            "response_id": "resp_2",
            "output": assistant({"type": "compaction", "id": "cmp_1", "encrypted_content": "…"}),
            "counts": RESPONSES_COUNTS,
        },
    ),
    Case(
        "responses.retrieve",
        {},
        json_answer(response(spoken_item(ANSWER))),
        {"name": "responses.retrieve", "kind": "http", "operation": "fetch_response", "response_id": "resp_1"},
        {"output": assistant(text(ANSWER), finish_reason="stop"), "gen_ai.response.status": "completed", "counts": {}},
        args=["resp_1"],
        streaming={"stream": True},
        events=response_events(said=PIECES),
        broken={"output": assistant(text("From"))},
    ),
]


# Other models

COMPLETION = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "gpt-3.5-turbo-instruct"}
MADE = {"created": 1, "output_format": "png", "data": [{"b64_json": base64_of(PNG)}]}
IMAGE_USAGE = {
    "input_tokens": 40,
    "output_tokens": 1056,
    "total_tokens": 1096,
    "input_tokens_details": {"image_tokens": 30, "text_tokens": 10},
    "output_tokens_details": {"image_tokens": 1056, "text_tokens": 0},
}
IMAGE_COUNTS = {
    "input_tokens": 40,
    "output_tokens": 1056,
    "gen_ai.usage.image.input_tokens": 30,
    "gen_ai.usage.text.input_tokens": 10,
    "gen_ai.usage.image.output_tokens": 1056,
    "gen_ai.usage.text.output_tokens": 0,
}
PICTURE = {
    "kind": "llm",
    "operation": "image_generation",
    "gen_ai.output.type": "image",
    "request_model": "gpt-image-1",
}
SOUND = {
    "kind": "llm",
    "request_model": "gpt-4o-transcribe",
    "operation": "transcription",
    "gen_ai.output.type": "text",
}
HEARD_USAGE = {
    "type": "tokens",
    "input_tokens": 40,
    "output_tokens": 9,
    "total_tokens": 49,
    "input_token_details": {"audio_tokens": 35, "text_tokens": 5},
}
HEARD_COUNTS = {
    "input_tokens": 40,
    "output_tokens": 9,
    "audio_input_tokens": 35,
    "gen_ai.usage.text.input_tokens": 5,
}
HEARD = blob(WAV, "audio", "audio/x-wav", filename="well.wav", field="file")
SRT = f"1\n00:00:00,000 --> 00:00:02,000\n{ANSWER}\n"
FLAGS = [{"flagged": False, "categories": {"violence": False}, "category_scores": {"violence": 0.01}}]
VIDEO = {
    "id": "video_1",
    "object": "video",
    "created_at": 1,
    "model": "sora-2",
    "status": "queued",
    "progress": 0,
    "seconds": "4",
    "size": "720x1280",
}
DECIDED = [{"type": "predicate", "name": "is_well", "probability": 0.9}]


def image_events(kind: str) -> list[Any]:
    facts = {"created_at": 1, "size": "1024x1024", "quality": "low", "background": "auto", "output_format": "png"}
    begun = {"b64_json": base64_of(PNG[:18]), "partial_image_index": 0}
    return [
        {"type": f"{kind}.partial_image", **facts, **begun},
        {"type": f"{kind}.completed", **facts, "b64_json": base64_of(PNG), "usage": IMAGE_USAGE},
    ]


PARTIAL = assistant(blob(PNG[:18], "image", "image/png", partial=True))

MODEL_CASES = [
    Case(
        "completions.create",
        {"model": "gpt-3.5-turbo-instruct", "prompt": QUESTION, "max_tokens": 9},
        json_answer(
            {
                **COMPLETION,
                "choices": [{"index": 0, "text": ANSWER, "finish_reason": "stop", "logprobs": None}],
                "usage": {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21},
            }
        ),
        {
            "name": "text_completion gpt-3.5-turbo-instruct",
            "kind": "llm",
            "operation": "text_completion",
            "input": user(text(QUESTION)),
            "request_parameters": {"max_tokens": 9},
        },
        {
            "output": assistant(text(ANSWER), finish_reason="stop"),
            "finish_reasons": ["stop"],
            "counts": {"input_tokens": 12, "output_tokens": 9},
        },
        streaming=CHAT_STREAM,
        events=[
            *({**COMPLETION, "choices": [{"index": 0, "text": piece, "finish_reason": None}]} for piece in PIECES),
            {**COMPLETION, "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]},
            {**COMPLETION, "choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21}},
        ],
        done=True,
        broken={"output": assistant(text("From"))},
    ),
    Case(
        "embeddings.create",
        {"model": "text-embedding-3-small", "input": [QUESTION, ANSWER], "dimensions": 2, "encoding_format": "float"},
        json_answer(
            {
                "object": "list",
                "model": "text-embedding-3-small",
                "data": [{"object": "embedding", "index": n, "embedding": [0.1, 0.2]} for n in (0, 1)],
                "usage": {"prompt_tokens": 12, "total_tokens": 12},
            }
        ),
        {
            "name": "embeddings text-embedding-3-small",
            "kind": "embedding",
            "operation": "embeddings",
            "input": [QUESTION, ANSWER],
            "request_parameters": {"dimensions": 2, "encoding_format": "float"},
        },
        {"output": {"count": 2, "dimensions": 2}, "counts": {"input_tokens": 12}},
    ),
    Case(
        "images.generate",
        {"model": "gpt-image-1", "prompt": "A well.", "size": "1024x1024"},
        json_answer({**MADE, "usage": IMAGE_USAGE}),
        {
            **PICTURE,
            "name": "images.generate gpt-image-1",
            "input": user(text("A well.")),
            "request_parameters": {"size": "1024x1024"},
        },
        {"output": assistant(blob(PNG, "image", "image/png")), "counts": IMAGE_COUNTS},
        streaming={"stream": True},
        events=image_events("image_generation"),
        first="partial_image",
        broken={"output": PARTIAL},
    ),
    Case(
        "images.edit",
        {"model": "gpt-image-1", "prompt": "Deeper.", "image": [("well.png", PNG), ("hill.png", PNG)], "mask": PNG},
        json_answer({**MADE, "usage": IMAGE_USAGE}),
        {
            **PICTURE,
            "name": "images.edit gpt-image-1",
            "input": user(
                text("Deeper."),
                blob(PNG, "image", "image/png", filename="well.png", field="image"),
                blob(PNG, "image", "image/png", filename="hill.png", field="image"),
                blob(PNG, "image", "image/png", field="mask"),
            ),
        },
        {"output": assistant(blob(PNG, "image", "image/png")), "counts": IMAGE_COUNTS},
        streaming={"stream": True},
        events=image_events("image_edit"),
        first="partial_image",
        broken={"output": PARTIAL},
    ),
    Case(
        "images.create_variation",
        {"model": "dall-e-2", "image": ("well.png", PNG), "n": 1},
        json_answer({"created": 1, "data": [{"url": "https://example.org/well.png"}]}),
        {
            **PICTURE,
            "name": "images.create_variation dall-e-2",
            "request_model": "dall-e-2",
            "input": user(blob(PNG, "image", "image/png", filename="well.png", field="image")),
            "request_parameters": {"n": 1},
        },
        {
            "output": assistant({"type": "uri", "modality": "image", "uri": "https://example.org/well.png"}),
            "counts": {},
        },
    ),
    Case(
        "audio.speech.create",
        {"model": "gpt-4o-mini-tts", "input": ANSWER, "voice": "alloy", "instructions": "Whisper."},
        Answer(MP3, "audio/mpeg"),
        {
            "name": "audio.speech.create gpt-4o-mini-tts",
            "kind": "llm",
            "operation": "speech",
            "gen_ai.output.type": "speech",
            "input": user(text(ANSWER)),
            "system_instructions": [text("Whisper.")],
            "request_parameters": {"voice": "alloy"},
        },
        {"output": assistant(blob(MP3, "audio", "audio/mpeg")), "counts": {}},
    ),
    Case(
        "audio.speech.create",
        {"model": "gpt-4o-mini-tts", "input": ANSWER, "voice": "alloy"},
        Answer(),
        {"name": "audio.speech.create gpt-4o-mini-tts", "kind": "llm", "operation": "speech", "stream": True},
        {
            "output": assistant(blob(MP3, "audio", "audio/mpeg")),
            "counts": {"input_tokens": 12, "output_tokens": 90},
        },
        streaming={"stream_format": "sse"},
        events=[
            {"type": "speech.audio.delta", "audio": base64_of(MP3[:6])},
            {"type": "speech.audio.delta", "audio": base64_of(MP3[6:])},
            {
                "type": "speech.audio.done",
                "usage": {"input_tokens": 12, "output_tokens": 90, "total_tokens": 102},
            },
        ],
        first="speech.audio.delta",
        broken={"output": assistant(blob(MP3[:6], "audio", "audio/mpeg"))},
        only_ways=("streaming response of events",),
    ),
    Case(
        "audio.transcriptions.create",
        {"model": "gpt-4o-transcribe", "file": ("well.wav", WAV), "language": "en"},
        json_answer({"text": ANSWER, "usage": HEARD_USAGE}),
        {
            **SOUND,
            "name": "audio.transcriptions.create gpt-4o-transcribe",
            "input": user(HEARD),
            "request_parameters": {"language": "en"},
        },
        {"output": assistant(text(ANSWER)), "counts": HEARD_COUNTS},
        streaming={"stream": True},
        events=[
            *({"type": "transcript.text.delta", "delta": piece} for piece in PIECES),
            {"type": "transcript.text.done", "text": ANSWER, "usage": HEARD_USAGE},
        ],
        broken={"output": assistant(text("From"))},
    ),
    Case(
        "audio.transcriptions.create",
        {"model": "whisper-1", "file": ("well.wav", WAV), "response_format": "verbose_json"},
        json_answer(
            {
                "task": "transcribe",
                "text": ANSWER,
                "language": "english",
                "duration": 2.5,
                "segments": [],
                "usage": {"type": "duration", "seconds": 3},
            }
        ),
        {
            **SOUND,
            "name": "audio.transcriptions.create whisper-1",
            "request_model": "whisper-1",
            "input": user(HEARD),
            "request_parameters": {"response_format": "verbose_json"},
        },
        {
            "output": assistant(text(ANSWER, language="english", duration=2.5, segments=[])),
            "openai.usage.seconds": 3,
            "counts": {},
        },
        use="paid by the second",
    ),
    Case(
        "audio.transcriptions.create",
        {"model": "whisper-1", "file": ("well.wav", WAV), "response_format": "srt"},
        Answer(SRT.encode(), "text/plain; charset=utf-8"),
        {
            **SOUND,
            "name": "audio.transcriptions.create whisper-1",
            "request_model": "whisper-1",
            "request_parameters": {"response_format": "srt"},
        },
        {"output": assistant(text(SRT)), "counts": {}},
        use="as subtitles",
    ),
    Case(
        "audio.translations.create",
        {"model": "whisper-1", "file": ("well.wav", WAV)},
        json_answer({"text": ANSWER}),
        {
            **SOUND,
            "name": "audio.translations.create whisper-1",
            "request_model": "whisper-1",
            "operation": "translation",
            "input": user(HEARD),
        },
        {"output": assistant(text(ANSWER)), "counts": {}},
    ),
    Case(
        "moderations.create",
        {"model": "omni-moderation-latest", "input": [QUESTION, ANSWER]},
        json_answer({"id": "modr-1", "model": "omni-moderation-latest", "results": FLAGS}),
        {
            "name": "moderations.create omni-moderation-latest",
            "kind": "guardrail",
            "operation": None,
            "input": [*user(text(QUESTION)), *user(text(ANSWER))],
        },
        {"output": FLAGS, "response_id": "modr-1", "counts": {}},
    ),
    Case(
        "decisions.create",
        {"model": "gpt-6-luna", "input": QUESTION, "questions": [{"type": "predicate", "question": "Of a well?"}]},
        json_answer({"model": "gpt-6-luna", "answers": DECIDED, "usage": RESPONSES_USAGE}),
        {
            "name": "decisions.create gpt-6-luna",
            "kind": "llm",
            "input": user(text(QUESTION)),
            "request_parameters": {"questions": [{"type": "predicate", "question": "Of a well?"}]},
        },
        {"output": DECIDED, "counts": RESPONSES_COUNTS},
    ),
    Case(
        "videos.create",
        {"model": "sora-2", "prompt": "A well.", "seconds": "4", "input_reference": ("well.png", PNG)},
        json_answer(VIDEO),
        {
            "name": "videos.create sora-2",
            "kind": "llm",
            "operation": "video_generation",
            "input": user(
                text("A well."), blob(PNG, "image", "image/png", filename="well.png", field="input_reference")
            ),
            "request_parameters": {"seconds": "4"},
        },
        {"output": VIDEO, "response_id": "video_1", "gen_ai.response.status": "queued", "counts": {}},
    ),
    Case(
        "videos.remix",
        {"prompt": "At night."},
        json_answer(VIDEO),
        {
            "name": "videos.remix",
            "kind": "llm",
            "input": user(text("At night.")),
            "request_parameters": {"video_id": "video_0"},
        },
        {"output": VIDEO, "response_model": "sora-2", "counts": {}},
        args=["video_0"],
    ),
    Case(
        "vector_stores.search",
        {"query": QUESTION, "max_num_results": 3},
        json_answer(
            {
                "object": "vector_store.search_results.page",
                "search_query": [QUESTION],
                "data": [
                    {
                        "file_id": "file_1",
                        "filename": "wells.md",
                        "score": 0.9,
                        "attributes": {"lang": "en"},
                        "content": [{"type": "text", "text": ANSWER}],
                    }
                ],
                "has_more": False,
                "next_page": None,
            }
        ),
        {
            "name": "retrieval vs_1",
            "kind": "retriever",
            "operation": "retrieval",
            "input": QUESTION,
            "request_parameters": {"vector_store_id": "vs_1", "max_num_results": 3},
            "gen_ai.data_source.id": "vs_1",
            "gen_ai.retrieval.query.text": QUESTION,
            "gen_ai.retrieval.top_k": 3,
        },
        {
            "output": [
                {"id": "file_1", "score": 0.9, "content": ANSWER, "name": "wells.md", "metadata": {"lang": "en"}}
            ],
            "counts": {},
        },
        args=["vs_1"],
    ),
]


# What is no model call


def light(method: str, request: Mapping[str, Any], answer: Any, sent: Any, told: Any, **beside: Any) -> Case:
    asked = {"name": method, "kind": "http", "operation": None, "input": sent, **beside.pop("asked", {})}
    return Case(method, request, wire(answer), asked, {"output": told, "counts": {}}, **beside)


def page(*items: Any) -> dict[str, Any]:
    return {"object": "list", "data": list(items), "first_id": "a", "last_id": "b", "has_more": False}


FILE = {"id": "file_1", "object": "file", "bytes": 9, "created_at": 1, "filename": "wells.jsonl", "purpose": "batch"}
BATCH = {
    "id": "batch_1",
    "object": "batch",
    "endpoint": "/v1/responses",
    "status": "validating",
    "usage": {"input_tokens": 7, "output_tokens": 9},
}
PLAIN_PAGE = {"object": "list", "data_count": 1, "first_id": "a", "last_id": "b", "has_more": False}
RUN = {"id": "run_1", "object": "thread.run", "status": "queued", "usage": {"prompt_tokens": 7}, "tools": []}
NOT_TOLD = "of the answer, only its type and size are recorded"

LIGHT_CASES = [
    light(
        "responses.cancel",
        {},
        response(spoken_item(ANSWER), status="cancelled"),
        {"response_id": "resp_1"},
        {
            "id": "resp_1",
            "object": "response",
            "created_at": 1,
            "model": "gpt-5-2025-08-07",
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools_count": 0,
            "status": "cancelled",
            "output_count": 1,
        },
        args=["resp_1"],
    ),
    light("responses.delete", {}, Answer(b""), {"response_id": "resp_1"}, None, args=["resp_1"]),
    light(
        "responses.input_items.list",
        {"limit": 1},
        page({"type": "message", "id": "msg_1", "role": "user", "content": []}),
        {"response_id": "resp_1", "limit": 1},
        PLAIN_PAGE,
        args=["resp_1"],
    ),
    light(
        "conversations.create",
        {"items": [{"role": "user", "content": QUESTION}]},
        {"id": "conv_1", "object": "conversation", "created_at": 1, "metadata": {}},
        {"items": [{"role": "user", "content": QUESTION}]},
        {"id": "conv_1", "object": "conversation", "created_at": 1},
    ),
    light(
        "files.create",
        {"file": ("wells.jsonl", b"a whole file"), "purpose": "batch"},
        FILE,
        {"purpose": "batch", "file": [{"filename": "wells.jsonl", "bytes": 12}]},
        FILE,
    ),
    light("files.list", {"purpose": "batch"}, page(FILE), {"purpose": "batch"}, PLAIN_PAGE),
    light(
        "files.content",
        {},
        Answer(b"a whole file", "application/octet-stream"),
        {"file_id": "file_1"},
        {"mime_type": "application/octet-stream", "bytes": 12},
        args=["file_1"],
    ),
    light(
        "batches.create",
        {"input_file_id": "file_1", "endpoint": "/v1/responses", "completion_window": "24h"},
        BATCH,
        {"input_file_id": "file_1", "endpoint": "/v1/responses", "completion_window": "24h"},
        {"id": "batch_1", "object": "batch", "endpoint": "/v1/responses", "status": "validating"},
    ),
    light(
        "fine_tuning.jobs.create",
        {"model": "gpt-4o-mini", "training_file": "file_1"},
        {"id": "ftjob-1", "object": "fine_tuning.job", "status": "queued"},
        {"model": "gpt-4o-mini", "training_file": "file_1"},
        {"id": "ftjob-1", "object": "fine_tuning.job", "status": "queued"},
    ),
    light(
        "containers.files.list",
        {},
        page({"id": "cfile_1", "object": "container.file"}),
        {"container_id": "cntr_1"},
        PLAIN_PAGE,
        args=["cntr_1"],
    ),
    light(
        "videos.download_content",
        {},
        Answer(b"a whole video", "video/mp4"),
        {"video_id": "video_1"},
        {"mime_type": "video/mp4", "bytes": 13},
        args=["video_1"],
    ),
    light(
        "beta.threads.runs.create",
        {"assistant_id": "asst_1"},
        RUN,
        {"thread_id": "thread_1", "assistant_id": "asst_1"},
        {"id": "run_1", "object": "thread.run", "status": "queued", "tools_count": 0},
        args=["thread_1"],
        asked={
            "kind": "agent",
            "operation": "invoke_agent",
            "gen_ai.conversation.id": "thread_1",
            "gen_ai.agent.id": "asst_1",
        },
    ),
    Case(
        "models.list",
        {},
        json_answer({"object": "list", "data": [{"id": "gpt-5", "object": "model"}]}),
        {
            "name": "GET /models",
            "kind": "http",
            "operation": None,
            "input": None,
            "http.request.method": "GET",
            "url.path": "/models",
            "tracer.missed": ["GET /models of OpenAI: only method, path and status are recorded"],
        },
        {"output": None, "counts": {}},
    ),
]

CASES = [*CHAT_CASES, *RESPONSES_CASES, *MODEL_CASES, *LIGHT_CASES]
