"""Responses: whole, in the background, with tools of the provider, parsed, compacted and fetched again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scripted import Answer, json_answer

from surfaces.case import ANSWER, DEEP, PIECES, PNG, QUESTION, Case, Depth, assistant, base64_of, blob, text, user

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

CASES = [
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
        json_answer(response(spoken_item(DEEP))),
        RESPONSES,
        {**REPLIED, "output": assistant(text(DEEP), finish_reason="stop")},
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
        since="2.9.0",
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
